"""Log-in: station, lock after five failures, session bound to the seat."""

from __future__ import annotations

import unicodedata

import pytest
from django.conf import settings

from gwanje.centre.staff import duties, services
from gwanje.centre.staff.login import network_of
from gwanje.centre.staff.models import LoginTry
from support.centre import PASSWORD, Browser

pytestmark = pytest.mark.django_db


def _try(browser, person, seat, password=PASSWORD):
    return browser.post("/login/", {"account": person.account, "password": password, "station": seat.code})


def test_login_page_offers_registered_stations(stranger, seat):
    page = stranger.get("/login/")
    assert page.status_code == 200
    assert seat.code in page.content.decode()
    assert "script-src" not in page["Content-Security-Policy"]
    assert page["Content-Security-Policy"].startswith("default-src 'self'")
    assert page["Cache-Control"] == "no-store"


def test_login_binds_the_session_to_the_station(stranger, hire, seat, room):
    person = hire("operator")
    done = _try(stranger, person, seat)
    assert done.status_code == 302
    me = stranger.get("/api/staff/me").json()
    assert me["person"] == str(person.pk)
    assert me["station"] == seat.code
    assert me["roles"] == ["operator"]
    # the same session at another seat is nobody's
    other = Browser()
    other.cookies[settings.SESSION_COOKIE_NAME] = stranger.cookies[settings.SESSION_COOKIE_NAME].value
    assert other.get("/api/staff/me").status_code == 401


def test_a_forged_station_cookie_is_nobody(stranger, hire, seat):
    person = hire("operator")
    _try(stranger, person, seat)
    stranger.cookies[settings.STATION_COOKIE] = str(seat.pk) + ":1abcde:forged"
    assert stranger.get("/api/staff/me").status_code == 401


def test_fifth_failure_locks_this_account_at_this_address(stranger, hire, seat):
    person, other = hire("operator"), hire("manager")
    answers = [_try(stranger, person, seat, "틀린-비밀번호-입니다").status_code for _ in range(5)]
    assert answers == [401] * 5
    locked = _try(stranger, person, seat)
    assert locked.status_code == 429
    assert LoginTry.objects.get().locked_until is not None
    assert _try(stranger, other, seat).status_code == 302


def test_lock_ends_after_fifteen_minutes(stranger, hire, seat, advance):
    person = hire("operator")
    for _ in range(5):
        _try(stranger, person, seat, "틀린-비밀번호-입니다")
    advance(15 * 60 + 1)
    assert _try(stranger, person, seat).status_code == 302
    assert not LoginTry.objects.exists()


def test_unknown_account_and_closed_account_look_alike(stranger, hire, seat):
    person = hire("operator")
    person.active = False
    person.save()
    closed = _try(stranger, person, seat)
    person.account = "nobody"
    unknown = _try(stranger, person, seat)
    assert closed.status_code == unknown.status_code == 401
    assert "계정이나 비밀번호" in closed.content.decode()


def test_login_needs_a_registered_station(stranger, hire, seat):
    person = hire("operator")
    seat.active = False
    seat.save()
    assert _try(stranger, person, seat).status_code == 422


def test_english_on_request_korean_otherwise(stranger, seat):
    assert "직원 로그인" in stranger.get("/login/", headers={"Accept-Language": "en-US"}).content.decode()
    stranger.post("/language/", {"language": "en", "next": "/login/"})
    assert stranger.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"
    assert stranger.get("/login/")["Content-Language"] == "en"


def test_language_switch_never_leaves_the_site(stranger):
    assert stranger.post("/language/", {"language": "en", "next": "//evil.example/x"})["Location"] == "/x"


def test_old_failures_and_dead_sessions_are_forgotten(stranger, hire, seat, advance):
    _try(stranger, hire("operator"), seat)
    _try(Browser(), hire("manager"), seat, "틀린-비밀번호-입니다")
    assert duties.run() == (0, 0)
    advance(2 * 86400)
    assert duties.run() == (1, 1)
    assert not LoginTry.objects.exists()


def test_no_other_spelling_has_tries_of_its_own(stranger, hire, seat):
    """Case, spaces, Unicode form: one account, one lock."""
    services.create_person("가온사람", "김가온", hire("operator").agency, PASSWORD)
    spellings = ["가온사람", " 가온사람 ", unicodedata.normalize("NFD", "가온사람"), "가온사람\t", "\u3000가온사람"]
    for account in spellings:
        wrong = {"account": account, "password": "틀린-비밀번호-입니다", "station": seat.code}
        assert stranger.post("/login/", wrong).status_code == 401
    right = {"account": "가온사람", "password": PASSWORD, "station": seat.code}
    assert stranger.post("/login/", right).status_code == 429
    assert LoginTry.objects.count() == 1


def test_many_addresses_are_many_doors_but_not_without_end(stranger, hire, seat, monkeypatch):
    monkeypatch.setattr("gwanje.centre.staff.login.TRIES_ALL_MAX", 8)
    person = hire("operator")
    wrong = {"account": person.account, "password": "틀린-비밀번호-입니다", "station": seat.code}
    for number in range(8):
        assert stranger.post("/login/", wrong, REMOTE_ADDR=f"192.0.2.{number}").status_code == 401
    assert stranger.post("/login/", {**wrong, "password": PASSWORD}, REMOTE_ADDR="192.0.2.99").status_code == 429


def test_one_host_of_ipv6_is_one_network():
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("") == ""


def test_a_seat_of_another_agency_is_refused_like_a_wrong_password(stranger, hire, police, seat):
    officer = hire("operator", agency=police)
    answer = _try(stranger, officer, seat)
    assert answer.status_code == 401
    assert "계정이나 비밀번호" in answer.content.decode()
    assert LoginTry.objects.get().failures == 1
    theirs = services.add_station("경찰석-1", "상황실", police)
    assert _try(stranger, officer, theirs).status_code == 302


@pytest.mark.parametrize("field", ["account", "station"])
def test_what_cannot_be_stored_is_told_and_is_no_incident(stranger, hire, seat, field):
    said = {"account": hire("operator").account, "password": PASSWORD, "station": seat.code}
    answer = stranger.post("/login/", {**said, field: "a\0b"})
    assert answer.status_code == 422
    assert "저장할 수 없는 글자" in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/cameras/?q=%00", "/cameras/points/?purpose=%00", "/staff/?q=%00", "/api/cameras/?offset=99999999999999999999",
     "/api/playback/requests?offset=99999999999999999999", "/cameras/export/?columns=%C2%B2"],
)  # fmt: skip
def test_no_query_makes_an_incident(hire, sign_in, path):
    assert sign_in(hire("manager")).get(path).status_code == 422
