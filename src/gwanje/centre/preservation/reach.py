"""What a hold or a deletion would reach (보존·삭제 미리보기): cameras, seconds, bytes, what is dead already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gwanje.centre.cameras.api import CameraView
from gwanje.centre.preservation.models import DELETED, Deletion
from gwanje.kernel import footage
from gwanje.kernel.footage import EPOCH_S, Cursor, Segment

STREAM = 0
Range = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """Seconds of one retention class, Unix s, half open; ``seconds`` recorded in them, ``bytes`` of ciphertext."""

    class_: int
    first: int
    until: int
    seconds: int
    bytes: int


@dataclass(frozen=True)
class Reach:
    """One camera: its spans, and the seconds of the wanted range that are destroyed or deleted already."""

    camera: CameraView
    slot: int
    spans: tuple[Span, ...]
    dead_s: int

    @property
    def seconds(self) -> int:
        """Recorded seconds that would be reached."""
        return sum(span.seconds for span in self.spans)

    @property
    def bytes(self) -> int:
        """Their ciphertext, by the index."""
        return sum(span.bytes for span in self.spans)

    def body(self) -> dict[str, Any]:
        """Plain values, for a Decision's facts and the API."""
        return {
            "camera": str(self.camera.id),
            "label": self.camera.label,
            "seconds": self.seconds,
            "bytes": self.bytes,
            "dead": self.dead_s,
            "spans": [[span.class_, span.first, span.until] for span in self.spans],
        }


def slots_of(cursor: Cursor, cameras: Sequence[UUID]) -> dict[UUID, int]:
    """Slots in the key tree by camera; a camera that was never connected has none."""
    cursor.execute("select camera, slot from footage_source where camera = any(%s)", [list(cameras)])
    return dict(cursor.fetchall())


def reach(cursor: Cursor, camera: CameraView, slot: int, first: int, until: int, *, widen: bool) -> Reach:
    """What lives of [first, until) of one camera; ``widen`` back to a key frame, so that what is held can be shown."""
    begin = footage.widen(cursor, camera.id, STREAM, first, until) if widen else first
    rows = footage.segments_of(cursor, camera.id, STREAM, begin, until)
    closed = deleted(camera.id, begin, until)
    spans: list[Span] = []
    for class_ in sorted({row.class_ for row in rows}):
        own = [row for row in rows if row.class_ == class_]
        for part in subtract(_merged(_of(own, begin, until)), closed):
            spans.append(_span(class_, part, own))
    return Reach(
        camera, slot, tuple(sorted(spans, key=lambda s: s.first)), _dead(cursor, camera.id, begin, until, closed)
    )


def deleted(camera: UUID, first: int, until: int) -> list[Range]:
    """Seconds that deletions closed, Unix s, half open, as they were decided; 1,000 at most."""
    rows = Deletion.objects.filter(camera=camera, state=DELETED, first__lt=until, until__gt=first)
    return sorted(rows.values_list("first", "until")[:1000])


def _of(rows: Sequence[Segment], first: int, until: int) -> list[Range]:
    return [(max(row.first_s, first), min(row.until_s, until)) for row in rows]


def _span(class_: int, part: Range, rows: Sequence[Segment]) -> Span:
    size = sum(
        row.size * max(0, overlap((row.first_s, row.until_s), part)) // (row.until_s - row.first_s) for row in rows
    )
    return Span(class_, *part, part[1] - part[0], size)


def overlap(one: Range, other: Range) -> int:
    """Seconds that two ranges share; negative when they lie apart."""
    return min(one[1], other[1]) - max(one[0], other[0])


def _merged(ranges: Sequence[Range]) -> list[Range]:
    """Ranges that touch or overlap as one, in order."""
    made: list[Range] = []
    for first, until in sorted(ranges):
        if made and first <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], until))
        else:
            made.append((first, until))
    return made


def subtract(ranges: Sequence[Range], holes: Sequence[Range]) -> list[Range]:
    """What is left of ranges without the holes."""
    left = list(ranges)
    for hole in holes:
        left = [
            (a, b)
            for first, until in left
            for a, b in ((first, min(until, hole[0])), (max(first, hole[1]), until))
            if a < b
        ]
    return left


def _dead(cursor: Cursor, camera: UUID, first: int, until: int, closed: Sequence[Range]) -> int:
    cursor.execute(
        "select epoch * 3600 + first_tick, epoch * 3600 + last_tick + 1 from footage_segment where camera = %s and "
        "stream = %s and destroyed_at is not null and epoch between %s and %s limit 10000",
        [camera, STREAM, first // EPOCH_S, (until - 1) // EPOCH_S],
    )
    gone = [(max(int(a), first), min(int(b), until)) for a, b in cursor.fetchall()]
    gone += [(max(a, first), min(b, until)) for a, b in closed]
    return sum(b - a for a, b in _merged([one for one in gone if one[0] < one[1]]))
