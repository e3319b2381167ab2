"""What tests of the recorder share: keys in this process, a recorder in a folder, reading back what it sealed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import av

from gwanje.kernel.clock import Clock
from gwanje.kernel.sources import Source
from gwanje.media.recorder import Recorder
from gwanje.media.segments import Settings
from gwanje.media.sim import counter
from gwanje.media.spool import read_rows
from gwanje.vault import parts, tree
from gwanje.vault.segment import SegmentReader

CENTRE = UUID(int=7)
CLIPS = Path(__file__).parents[2] / ".cache" / "test-clips"
SLOWER = 3
WRITER = bytes(range(16))


@dataclass
class Spine:
    """What a lender answers."""

    first: int
    nodes: list[tuple[int, bytes]]


@dataclass
class Roots:
    """Keys of the test itself: lends like the vault, forward only, and opens what was sealed."""

    clock: Clock
    roots: dict[tuple[int, int], bytes] = field(default_factory=dict)
    away: bool = False
    asked: list[tuple[int, int, int]] = field(default_factory=list)

    def root(self, class_: int, epoch: int) -> bytes:
        return self.roots.setdefault((class_, epoch), os.urandom(32))

    async def lend(self, class_: int, slot: int, epoch: int) -> Spine:
        self.asked.append((class_, slot, epoch))
        if self.away:
            raise ConnectionError("away")
        now = self.clock.tick_us() // 1_000_000
        first = now % 3600 if epoch == now // 3600 else 0
        return Spine(first, tree.spine(self.root(class_, epoch), slot, first))

    def okm(self, reader: SegmentReader, tick: int) -> bytes:
        header = reader.header
        leaf = tree.leaf_below(tree.slot_node(self.root(header.class_, header.epoch), header.slot), tick)
        return parts.okm(leaf, reader.segment_id)


def between_files(clock: Clock) -> Clock:
    """For 250 s no camera (of a slot below 40) changes its file, and no hour ends in ten minutes."""
    now = clock.now_s()
    ahead = 10 - now % 300 if now % 300 <= 10 else 310 - now % 300
    while 3600 - (now + ahead) % 3600 < 600:
        ahead += 300
    clock.set_offset(ahead * 1_000_000)
    return clock


def midhour(folder: Path) -> Clock:
    """A clock on which neither a file nor an hour ends within the test."""
    return between_files(Clock(folder / "clock.json"))


def source(slot: int, url: str, sub: str = "", *, class_: int = 1, version: int = 1) -> Source:
    """A source of the test's agency."""
    return Source(UUID(int=1000 + slot), UUID(int=5), slot, class_, f"A-{slot:04d}", url, sub, {}, True, version)


@contextlib.asynccontextmanager
async def recording(
    folder: Path, lender: Roots, sources: list[Source], *, segment_s: int = 300, progress_s: int = 0
) -> AsyncIterator[Recorder]:
    """A running recorder; stopped properly at the end."""
    settings = Settings(folder / "store", CENTRE, WRITER, segment_s=segment_s, flush_s=1, progress_s=progress_s)
    recorder = Recorder(
        settings=settings, clock=lender.clock, lender=lender, spool=folder / "spool", unseal=lambda _: None
    )
    await recorder.start()
    try:
        await recorder.fleet.apply(sources)
        yield recorder
    finally:
        await recorder.stop()


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition; AssertionError when it does not come. A machine that is slower has three times as long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SLOWER * seconds
    while not condition():
        assert loop.time() < end, "the condition did not come in time"
        await asyncio.sleep(0.02)


def segment_files(folder: Path) -> list[Path]:
    """All segment files, oldest first."""
    return sorted((folder / "store").rglob("*.gws"), key=lambda p: int(p.name.split("-")[1]))


@dataclass
class Opened:
    """One file opened: its reader's facts, and the plaintext of its parts in order."""

    reader: SegmentReader
    parts: list[tuple[parts.PartHeader, bytes]]

    @property
    def mp4(self) -> bytes:
        """Init once, then every fragment."""
        out, seen = [], False
        for header, plain in self.parts:
            if header.kind == parts.INIT and seen:
                continue
            seen = seen or header.kind == parts.INIT
            if seen:
                out.append(plain)
        return b"".join(out)

    @property
    def samples(self) -> int:
        """Frames that the fragments after the first init name."""
        return sum(int.from_bytes(plain[80:84], "big") for header, plain in self.parts if header.kind == parts.VIDEO)


def opened(path: Path, lender: Roots) -> Opened:
    """Open every part of a file with the test's own roots; commitment, tag and structure are checked."""
    with SegmentReader(path) as reader:
        assert reader.problem is None
        found = [
            (part.header, parts.open_part(lender.okm(reader, part.header.tick), reader.segment_id, reader.read(part)))
            for part in reader.parts
        ]
    return Opened(reader, found)


def decoded(mp4: bytes) -> list[int | None]:
    """Burnt-in counters of every frame; any decoding error raises."""
    with av.open(io.BytesIO(mp4), "r") as container:
        assert [s.type for s in container.streams] == ["video"]
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        return [counter.read(frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]


def rows(folder: Path) -> list[object]:
    """Rows that wait in the spool."""
    return [row for path in sorted((folder / "spool").glob("index-*.jsonl")) for row in read_rows(path)]


def new_uuid() -> UUID:
    return uuid4()
