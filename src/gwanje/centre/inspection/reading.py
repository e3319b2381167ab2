"""Reading the journal (점검일지 조회): months, their rows in order, and when the next inspection is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import QuerySet

from gwanje.centre.common import clock, law
from gwanje.centre.inspection.models import Fault, Month
from gwanje.law import ArticleRef, Duty, NotInForce
from gwanje.law.clocks import inspect

YEAR_MIN, YEAR_MAX = 2000, 2200


def span(year: int, month: int) -> tuple[datetime, datetime] | None:
    """First moment of a calendar month in the centre's zone and of the next; None for a month that is none."""
    if not (YEAR_MIN <= year <= YEAR_MAX and 1 <= month <= 12):
        return None
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    zone = clock().zone
    return datetime(year, month, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone)


def beside(year: int, month: int, step: int) -> str:
    """The month before (-1) or after (1) as ``2026-11``."""
    count = year * 12 + month - 1 + step
    return f"{count // 12}-{count % 12 + 1:02}"


def month_of(text: str) -> tuple[int, int]:
    """(year, month) of ``2026-11``; the present month when it is none."""
    year, _, month = text.partition("-")
    if year.isdecimal() and month.isdecimal() and len(text) <= 7 and span(int(year), int(month)):
        return int(year), int(month)
    today = clock().local().date()
    return today.year, today.month


def rows(agency: UUID | None, year: int, month: int) -> QuerySet[Fault]:
    """The journal's rows of a month: what happened in it, oldest first."""
    found = span(year, month)
    assert found is not None
    return Fault.objects.filter(agency_id=agency, occurred_at__gte=found[0], occurred_at__lt=found[1]).select_related(
        "ticket"
    )


def articles() -> tuple[ArticleRef, ...]:
    """Articles in force that ask for a monthly inspection; none in a city whose packs do not."""
    try:
        return law().articles("inspection.monthly")
    except NotInForce:
        return ()


@dataclass(frozen=True)
class Due:
    """The duty of the next self-inspection (월 자체 점검 기한)."""

    duty: Duty
    overdue: bool


def due(agency: UUID | None, since: date) -> Due | None:
    """When the next inspection is due by the journal's closed months; None where no article in force asks for one."""
    today = clock().local().date()
    if not articles():
        return None
    last = Month.objects.filter(agency_id=agency).order_by("-year", "-month").first()
    # a month that is closed late is that month's inspection, not the later one's
    last_on = None if last is None else min(_last_day(last), last.closed_at.astimezone(clock().zone).date())
    duty = inspect({"last_on": last_on, "since": since}, law())
    return Due(duty, today > duty.due_on)


def _last_day(row: Month) -> date:
    found = span(row.year, row.month)
    assert found is not None
    return date.fromordinal(found[1].date().toordinal() - 1)
