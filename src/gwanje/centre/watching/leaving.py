"""What watching ends when a person leaves (전보·퇴직 시 종료): open emergencies, domes out of zone, break-glasses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gwanje.centre.common import clock, cursor
from gwanje.centre.watching.models import Emergency, Glass, PtzEmergency
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry

KINDS: tuple[tuple[str, Any, str], ...] = (
    ("emergencies", Emergency, "watching.emergency.ended"),
    ("steering", PtzEmergency, "watching.ptz.ended"),
    ("glasses", Glass, "watching.glass.ended"),
)


def end_for(person: UUID, by: Actor | None) -> dict[str, int]:
    """End what the person has open, each with its ledger row; with ``by`` None only count it."""
    out = {}
    for word, table, kind in KINDS:
        rows = table.objects.filter(person_id=person, ended_at__isnull=True, until__gt=clock().now())
        if by is None:
            out[word] = rows.count()
            continue
        out[word] = 0
        for row in rows.select_for_update():
            row.ended_at = clock().now()
            row.save(update_fields=["ended_at"])
            detail = {"row": row.pk, "person": person, "because": "departure"}
            entry = Entry(kind, "done", actor=by.person, agency=row.agency_id, detail=detail, dies="access")
            ledger.append(cursor(), clock(), entry)
            out[word] += 1
    return out
