"""Scans: what the rooms' rows owe, found by the worker's round though no act wrote it, and done where they say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from gwanje.apps.owing import register_scans
from gwanje.centre import common
from gwanje.centre.duties import api, beginning, rounds
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, VOID, Duty
from gwanje.centre.inspection.models import Month
from gwanje.centre.preservation import owed
from gwanje.centre.preservation.models import Application, Hold, HoldAct
from gwanje.centre.retention.models import Certificate, Countersignature
from gwanje.centre.staff import services as staff
from gwanje.centre.watching.models import Glass
from gwanje.law import load

DAY = 86400


@pytest.fixture
def wired(monkeypatch, city):
    """Every room's scans but the one that asks vaultd, which is not running here."""
    monkeypatch.setattr(api, "_scans", {})
    register_scans()
    api._scans.pop("playback.confirmations")
    return city


def law_of(monkeypatch, *packs):
    """The centre's packs are these."""
    monkeypatch.setattr(common, "packs", lambda: load(packs))


def only(kind):
    return Duty.objects.get(kind=kind)


def test_the_wiring_knows_every_room_that_owes(monkeypatch):
    monkeypatch.setattr(api, "_scans", {})
    names = register_scans()
    assert {name.partition(".")[0] for name in names} == {
        "inspection", "playback", "preservation", "retention", "staff", "watching",
    }  # fmt: skip
    assert register_scans() == names


def test_months_of_inspection_one_after_another(wired, advance, monkeypatch):
    today = common.clock().local().date()
    monkeypatch.setattr("gwanje.centre.inspection.duties.first_day", lambda agency: today)
    rounds.run()
    row = only("inspection")
    assert (row.hand, row.href, row.starts_on.day) == (False, "/inspection/", 1)
    advance(40 * DAY)
    rounds.run()
    now = common.clock().local().date()
    months = (now.year - today.year) * 12 + now.month - today.month + 1
    assert Duty.objects.filter(kind="inspection", state=OPEN).count() == months > 1
    # the first month is closed late: that month's, and late; the next one stays
    Month.objects.create(
        agency_id=wired.pk, year=row.due_on.year, month=row.due_on.month, cameras=1, faults=0, summary="이상 없음",
        closed_by=uuid4(), closer="김관리", closed_at=common.clock().now(),
    )  # fmt: skip
    rounds.run()
    row.refresh_from_db()
    assert row.state == LATE_DONE
    assert Duty.objects.filter(kind="inspection", state=OPEN).count() == months - 1


def test_a_break_glass_is_owed_a_review_in_its_hours(wired, hire):
    now = common.clock().now()
    person = hire("operator")
    glass = Glass.objects.create(
        agency_id=wired.pk, station="관제석-1", person_id=person.pk, ground="urgent_relief", words="추락 위험 신고",
        cameras=[], started_at=now, until=now + timedelta(minutes=15), review_by=now + timedelta(hours=24),
        ended_at=now,
    )  # fmt: skip
    if not common.law().has("live.glass_review"):
        rounds.run()
        assert not Duty.objects.filter(kind="live.glass_review").exists()
        return
    rounds.run()
    assert only("live.glass_review").due_at == glass.review_by


def test_a_break_glass_that_was_reviewed_is_done(wired, hire, monkeypatch):
    law_of(monkeypatch, "kr_national", "kr_anyang", "model_policy")
    now = common.clock().now()
    person, other = hire("operator"), hire("manager")
    glass = Glass.objects.create(
        agency_id=wired.pk, station="관제석-1", person_id=person.pk, ground="urgent_relief", words="추락 위험 신고",
        cameras=[], started_at=now, until=now + timedelta(minutes=15), review_by=now + timedelta(hours=24),
        ended_at=now,
    )  # fmt: skip
    rounds.run()
    assert only("live.glass_review").due_at == glass.review_by
    glass.reviewed_by, glass.reviewed_at, glass.verdict, glass.review_note = other.pk, now, "accepted", "적정함"
    glass.save()
    rounds.run()
    assert only("live.glass_review").state == DONE


def _certificate(number, day):
    return Certificate.objects.create(
        number=number, issued_at=common.clock().now() - timedelta(days=day), body=b"", sha256="0" * 64, readable={},
        pdf=b"", level="L1", hours=1, camera_hours=1, parts=1, ledger_row=uuid4(),
    )  # fmt: skip


def test_certificates_of_a_day_are_one_duty_of_five_working_days(wired, hire):
    made = [_certificate(f"파기-{n}", 0) for n in range(3)]
    rounds.run()
    row = only("retention.countersign")
    assert (row.due_on - row.starts_on).days >= 5
    people = [hire("manager"), hire("privacy_officer")]
    for certificate in made:
        for person, role in zip(people, ("manager", "privacy_officer"), strict=True):
            assert only("retention.countersign").state == OPEN
            Countersignature.objects.create(
                certificate=certificate, role=role, person=person, name=person.name, at=common.clock().now(),
                sha256=certificate.sha256,
            )  # fmt: skip
            rounds.run()
    assert only("retention.countersign").state == DONE


@pytest.fixture
def hold(wired, hire):
    now = common.clock().now()
    person, other = hire("manager"), hire("chief_officer")
    return Hold.objects.create(
        agency_id=wired.pk, kind="extension", ground="subject_request", ground_title="신청", case="2026-형제-1",
        reason="교통사고 영상", requester=person, reviewer=other, made_at=now, ends_at=now + timedelta(days=30),
        seconds=60, bytes=1,
    )  # fmt: skip


def _ask(hold, at):
    return HoldAct.objects.create(
        agency_id=hold.agency_id, hold=hold, act="prolong", kind="extension", ends_at=at + timedelta(days=60),
        reason="재판 계속", decision=b"0" * 32, decision_body=b"", asked_by=hold.requester, asked_role="manager",
        asked_at=at,
    )  # fmt: skip


def test_a_hold_is_reviewed_before_its_end_and_again_after_it_was_prolonged(hold, advance):
    rounds.run()
    first = only("hold.review")
    assert (first.due_on - common.clock().local().date()).days == 23
    assert first.person == hold.reviewer_id
    advance(10 * DAY)
    act = _ask(hold, common.clock().now())
    rounds.run()
    first.refresh_from_db()
    assert (first.state, first.done_at) == (DONE, act.asked_at)
    act.state, act.decided_by, act.decided_at = "agreed", hold.reviewer, common.clock().now()
    act.save()
    hold.ends_at = act.ends_at
    hold.save()
    rounds.run()
    again = Duty.objects.get(kind="hold.review", state=OPEN)
    assert again.starts_on > first.starts_on
    assert again.due_on == act.ends_at.astimezone(common.clock().zone).date() - timedelta(days=7)
    rounds.run()
    assert Duty.objects.filter(kind="hold.review").count() == 2


def test_a_hold_prolonged_on_the_day_it_was_made_is_reviewed_again(hold):
    rounds.run()
    act = _ask(hold, common.clock().now())
    rounds.run()
    act.state, act.decided_by, act.decided_at = "agreed", hold.reviewer, common.clock().now()
    act.save()
    Hold.objects.filter(pk=hold.pk).update(ends_at=act.ends_at)
    rounds.run()
    again = Duty.objects.get(kind="hold.review", state=OPEN)
    assert again.due_on == act.ends_at.astimezone(common.clock().zone).date() - timedelta(days=7)
    # what is closed by hand afterwards stays closed
    api.done("hold.review", "hold", str(hold.pk), "계속 필요함")
    rounds.run()
    rounds.run()
    assert Duty.objects.filter(kind="hold.review").count() == 2


def test_a_hold_whose_end_moved_is_counted_again(hold):
    rounds.run()
    before = only("hold.review").due_on
    Hold.objects.filter(pk=hold.pk).update(ends_at=hold.ends_at - timedelta(days=10))
    assert rounds.run().recounted == 1
    assert only("hold.review").due_on == before - timedelta(days=10)


def test_a_hold_that_died_without_a_review_is_seen_as_missed(hold, advance):
    rounds.run()
    advance(31 * DAY)
    Hold.objects.filter(pk=hold.pk).update(state="died", closed_at=common.clock().now())
    rounds.run()
    row = only("hold.review")
    assert (row.state, row.was_late) == (VOID, True)
    assert "검토한 기록 없이" in row.note


def apply(hold, number, days):
    today = common.clock().local().date()
    return Application.objects.create(
        agency_id=hold.agency_id, number=number, received_on=today, subject_name="홍길동", subject_phone="010",
        subject_birth="1990", subject_address="가온시", place="사거리", purpose="사고 확인", keep_from=today,
        keep_until=today + timedelta(days=days), consent=True, hold=hold, entered_by=hold.requester,
        entered_at=common.clock().now(),
    )  # fmt: skip


def test_who_applied_again_is_told_of_the_new_end_and_not_of_the_old(hold, advance):
    old = apply(hold, "2026-3", 10)
    rounds.run()
    advance(5 * DAY)
    new = apply(hold, "2026-4", 20)
    rounds.run()
    states = {row.subject: (row.state, row.note) for row in Duty.objects.filter(kind="extension.expiry")}
    assert states[str(old.pk)][0] == VOID
    assert "다시 신청" in states[str(old.pk)][1]
    assert states[str(new.pk)][0] == OPEN
    assert rounds.run().owed == 0


def test_an_end_that_is_over_is_told_to_nobody(hold, advance):
    apply(hold, "2026-3", 2)
    advance(3 * DAY)
    rounds.run()
    assert not Duty.objects.filter(kind="extension.expiry").exists()


def test_a_rule_of_today_gives_a_running_duty_no_twin(hold, monkeypatch):
    apply(hold, "2026-3", 25)
    rounds.run()
    first = only("extension.expiry")
    judged = api.judged

    def sooner(rule, facts, on=None):
        duty, symbol = judged(rule, facts, on)
        moved = rule is owed.extension_ends
        return (replace(duty, starts_on=duty.starts_on - timedelta(days=3)) if moved else duty), symbol

    monkeypatch.setattr(api, "judged", sooner)
    rounds.run()
    assert only("extension.expiry").pk == first.pk


def test_an_applicant_is_told_of_the_end(hold):
    today = common.clock().local().date()
    apply(hold, "2026-3", 30)
    rounds.run()
    row = only("extension.expiry")
    assert (row.due_on, row.hand) == (today + timedelta(days=30), True)
    # the board shows a receipt number and no name
    assert "홍길동" not in row.title_ko


def test_a_shift_s_end_is_owed_a_search_where_the_city_has_the_rule(wired, seat, hire, monkeypatch):
    person = hire("operator")
    staff.start_shift(person, seat.code)
    staff.end_shift(person)
    rounds.run()
    assert not Duty.objects.filter(kind="search.shift_end").exists()
    law_of(monkeypatch, "kr_national", "kr_osan")
    rounds.run()
    row = only("search.shift_end")
    assert row.due_on == common.clock().local().date()
    assert row.hand
    assert rounds.run().owed == 0


def test_each_quarter_has_its_training_where_the_city_has_the_rule(wired, hire, monkeypatch, advance):
    hire("manager")
    law_of(monkeypatch, "kr_national", "kr_seoul")
    rounds.run()
    first = only("training.quarterly")
    advance(100 * DAY)
    rounds.run()
    found = Duty.objects.filter(kind="training.quarterly").order_by("starts_on")
    assert len(found) >= 2
    assert found[1].starts_on == first.due_on + timedelta(days=1)


def test_logs_and_contractors_are_counted_from_the_last_time(wired, hire, advance):
    hire("manager")
    rounds.run()
    assert not Duty.objects.filter(kind="contractor.check").exists()
    hire("maintenance", contractor=True)
    rounds.run()
    assert only("contractor.check").due_on > common.clock().local().date()
    row = only("log.review")
    api.done("log.review", "agency", str(wired.pk), "이상 없음")
    rounds.run()
    following = Duty.objects.get(kind="log.review", state=OPEN)
    row.refresh_from_db()
    assert following.starts_on == row.done_on + timedelta(days=1)


def test_a_review_closed_twice_on_one_day_still_begins_the_next(wired, hire):
    hire("manager")
    for _ in range(3):
        rounds.run()
        assert api.done("log.review", "agency", str(wired.pk), "이상 없음") == 1
    rounds.run()
    found = Duty.objects.filter(kind="log.review").order_by("starts_on")
    assert [row.state for row in found] == [DONE, DONE, DONE, OPEN]


def test_a_correction_is_prolonged_once_with_its_reason(wired, hire, sign_in, monkeypatch):
    law_of(monkeypatch, "kr_national", "kr_seoul")
    browser = sign_in(hire("manager"), duty=True)
    today = common.clock().local().date()
    (row,) = beginning.begin(
        staff.api.actor_for(staff.Person.objects.last(), "관제석-1"), "correction", "2026-12", today
    )  # fmt: skip
    assert "기한 연장" in browser.get(f"/duties/{row.pk}/").content.decode()
    before = row.due_on
    assert browser.post(f"/duties/{row.pk}/extend/", {"reason": "증빙을 기다림"}).status_code == 302
    row.refresh_from_db()
    assert row.due_on >= before + timedelta(days=7)
    assert browser.post(f"/duties/{row.pk}/extend/", {"reason": "한 번 더"}).status_code == 409
    assert "기한 연장" not in browser.get(f"/duties/{row.pk}/").content.decode()
