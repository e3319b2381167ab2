"""Log-in: station, lock after five failures, session bound to the seat."""

from __future__ import annotations

import pytest
from django.conf import settings

from gwanje.centre.staff import duties
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
