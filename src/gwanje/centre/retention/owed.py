"""What retention owes (파기 확인서 확인기한 찾기): certificates of one day are countersigned in their working days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import TruncDate

from gwanje.centre.common import clock, law
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.retention import countersign
from gwanje.centre.retention.certificate import COUNTERSIGN
from gwanje.centre.retention.models import Certificate
from gwanje.centre.retention.operator import centre

KIND, SUBJECT, NORM = "retention.countersign", "certificates", "retention.irrecoverable"
DAYS_AT_ONCE = 366


def _of(day: date) -> QuerySet[Certificate]:
    first = datetime.combine(day, time(), tzinfo=clock().zone)
    return Certificate.objects.filter(issued_at__gte=first, issued_at__lt=first + timedelta(days=1))


def certificates(now: datetime) -> Iterator[Owed | Met]:
    """Days with certificates that two officers have yet to countersign, and days that are done."""
    for row in owing.standing(KIND):
        found = _of(row.starts_on).annotate(signed=Count("countersignatures"), last=Max("countersignatures__at"))
        if not found.filter(signed__lt=len(COUNTERSIGN)).exists():
            last = found.order_by("-last").values_list("last", flat=True).first()
            yield Met(KIND, SUBJECT, row.subject, last or now, starts_on=row.starts_on)
    agency, today = centre().agency, law()
    if agency is None or not today.has(NORM):
        return
    waiting = Certificate.objects.annotate(signed=Count("countersignatures")).filter(signed__lt=len(COUNTERSIGN))
    days = waiting.annotate(day=TruncDate("issued_at", tzinfo=clock().zone)).values_list("day", flat=True)
    for day in days.order_by("day").distinct()[:DAYS_AT_ONCE]:
        deadline = countersign.deadline(day)
        duty = today.duty(
            KIND, NORM, starts_on=day, due_on=deadline.due_on, owner_role="privacy_officer", basis=deadline.basis
        )
        yield Owed(
            duty, agency, SUBJECT, day.isoformat(), f"{day} 발급 파기 확인서의 확인",
            f"Countersign the certificates of {day}", hand=False, href="/retention/certificates/",
        )  # fmt: skip


SCANS = {"certificates": certificates}
