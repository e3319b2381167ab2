"""Due dates: property tests over month ends, leap days, holiday chains and KST midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje.law.calendar import LegalCalendar

CALENDAR = LegalCalendar()
SEOUL = ZoneInfo("Asia/Seoul")
MOMENTS = st.integers(1_514_764_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC))
DAYS = st.dates(date(2018, 1, 1), date(2035, 12, 31))


@given(DAYS, st.integers(1, 400))
def test_days_end_in_time_and_roll_to_the_next_working_day(start: date, count: int) -> None:
    plain = CALENDAR.days(start, count, rolls=False)
    rolled = CALENDAR.days(start, count, rolls=True)
    assert plain.due_on == plain.nominal_on == start + timedelta(days=count)
    assert rolled.nominal_on == plain.due_on
    assert CALENDAR.working(rolled.due_on)
    between = [plain.due_on + timedelta(days=n) for n in range((rolled.due_on - plain.due_on).days)]
    assert [d for d, _, _ in rolled.rolled_over] == between
    assert not any(CALENDAR.working(d) for d in between)


@given(DAYS, st.integers(1, 36))
def test_months_end_on_the_same_number_or_the_months_end(start: date, count: int) -> None:
    due = CALENDAR.months(start, count, rolls=False).due_on
    assert (due.year * 12 + due.month) - (start.year * 12 + start.month) in (count, count + (start.day == 31))
    last = (due.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    assert due.day == start.day or due == last
    assert due > start


@given(DAYS, st.integers(1, 60))
def test_working_days_count_only_working_days(start: date, count: int) -> None:
    due = CALENDAR.working_days(start, count).due_on
    passed = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert sum(CALENDAR.working(d) for d in passed) == count
    assert CALENDAR.working(due)


@given(MOMENTS, st.integers(1, 8784))
def test_hours_are_hours(moment: datetime, count: int) -> None:
    assert CALENDAR.hours(moment, count) - moment == timedelta(hours=count)


@given(MOMENTS)
def test_the_day_is_koreas_day(moment: datetime) -> None:
    assert CALENDAR.day_of(moment) == (moment + timedelta(hours=9)).date()


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        (date(2026, 1, 30), 1, date(2026, 2, 28)),  # 31 January is the first day counted; February has no 31st
        (date(2026, 1, 31), 1, date(2026, 2, 28)),  # counted from 1 February: the whole month
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 28), 12, date(2029, 2, 28)),  # 29 February comes again as the month's end
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 8, 15), 3, date(2026, 11, 15)),
    ],
)
def test_month_ends_and_leap_days(start: date, count: int, due: date) -> None:
    assert CALENDAR.months(start, count, rolls=False).due_on == due


def test_lunar_new_year_chain_with_substitute_holiday() -> None:
    # 2027: Sat 6 Feb to Mon 8 Feb, substitute on Tue 9 Feb
    counted = CALENDAR.days(date(2027, 1, 27), 10, rolls=True)
    assert (counted.nominal_on, counted.due_on) == (date(2027, 2, 6), date(2027, 2, 10))
    assert "설날 대체 휴일" in counted.basis_ko
    assert len(counted.rolled_over) == 4


def test_kst_midnight() -> None:
    last = datetime(2026, 11, 20, 23, 59, 59, tzinfo=SEOUL)
    assert CALENDAR.day_of(last) == date(2026, 11, 20)
    assert CALENDAR.day_of(last + timedelta(seconds=1)) == date(2026, 11, 21)
    with pytest.raises(TypeError):
        CALENDAR.day_of(datetime(2026, 11, 20))  # noqa: DTZ001
    with pytest.raises(TypeError):
        CALENDAR.hours(datetime(2026, 11, 20), 72)  # noqa: DTZ001


def test_holiday_names_in_both_languages() -> None:
    assert CALENDAR.holiday(date(2026, 9, 25)) == "추석"
    assert CALENDAR.holiday(date(2026, 9, 25), "en") == "Chuseok"
    assert CALENDAR.holiday(date(2026, 11, 21)) == "토요일"
    assert CALENDAR.holiday(date(2026, 11, 20)) is None


@pytest.mark.parametrize("count", [0, -1, 4000])
def test_limits(count: int) -> None:
    for ask in (CALENDAR.working_days, lambda d, n: CALENDAR.days(d, n, rolls=False)):
        with pytest.raises(ValueError, match="기한"):
            ask(date(2026, 1, 1), count)
