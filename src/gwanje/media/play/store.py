"""Stored footage by second (초별 저장영상): found by reading segment headers, so that it works without a database."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from gwanje.kernel.clock import Clock
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.parts import INIT, VIDEO
from gwanje.vault.segment import PartAt, SegmentReader
from gwanje.vault.store import Shelf, StoreAway

EPOCH_S = 3600
READERS_MAX = 256
FILES_MAX = 2000
CLASSES_MAX = 1000
RESCAN_US = 1_000_000
REMOTE_RESCAN_US = 10_000_000
# a file covers five minutes at most, and its name says when it began
FILE_S, SPARE_S = 300, 5
T = TypeVar("T")
log = logging.getLogger("gwanje.player")


@dataclass(frozen=True)
class Sealed:
    """One segment's parts of one second, still sealed."""

    reader: SegmentReader
    parts: tuple[PartAt, ...]

    @property
    def segment_id(self) -> bytes:
        """SHA-256 of the segment's header."""
        return self.reader.segment_id

    @property
    def class_(self) -> int:
        """Retention class."""
        return self.reader.header.class_

    @property
    def start_us(self) -> int:
        """Arrival of the first access unit, Unix µs."""
        return min(part.header.start_us for part in self.parts)

    @property
    def starts_with_key(self) -> bool:
        """Is the first picture of this second a key frame?"""
        return next((part.header.idr for part in self.parts if part.header.kind == VIDEO), False)

    @property
    def idr(self) -> bool:
        """Does a part of this second begin with a key frame?"""
        return any(part.header.kind == VIDEO and part.header.idr for part in self.parts)


def _may_hold(path: Path, second: int) -> bool:
    """Does a file's name (``stream-created µs-id``) allow that it holds this second?"""
    created = path.name.split("-")[1:2]
    return bool(created) and created[0].isdecimal() and -1 <= second - int(created[0]) // 1_000_000 < FILE_S + SPARE_S


class _Ticks:
    """The parts of one file by tick; grows with the file."""

    def __init__(self, reader: SegmentReader) -> None:
        self.reader = reader
        self.by_tick: dict[int, list[PartAt]] = {}
        self._seen = 0
        self.grow()

    def grow(self) -> None:
        if self._seen and not self.reader.closed:
            self.reader.refresh()
        for part in self.reader.parts[self._seen :]:
            if part.header.kind in (VIDEO, INIT):
                self.by_tick.setdefault(part.header.tick, []).append(part)
        self._seen = len(self.reader.parts)


class Store:
    """Finds parts of (slot, stream, second) under the store folder; keeps at most 256 files open.

    Not thread-safe: one event loop asks, through ``ask`` where a file may lie behind a network. A file that vanishes
    meanwhile (destroyed) is no longer found; StoreAway when a place behind the disk does not answer.
    """

    def __init__(self, root: Path, clock: Clock, remote: Sequence[Shelf] = ()) -> None:
        self.root = root
        self._clock = clock
        self._remote = tuple(remote)
        self._turn = asyncio.Lock()
        self._away: OrderedDict[tuple[int, int], tuple[int, dict[Path, Shelf]]] = OrderedDict()
        self._on_disk: dict[tuple[int, int], set[Path]] = {}
        self._blind: set[tuple[int, int]] = set()
        self._open: OrderedDict[Path, _Ticks] = OrderedDict()
        self._listed: OrderedDict[tuple[int, int], tuple[int, tuple[Path, ...]]] = OrderedDict()
        self._broken: OrderedDict[Path, int] = OrderedDict()

    async def ask(self, what: Callable[..., T], *given: object) -> T:
        """Do one thing with this store: at once where all is on the disk, else beside the loop, one by one."""
        if not self._remote:
            return what(*given)
        async with self._turn:
            return await asyncio.to_thread(what, *given)

    def close(self) -> None:
        """Close every file."""
        while self._open:
            self._open.popitem()[1].reader.close()

    def _files(self, slot: int, epoch: int) -> tuple[Path, ...]:
        now = self._clock.now_us()
        known = self._listed.get((slot, epoch))
        if known and 0 <= now - known[0] < RESCAN_US:
            return known[1]
        found: list[Path] = []
        try:
            classes = sorted(self.root.iterdir())[:CLASSES_MAX]
        except FileNotFoundError:
            classes = []
        for class_ in classes:
            if class_.name.isdigit():
                found += sorted((class_ / str(epoch) / str(slot)).glob("*.gws"))[:FILES_MAX]
        if self._remote:
            found += self._behind(slot, epoch, set(found), now)
        for path in [p for p in self._open if p.parent.name == str(slot) and p.parent.parent.name == str(epoch)]:
            if path not in found:
                self._open.pop(path).reader.close()
        self._listed[slot, epoch] = (now, tuple(found))
        self._listed.move_to_end((slot, epoch))
        while len(self._listed) > READERS_MAX:
            self._listed.popitem(last=False)
        return tuple(found)

    def _behind(self, slot: int, epoch: int, on_disk: set[Path], now: int) -> list[Path]:
        """Files of an hour that lie behind the disk; asked again when one has left the disk, else every 10 s."""
        at = (slot, epoch)
        known = self._away.get(at)
        left = self._on_disk.get(at, set()) - on_disk
        if known is None or left or not 0 <= now - known[0] < REMOTE_RESCAN_US:
            try:
                known = self._away[at] = (now, self._listed_behind(slot, epoch))
                self._blind.discard(at)
            except StoreAway:
                # what lies on the disk is shown all the same; only where nothing is found this is said
                known = self._away[at] = (now, known[1] if known else {})
                self._blind.add(at)
        self._away.move_to_end(at)
        self._on_disk[at] = on_disk
        while len(self._away) > READERS_MAX:
            oldest = self._away.popitem(last=False)[0]
            self._on_disk.pop(oldest, None)
            self._blind.discard(oldest)
        return [path for path in sorted(known[1]) if path not in on_disk]

    def _listed_behind(self, slot: int, epoch: int) -> dict[Path, Shelf]:
        listed: dict[Path, Shelf] = {}
        for shelf in self._remote:
            for class_ in shelf.folders()[:CLASSES_MAX]:
                entries = shelf.files(f"{class_}/{epoch}/{slot}") if class_.isdigit() else ()
                listed |= {self.root / entry.name: shelf for entry in islice(entries, FILES_MAX)}
        return listed

    def _seen(self, slot: int, epoch: int) -> None:
        """Nothing was found: StoreAway unless every place was asked."""
        if (slot, epoch) in self._blind:
            raise StoreAway("nothing found on the disk, and the object store does not answer")

    def _reader(self, path: Path) -> SegmentReader:
        if self._remote and not path.exists():
            listed = self._away.get((int(path.parent.name), int(path.parent.parent.name)), (0, {}))[1]
            if (shelf := listed.get(path)) is not None:
                return shelf.open(str(path.relative_to(self.root)))
        return SegmentReader(path)

    def _ticks(self, path: Path) -> _Ticks | None:
        known = self._open.get(path)
        if known is not None:
            self._open.move_to_end(path)
            return known
        size = 0
        try:
            size = path.stat().st_size if path.exists() else size
            if self._broken.get(path) == size:
                return None
            opened = _Ticks(self._reader(path))
        except FileNotFoundError:
            return None
        except StoreAway:
            raise
        except (SegmentBroken, OSError) as error:
            # one broken file costs its own seconds; it is looked at again when it has grown
            log.warning("%s cannot be read: %s", path.name, error)
            self._broken[path] = size
            while len(self._broken) > READERS_MAX:
                self._broken.popitem(last=False)
            return None
        self._open[path] = opened
        while len(self._open) > READERS_MAX:
            self._open.popitem(last=False)[1].reader.close()
        return opened

    def at(self, slot: int, stream: int, second: int) -> list[Sealed]:
        """What stands of one second (Unix s), in order of arrival; empty when nothing was recorded."""
        files = [path for path in self._files(slot, second // EPOCH_S) if path.name.startswith(f"{stream}-")]
        likely = [path for path in files if _may_hold(path, second)]
        out = self._holding(likely, slot, stream, second)
        if not out:
            # a file whose name does not tell the truth costs a look into all of the hour, not its seconds
            out = self._holding([path for path in files if path not in likely], slot, stream, second)
        if not out:
            self._seen(slot, second // EPOCH_S)
        return sorted(out, key=lambda sealed: sealed.start_us)

    def _holding(self, files: Sequence[Path], slot: int, stream: int, second: int) -> list[Sealed]:
        fresh = second >= self._clock.now_s() - 10
        tick, out = second % EPOCH_S, []
        wanted = (slot, stream, second // EPOCH_S)
        for path in files:
            ticks = self._ticks(path)
            if ticks is None:
                continue
            head = ticks.reader.header
            # a file in another's folder is offered to nobody: it would cost a row of the open-log and open nothing
            if (head.slot, head.stream, head.epoch) != wanted:
                continue
            if tick not in ticks.by_tick or fresh:
                ticks.grow()
            if parts := ticks.by_tick.get(tick):
                out.append(Sealed(ticks.reader, tuple(parts)))
        return out

    def next_second(self, slot: int, stream: int, second: int, until: int) -> int:
        """The first second in [second, until) with footage, or ``until``."""
        while second < until:
            epoch = second // EPOCH_S
            hour_end = min(until, (epoch + 1) * EPOCH_S)
            if not self._files(slot, epoch):
                self._seen(slot, epoch)
                second = hour_end
                continue
            while second < hour_end:
                if self.at(slot, stream, second):
                    return second
                second += 1
        return until

    def key_second(self, slot: int, stream: int, second: int, first: int) -> int:
        """The second with the key frame from which ``second`` can be shown whole, not before ``first``.

        Goes back only through footage without a hole: what lies before a hole does not help to decode. Without such
        a key frame it is ``second`` itself, which then begins at its own first key frame.
        """
        for candidate in range(second, first - 1, -1):
            sealed = self.at(slot, stream, candidate)
            if any(s.starts_with_key if candidate == second else s.idr for s in sealed):
                return candidate
            if not sealed:
                break
        return second
