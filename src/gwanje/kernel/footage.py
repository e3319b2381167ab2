"""Index of sealed footage (영상정보 색인): rows that recorders write and that the centre reads.

Functions take a DB-API cursor of PostgreSQL (psycopg), so that they join whatever transaction is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Protocol
from uuid import UUID

EPOCH_S = 3600
BATCH_MAX = 1000
WIDEN_MAX_S = 30


class Cursor(Protocol):
    """What is used of a DB-API cursor."""

    def execute(self, query: Any, params: Any = ...) -> Any: ...
    def executemany(self, query: Any, params: Any) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Any: ...


@dataclass(frozen=True)
class Segment:
    """One segment file; field order is the column order of ``footage_segment``."""

    segment_id: bytes
    camera: UUID
    agency: UUID
    slot: int
    stream: int
    class_: int
    epoch: int
    first_tick: int
    last_tick: int
    parts: int
    size: int
    idr_ticks: bytes
    codec: str
    width: int
    height: int
    root: bytes | None
    path: str
    fence: int
    writer: bytes
    closed: bool

    @property
    def first_s(self) -> int:
        """First Unix second with a part."""
        return self.epoch * EPOCH_S + self.first_tick

    @property
    def until_s(self) -> int:
        """Unix second after the last part."""
        return self.epoch * EPOCH_S + self.last_tick + 1

    def has_idr(self, unix_s: int) -> bool:
        """Does some part of the second begin with a key frame (maybe in mid-second)?"""
        bit = unix_s - self.first_s
        return 0 <= bit < 8 * len(self.idr_ticks) and bool(self.idr_ticks[bit // 8] >> bit % 8 & 1)


@dataclass(frozen=True)
class Gap:
    """A range that was not recorded, and why; ``ended_us`` None while it lasts."""

    id: UUID
    camera: UUID
    agency: UUID
    stream: int
    reason: str
    started_us: int
    ended_us: int | None
    detail: str = ""
    fence: int = 1


_SEGMENT = "segment_id, camera, agency, slot, stream, class, epoch, first_tick, last_tick, parts, bytes, idr_ticks, " \
    "codec, width, height, root, path, fence, writer, closed"  # fmt: skip
_GAP = "id, camera, agency, stream, reason, started_us, ended_us, detail, fence"


def put_segments(cursor: Cursor, rows: Sequence[Segment]) -> None:
    """Insert or advance rows; an older state of a segment never overwrites a newer one. At most 1000 a call.

    Seconds that belong to a later holder of the camera's lease are cut off by the database (``sql/fleet.sql``).
    """
    assert len(rows) <= BATCH_MAX
    marks = ", ".join(["%s"] * len(fields(Segment)))
    cursor.executemany(
        f"insert into footage_segment ({_SEGMENT}) values ({marks}) on conflict (segment_id) do update set "
        "last_tick = excluded.last_tick, parts = excluded.parts, bytes = excluded.bytes, "
        "idr_ticks = excluded.idr_ticks, root = excluded.root, closed = excluded.closed, written_at = now() "
        "where footage_segment.parts <= excluded.parts and not footage_segment.closed",
        [astuple(row) for row in rows],
    )


def put_gaps(cursor: Cursor, rows: Sequence[Gap]) -> None:
    """Insert gaps, or close open ones (same id; the earlier end counts). At most 1000 a call."""
    assert len(rows) <= BATCH_MAX
    cursor.executemany(
        f"insert into footage_gap ({_GAP}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do update set "
        "ended_us = least(footage_gap.ended_us, excluded.ended_us), detail = excluded.detail",
        [astuple(row) for row in rows],
    )


def _segments(rows: Iterable[Sequence[Any]]) -> list[Segment]:
    made: list[Segment] = []
    for row in rows:
        values: list[Any] = [bytes(v) if isinstance(v, memoryview) else v for v in row]
        made.append(Segment(*values))
    return made


def segments_of(cursor: Cursor, camera: UUID, stream: int, first_s: int, until_s: int) -> list[Segment]:
    """Segments of one camera whose seconds meet [first_s, until_s), oldest first, destroyed ones left out."""
    cursor.execute(
        f"select {_SEGMENT} from footage_segment where camera = %s and stream = %s and destroyed_at is null "
        "and epoch between %s and %s and epoch * 3600 + first_tick < %s and epoch * 3600 + last_tick >= %s "
        "order by epoch, first_tick, segment_id limit 10000",
        [camera, stream, first_s // EPOCH_S, (until_s - 1) // EPOCH_S, until_s, first_s],
    )
    return _segments(cursor.fetchall())


def widen(cursor: Cursor, camera: UUID, stream: int, first_s: int, until_s: int) -> int:
    """The second at which viewing of ``first_s`` must begin: back to the key frame before it.

    A second's key frame may stand in the middle of it, so the search begins one second earlier. It looks back 30 s at
    most and not through a hole; without a key frame there, ``first_s`` itself is returned.
    """
    rows = segments_of(cursor, camera, stream, first_s - WIDEN_MAX_S, first_s)
    for second in range(first_s - 1, first_s - 1 - WIDEN_MAX_S, -1):
        if any(row.has_idr(second) for row in rows):
            return second
        if not any(row.first_s <= second < row.until_s for row in rows):
            break
    return first_s


def gaps_of(cursor: Cursor, camera: UUID, stream: int, first_us: int, until_us: int) -> list[Gap]:
    """Gaps that meet [first_us, until_us), oldest first."""
    cursor.execute(
        f"select {_GAP} from footage_gap where camera = %s and stream = %s and started_us < %s "
        "and coalesce(ended_us, %s) > %s order by started_us limit 10000",
        [camera, stream, until_us, until_us, first_us],
    )
    return [Gap(*row) for row in cursor.fetchall()]


def sum_hour(cursor: Cursor) -> bool:
    """Sum one changed hour again (시간별 보관량); False when none has changed. One transaction each, system scope.

    What is written meanwhile is noted anew: a note dies only together with the rows that this transaction sees.
    """
    cursor.execute("select class, epoch from footage_dirty order by class, epoch limit 1")
    found = cursor.fetchone()
    if found is None:
        return False
    cursor.execute("delete from footage_dirty where class = %s and epoch = %s", found)
    cursor.execute("delete from footage_hour where class = %s and epoch = %s", found)
    cursor.execute(
        "insert into footage_hour select class, epoch, agency, count(distinct camera), count(*), "
        "sum(last_tick - first_tick + 1), sum(bytes) from footage_segment "
        "where class = %s and epoch = %s and destroyed_at is null group by class, epoch, agency",
        found,
    )
    return True
