"""Ask, approve, open: what each step lets through, what it refuses, and the ledger row of both."""

from __future__ import annotations

from datetime import datetime

import pytest

from gwanje.centre import common
from gwanje.centre.playback import duties
from gwanje.centre.playback.models import Approval, Issue, Request
from support.centre import ledger_rows
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
    refused = [(kind, row) for kind, _, row in ledger_rows() if row["agency"] == police.pk and kind.endswith("refused")]
    assert [kind.split(".")[1] for kind, _ in refused] == ["read", "view", "approve", "view", "ask"]
    assert all(row["detail"]["reasons"] == ["not_found"] for _, row in refused)
    assert [row["detail"].get("request") for _, row in refused[:4]] == [id_] * 4
    assert refused[4][1]["cameras"] == [camera.pk]


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


def test_what_nobody_decides_in_time_ends_with_a_row(camera, now_s, hire, sign_in, advance):
    browser = sign_in(hire("operator"), duty=True)
    id_ = ask(browser, camera, now_s).json()["id"]
    assert duties.run() == 0
    advance(72 * 3600 + 1)
    assert browser.get(f"/api/playback/requests/{id_}").json()["state"] == "expired"
    assert approve(sign_in(hire("manager"), duty=True), id_).status_code == 409
    assert duties.run() == 1
    assert duties.run() == 0
    assert Request.objects.get().state == "expired"
    assert last("playback.request.expired")["detail"]["was"] == "asked"


def test_the_form_shows_what_opens_before_it_is_asked(camera, now_s, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    zone = common.clock().zone

    def typed(second):
        return datetime.fromtimestamp(second, zone).strftime("%Y-%m-%dT%H:%M:%S")

    fields = {"ground": "investigation", "document": "형사과-1", "case": "2026-9", "purpose": "동선 확인 필요",
              "cameras": [str(camera.pk)], "first": typed(now_s - 600), "until": typed(now_s - 540)}  # fmt: skip
    empty = browser.get("/playback/new/").content.decode()
    assert "수사기관 공문번호" in empty
    assert "통계작성" not in empty
    shown = browser.post("/playback/new/", {**fields, "step": "look"}).content.decode()
    assert "1초 앞당겨집니다" in shown
    assert not Request.objects.exists()
    made = browser.post("/playback/new/", {**fields, "step": "ask"})
    assert made.status_code == 302
    page = browser.get(made["Location"]).content.decode()
    assert datetime.fromtimestamp(now_s - 601, zone).strftime("%H:%M:%S") in page
    assert "승인 대기" in page
    wrong = browser.post("/playback/new/", {**fields, "until": typed(now_s - 700), "step": "ask"})
    assert wrong.status_code == 422
    assert "끝이 시작보다" in wrong.content.decode()


def test_the_decision_page_of_an_approver(camera, now_s, hire, sign_in):
    id_ = ask(sign_in(hire("operator"), duty=True), camera, now_s).json()["id"]
    manager = sign_in(hire("manager"), duty=True)
    assert "위 범위의 열람을 승인" in manager.get(f"/playback/requests/{id_}/").content.decode()
    assert manager.post(f"/playback/requests/{id_}/approve/", {"note": "필요함"}).status_code == 302
    assert Request.objects.get().state == "approved"
    auditor = sign_in(hire("auditor"), duty=True).get(f"/playback/requests/{id_}/").content.decode()
    assert "필요함" in auditor
    assert "위 범위의 열람을 승인" not in auditor


def test_only_the_requester_cancels(camera, now_s, hire, sign_in):
    person = hire("operator")
    browser = sign_in(person, duty=True)
    id_ = ask(browser, camera, now_s).json()["id"]
    assert sign_in(hire("manager"), duty=True).post(f"/playback/requests/{id_}/cancel/").status_code == 403
    assert browser.post(f"/playback/requests/{id_}/cancel/").status_code == 302
    assert Request.objects.get().state == "cancelled"
    assert browser.post(f"/playback/requests/{id_}/cancel/").status_code == 409


@pytest.mark.norm("playback.default_deny", "deny")
def test_an_emergency_live_view_opens_nothing_that_is_stored(camera, now_s, hire, sign_in, room):
    browser = sign_in(hire("operator"), room, duty=True)
    id_ = ask(browser, camera, now_s).json()["id"]
    opened = browser.post(
        "/api/watching/emergencies", {"trigger": "범죄", "reason": "흉기를 든 사람을 추적", "minutes": 10},
        content_type="application/json",
    )  # fmt: skip
    assert opened.status_code == 200, opened.content.decode()
    assert "watching.emergency.opened" in kinds()
    assert browser.post(f"/api/playback/requests/{id_}/permit").json()["error"] == "not_approved"
    assert ask(browser, camera, now_s, ground="").json()["error"] == "ground_unknown"
    assert Request.objects.get().situation is None
