"""What watching owes (비상 열람 검토기한 찾기): each break-glass is reviewed by another officer in its hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from gwanje.centre.common import clock, law
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.watching import rules_glass
from gwanje.centre.watching.models import Glass

KIND, SUBJECT = "live.glass_review", "glass"
BATCH = 500


def glasses(now: datetime) -> Iterator[Owed | Met]:
    """Break-glasses that wait for their review, and those that were reviewed."""
    rows = {row.subject: row for row in owing.standing(KIND)}
    known = Glass.objects.filter(pk__in=[UUID(id_) for id_ in rows], reviewed_at__isnull=False)
    for row in known:
        yield Met(KIND, SUBJECT, str(row.pk), row.reviewed_at, row.review_note)
    today = law()
    if not today.has(rules_glass.REVIEWED):
        return
    zone = clock().zone
    for row in Glass.objects.filter(reviewed_at__isnull=True).order_by("review_by")[:BATCH]:
        begun, due = row.started_at.astimezone(zone), row.review_by.astimezone(zone)
        # the hours were set when the glass was broken: what the row says is what was promised
        hours = round((row.review_by - row.started_at).total_seconds() / 3600)
        basis = (
            f"연 때 {begun:%Y-%m-%d %H:%M}부터 {hours}시간: {due:%Y-%m-%d %H:%M}까지, 휴일도 셈",
            f"{hours} hours from {begun:%Y-%m-%d %H:%M}, when it was opened: by {due:%Y-%m-%d %H:%M}, holidays count",
        )
        duty = today.duty(
            KIND, rules_glass.REVIEWED, starts_on=begun.date(), due_on=due.date(), owner_role="manager", basis=basis,
            due_at=due, starts_at=begun,
        )  # fmt: skip
        yield Owed(
            duty, row.agency_id, SUBJECT, str(row.pk), f"비상 열람 검토: {row.station} · {row.words}",
            f"Review of a break-glass: {row.station} · {row.words}", hand=False, href="/watch/glass/",
        )  # fmt: skip


SCANS = {"glasses": glasses}
