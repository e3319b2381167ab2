"""Reading retention (보관 현황): what dies when and why, per class and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from gwanje.centre.common import clock
from gwanje.centre.retention import api
from gwanje.centre.retention.models import DestroyedHour, RetentionClass
from gwanje.kernel.footage import EPOCH_S

HOURS_MAX = 1000


@dataclass(frozen=True)
class DueHour:
    """One class and hour that still stands. ``due`` None: permanent. ``seconds``: spans of its segments, summed.

    ``held``: how many holds keep what is left of a dead hour.
    """

    class_number: int
    label: str
    reference: str
    epoch: int
    started: datetime
    due: datetime | None
    cameras: int
    segments: int
    seconds: int
    bytes: int
    held: int = 0

    @property
    def overdue(self) -> bool:
        """Its death is past, and no hold keeps what stands of it."""
        return self.due is not None and self.due <= clock().now() and not self.held

    @property
    def due_text(self) -> str:
        """The moment of death in the centre's zone."""
        return "-" if self.due is None else f"{self.due.astimezone(clock().zone):%Y-%m-%d %H:%M}"

    def as_json(self) -> dict[str, Any]:
        """For the API and ``--json``."""
        return {
            "class": self.class_number,
            "label": self.label,
            "reference": self.reference,
            "started": self.started.isoformat(),
            "due": self.due.isoformat() if self.due else None,
            "overdue": self.overdue,
            "held": self.held,
            "cameras": self.cameras,
            "segments": self.segments,
            "seconds": self.seconds,
            "bytes": self.bytes,
        }


def due(*, class_number: int | None = None, offset: int = 0, limit: int = 48) -> list[DueHour]:
    """Hours that stand, the first to die first, as far as the transaction's scope goes; 1000 a call at most."""
    classes = {c.number: c for c in api.classes()}
    with connection.cursor() as cursor:
        cursor.execute(
            "select s.class, s.epoch, sum(s.cameras), sum(s.segments), sum(s.seconds), sum(s.bytes)::bigint "
            "from footage_standing s left join footage_class c on c.number = s.class "
            "where (%s::int is null or s.class = %s) "
            "group by s.class, s.epoch, c.kind, c.value order by case c.kind "
            "when 'days' then to_timestamp(s.epoch * 3600) + make_interval(secs => c.value * 86400) "
            "when 'months' then to_timestamp(s.epoch * 3600) + make_interval(months => c.value) "
            "when 'none' then to_timestamp(s.epoch * 3600) end nulls last, s.epoch, s.class limit %s offset %s",
            [class_number, class_number, max(1, min(limit, HOURS_MAX)), max(0, offset)],
        )
        found = cursor.fetchall()
    held = _held([int(row[1]) for row in found])
    return [
        _hour(classes.get(int(row[0])), [int(value) for value in row], held.get((int(row[0]), int(row[1])), 0))
        for row in found
    ]


def _held(epochs: Sequence[int]) -> dict[tuple[int, int], int]:
    """(class, epoch) → how many holds keep something of a dead hour now."""
    now, found = clock().now().timestamp(), {}
    for hour in DestroyedHour.objects.filter(epoch__in=list(epochs)).exclude(held=[]).order_by("erased_at"):
        found[hour.class_number, hour.epoch] = len({one[0] for one in hour.held if one[5] > now})
    return found


def hours(*, class_number: int | None = None) -> int:
    """How many class-hours stand, as far as the transaction's scope goes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from (select distinct class, epoch from footage_standing "
            "where %s::int is null or class = %s) h",
            [class_number, class_number],
        )
        return int(cursor.fetchone()[0])


def _hour(class_: RetentionClass | None, row: Sequence[int], held: int) -> DueHour:
    number, epoch, cameras, segments, seconds, size = row
    return DueHour(
        class_number=number,
        label=class_.label if class_ else "",
        reference=class_.reference if class_ else "",
        epoch=epoch,
        started=datetime.fromtimestamp(epoch * EPOCH_S, UTC).astimezone(clock().zone),
        due=api.dies_at(class_, epoch) if class_ else None,
        cameras=cameras,
        segments=segments,
        seconds=seconds,
        bytes=size,
        held=held,
    )
