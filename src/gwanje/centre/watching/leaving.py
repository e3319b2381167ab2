"""What watching ends when a person leaves (전보·퇴직 시 종료): open emergencies, domes out of zone, break-glasses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from gwanje.centre.common import clock
from gwanje.centre.watching import glass, services, steering
from gwanje.centre.watching.models import Emergency, Glass, PtzEmergency
from gwanje.kernel.actor import Actor

# each is ended as by hand: the same ledger row, and the same told
KINDS: tuple[tuple[str, Any, Callable[..., None]], ...] = (
    ("emergencies", Emergency, services.narrow),
    ("steering", PtzEmergency, steering.bring_home),
    ("glasses", Glass, lambda row, by, **because: glass.mend(row, by, None, **because)),
)


def end_for(person: UUID, by: Actor | None) -> dict[str, int]:
    """End what the person has open, each with its ledger row and event; with ``by`` None only count it."""
    out = {}
    for word, table, end in KINDS:
        rows = table.objects.filter(person_id=person, ended_at__isnull=True, until__gt=clock().now())
        if by is None:
            out[word] = rows.count()
            continue
        found = list(rows.select_for_update())
        for row in found:
            end(row, by, because="departure", person=str(person))
        out[word] = len(found)
    return out
