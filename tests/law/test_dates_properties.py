"""Dates as properties, with fixed seeds: month ends, leap days, New Year chains, midnight, a rule that changes."""

from __future__ import annotations

import shutil
from calendar import isleap, monthrange
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from gwanje import law
from gwanje.law.calendar import LegalCalendar
from gwanje.law.cases import stacks
from gwanje.law.clocks import answer_request
from gwanje.law.clocks_events import notify_leak
from gwanje.law.packs import folder
from gwanje.vault.core import death_s
from gwanje.vault.records import RetentionClass

SEOUL = ZoneInfo("Asia/Seoul")
CALENDAR = LegalCalendar()
CITY = law.load(stacks()[0])
FEW = settings(max_examples=60, deadline=None, database=None)
YEARS = st.integers(2021, 2034)
DAYS = st.dates(date(2021, 1, 1), date(2034, 12, 31))
ENDS = st.builds(lambda y, m: date(y, m, monthrange(y, m)[1]), YEARS, st.integers(1, 12))


@seed(20261121)
@FEW
@given(ENDS, st.integers(1, 24))
@example(date(2027, 11, 30), 3)
def test_from_a_months_end_whole_months_end_at_a_months_end(start: date, count: int) -> None:
    # the first day counted is the first of the next month, so the period is whole months
    due = CALENDAR.months(start, count, rolls=False).due_on
    assert due.day == monthrange(due.year, due.month)[1]
    assert (due.year * 12 + due.month) - (start.year * 12 + start.month) == count


@seed(20261122)
@FEW
@given(YEARS.filter(isleap), st.integers(1, 8))
@example(2028, 1)
def test_a_leap_day_comes_again_only_in_a_leap_year(year: int, years: int) -> None:
    # 29 February is the first day counted; twelve months end before it comes again, or with February
    due = CALENDAR.months(date(year, 2, 28), 12 * years, rolls=False).due_on
    assert due == date(year + years, 2, 28)
    assert CALENDAR.days(date(year, 2, 28), 1, rolls=False).due_on == date(year, 2, 29)


@seed(20261123)
@FEW
@given(DAYS, st.integers(1, 40), st.integers(1, 40))
def test_a_longer_term_never_ends_earlier(start: date, one: int, more: int) -> None:
    for rolls in (False, True):
        assert CALENDAR.days(start, one, rolls=rolls).due_on <= CALENDAR.days(start, one + more, rolls=rolls).due_on
        # nor does one that begins later
        later = CALENDAR.days(start + timedelta(days=more), one, rolls=rolls).due_on
        assert CALENDAR.days(start, one, rolls=rolls).due_on <= later


def _chains(year: int) -> list[date]:
    day, found = date(year, 1, 1), []
    while day.year == year:
        if "설날" in (CALENDAR.holiday(day) or "") or "추석" in (CALENDAR.holiday(day) or ""):
            found.append(day)
        day += timedelta(days=1)
    return found


@seed(20261124)
@FEW
@given(YEARS, st.integers(1, 20), st.data())
def test_a_term_that_ends_in_a_chain_of_holidays_ends_on_the_first_working_day(year, count, data) -> None:
    ends = data.draw(st.sampled_from(_chains(year)))
    counted = CALENDAR.days(ends - timedelta(days=count), count, rolls=True)
    assert counted.nominal_on == ends
    assert CALENDAR.working(counted.due_on)
    skipped = [ends + timedelta(days=n) for n in range((counted.due_on - ends).days)]
    assert skipped
    assert not any(map(CALENDAR.working, skipped))
    assert all(f"{day}" in counted.basis_ko for day in skipped)
    # a duty that may not roll is never put off by the same chain
    assert CALENDAR.days(ends - timedelta(days=count), count, rolls=False).due_on == ends


@seed(20261125)
@FEW
@given(DAYS, st.integers(0, 86_399))
@example(date(2026, 11, 20), 0)
@example(date(2026, 11, 20), 86_399)
def test_a_day_of_the_centre_begins_and_ends_at_its_own_midnight(day: date, second: int) -> None:
    moment = datetime.combine(day, time(), SEOUL) + timedelta(seconds=second)
    assert CALENDAR.day_of(moment) == day == CALENDAR.day_of(moment.astimezone(ZoneInfo("UTC")))
    if day >= date(2020, 7, 10):
        assert CITY.at(moment).on == day
    if moment >= datetime(2026, 9, 11, tzinfo=SEOUL):
        duty = notify_leak({"known_at": moment, "to": "subject"}, CITY.at(moment))
        assert duty.due_at is not None
        assert duty.due_at - moment == timedelta(hours=72)
        assert duty.due_on == day + timedelta(days=3)


@seed(20261126)
@FEW
@given(st.integers(480_000, 560_000), st.sampled_from([("days", 7), ("days", 30), ("months", 3), ("none", 0)]))
def test_footage_dies_in_order_and_at_the_hour_it_was_made(epoch: int, kept: tuple[str, int]) -> None:
    class_ = RetentionClass(1, kept[0], kept[1], "방침")
    dies, after = death_s(class_, epoch, SEOUL), death_s(class_, epoch + 1, SEOUL)
    assert dies is not None
    assert after is not None
    assert epoch * 3600 <= dies <= after
    born, dead = (datetime.fromtimestamp(s, SEOUL) for s in (epoch * 3600, dies))
    assert born.hour == dead.hour
    if kept[0] == "months":
        # three calendar months, and never 90 days by rule
        assert (dead.year * 12 + dead.month) - (born.year * 12 + born.month) == 3
        assert dead.day == min(born.day, monthrange(dead.year, dead.month)[1])
        assert 89 <= (dead.date() - born.date()).days <= 92


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> law.Law:
    """A city that shortens its answer from ten days to seven on 1 December 2026."""
    root: Path = tmp_path_factory.mktemp("changed") / "packs"
    shutil.copytree(folder(), root)
    file = root / "kr_anyang" / "parameters.yaml"
    text = file.read_text(encoding="utf-8")
    old = "  - {from: 2020-07-10, value: 10, unit: day, article: 별지2}\n"
    new = (
        "  - {from: 2020-07-10, to: 2026-11-30, value: 10, unit: day, article: 별지2}\n"
        "  - {from: 2026-12-01, value: 7, unit: day, article: 별지2}\n"
    )
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return law.load(("kr_national", "kr_anyang"), root)


@seed(20261127)
@FEW
@given(st.integers(-30, 30), st.integers(0, 20))
@example(-1, 5)
@example(0, 0)
def test_a_rule_that_changes_in_mid_case_binds_from_its_first_day(changed: law.Law, before: int, asked: int) -> None:
    first = date(2026, 12, 1)
    received = first + timedelta(days=before)
    on_receipt = answer_request({"received_on": received}, changed.on(received))
    days = 10 if before < 0 else 7
    assert on_receipt.due_on == CALENDAR.days(received, days, rolls=True).due_on
    # counted anew on a later day, the rule of that day says so, and never a later end than the citizen was told
    later = received + timedelta(days=asked)
    again = answer_request({"received_on": received}, changed.on(later))
    assert again.due_on <= on_receipt.due_on
    assert (again.due_on < on_receipt.due_on) == (before < 0 and later >= first and _shorter(received))
    assert changed.on(first - timedelta(days=1)).parameter("request.days").value == 10
    assert changed.on(first).parameter("request.days").value == 7


def _shorter(received: date) -> bool:
    return CALENDAR.days(received, 7, rolls=True).due_on < CALENDAR.days(received, 10, rolls=True).due_on
