"""Duties: the due day of a request and of the monthly inspection."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje import law
from gwanje.law import NotInForce
from gwanje.law.calendar import LegalCalendar
from gwanje.law.cases import stacks
from gwanje.law.clocks import answer_request, inspect
from gwanje.law.decision import NEVER

LAW = law.load(stacks()[0]).on(date(2026, 11, 20))
CALENDAR = LegalCalendar()


@pytest.mark.norm("request.due", "late")
@given(st.dates(date(2021, 1, 1), date(2032, 12, 31)), st.booleans())
def test_a_request_is_late_after_its_last_working_day(received: date, refused: bool) -> None:
    duty = answer_request({"received_on": received, "refused": refused}, LAW)
    assert duty.due_on >= received + timedelta(days=10)
    assert CALENDAR.working(duty.due_on)
    assert not duty.late(duty.due_on)
    assert duty.due_on != NEVER
    assert duty.late(duty.due_on + timedelta(days=1))


@pytest.mark.norm("inspection.monthly", "late")
@given(st.dates(date(2021, 1, 1), date(2032, 12, 31)))
def test_an_inspection_falls_due_by_the_end_of_the_next_month(last: date) -> None:
    duty = inspect({"last_on": last, "since": date(2020, 7, 10)}, LAW)
    assert duty.due_on != NEVER
    assert duty.starts_on.day == 1
    assert (duty.starts_on - timedelta(days=1)).month == last.month
    assert (duty.due_on + timedelta(days=1)).day == 1
    assert 27 <= (duty.due_on - duty.starts_on).days <= 30


def test_the_first_inspection_is_due_in_the_first_month() -> None:
    duty = inspect({"last_on": None, "since": date(2026, 11, 12)}, LAW)
    assert (duty.starts_on, duty.due_on) == (date(2026, 11, 1), date(2026, 11, 30))
    assert "점검 기록 없음" in duty.basis_ko


def test_no_clock_runs_before_the_law() -> None:
    with pytest.raises(NotInForce):
        inspect({"last_on": None, "since": date(2020, 1, 1)}, law.load(stacks()[0]).on(date(2020, 7, 9)))
