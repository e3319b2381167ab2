"""All index rows, page by page (색인 전체 읽기): what the check compares with the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gwanje.kernel.footage import Cursor, Gap, Segment

PAGE = 5000
_SEGMENT = (
    "segment_id, camera, agency, slot, stream, class, epoch, first_tick, last_tick, parts, bytes, idr_ticks, "
    "codec, width, height, root, path, fence, writer, closed"
)
_GAP = "id, camera, agency, stream, reason, started_us, ended_us, detail, fence"


def segments(cursor: Cursor) -> Iterator[Segment]:
    """Rows of segments that are not destroyed."""
    after = b""
    while True:
        cursor.execute(
            f"select {_SEGMENT} from footage_segment where destroyed_at is null and segment_id > %s "
            f"order by segment_id limit {PAGE}",
            [after],
        )
        page = cursor.fetchall()
        for row in page:
            values: list[Any] = [bytes(v) if isinstance(v, memoryview) else v for v in row]
            yield Segment(*values)
            after = values[0]
        if len(page) < PAGE:
            return


def gaps(cursor: Cursor) -> Iterator[Gap]:
    """Every gap row."""
    after = UUID(int=0)
    while True:
        cursor.execute(f"select {_GAP} from footage_gap where id > %s order by id limit {PAGE}", [after])
        page = cursor.fetchall()
        for row in page:
            yield Gap(*row)
            after = row[0]
        if len(page) < PAGE:
            return


def garbage(cursor: Cursor) -> dict[bytes, int]:
    """Segments of which some seconds belong to another recorder (무효 영상): id → first second that does not count."""
    cursor.execute("select segment_id, epoch * 3600 + first_tick from footage_garbage limit 10000000")
    return {bytes(row[0]): int(row[1]) for row in cursor.fetchall()}


def destroyed(cursor: Cursor) -> list[tuple[UUID, int, int]]:
    """(camera, stream, hour) with destroyed footage, not older than the oldest hour that lives."""
    cursor.execute(
        "select distinct camera, stream, epoch from footage_segment where destroyed_at is not null "
        "and epoch >= (select min(epoch) from footage_segment where destroyed_at is null)"
    )
    return [(camera, stream, epoch) for camera, stream, epoch in cursor.fetchall()]
