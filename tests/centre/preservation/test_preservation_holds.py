"""Holds with a real vaultd: at once by one, prolonged and ended by two, warned, adopted, refused."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection

from gwanje.centre.common import clock
from gwanje.centre.preservation import duties
from gwanje.centre.preservation.models import Hold, HoldAct
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Permit
from gwanje.vault.client import VaultClient
from support import home, vault
from support.playback import ask, kinds, last, record
from support.preservation import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(vaultd):
    """The web's own connection."""
    client = VaultClient(home(), "web")
    yield client
    client.close()


@pytest.fixture
def people(officer, sign_in):
    """Browsers of an operator, a manager, the chief officer and the privacy officer, on duty."""
    roles = ("operator", "manager", "chief_officer", "privacy_officer")
    return {role: sign_in(officer(role), duty=True) for role in roles}


def held(web, id_):
    """vaultd's own record of a hold, or None."""
    return next((hold for hold in web.holds() if hold.id == UUID(str(id_))), None)


def events(kind):
    """How many events of a kind stand."""
    return connection.cursor().execute("select count(*) from event where kind = %s", [kind]).fetchone()[0]


def made(people, wanted):
    """A provisional hold of the operator's."""
    answer = post(people["operator"], "holds", wanted())
    assert answer.status_code == 201, answer.content.decode()
    return answer.json()


def test_one_click_holds_ten_days_and_vaultd_has_it(people, wanted, web, span, camera):
    body = made(people, wanted)
    row = Hold.objects.get(pk=body["id"])
    found = held(web, row.pk)
    assert (found.kind, found.case, found.ends) == ("provisional", "형사과-1234", int(row.ends_at.timestamp()))
    assert found.reviewer == row.reviewer_id == vault.OFFICERS["privacy_officer"]
    (lens,) = found.lenses
    # widened back to the key frame before, never shortened
    assert lens.first <= span[0]
    assert lens.until == span[1]
    assert (lens.camera, row.seconds) == (camera.pk, lens.until - lens.first)
    assert timedelta(days=9, hours=23) < row.ends_at - clock().now() <= timedelta(days=10)
    opening = last("preservation.hold.made")
    assert (opening["case"], opening["detail"]["hold"]) == ("형사과-1234", str(row.pk))
    page = people["operator"].get(f"/preservation/{row.pk}/").content.decode()
    assert "임시 보존" in page
    assert "형사과-1234" in page


def test_two_officers_prolong_the_same_record(people, wanted, web):
    id_ = made(people, wanted)["id"]
    ends = clock().now() + timedelta(days=100)
    said = {"ends": ends.isoformat(), "ground": "trial", "case": "2026고단77", "reason": "공판이 열림"}
    assert post(people["operator"], f"holds/{id_}/prolong", said).status_code == 403
    act = post(people["manager"], f"holds/{id_}/prolong", said).json()
    assert post(people["manager"], f"holds/{id_}/acts/{act['id']}/agree").status_code == 403
    assert post(people["privacy_officer"], f"holds/{id_}/acts/{act['id']}/agree").status_code == 403
    assert held(web, id_).kind == "provisional"
    for role, said in (("manager", "신청한 사람은 결정할 수 없습니다"), ("chief_officer", "위 기간의 보존을 승인")):
        assert said in people[role].get(f"/preservation/{id_}/").content.decode()
    answer = post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/agree")
    assert answer.status_code == 200, answer.content.decode()
    found = held(web, id_)
    assert (found.kind, found.case, found.ends) == ("trial", "2026고단77", int(ends.timestamp()))
    assert [done.act for done in found.acts] == ["made", "prolonged"]
    assert answer.json()["kind"] == "trial"
    assert HoldAct.objects.get().state == "agreed"
    assert post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/agree").status_code == 409
    assert kinds()[-3:] != []
    assert "preservation.hold.prolonged" in kinds()


def test_two_officers_end_it_and_it_is_gone(people, wanted, web):
    id_ = made(people, wanted)["id"]
    act = post(people["manager"], f"holds/{id_}/end", {"reason": "사건이 종결됨"}).json()
    assert post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/agree").json()["state"] == "ended"
    assert held(web, id_) is None
    assert post(people["manager"], f"holds/{id_}/end", {"reason": "다시 종결됨"}).status_code == 409


def test_a_declined_act_leaves_the_hold_as_it_is(people, wanted, web):
    id_ = made(people, wanted)["id"]
    act = post(people["manager"], f"holds/{id_}/end", {"reason": "사건이 종결됨"}).json()
    assert post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/decline").status_code == 422
    no = {"reason": "아직 필요함"}
    assert post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/decline", no).json()["state"] == "declined"
    assert held(web, id_) is not None


def test_what_cannot_be_held_is_refused_and_nothing_is_written(people, wanted, span, city):
    browser = people["operator"]
    for changes, status, code in (
        ({"case": ""}, 403, "case_missing"), ({"ground": "urgent_relief"}, 403, "ground_gate"),
        ({"until": span[0]}, 422, "range"), ({"until": span[1] + 10_000}, 422, "range_future"),
        ({"first": span[0] - 40 * 86400}, 422, "range_long"),
        ({"first": span[0] - 7200, "until": span[0] - 7100}, 422, "no_footage"),
        ({"cameras": [str(uuid7())]}, 404, "not_found"),
    ):  # fmt: skip
        answer = post(browser, "holds", wanted(**changes))
        assert (answer.status_code, answer.json()["error"]) == (status, code), changes
    assert not Hold.objects.exists()


def test_seconds_that_vaultd_cannot_open_refuse_the_whole(people, wanted, camera, span):
    hour = span[0] // 3600 * 3600
    slot = VaultClient(home(), "web").slot(camera.pk)
    # index rows of an hour whose key was never made (or is gone): vaultd says so, and names the seconds
    record(camera, slot, hour - 20 * 86400, hour - 20 * 86400 + 30)
    answer = post(people["operator"], "holds", wanted(first=hour - 20 * 86400, until=hour - 20 * 86400 + 30))
    assert answer.status_code == 409
    assert answer.json()["error"] == "vault_hold_dead"
    assert str(camera.pk) in answer.json()["ko"]
    assert not Hold.objects.exists()


def test_another_agency_finds_nothing(people, wanted, hire, police, sign_in):
    id_ = made(people, wanted)["id"]
    other = sign_in(hire("chief_officer", agency=police), duty=True)
    assert other.get(f"/preservation/{id_}/").status_code == 404
    assert other.get("/api/preservation/holds").json() == []
    assert post(other, "holds", wanted()).status_code == 404


def test_an_operator_sees_his_own_only(people, wanted, hire, sign_in):
    id_ = made(people, wanted)["id"]
    second = sign_in(hire("operator"), duty=True)
    assert second.get("/api/preservation/holds").json() == []
    assert second.get(f"/preservation/{id_}/").status_code == 403
    assert [h["id"] for h in people["operator"].get("/api/preservation/holds").json()] == [id_]
    assert [h["id"] for h in people["privacy_officer"].get("/api/preservation/holds?q=형사과").json()] == [id_]
    assert people["privacy_officer"].get("/api/preservation/holds?q=없는말").json() == []


def direct(web, camera, span, left_s):
    """A hold that vaultd made and the database does not know, as after a commit that failed."""
    id_, digest = uuid7(), b"d" * 32
    said = [Approval(vault.OFFICERS["manager"], "manager", digest, clock().now_us())]
    web.hold(
        id=id_, kind="provisional", ground="investigation", case="잃은 사건", reviewer=vault.OFFICERS["chief_officer"],
        spans=[(camera.pk, web.slot(camera.pk), 1, *span)], ends=clock().now_s() + left_s, decision=digest,
        approvals=said,
    )  # fmt: skip
    return id_


def test_a_hold_that_the_database_lost_is_adopted_and_alarmed_once(vaultd, web, camera, span):
    lost = direct(web, camera, span, 9 * 86400)
    before = events("preservation.hold.adopted")
    assert duties.run(web).adopted >= 1
    row = Hold.objects.get(pk=lost)
    assert (row.adopted, row.case, row.agency_id, row.seconds) == (True, "잃은 사건", camera.agency_id, 20)
    after = events("preservation.hold.adopted")
    assert after > before
    again = duties.run(web)
    assert (again.adopted, again.corrected, again.died) == (0, 0, 0)
    assert events("preservation.hold.adopted") == after


def test_it_warns_seven_days_and_one_day_before_once_each(vaultd, web, camera, span):
    long, week, day = (direct(web, camera, span, left) for left in (9 * 86400, 6 * 86400, 80_000))
    duties.run(web)
    duties.run(web)
    assert {h.pk: h.warned for h in Hold.objects.filter(pk__in=[long, week, day])} == {long: 0, week: 7, day: 1}
    warned = events("preservation.hold.ending")
    assert kinds().count("preservation.hold.warned") == warned
    assert duties.run(web).warned == 0
    # what was warned of a week before is warned of once more on its last day
    Hold.objects.filter(pk=day).update(warned=7)
    assert duties.run(web).warned == 1
    assert events("preservation.hold.ending") == warned + 1


def test_a_hold_that_vaultd_does_not_have_is_over_here_too(people, wanted, web, camera):
    id_ = made(people, wanted)["id"]
    row = Hold.objects.get(pk=id_)
    # a database from before the end of a hold shows it as standing
    ghost = Hold.objects.create(
        agency_id=row.agency_id, kind="trial", ground="trial", case="끝난 사건", reason="공판", made_at=row.made_at,
        requester_id=row.requester_id, reviewer_id=row.reviewer_id, ends_at=row.ends_at, seconds=1, bytes=1,
    )  # fmt: skip
    assert duties.run(web).corrected == 1
    assert Hold.objects.get(pk=ghost.pk).state == "ended"
    assert Hold.objects.get(pk=id_).state == "standing"
    assert events("preservation.hold.missing") == 1
    Hold.objects.filter(pk=id_).update(ends_at=row.ends_at - timedelta(days=3))
    assert duties.run(web).corrected == 1
    assert Hold.objects.get(pk=id_).ends_at == row.ends_at


def test_preview_says_what_would_be_held(people, wanted, span):
    said = {key: wanted()[key] for key in ("cameras", "first", "until")}
    (item,) = post(people["operator"], "look", said).json()
    assert item["seconds"] >= span[1] - span[0]
    assert item["bytes"] > 0
    assert item["dead"] == 0


def test_a_request_opens_what_the_hold_keeps_and_its_permit_names_it(officer, wanted, web, camera, span, room, sign_in):
    people = {role: sign_in(officer(role), duty=True) for role in ("manager", "chief_officer")}
    browser = sign_in(officer("operator"), room, duty=True)
    id_ = made({"operator": browser}, wanted)["id"]
    said = {"cameras": [str(camera.pk)], "first": span[0], "until": span[1], "ground": "investigation", "hold": id_,
            "case": "형사과-1234", "purpose": "동선 확인", "document": "형사과-1"}  # fmt: skip
    beyond = {**said, "until": span[1] + 5}
    answer = browser.post("/api/playback/requests", beyond, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (422, "outside_hold")
    asked = browser.post("/api/playback/requests", said, content_type="application/json")
    assert asked.status_code in (200, 201), asked.content.decode()
    request = asked.json()["id"]
    assert "보존한 영상을 여는 신청" in browser.get(f"/playback/requests/{request}/").content.decode()
    yes = people["manager"].post(f"/api/playback/requests/{request}/approve", {}, content_type="application/json")
    assert yes.status_code == 200
    body = browser.post(f"/api/playback/requests/{request}/permit").json()
    text = body["permit"]
    permit = Permit.open(urlsafe_b64decode(text + "=" * (-len(text) % 4)), web.status().permit_key)
    assert str(permit.hold) == id_
    # once the hold has ended, no Permit names it any more
    act = post(people["manager"], f"holds/{id_}/end", {"reason": "사건이 종결됨"}).json()
    post(people["chief_officer"], f"holds/{id_}/acts/{act['id']}/agree")
    assert browser.post(f"/api/playback/requests/{request}/permit").status_code == 403
    assert browser.post("/api/playback/requests", said, content_type="application/json").status_code == 409


def test_the_request_page_holds_its_range_in_one_click(people, camera, span, web):
    browser = people["operator"]
    id_ = ask(browser, camera, span[1] + 590, first=span[0], until=span[1]).json()["id"]
    page = browser.get(f"/playback/requests/{id_}/").content.decode()
    form = page.partition('action="/preservation/new/"')[2].partition("</form>")[0]
    fields = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    answer = browser.post("/preservation/new/", fields)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    row = Hold.objects.get()
    assert held(web, row.pk).lenses[0].until == span[1]
    assert row.case == "2026-0123"


def test_the_start_page_says_what_waits_for_an_officer(people, wanted, officer, sign_in):
    id_ = made(people, wanted)["id"]
    auditor = sign_in(officer("auditor"))
    assert 'id="tasks"' not in auditor.get("/").content.decode()
    post(people["manager"], f"holds/{id_}/end", {"reason": "사건이 종결됨"})
    assert "결정을 기다리는 보존·삭제 1건" in people["chief_officer"].get("/").content.decode()
    assert "결정을 기다리는" not in people["manager"].get("/staff/me/").content.decode()
    Hold.objects.filter(pk=id_).update(ends_at=clock().now() + timedelta(days=6))
    assert "곧 끝나는 보존 1건" in people["chief_officer"].get("/").content.decode()
