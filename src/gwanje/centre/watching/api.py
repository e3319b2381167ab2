"""What other rooms and the pages' frame may ask watching (관제 조회): open break-glasses, reviews that wait."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from gwanje.centre.staff import api as staff
from gwanje.centre.watching import glass_reading, rules_glass
from gwanje.kernel.actor import Actor

__all__ = ["Alarm", "Alarms", "alarms", "reviews_waiting"]
OPENED = "glass.opened"


@dataclass(frozen=True)
class Alarm:
    """An open break-glass as every page of who has to know says it; ``until`` in Unix seconds."""

    id: UUID
    name: str
    station: str
    cameras: int
    words: str
    until: float
    own: bool


@dataclass(frozen=True)
class Alarms:
    """What is open now, and the number of the newest event: the page listens from there."""

    open: tuple[Alarm, ...]
    seq: int


def alarms(actor: Actor) -> Alarms | None:
    """For everybody on shift, the officers, and who opened one; None for who need not know."""
    if connection.needs_rollback:
        # the page of a fault that broke the transaction: it is shown without the line rather than not at all
        return None
    told = actor.on_duty or actor.has(*rules_glass.REVIEWERS)
    rows = [row for row in glass_reading.open_now(actor) if told or row.person_id == actor.person]
    if not told and not rows:
        return None
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(seq), 0) from event")
        seq = int(cursor.fetchone()[0])
    out = []
    for row in rows:
        who = staff.person(row.person_id)
        own = row.person_id == actor.person and row.station == actor.station
        name, until = who.name if who else "—", row.until.timestamp()
        out.append(Alarm(row.id, name, row.station, len(row.cameras), row.words, until, own))
    return Alarms(tuple(out), seq)


def reviews_waiting(actor: Actor) -> tuple[int, int]:
    """Break-glasses that wait for this officer's review, and how many of them are overdue; (0, 0) for others."""
    if not actor.has(*rules_glass.REVIEWERS) or actor.contractor:
        return 0, 0
    return glass_reading.reviews_waiting(actor)
