"""What is derived from a picture (파생 영상): kind 3, in a segment file of its own, under that picture's tick.

Before the recorder erases a leaf it may derive one part key for its own derived segment and keep it for at most 60 s
(VAULT.md). ``reserve`` does that while the leaf stands; ``seal`` writes the file; whoever lets a minute pass has
nothing left to seal with.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from gwanje.kernel.findings import DERIVED_STREAM
from gwanje.kernel.footage import EPOCH_S, Segment
from gwanje.kernel.sources import Source
from gwanje.vault import parts
from gwanje.vault.ciphers import Buffer
from gwanje.vault.segment import SegmentHeader, SegmentWriter

KEEP_S = 60.0
SIZE_MAX = 256 * 1024


class KeyGone(RuntimeError):
    """The key was kept for its minute and is forgotten: the picture's tick is closed for the recorder."""


@dataclass
class Reserved:
    """One derived segment that may still be written: its header and the only key that its one part will use.

    ``start_us``: the picture's moment, Unix µs. ``until``: seconds of the monotonic clock.
    """

    source: Source
    header: SegmentHeader
    start_us: int
    until: float
    key: parts.PartKey | None

    def forget(self) -> None:
        """Drop the key: the cipher's library overwrites its schedule, and no other copy was made."""
        self.key = None

    @property
    def gone(self) -> bool:
        """Is the minute over, or the key used?"""
        return self.key is None or time.monotonic() >= self.until


def reserve(source: Source, centre: UUID, writer: bytes, start_us: int, leaf: Buffer) -> Reserved:
    """Derive the key of a derived segment from the leaf of the picture's tick; the leaf is not kept."""
    header = SegmentHeader.fresh(
        class_=source.class_, epoch=start_us // 1_000_000 // EPOCH_S, slot=source.slot, stream=DERIVED_STREAM,
        fence=source.fence, writer=writer, created_us=start_us, centre=centre, init=b"",
    )  # fmt: skip
    key = parts.PartKey.of(leaf, header.segment_id, header.cipher)
    return Reserved(source, header, start_us, time.monotonic() + KEEP_S, key)


def seal(store: Path, held: Reserved, data: bytes, codec: str, size: tuple[int, int]) -> Segment:
    """Write one derived picture, sealed, with trailer and fsync; returns its index row. Blocks: call it in a pool.

    KeyGone after a minute or a second time; OSError when the disk refuses; ValueError beyond 256 KB.
    """
    if len(data) > SIZE_MAX:
        raise ValueError(f"a derived picture has at most {SIZE_MAX} bytes")
    key, gone = held.key, held.gone
    held.forget()
    if gone or key is None:
        raise KeyGone("the key of the picture's second is forgotten")
    source, header = held.source, held.header
    tick = held.start_us // 1_000_000 % EPOCH_S
    writer = SegmentWriter.create(store, header)
    try:
        writer.keyed(tick, key)
        out = memoryview(bytearray(len(data) + parts.OVERHEAD))
        writer.write(out[: writer.seal_into(out, parts.DERIVED, 0, held.start_us, 0, data)])
        root = writer.finish()
    finally:
        writer.abandon()
    return Segment(
        segment_id=writer.segment_id, camera=source.camera, agency=source.agency, slot=source.slot,
        stream=DERIVED_STREAM, class_=header.class_, epoch=header.epoch, first_tick=tick, last_tick=tick, parts=1,
        size=writer.size, idr_ticks=b"\0", codec=codec, width=size[0], height=size[1], root=root,
        path=str(writer.path.relative_to(store)), fence=header.fence, writer=header.writer, closed=True,
    )  # fmt: skip
