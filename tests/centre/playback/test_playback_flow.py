"""Ask, approve, open: what each step lets through, what it refuses, and the ledger row of both."""

from __future__ import annotations

import pytest

from gwanje.centre.playback.models import Approval, Issue, Request
from support.playback import approve, ask, kinds, last

pytestmark = pytest.mark.django_db


def test_asking_shows_the_widened_range_and_writes_one_row(camera, now_s, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    seen = browser.post("/api/playback/look", {"cameras": [str(camera.pk)], "first": now_s - 600, "until": now_s - 540},
                        content_type="application/json").json()  # fmt: skip
    # now_s is odd and key frames are even: the picture begins one second earlier
    assert (seen["first"], seen["until"]) == (now_s - 601, now_s - 540)
    assert seen["cameras"][0]["seconds"] == 61
    made = ask(browser, camera, now_s).json()
    assert (made["first"], made["until"]) == (now_s - 601, now_s - 540)
    assert kinds().count("playback.request.asked") == 1
    row = last("playback.request.asked")
    assert row["case"] == "2026-0123"
    assert "playback.ground" in row["norms"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ground": "nothing"}, "ground_unknown"),
        ({"ground": "pipa.18.2.4"}, "ground_not_in_force"),
        ({"ground": "pipa.25.1.2"}, "ground_gate"),
        ({"document": ""}, "document_missing"),
        ({"case": " "}, "case_missing"),
        ({"purpose": "필요"}, "purpose_missing"),
    ],
)
@pytest.mark.norm("playback.ground", "deny")
def test_a_ground_that_does_not_stand_is_refused_with_its_article(camera, now_s, hire, sign_in, changes, code):
    browser = sign_in(hire("operator"), duty=True)
    answer = ask(browser, camera, now_s, **changes)
    assert answer.status_code == 403
    assert answer.json()["error"] == code
    assert "제28조" in answer.json()["rule"]
    assert not Request.objects.exists()
    row = last("playback.request.refused")
    assert row["outcome"] == "refused"
    assert code in row["detail"]["reasons"]


@pytest.mark.parametrize("role", ["administrator", "maintenance", "auditor"])
@pytest.mark.norm("playback.default_deny", "deny")
def test_who_may_never_ask(camera, now_s, hire, sign_in, role):
    browser = sign_in(hire(role, contractor=role == "maintenance"), duty=True)
    answer = ask(browser, camera, now_s)
    assert answer.status_code == 403
    assert "playback.ask.refused" in kinds()


def test_off_duty_asks_nothing(camera, now_s, hire, sign_in):
    answer = ask(sign_in(hire("operator")), camera, now_s)
    assert answer.json()["error"] == "off_duty"


@pytest.mark.norm("playback.approval", "deny")
def test_nobody_approves_their_own_request(camera, now_s, hire, sign_in):
    manager = sign_in(hire("manager"), duty=True)
    id_ = ask(manager, camera, now_s).json()["id"]
    answer = approve(manager, id_)
    assert answer.status_code == 403
    assert answer.json()["error"] == "same_person"
    assert Request.objects.get().state == "asked"
    assert last("playback.approve.refused")["detail"]["request"] == id_


@pytest.mark.parametrize("role", ["operator", "seconded_police", "privacy_officer", "administrator", "maintenance"])
@pytest.mark.norm("playback.approval", "deny")
def test_only_whom_the_pack_names_approves(camera, now_s, hire, sign_in, role):
    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    other = sign_in(hire(role, contractor=role == "maintenance"), duty=True)
    assert approve(other, id_).json()["error"] == "approver_role"
    assert not Approval.objects.exists()


@pytest.mark.norm("playback.approval", "allow")
def test_a_manager_approves_once(camera, now_s, hire, sign_in):
    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    manager = sign_in(hire("manager"), duty=True)
    assert approve(manager, id_).json()["state"] == "approved"
    approval = Approval.objects.get()
    assert bytes(approval.decision) == bytes(Request.objects.get().decision)
    assert approve(manager, id_).status_code == 409
    assert last("playback.request.approved")["outcome"] == "granted"


def test_a_refusal_needs_a_reason_and_ends_it(camera, now_s, hire, sign_in):
    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    manager = sign_in(hire("manager"), duty=True)
    url = f"/api/playback/requests/{id_}/refuse"
    assert manager.post(url, {"note": ""}, content_type="application/json").status_code == 422
    assert manager.post(url, {"note": "범위가 넓음"}, content_type="application/json").json()["state"] == "refused"
    assert approve(manager, id_).status_code == 409


def test_another_agency_finds_nothing(camera, now_s, hire, police, sign_in, city):
    from gwanje.centre.staff import services as staff

    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    desk = staff.add_station("타기관-9", "타 기관", police, playback=True)
    outsider = sign_in(hire("chief_officer", "manager", "operator", agency=police), desk, duty=True)
    assert outsider.get(f"/playback/requests/{id_}/").status_code == 404
    assert outsider.get(f"/playback/requests/{id_}/play/").status_code == 404
    assert approve(outsider, id_).status_code == 404
    assert outsider.post(f"/api/playback/requests/{id_}/permit").status_code == 404
    assert ask(outsider, camera, now_s).status_code == 404
    assert outsider.get("/api/playback/requests").json() == []


def test_an_operator_does_not_see_other_peoples_requests(camera, now_s, hire, sign_in):
    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    other = sign_in(hire("operator"), duty=True)
    assert other.get(f"/playback/requests/{id_}/").status_code == 403
    assert other.get("/api/playback/requests").json() == []


@pytest.mark.norm("playback.default_deny", "deny")
@pytest.mark.parametrize("case", ["unapproved", "other_seat", "other_person", "off_duty", "expired"])
def test_the_player_opens_only_for_the_requester_in_the_room_on_shift(
    camera, now_s, hire, sign_in, room, advance, case
):
    person = hire("operator")
    browser = sign_in(person, room, duty=True)
    id_ = ask(browser, camera, now_s).json()["id"]
    if case != "unapproved":
        approve(sign_in(hire("manager"), duty=True), id_)
    if case == "other_person":
        browser = sign_in(hire("operator"), room, duty=True)
    if case in ("other_seat", "off_duty"):
        browser.post("/staff/shift/end/")
    if case == "other_seat":
        browser = sign_in(person, duty=True)
    if case == "expired":
        advance(24 * 3600 + 1)
    wanted = {
        "unapproved": "not_approved", "other_seat": "station", "other_person": "not_requester",
        "off_duty": "off_duty", "expired": "approval_expired",
    }[case]  # fmt: skip
    answer = browser.post(f"/api/playback/requests/{id_}/permit")
    assert answer.status_code == 403
    assert answer.json()["error"] == wanted
    assert browser.get(f"/playback/requests/{id_}/play/").status_code == 403
    assert not Issue.objects.exists()
    assert wanted in last("playback.view.refused")["detail"]["reasons"]


def test_strangers_are_sent_to_the_login_and_counted(stranger, camera):
    assert stranger.get("/playback/").status_code == 302
    assert stranger.post("/api/playback/viewer-token").status_code == 401
    answers = [stranger.get("/api/playback/requests").status_code for _ in range(125)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_range_without_footage_is_no_request(camera, now_s, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    answer = ask(browser, camera, now_s, first=now_s - 9000, until=now_s - 8000)
    assert answer.status_code == 422
    assert answer.json()["error"] == "no_footage"


@pytest.mark.parametrize(
    ("first", "until", "code"),
    [(-10, -10, "range"), (-10, -20, "range"), (-5 * 3600, -10, "range_long"), (-10, 1000, "range_future")],
)
def test_ranges_that_cannot_be(camera, now_s, hire, sign_in, first, until, code):
    browser = sign_in(hire("operator"), duty=True)
    answer = ask(browser, camera, now_s, first=now_s + first, until=now_s + until)
    assert answer.status_code == 422
    assert answer.json()["error"] == code
