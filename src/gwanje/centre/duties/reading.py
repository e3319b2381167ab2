"""Reading duties (기한 조회): the board of an agency, counts for the frame, and which clocks no rule answers for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from gwanje.centre.common import clock, law
from gwanje.centre.duties import rules
from gwanje.centre.duties.kinds import CLOCKS, Clock
from gwanje.centre.duties.models import OPEN, STATES, Duty
from gwanje.kernel.actor import CHIEF_OFFICER, MANAGER, ROLES, Actor
from gwanje.law import NotInForce

COMING_DAYS = 14
LATE, TODAY, COMING, LATER = SECTIONS = ("late", "today", "coming", "later")
CLOSED = "closed"


@dataclass(frozen=True)
class Span:
    """The moments that cut the board: now, the end of today, the end of the coming days."""

    now: datetime
    tonight: datetime
    coming: datetime


def span() -> Span:
    """The cuts of this moment in the centre's zone."""
    local = clock().local()
    day = local.date()
    end = time.max
    zone = clock().zone
    return Span(
        clock().now(),
        datetime.combine(day, end, tzinfo=zone),
        datetime.combine(day + timedelta(days=COMING_DAYS), end, tzinfo=zone),
    )


def section(row: Duty, cuts: Span) -> str:
    """Where an open duty stands on the board."""
    if row.ends_at < cuts.now:
        return LATE
    if row.ends_at <= cuts.tonight:
        return TODAY
    return COMING if row.ends_at <= cuts.coming else LATER


def ladder(owner: str) -> tuple[str, ...]:
    """Who is told that something is late, in order: the owner, the manager, the chief officer; nobody twice."""
    return tuple(dict.fromkeys((owner, MANAGER, CHIEF_OFFICER))) if owner != CHIEF_OFFICER else (CHIEF_OFFICER,)


def seen_by(actor: Actor) -> QuerySet[Duty]:
    """Duties of the actor's agency: all for officers and auditors, for others their own."""
    rows = Duty.objects.filter(agency_id=actor.agency)
    if actor.has(*rules.READERS):
        return rows
    return rows.filter(Q(person=actor.person) | Q(owner_role__in=[r for r in actor.roles if r in ROLES]))


def due(
    actor: Actor, *, state: str = OPEN, section_: str = "", owner: str = "", norm: str = "", late_only: bool = False
) -> QuerySet[Duty]:  # fmt: skip
    """What the actor may read: open ones the first due first, closed ones the last closed first."""
    rows = seen_by(actor)
    cuts = span()
    if owner:
        rows = rows.filter(owner_role=owner)
    if norm:
        rows = rows.filter(norm=norm)
    if state == CLOSED:
        rows = rows.exclude(state=OPEN).order_by("-done_at", "-id")
        return rows.filter(done_at__gt=F("ends_at")) if late_only else rows
    if state in STATES:
        rows = rows.filter(state=state)
    if section_ in SECTIONS:
        rows = rows.filter(_where(section_, cuts))
    return rows.order_by("ends_at", "id")


def _where(name: str, cuts: Span) -> Q:
    return {
        LATE: Q(ends_at__lt=cuts.now),
        TODAY: Q(ends_at__gte=cuts.now, ends_at__lte=cuts.tonight),
        COMING: Q(ends_at__gt=cuts.tonight, ends_at__lte=cuts.coming),
        LATER: Q(ends_at__gt=cuts.coming),
    }[name]


def counts(actor: Actor, owner: str = "", norm: str = "") -> dict[str, int]:
    """How many open duties stand in each part of the board."""
    cuts = span()
    said = {name: Count("pk", filter=_where(name, cuts)) for name in SECTIONS}
    found: dict[str, int] = due(actor, owner=owner, norm=norm).order_by().aggregate(**said)
    return found


def waiting(actor: Actor) -> dict[str, int]:
    """For the start page and the frame: ``duties_late`` and ``duties_today``; nothing for who has no board."""
    # the page of a fault that broke the transaction is shown without the count rather than not at all
    if connection.needs_rollback or actor.anonymous or not actor.has(*rules.NEEDED[rules.READ]):
        return {"duties_late": 0, "duties_today": 0}
    cuts = span()
    rows = seen_by(actor).filter(state=OPEN, ends_at__lte=cuts.tonight).order_by()
    found = rows.aggregate(late=Count("pk", filter=Q(ends_at__lt=cuts.now)), all=Count("pk"))
    return {"duties_late": found["late"], "duties_today": found["all"] - found["late"]}


def norms_of(actor: Actor) -> list[str]:
    """Norms that the actor's duties have, for the filter."""
    return list(seen_by(actor).order_by("norm").values_list("norm", flat=True).distinct())


def owners_of(actor: Actor) -> list[str]:
    """Offices that the actor's duties have, for the filter."""
    return list(seen_by(actor).order_by("owner_role").values_list("owner_role", flat=True).distinct())


def silent() -> list[tuple[Clock, str]]:
    """Clocks that no rule of this centre's packs answers for today, and what lacks: an ``article`` or a ``number``."""
    today = law()
    return [(known, why) for known in CLOCKS if (why := lacking(known, today))]


def lacking(known: Clock, today: Any) -> str:
    """``article`` when no article in force carries the norm, ``number`` when none says how long, else empty."""
    if not today.has(known.norm):
        return "article"
    try:
        for name in known.parameters:
            today.parameter(name)
    except NotInForce:
        return "number"
    return ""
