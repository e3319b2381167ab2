"""Findings of the automatic inspection (자동 점검 결과): rows that recorders write and that the journal reads.

Functions take a DB-API cursor of PostgreSQL, so that they join whatever transaction is open.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gwanje.kernel.footage import BATCH_MAX, Cursor

KINDS = ("frozen", "black", "white", "blurred", "covered", "moved", "clock", "standard")
# stream number of segments that hold what was derived from pictures: playback of a stream never meets them
DERIVED_STREAM = 16


@dataclass(frozen=True)
class Finding:
    """One fault of one camera, Unix µs; ``ended_us`` None while it lasts; ``detail`` figures, never a picture.

    ``segment_id``: derived segment that holds the sealed thumbnail of ``picture_us``, or None.
    """

    id: UUID
    camera: UUID
    agency: UUID
    kind: str
    started_us: int
    ended_us: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    segment_id: bytes | None = None
    picture_us: int | None = None


_COLUMNS = "id, camera, agency, kind, started_us, ended_us, detail, segment_id, picture_us"


def put_findings(cursor: Cursor, rows: Sequence[Finding]) -> None:
    """Insert findings, or close open ones (same id); a row sent twice counts once. At most 1000 a call."""
    assert len(rows) <= BATCH_MAX
    cursor.executemany(
        f"insert into footage_finding ({_COLUMNS}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) "
        "do update set ended_us = coalesce(footage_finding.ended_us, excluded.ended_us), "
        "segment_id = coalesce(footage_finding.segment_id, excluded.segment_id), "
        "picture_us = coalesce(footage_finding.picture_us, excluded.picture_us), "
        "journal = false, written_at = now()",
        [
            (r.id, r.camera, r.agency, r.kind, r.started_us, r.ended_us, json.dumps(r.detail), r.segment_id,
             r.picture_us)
            for r in rows
        ],
    )  # fmt: skip


def unread(cursor: Cursor, limit: int = BATCH_MAX) -> list[Finding]:
    """Rows whose state the journal has not read yet, oldest first, locked so that two jobs never share one."""
    cursor.execute(
        f"select {_COLUMNS} from footage_finding where not journal order by written_at, id limit %s "
        "for update skip locked",
        [min(limit, BATCH_MAX)],
    )
    return [_finding(row) for row in cursor.fetchall()]


def mark_read(cursor: Cursor, ids: Sequence[UUID]) -> None:
    """The journal has these states now."""
    cursor.execute("update footage_finding set journal = true where id = any(%s)", [list(ids)])


def _finding(row: Sequence[Any]) -> Finding:
    values = list(row)
    values[6] = json.loads(values[6]) if isinstance(values[6], str) else dict(values[6] or {})
    values[7] = bytes(values[7]) if values[7] is not None else None
    return Finding(*values)
