"""After a restart (재시작 복구): what the last run left on disk, read from headers only.

Files without a trailer are legal; their last whole part is where the downtime begins, and their index rows are
brought to what stands.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from gwanje.kernel.footage import EPOCH_S, Segment
from gwanje.kernel.sources import Source
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import SegmentReader

EPOCHS_BACK = 24 * 40
FILES_MAX = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Left:
    """What one camera's last run left: end of the last part (Unix µs, 0 = nothing), and rows to send."""

    end_us: int
    rows: tuple[Segment, ...]


def _newest(store: Path, slot: int, now_epoch: int) -> list[Path]:
    """Segment files of a slot in its newest hour and the hour before, over all classes."""
    hours: set[tuple[int, Path]] = set()
    for class_ in store.iterdir() if store.is_dir() else ():
        if not class_.name.isdigit():
            continue
        for epoch in class_.iterdir():
            folder = epoch / str(slot)
            if epoch.name.isdigit() and now_epoch - EPOCHS_BACK <= int(epoch.name) and folder.is_dir():
                hours.add((int(epoch.name), folder))
    newest = max((epoch for epoch, _ in hours), default=0)
    found = [path for epoch, folder in sorted(hours) if epoch >= newest - 1 for path in sorted(folder.glob("*.gws"))]
    return found[-FILES_MAX:]


def slots_left(store: Path) -> set[int]:
    """Slots with files in the newest hour of the store or the hour before: what the last run was recording."""
    hours: dict[int, list[Path]] = {}
    for class_ in store.iterdir() if store.is_dir() else ():
        for epoch in class_.iterdir() if class_.name.isdigit() else ():
            if epoch.name.isdigit():
                hours.setdefault(int(epoch.name), []).append(epoch)
    newest = max(hours, default=0)
    folders = [*hours.get(newest, ()), *hours.get(newest - 1, ())]
    return {int(slot.name) for folder in folders for slot in folder.iterdir() if slot.name.isdigit()}


def row_of(reader: SegmentReader, source: Source, store: Path) -> Segment | None:
    """The index row of a file as it stands on disk, or None when it holds no part.

    Codec and picture size are not known without keys; the row that the recorder put at the file's start has them.
    """
    header, parts = reader.header, reader.parts
    if not parts:
        return None
    first, last = parts[0].header.tick, parts[-1].header.tick
    bits = 0
    for part in parts:
        if part.header.idr:
            bits |= 1 << part.header.tick - first
    size = parts[-1].offset + parts[-1].header.size
    return Segment(
        segment_id=reader.segment_id, camera=source.camera, agency=source.agency, slot=header.slot,
        stream=header.stream, class_=header.class_, epoch=header.epoch, first_tick=first, last_tick=last,
        parts=len(parts), size=size, idr_ticks=bits.to_bytes((last - first + 8) // 8, "little"), codec="", width=0,
        height=0, root=reader.root, path=str(reader.path.relative_to(store)), fence=header.fence,
        writer=header.writer, closed=True,
    )  # fmt: skip


def left_behind(store: Path, source: Source, now_s: int, before_us: int | None = None) -> Left:
    """Scan the newest files of a camera; files with a trailer have had their last row already.

    ``before_us``: only files made before this moment (Unix µs), because later ones are still being written.
    """
    end_us = 0
    rows: list[Segment] = []
    for path in _newest(store, source.slot, now_s // EPOCH_S):
        try:
            with SegmentReader(path) as reader:
                if before_us is not None and reader.header.created_us >= before_us:
                    continue
                if reader.parts:
                    last = reader.parts[-1].header
                    end_us = max(end_us, last.start_us + last.duration_us)
                row = None if reader.closed else row_of(reader, source, store)
        except (OSError, SegmentBroken) as error:
            log.warning("segment file %s cannot be read: %s", path.name, error)
            continue
        if row is not None:
            rows.append(row)
    return Left(end_us, tuple(rows))
