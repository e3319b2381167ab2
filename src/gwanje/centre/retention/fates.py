"""Which parts of an hour's files die and which stay (조각별 파기 판정): vaultd says which seconds still open.

A file in which nothing opens any more goes whole once its hour is dead; in every other one the dead parts are
overwritten in place, their hashes stay, and its other parts stay as they are.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gwanje.centre.retention.files import CameraHour, Survey, hour_of
from gwanje.kernel.footage import EPOCH_S
from gwanje.kernel.home import Home
from gwanje.vault import merkle, parts
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.held import Standing
from gwanje.vault.segment import PartAt, SegmentReader
from gwanje.vault.store import Shelf, shelves
from gwanje.vault.store_disk import overwrite


class Living(Collection[int]):
    """Every ordinal but these: a file that is still written to grows while it is worked on, and what is new stays."""

    def __init__(self, dying: Collection[int]) -> None:
        self._dying = frozenset(dying)

    def __contains__(self, ordinal: object) -> bool:
        return ordinal not in self._dying

    def __iter__(self) -> Iterator[int]:
        raise TypeError("the ordinals that stay have no end")

    def __len__(self) -> int:
        raise TypeError("the ordinals that stay have no end")


@dataclass
class Fate:
    """One file: ``dying`` parts that nothing opens any more, ``staying`` seconds of the hour that still open.

    ``whole``: the file goes. ``gone``: parts that were overwritten before; ``kept_bytes`` of what stays.
    """

    shelf: Shelf
    name: str
    segment_id: bytes = b""
    slot: int = -1
    broken: str = ""
    whole: bool = False
    dying: list[PartAt] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    staying: set[int] = field(default_factory=set)
    gone: int = 0
    kept_parts: int = 0
    kept_bytes: int = 0


class Judge:
    """What of one class and hour still opens, asked once of vaultd."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.dead = standing.tree == "dead"
        self._open: dict[int, bytearray] = {}

    def opens(self, slot: int) -> bytearray:
        """A byte for each second of the hour: 1 when some key opens it."""
        found = self._open.get(slot)
        if found is None:
            found = self._open[slot] = bytearray(EPOCH_S) if self.dead else bytearray(b"\1" * EPOCH_S)
            for closed, first, until in self.standing.closed:
                if closed == slot:
                    found[first:until] = bytes(until - first)
            for _, held, first, until, _ in self.standing.held:
                if held == slot:
                    found[first:until] = b"\1" * (until - first)
        return found

    def files(self, home: Home) -> Iterator[Fate]:
        """Every file of the hour in every place, one after the other; StoreAway goes up."""
        prefix = hour_of(self.standing.class_, self.standing.epoch)
        for shelf in shelves(home):
            for entry in list(shelf.files(prefix)):
                yield self._fate(shelf, entry.name)

    def _fate(self, shelf: Shelf, name: str) -> Fate:
        fate = Fate(shelf, name)
        try:
            reader = shelf.open(name)
        except FileNotFoundError:
            return fate
        except SegmentBroken as broken:
            fate.broken, folder = broken.code, PurePosixPath(name).parent.name
            # its header names no camera; the folder does, and what may be held there is not touched
            fate.whole = self.dead and not (folder.isdigit() and any(self.opens(int(folder))))
            return fate
        with reader:
            fate.segment_id, fate.slot = reader.segment_id, reader.header.slot
            self._sort(fate, reader)
        fate.whole = self.dead and not fate.staying
        return fate

    def _sort(self, fate: Fate, reader: SegmentReader) -> None:
        opens = self.opens(fate.slot)
        for part in reader.parts:
            if opens[part.header.tick]:
                fate.staying.add(part.header.tick)
                fate.kept_parts, fate.kept_bytes = fate.kept_parts + 1, fate.kept_bytes + part.header.size
                continue
            data = reader.read(part)
            if parts.blanked(reader.segment_id, data) is not None:
                fate.gone += 1
                continue
            fate.dying.append(part)
            fate.hashes.append(parts.part_hash(data))


def carry_out(home: Home, fate: Fate) -> bool:
    """Overwrite what is dead in one file, and remove it when nothing of it opens; was anything done? Safe to repeat."""
    if fate.whole and fate.shelf.place == "disk":
        path = home.store / fate.name
        overwrite(path)
        path.unlink(missing_ok=True)
        return True
    if fate.dying:
        fate.shelf.blank(fate.name, Living({part.header.ordinal for part in fate.dying}))
    return bool(fate.dying)


KEPT = "file_kept_dead_parts_overwritten"


def survey(fates: Iterable[Fate]) -> Survey:
    """Counts, hash roots and sampled parts of what dies; a camera-hour's root is over (segment id ‖ root of the dying).

    A file in two places is counted once.
    """
    found, by_slot, seen, kept = Survey(), dict[int, CameraHour](), set[str](), 0
    for fate in fates:
        if fate.name in seen:
            continue
        seen.add(fate.name)
        if fate.broken and fate.whole:
            found.exceptions.append({"file": fate.name.encode(errors="backslashreplace").decode(), "why": fate.broken})
        if not fate.dying:
            continue
        kept += not fate.whole
        _count(found, by_slot.setdefault(fate.slot, CameraHour(fate.slot)), fate)
    found.hours = [by_slot[slot] for slot in sorted(by_slot)]
    if kept:
        found.exceptions.append({"file": str(kept), "why": KEPT})
    return found


def _count(found: Survey, hour: CameraHour, fate: Fate) -> None:
    hour.hashes.append(hashlib.sha256(fate.segment_id + merkle.root(fate.hashes)).digest())
    hour.segments, hour.parts = hour.segments + 1, hour.parts + len(fate.dying)
    for part in fate.dying:
        hour.heard[part.header.tick] = 1
    video = [part for part in fate.dying if part.header.kind == parts.VIDEO]
    if video:
        hour.candidates += [(fate.shelf, fate.name, video[0]), (fate.shelf, fate.name, secrets.choice(video))]
    found.segments, found.parts = found.segments + 1, found.parts + len(fate.dying)
    found.bytes += sum(part.header.size for part in fate.dying)
