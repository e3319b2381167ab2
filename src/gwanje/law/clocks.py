"""Legal clocks (법정 기한 규칙): rules that turn a fact's day into a Duty with its due date and its basis."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from gwanje.law.calendar import LegalCalendar
from gwanje.law.decision import Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces


@lru_cache(maxsize=8)
def calendar_of(zone: str) -> LegalCalendar:
    """The calendar of a centre's zone, made once."""
    return LegalCalendar(zone)


@enforces("request.due")
def answer_request(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A data subject's request is answered, or its refusal notified, in time (열람 등 청구 처리기한).

    Facts: ``received_on`` (date), ``refused`` (bool, the notice of refusal), ``urgent_days`` is never asked.
    """
    name = "request.refusal_days" if facts.get("refused", False) else "request.days"
    limit = law.parameter(name)
    rolls = bool(law.parameter("deadline.rolls_on_holiday").value)
    received: date = facts["received_on"]
    counted = calendar_of(law.law.zone.key).days(received, int(limit.value), rolls=rolls)
    kind = "request.refusal_notice" if facts.get("refused", False) else "request.answer"
    return law.duty(
        kind, "request.due", starts_on=received, due_on=counted.due_on, owner_role="manager", basis=counted.basis
    )


@enforces("inspection.monthly")
def inspect(facts: Mapping[str, Any], law: InForce) -> Duty:
    """The next self-inspection of cameras (월 자체 점검). Facts: ``last_on`` (date of the last one, or None),
    ``since`` (date, the centre's first day).

    With n inspections a month each lies in its own n-th of a calendar month; the month's end never rolls, because
    "at least once a month" is a promise about the month and no term that is counted from an event.
    """
    times = int(law.parameter("inspection.per_month").value)
    last: date | None = facts.get("last_on")
    start = _next_share(last, times) if last else _share(facts["since"], times)[0]
    first, due = _share(start, times)
    ko = f"월 {times}회 이상: {first}부터 {due}까지 1회" + (f" (직전 점검 {last})" if last else " (점검 기록 없음)")
    en = f"at least {times} a month: once from {first} to {due}" + (f" (last on {last})" if last else " (none yet)")
    return law.duty(
        "inspection", "inspection.monthly", starts_on=first, due_on=due, owner_role="manager", basis=(ko, en)
    )


def _share(day: date, times: int) -> tuple[date, date]:
    """First and last day of the n-th of the month that holds ``day``."""
    length = monthrange(day.year, day.month)[1]
    for number in range(1, times + 1):
        last = length * number // times
        if day.day <= last:
            return day.replace(day=length * (number - 1) // times + 1), day.replace(day=last)
    raise AssertionError("a day lies in its month")


def _next_share(day: date, times: int) -> date:
    return _share(day, times)[1] + timedelta(days=1)
