"""Duties as rows: owed once, closed for ever, warned and escalated once each, counted anew; all with their ledger."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from gwanje.centre import common
from gwanje.centre.duties import api, reading, rounds, services
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, VOID, Duty
from gwanje.kernel.rls import set_scope
from gwanje.law.calendar import LegalCalendar
from gwanje.law.clocks import answer_request, calendar_of
from gwanje.law.decision import NEVER, ArticleRef
from gwanje.law.decision import Duty as LawDuty
from support.centre import ledger_rows

DAY = 86400
ARTICLE = ArticleRef("kr_anyang", "별지2", "별지 제2호서식", "안양시 조례", "조례")


def today() -> date:
    return common.clock().local().date()


def said(days: int = 10, *, began: int = 0, owner: str = "manager", hours: int | None = None) -> LawDuty:
    """A duty that began ``began`` days ago and lasts ``days`` or ``hours``."""
    starts = today() - timedelta(days=began)
    at = common.clock().local() if hours else None
    due_at = at + timedelta(hours=hours) if at else None
    due = due_at.date() if due_at else starts + timedelta(days=days)
    return LawDuty(
        "request.answer", "request.due", (ARTICLE,), starts, due, owner, "접수 다음 날부터 10일", "10 days", due_at, at
    )


@pytest.fixture
def owe(city):
    def make(subject="2026-1", duty=None, **more):
        named = {"title_ko": f"열람 청구 {subject}", "title_en": f"Request {subject}", **more}
        return api.owe(duty or said(), agency=city.pk, subject_kind="request", subject=subject, **named)

    return make


def kinds(begin="duties."):
    return [kind for kind, _outcome, _body in ledger_rows() if kind.startswith(begin)]


def told(kind):
    with connection.cursor() as cursor:
        cursor.execute("select body->>'to', severity from event where kind = %s order by seq", [kind])
        return cursor.fetchall()


def test_the_same_duty_is_one_row_and_one_ledger_row(owe):
    first, again = owe(), owe(title_ko="다른 이름")
    assert first.pk == again.pk
    assert again.title_ko == "열람 청구 2026-1"
    assert kinds() == ["duties.duty.owed"]
    assert first.articles == ["kr_anyang:별지2"]
    assert first.packs[0][0] == "kr_national"
    assert first.ends_at.astimezone(common.clock().zone).date() == first.due_on


def test_a_duty_and_its_act_stand_or_fall_together(owe):
    class Fault(Exception):
        pass

    def acting():
        with transaction.atomic():
            owe()
            raise Fault

    with pytest.raises(Fault):
        acting()
    assert not Duty.objects.exists()
    assert kinds() == []


def test_what_law_never_asks_is_no_row(owe):
    assert owe(duty=LawDuty("x", "request.due", (ARTICLE,), today(), NEVER, "manager", "-", "-")) is None
    assert not Duty.objects.exists()


@pytest.mark.parametrize(("days", "state"), [(10, DONE), (11, LATE_DONE)])
def test_done_in_time_on_the_last_day_and_late_after_it(owe, advance, days, state):
    row = owe()
    advance(days * DAY)
    assert api.done("request.answer", "request", "2026-1", "열람하게 함") == 1
    row.refresh_from_db()
    assert row.state == state
    assert row.was_late is (state == LATE_DONE)
    assert kinds()[-1] == f"duties.duty.{state}"
    assert api.done("request.answer", "request", "2026-1") == 0


def test_an_hour_clock_ends_at_its_minute(owe, advance):
    row = owe(duty=said(hours=72))
    advance(72 * 3600 + 30)
    api.done("request.answer", "request", "2026-1")
    row.refresh_from_db()
    assert row.state == LATE_DONE
    assert row.done_on == row.due_on


def test_late_stays_late(owe, advance):
    row = owe()
    advance(30 * DAY)
    api.done("request.answer", "request", "2026-1")
    row.refresh_from_db()
    for change in ({"state": DONE}, {"state": OPEN, "done_at": None, "done_on": None}, {"note": "제때 하였음"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Duty.objects.filter(pk=row.pk).update(**change)
    other = owe("2026-2")
    late = common.clock().now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Duty.objects.filter(pk=other.pk).update(state=LATE_DONE, done_at=late, done_on=other.due_on)


def test_the_application_cannot_delete_and_sees_its_own_agency_only(owe, police):
    owe()
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from duties_duty")
    set_scope(connection.cursor(), "agency", [police.pk])
    assert Duty.objects.count() == 0
    set_scope(connection.cursor(), "system")
    assert Duty.objects.count() == 1


def test_void_says_why_and_a_missed_one_stays_seen(owe, advance):
    row = owe()
    with pytest.raises(ValueError, match="reason"), transaction.atomic():
        api.void("request.answer", "request", "2026-1", "  ")
    advance(40 * DAY)
    assert api.void("request.answer", "request", "2026-1", "청구를 취하함") == 1
    row.refresh_from_db()
    assert (row.state, row.was_late) == (VOID, True)
    assert ledger_rows()[-1][2]["detail"]["late"] is True


def test_warned_seven_three_and_one_day_before_once_each(owe, advance):
    owe()
    levels = []
    for _ in range(11):
        for _ in range(2):
            rounds.run()
        levels.append(len(told("duties.warned")))
        advance(DAY)
    assert levels == [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3]
    assert kinds().count("duties.duty.warned") == 3


def test_a_short_term_is_not_announced_before_it_began(owe):
    owe(duty=said(3))
    rounds.run()
    assert told("duties.warned") == []


def test_hours_are_announced_when_a_third_is_left(owe, advance):
    owe(duty=said(hours=72))
    advance(47 * 3600)
    rounds.run()
    assert told("duties.warned") == []
    advance(3600 + 60)
    rounds.run()
    rounds.run()
    assert len(told("duties.warned")) == 1


def test_late_goes_to_owner_manager_and_chief_once_each(owe, advance):
    owe(duty=said(owner="privacy_officer"))
    seen = []
    for days in (10, 1, 1, 1, 1, 30):
        advance(days * DAY)
        rounds.run()
        rounds.run()
        seen.append([to for to, _severity in told("duties.late")])
    assert seen[0] == []
    assert seen[1] == ["privacy_officer"]
    assert seen[2] == ["privacy_officer", "manager"]
    assert seen[4] == seen[5] == ["privacy_officer", "manager", "chief_officer"]
    assert [severity for _to, severity in told("duties.late")] == [2, 3, 3]
    assert kinds().count("duties.duty.escalated") == 3


def test_nobody_is_told_twice_of_one_step(owe, advance):
    owe(duty=said(owner="chief_officer"))
    owe("2026-2", duty=said(owner="manager"))
    advance(60 * DAY)
    rounds.run()
    rounds.run()
    assert sorted(to for to, _severity in told("duties.late")) == ["chief_officer", "chief_officer", "manager"]


def _shift_holidays(monkeypatch, extra):
    """The list of holidays of another release: one more day is off."""
    calendar = LegalCalendar()
    known = calendar.holiday
    monkeypatch.setattr(calendar, "holiday", lambda day, lang="ko": "임시공휴일" if day == extra else known(day, lang))
    monkeypatch.setattr("gwanje.law.clocks.calendar_of", lambda zone: calendar)


def _workday(day: date) -> date:
    while not (calendar_of("Asia/Seoul").working(day + timedelta(days=10))):
        day += timedelta(days=1)
    return day


def test_a_new_holiday_moves_open_duties_and_says_so(city, advance, monkeypatch):
    received = _workday(today())
    row = api.owe_by(
        answer_request, {"received_on": received, "refused": False}, agency=city.pk, subject_kind="request",
        subject="2026-7", title_ko="열람 청구 2026-7", title_en="Request 2026-7",
    )  # fmt: skip
    before = row.due_on
    assert api.reckon() == 0
    _shift_holidays(monkeypatch, before)
    assert api.reckon("request.answer") == 1
    row.refresh_from_db()
    assert row.due_on > before
    assert "임시공휴일" in row.basis_ko
    assert kinds() == ["duties.duty.owed", "duties.duty.recounted"]
    assert len(told("duties.recounted")) == 1
    assert api.reckon() == 0


def test_a_city_without_the_rule_owes_nothing(city):
    from gwanje.law.clocks_requests import decide_request

    if not reading.lacking(next(c for c in reading.CLOCKS if c.norm == "request.decide"), common.law()):
        pytest.skip("the test packs have the norm now")
    row = api.owe_by(
        decide_request, {"received_on": today()}, agency=city.pk, subject_kind="request", subject="1",
        title_ko="열람", title_en="Request",
    )  # fmt: skip
    assert row is None
    assert not Duty.objects.exists()


class _Scan:
    """A scan of rows that a test keeps in a list."""

    def __init__(self):
        self.found = []

    def __call__(self, now: datetime):
        return iter(self.found)


@pytest.fixture
def scanned(monkeypatch):
    scan = _Scan()
    monkeypatch.setattr(api, "_scans", {"test": scan})
    return scan


def test_a_scan_finds_what_no_act_wrote_and_what_was_done(city, scanned, advance):
    owed = api.Owed(said(), city.pk, "glass", "g1", "검토", "Review", hand=False, href="/watch/glass/")
    scanned.found = [owed, owed]
    assert rounds.run().owed == 1
    assert rounds.run().owed == 0
    at = common.clock().now()
    advance(20 * DAY)
    scanned.found = [owed, api.Met("request.answer", "glass", "g1", at)]
    assert rounds.run().met == 1
    row = Duty.objects.get()
    # done when it was done, not when the scan came by
    assert (row.state, row.done_at) == (DONE, at)
    scanned.found = [owed]
    assert rounds.run().owed == 0


def test_a_scan_with_another_fact_counts_the_same_duty_again(city, scanned):
    first = api.Owed(said(5), city.pk, "hold", "h1", "검토", "Review", facts={"ends_on": today()})
    scanned.found = [first]
    rounds.run()
    later = api.Owed(said(9), city.pk, "hold", "h1", "검토", "Review", facts={"ends_on": today() + timedelta(4)})
    scanned.found = [later]
    assert rounds.run().recounted == 1
    assert rounds.run().recounted == 0
    assert Duty.objects.get().due_on == later.duty.due_on


def test_a_scan_that_fails_is_an_alarm_and_stops_no_other(city, monkeypatch, owe, advance):
    def broken(now):
        raise ZeroDivisionError

    monkeypatch.setattr(api, "_scans", {"broken": broken, "whole": _Scan()})
    owe()
    advance(12 * DAY)
    report = rounds.run()
    assert report.failed == ["broken"]
    assert report.escalated
    rounds.run()
    assert len(told("duties.scan.failed")) == 1


def test_what_cannot_be_counted_again_silences_nobody(owe, advance, monkeypatch):
    def broken():
        raise KeyError("a fact with an old name")

    monkeypatch.setattr(rounds, "reckon", broken)
    monkeypatch.setattr(rounds, "_reckoned", [])
    owe()
    advance(12 * DAY)
    report = rounds.run()
    assert report.escalated
    assert report.failed == ["reckon"]
    assert rounds.run().failed == []
    assert len(told("duties.scan.failed")) == 1


def test_a_round_takes_more_than_one_transaction(owe, advance, monkeypatch):
    monkeypatch.setattr(rounds, "BATCH", 7)
    for number in range(23):
        owe(f"n{number}")
    advance(12 * DAY)
    assert rounds.run().escalated == 46
    assert rounds.run().escalated == 0


def test_two_scans_of_one_name_are_a_fault(monkeypatch):
    monkeypatch.setattr(api, "_scans", {})
    scan = _Scan()
    api.register("one", scan)
    api.register("one", scan)
    with pytest.raises(ValueError, match="one"):
        api.register("one", _Scan())


def test_only_registered_rules_are_clocks(city):
    with pytest.raises(LookupError):
        services.judged(lambda facts, law: None, {})
