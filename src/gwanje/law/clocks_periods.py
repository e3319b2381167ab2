"""Clocks that come again (주기적으로 돌아오는 기한): training, contractors, access logs.

A promise about a period is no term that is counted from an event: its last day never rolls over a holiday.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from gwanje.law.clocks import calendar_of
from gwanje.law.decision import Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces

QUARTER_MONTHS = 3


@enforces("training.quarterly")
def train(facts: Mapping[str, Any], law: InForce) -> Duty:
    """The next training of the staff (분기 교육). Facts: ``last_on`` (date of the last one, or None), ``since`` (date,
    the centre's first day).

    With n trainings a quarter each lies in its own n-th of the quarter.
    """
    times = int(law.parameter("training.per_quarter").value)
    last: date | None = facts.get("last_on")
    start = _share(last, times)[1] + timedelta(days=1) if last else _share(facts["since"], times)[0]
    first, due = _share(start, times)
    ko = f"분기 {times}회 이상: {first}부터 {due}까지 1회" + (f" (직전 교육 {last})" if last else " (교육 기록 없음)")
    en = f"at least {times} a quarter: once from {first} to {due}" + (f" (last on {last})" if last else " (none yet)")
    return law.duty(
        "training.quarterly", "training.quarterly", starts_on=first, due_on=due, owner_role="manager", basis=(ko, en)
    )


def quarter(day: date) -> tuple[date, date]:
    """First and last day of the quarter that holds ``day``."""
    month = (day.month - 1) // QUARTER_MONTHS * QUARTER_MONTHS + 1
    first = date(day.year, month, 1)
    after = date(day.year + (month == 10), (month + QUARTER_MONTHS - 1) % 12 + 1, 1)
    return first, after - timedelta(days=1)


def _share(day: date, times: int) -> tuple[date, date]:
    first, last = quarter(day)
    length = (last - first).days + 1
    for number in range(1, times + 1):
        end = first + timedelta(days=length * number // times - 1)
        if day <= end:
            return first + timedelta(days=length * (number - 1) // times), end
    raise AssertionError("a day lies in its quarter")


def _every(law: InForce, facts: Mapping[str, Any], norm: str, parameter: str, owner: str) -> Duty:
    months = int(law.parameter(parameter).value)
    last: date | None = facts.get("last_on")
    # the first period begins with the first day itself; later ones the day after the last time
    start = last or facts["since"] - timedelta(days=1)
    deadline = calendar_of(law.law.zone.key).months(start, months, rolls=False)
    ko = f"{months}개월마다 1회: {deadline.due_on}까지" + (f" (직전 {last})" if last else " (기록 없음)")
    en = f"once in {months} calendar months: by {deadline.due_on}" + (f" (last on {last})" if last else " (none yet)")
    first = start + timedelta(days=1)
    return law.duty(norm, norm, starts_on=first, due_on=deadline.due_on, owner_role=owner, basis=(ko, en))


@enforces("contractor.check")
def check_contractors(facts: Mapping[str, Any], law: InForce) -> Duty:
    """Contractors are checked at the set interval (수탁자 점검).

    Facts: ``last_on`` (date or None), ``since`` (date of the first contract)."""
    return _every(law, facts, "contractor.check", "contractor.check_months", "manager")


@enforces("log.review")
def review_logs(facts: Mapping[str, Any], law: InForce) -> Duty:
    """Access logs and reasons of downloads are reviewed (접속기록 점검).

    Facts: ``last_on`` (date or None), ``since`` (date, the centre's first day)."""
    return _every(law, facts, "log.review", "log.review_months", "privacy_officer")
