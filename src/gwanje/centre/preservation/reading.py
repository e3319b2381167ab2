"""Reading preservation (보존 현황): what is held until when, and how much of the disk it takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from gwanje.centre.common import clock
from gwanje.centre.preservation.models import ASKED, STANDING, Hold

WAITS = "waiting"
SOON_DAYS = 7
STATE_WORDS = {
    "standing": (_("보존 중"), "ok"),
    "ended": (_("종료"), ""),
    "died": (_("기간 만료"), ""),
}
KIND_WORDS = {
    "provisional": _("임시 보존"),
    "investigation": _("수사"),
    "trial": _("재판"),
    "statute": _("다른 법령"),
    "extension": _("기간 연장"),
}


def state_now(hold: Hold) -> str:
    """The state as of now: what has passed its end shows so before the duty has marked it."""
    return "died" if hold.state == STANDING and hold.ends_at <= clock().now() else str(hold.state)


def days_left(ends: datetime) -> int:
    """Whole days until an end, rounded up; 0 once it has passed."""
    left = (ends - clock().now()).total_seconds()
    return max(0, -int(-left // 86400))


def found(*, state: str = "", query: str = "", own: UUID | None = None) -> QuerySet[Hold]:
    """Holds, the soonest to end first; ``query`` in case, reason, camera; ``own``: asked by that person only."""
    rows = Hold.objects.select_related("requester", "reviewer").order_by("ends_at", "id")
    if own is not None:
        rows = rows.filter(requester_id=own)
    if state == WAITS:
        rows = rows.filter(acts__state=ASKED)
    elif state in STATE_WORDS:
        rows = rows.filter(state=state)
    for word in query.split()[:5]:
        rows = rows.filter(
            Q(case__icontains=word) | Q(reason__icontains=word) | Q(requester__name__icontains=word)
            | Q(pk__in=Hold.objects.filter(cameras__label__icontains=word).values("pk"))
        )  # fmt: skip
    return rows


def totals() -> dict[str, Any]:
    """How many holds stand, their recorded seconds and bytes by the index, as far as the scope goes."""
    standing = Hold.objects.filter(state=STANDING, ends_at__gt=clock().now())
    sums = standing.aggregate(seconds=Sum("seconds"), bytes=Sum("bytes"))
    return {"holds": standing.count(), "seconds": sums["seconds"] or 0, "bytes": sums["bytes"] or 0}
