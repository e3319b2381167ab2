"""What inspection owes (점검 기한 찾기): each month since the first camera, done when its journal was closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from gwanje.centre.common import clock
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.inspection import duties, reading
from gwanje.centre.inspection.models import Month
from gwanje.centre.staff import api as staff
from gwanje.law.clocks import inspect

KIND, SUBJECT = "inspection", "agency"
PERIODS_MAX = 36


def months(now: datetime) -> Iterator[Owed | Met]:
    """Months that ask for an inspection, and those whose journal is closed."""
    for row in owing.standing(KIND):
        closed = Month.objects.filter(
            agency_id=row.agency_id, year=row.due_on.year, month=row.due_on.month
        ).order_by("closed_at").first()  # fmt: skip
        if closed is not None:
            yield Met(KIND, SUBJECT, row.subject, closed.closed_at, closed.summary, row.starts_on)
    for agency in staff.agencies().filter(kind="city"):
        since = duties.first_day(agency.pk)
        if since is not None:
            yield from _months(agency.pk, since)


def _months(agency: UUID, since: date) -> Iterator[Owed]:
    today = clock().local().date()
    before = owing.newest(KIND, agency)
    day = before.due_on + timedelta(days=1) if before else _first(agency, since)
    for _ in range(PERIODS_MAX):
        if day > today:
            return
        found = owing.judged(inspect, {"last_on": None, "since": day})
        if found is None:
            return
        duty, rule = found
        yield Owed(
            duty, agency, SUBJECT, str(agency), f"{duty.due_on:%Y년 %m월} 자체 점검",
            f"Self-inspection of {duty.due_on:%Y-%m}", facts={"last_on": None, "since": day}, rule=rule, hand=False,
            href="/inspection/",
        )  # fmt: skip
        day = duty.due_on + timedelta(days=1)


def _first(agency: UUID, since: date) -> date:
    """The day after the last closed month, or the first day of all."""
    last = Month.objects.filter(agency_id=agency).order_by("-year", "-month").first()
    found = reading.span(last.year, last.month) if last else None
    return found[1].date() if found else since


SCANS = {"months": months}
