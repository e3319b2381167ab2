"""What is open of break-glass, and what waits (비상 열람 조회)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from gwanje.centre.common import clock, decide
from gwanje.centre.watching import rules_glass
from gwanje.centre.watching.models import MISUSE, Glass
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

OPEN_MAX = 20


def _open(found: QuerySet[Glass]) -> QuerySet[Glass]:
    return found.filter(ended_at__isnull=True, until__gt=clock().now())


def open_of(actor: Actor) -> Glass | None:
    """The break-glass that this person has open at this seat."""
    return _open(Glass.objects.filter(agency_id=actor.agency, person_id=actor.person, station=actor.station)).first()


def open_now(actor: Actor) -> list[Glass]:
    """All that are open in the actor's agency now, 20 at most: for the alarm on every page."""
    return list(_open(Glass.objects.filter(agency_id=actor.agency))[:OPEN_MAX])


def standing(person: UUID | None) -> dict[str, int]:
    """Counts of a person's own: ``waiting`` for review, ``late``, ``misuse`` that nobody has lifted."""
    mine = Glass.objects.filter(person_id=person)
    waits = mine.filter(reviewed_at__isnull=True)
    return {
        "waiting": waits.count(),
        "late": waits.filter(review_by__lte=clock().now()).count(),
        "misuse": mine.filter(verdict=MISUSE, restored_at__isnull=True).count(),
    }


def facts_of(row: Glass) -> dict[str, Any]:
    """What the policy asks of an open break-glass."""
    open_ = row.ended_at is None and row.until > clock().now()
    return {
        "person": row.person_id,
        "station": row.station,
        "cameras": frozenset(UUID(id_) for id_ in row.cameras),
        "open": open_,
    }


def shows(actor: Actor, row: Glass, camera: Resource) -> bool:
    """Does this open break-glass show the camera to this person at this seat? The policy object says."""
    return decide(actor, rules_glass.WATCH, camera, glass=facts_of(row)).allow


def reviews_waiting(actor: Actor) -> tuple[int, int]:
    """Ended break-glasses that wait for a review by this actor's kind, and how many of them are overdue."""
    now = clock().now()
    over = Q(ended_at__isnull=False) | Q(until__lte=now)
    found = Glass.objects.filter(over, agency_id=actor.agency, reviewed_at__isnull=True)
    found = found.exclude(person_id=actor.person)
    return found.count(), found.filter(review_by__lte=now).count()
