"""What is recorded of a range (녹화 현황), and how far a viewing must be widened: to key frames and whole seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gwanje.centre.cameras.api import CameraView
from gwanje.kernel import footage
from gwanje.kernel.footage import Cursor

STREAM = 0
CLOSED = "closed"


@dataclass(frozen=True)
class Hole:
    """A range without footage, Unix seconds, and why."""

    first: int
    until: int
    reason: str


@dataclass(frozen=True)
class Preview:
    """One camera's footage of a range: ``first`` widened back to a key frame; ``seconds`` recorded inside."""

    camera: CameraView
    slot: int
    first: int
    until: int
    seconds: int
    holes: tuple[Hole, ...]

    @property
    def complete(self) -> bool:
        """Every second of the range is there."""
        return self.seconds >= self.until - self.first


def slots_of(cursor: Cursor, cameras: Sequence[UUID]) -> dict[UUID, int]:
    """Slots in the key tree by camera; a camera that was never connected has none."""
    cursor.execute("select camera, slot from footage_source where camera = any(%s)", [list(cameras)])
    return dict(cursor.fetchall())


def connected(cursor: Cursor) -> list[UUID]:
    """Every camera in the transaction's scope that has a slot, 20,000 at most."""
    cursor.execute("select camera from footage_source order by slot limit 20000")
    return [row[0] for row in cursor.fetchall()]


def preview(
    cursor: Cursor, camera: CameraView, slot: int, first: int, until: int, *, closed: Sequence[tuple[int, int]] = ()
) -> Preview:  # fmt: skip
    """Footage of [first, until) with the beginning widened back to the nearest key frame.

    ``closed``: seconds that deletions took; they are holes, whatever the index still says.
    """
    begin = footage.widen(cursor, camera.id, STREAM, first, until)
    rows = footage.segments_of(cursor, camera.id, STREAM, begin, until)
    there = [(max(row.first_s, begin), min(row.until_s, until)) for row in rows]
    shut = [(max(a, begin), min(b, until)) for a, b in closed if a < until and b > begin]
    seconds = _union([*there, *shut]) - _union(shut)
    gaps = footage.gaps_of(cursor, camera.id, STREAM, begin * 1_000_000, until * 1_000_000)
    holes = tuple(
        Hole(
            max(gap.started_us // 1_000_000, begin),
            min((gap.ended_us or until * 1_000_000) // 1_000_000 + 1, until),
            gap.reason,
        )
        for gap in gaps
    )
    holes = tuple(sorted((*holes, *(Hole(a, b, CLOSED) for a, b in shut)), key=lambda hole: hole.first))
    return Preview(camera, slot, begin, until, seconds, holes)


def stretches(
    cursor: Cursor, camera: UUID, stream: int, first: int, until: int, *, closed: Sequence[tuple[int, int]] = ()
) -> list[dict[str, object]]:  # fmt: skip
    """Footage and gaps of a range for the timeline: {from, until, kind, reason}, Unix seconds, at most 2000."""
    rows = footage.segments_of(cursor, camera, stream, first, until)
    made: list[dict[str, object]] = [
        {"from": max(row.first_s, first), "until": min(row.until_s, until), "kind": "footage"} for row in rows
    ]
    for gap in footage.gaps_of(cursor, camera, stream, first * 1_000_000, until * 1_000_000):
        begin, end = gap.started_us / 1_000_000, (gap.ended_us or until * 1_000_000) / 1_000_000
        made.append({"from": max(begin, first), "until": min(end, until), "kind": "gap", "reason": gap.reason})
    for a, b in closed:
        made.append({"from": max(a, first), "until": min(b, until), "kind": "gap", "reason": CLOSED})
    return made[:2000]


def _union(ranges: Sequence[tuple[int, int]]) -> int:
    """Seconds covered by ranges that may overlap."""
    covered, reached = 0, 0
    for first, until in sorted(ranges):
        covered += max(0, until - max(first, reached))
        reached = max(reached, until)
    return covered
