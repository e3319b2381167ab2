"""Index rows of what died (색인의 파기 표시): those of held seconds live on, cut to them; all others tell no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from gwanje.centre.retention.fates import Fate
from gwanje.kernel.footage import Cursor

_DEAD = "destroyed_at = %s, closed = true, idr_ticks = ''::bytea, parts = 0, bytes = 0"


def mark_dead(cursor: Cursor, class_: int, epoch: int, at: datetime, kept: Sequence[Fate]) -> None:
    """The rows of a dead hour: destroyed, but for segments with seconds under a hold, which are cut to those."""
    cursor.execute(
        # what tells of motion dies with the key; identity and hash root stay for the evidence
        f"update footage_segment set {_DEAD} where class = %s and epoch = %s and destroyed_at is null "
        "and not segment_id = any(%s)",
        [at, class_, epoch, [fate.segment_id for fate in kept]],
    )
    cursor.execute("delete from footage_garbage where class = %s and epoch = %s", [class_, epoch])
    _cut(cursor, kept, "closed = true")


def mark_closed(cursor: Cursor, at: datetime, touched: Iterable[Fate]) -> None:
    """The rows of an hour that lives on without some seconds; one that a recorder still writes is left to it."""
    listed = list(touched)
    gone = [fate.segment_id for fate in listed if not fate.staying]
    cursor.execute(
        f"update footage_segment set {_DEAD} where segment_id = any(%s) and closed and destroyed_at is null", [at, gone]
    )
    _cut(cursor, [fate for fate in listed if fate.staying], "closed = closed", "and closed")


def _cut(cursor: Cursor, kept: Iterable[Fate], also: str, where: str = "") -> None:
    for fate in kept:
        cursor.execute(
            "select first_tick, last_tick, idr_ticks from footage_segment where segment_id = %s", [fate.segment_id]
        )
        row = cursor.fetchone()
        if row is None:
            continue
        ticks = [tick for tick in fate.staying if row[0] <= tick <= row[1]] or [min(fate.staying)]
        first, last = min(ticks), max(ticks)
        bits = _bits(bytes(row[2]), row[0], first, last, fate.staying)
        cursor.execute(
            f"update footage_segment set first_tick = %s, last_tick = %s, idr_ticks = %s, parts = %s, bytes = %s, "
            f"{also} where segment_id = %s {where}",
            [first, last, bits, fate.kept_parts, fate.kept_bytes, fate.segment_id],
        )


def _bits(old: bytes, begin: int, first: int, last: int, staying: set[int]) -> bytes:
    """The key frames' bits of the seconds that stay, counted from ``first``."""
    made = bytearray((last - first + 8) // 8)
    for tick in range(first, last + 1):
        bit = tick - begin
        if tick in staying and 0 <= bit < 8 * len(old) and old[bit // 8] >> bit % 8 & 1:
            made[(tick - first) // 8] |= 1 << (tick - first) % 8
    return bytes(made)


def cameras_of(cursor: Cursor, class_: int, epoch: int) -> dict[int, str]:
    """Slot → camera of everything that was recorded in an hour."""
    cursor.execute(
        "select distinct slot, camera from footage_segment where class = %s and epoch = %s union "
        # files of a recorder whose seconds another one has: nothing else may name their camera
        "select distinct s.slot, g.camera from footage_garbage g join footage_source s on s.camera = g.camera "
        "where g.class = %s and g.epoch = %s",
        [class_, epoch] * 2,
    )
    return {int(slot): str(camera) for slot, camera in cursor.fetchall()}


def held_of(standing: Any, cameras: dict[int, str]) -> list[list[Any]]:
    """What holds keep of an hour: [hold, camera, slot, first tick, end, Unix s of the hold's end], sorted."""
    return sorted([str(hold), cameras.get(slot, ""), slot, a, b, ends] for hold, slot, a, b, ends in standing.held)
