"""Small real segment files for the tests of stores."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from gwanje.vault import parts
from gwanje.vault.segment import SegmentHeader, SegmentWriter

EPOCH = 497_000
CENTRE = UUID(int=7)
INIT = b"init of a test" * 40


def seal(
    store: Path, *, slot: int = 3, class_: int = 1, epoch: int = EPOCH, seconds: int = 4, size: int = 4000,
    first: int = 100, end: bool = True, stream: int = 0,
) -> Path:  # fmt: skip
    """A file of whole seconds under a leaf of zeros, an init before each part; ``end`` False: as a crash leaves it."""
    start_us = (epoch * 3600 + first) * 1_000_000
    header = SegmentHeader.fresh(
        class_=class_, epoch=epoch, slot=slot, stream=stream, fence=1, writer=b"w" * 16, created_us=start_us,
        centre=CENTRE, init=INIT,
    )  # fmt: skip
    writer = SegmentWriter.create(store, header)
    out = memoryview(bytearray(size + 4096))
    for tick in range(first, first + seconds):
        writer.key(tick, bytes(32))
        at_us = (epoch * 3600 + tick) * 1_000_000
        at = writer.seal_into(out, parts.INIT, 0, at_us, 0, INIT)
        at += writer.seal_into(out[at:], parts.VIDEO, parts.FLAG_IDR, at_us, 1_000_000, os.urandom(size))
        writer.write(out[:at])
    if end:
        writer.finish()
    else:
        writer.abandon()
    return writer.path


def leave_alone(path: Path, seconds: int = 60) -> Path:
    """Nobody has written to the file for a while."""
    about = path.stat()
    os.utime(path, (about.st_atime - seconds, about.st_mtime - seconds))
    return path
