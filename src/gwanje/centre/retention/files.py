"""Segment files of a dead hour (파기 대상 파일): what stands, samples for the attempt, overwriting and unlinking."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.home import Home
from gwanje.vault import merkle, parts
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import PartAt, SegmentReader, sync_folder
from gwanje.vault.store import Shelf, entries, shelves
from gwanje.vault.store_disk import overwrite

EPOCH_S = 3600
BEHIND = "objects_deleted_not_overwritten"


@dataclass
class CameraHour:
    """One camera's share of a dead hour; ``root``: tree over (segment id ‖ root of its parts) in file order."""

    slot: int
    segments: int = 0
    parts: int = 0
    heard: bytearray = field(default_factory=lambda: bytearray(EPOCH_S))
    hashes: list[bytes] = field(default_factory=list)
    candidates: list[tuple[Shelf, str, PartAt]] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        """Seconds of the hour with at least one part."""
        return sum(self.heard)

    @property
    def root(self) -> bytes:
        """Hash root of what was destroyed."""
        return merkle.root(self.hashes)


@dataclass
class Survey:
    """What stood on the disk of one class and hour."""

    hours: list[CameraHour] = field(default_factory=list)
    segments: int = 0
    parts: int = 0
    bytes: int = 0
    exceptions: list[dict[str, str]] = field(default_factory=list)

    @property
    def root(self) -> bytes:
        """Hash root over the camera-hours, by slot."""
        return merkle.root([hour.root for hour in self.hours])


def hour_of(class_: int, epoch: int) -> str:
    """Where the files of a class and hour lie, in every place."""
    return f"{class_}/{epoch}"


def survey(home: Home, class_: int, epoch: int) -> Survey:
    """Look at every segment before it is overwritten: counts, hash roots, and sampled parts of each camera-hour.

    StoreAway goes up: an hour of which a part cannot be looked at is not dealt with.
    """
    found, by_slot = Survey(), dict[int, CameraHour]()
    places = shelves(home)
    behind: Counter[str] = Counter()
    for shelf in places[1:]:
        # what lies on the disk as well is an object that will be deleted, too
        behind[shelf.place] += sum(1 for _ in shelf.files(hour_of(class_, epoch)))
    for shelf, entry in entries(places, hour_of(class_, epoch)):
        found.bytes += entry.size
        try:
            reader = shelf.open(entry.name)
        except SegmentBroken as broken:
            # no header, no hash: it dies all the same, and the certificate says so
            found.exceptions.append({"file": _said(entry.name), "why": broken.code})
            continue
        with reader:
            if (reader.header.class_, reader.header.epoch) != (class_, epoch):
                found.exceptions.append({"file": _said(entry.name), "why": "header_of_another_hour"})
            slot = reader.header.slot
            _count(found, by_slot.setdefault(slot, CameraHour(slot)), reader, shelf, entry.name)
    found.hours = [by_slot[slot] for slot in sorted(by_slot)]
    found.exceptions += [{"file": f"{place}: {count}", "why": BEHIND} for place, count in behind.items() if count]
    return found


def _said(name: str) -> str:
    """A name that can be stored and printed: bytes that are no UTF-8 are spelt, or no certificate could be made."""
    return name.encode(errors="backslashreplace").decode()


def _count(found: Survey, hour: CameraHour, reader: SegmentReader, shelf: Shelf, name: str) -> None:
    root = reader.root if reader.closed else None
    if root is None:
        root = merkle.root([parts.part_hash(reader.read(part)) for part in reader.parts])
    hour.hashes.append(hashlib.sha256(reader.segment_id + root).digest())
    hour.segments, hour.parts = hour.segments + 1, hour.parts + len(reader.parts)
    for part in reader.parts:
        hour.heard[part.header.tick] = 1
    video = [part for part in reader.parts if part.header.kind == parts.VIDEO]
    if video:
        hour.candidates += [(shelf, name, video[0]), (shelf, name, secrets.choice(video))]
    found.segments, found.parts = found.segments + 1, found.parts + len(reader.parts)


def samples(found: Survey, class_: int, epoch: int) -> Iterator[dict[str, Any]]:
    """Of each camera-hour a first part and one drawn by lot, so that no file can be spared in advance; read one by one.

    A part is a camera's whole second: an hour of 400 cameras would not fit into memory at once.
    """
    for hour in found.hours:
        if not hour.candidates:
            continue
        for shelf, name, part in (hour.candidates[0], secrets.choice(hour.candidates[1:])):
            with shelf.open(name) as reader:
                data = base64.b64encode(reader.read(part)).decode()
                said = {"class": class_, "epoch": epoch, "slot": hour.slot, "tick": part.header.tick}
                yield {**said, "segment_id": reader.segment_id.hex(), "part": data}


def erase(home: Home, class_: int, epoch: int) -> int:
    """Overwrite and unlink on the disk, then delete what lies behind it; returns how many files. Safe to repeat.

    The disk first: whoever is taking a file behind it sees that the file is gone and takes his copy back.
    """
    return sum(shelf.erase(hour_of(class_, epoch)) for shelf in shelves(home))


def _sample_file(home: Home, hour: object) -> Path:
    folder = home.spool / "retention"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{hour}.jsonl"


def keep_samples(home: Home, hour: object, given: Iterable[dict[str, Any]]) -> int:
    """Keep sampled parts (ciphertext) durably until the certificate is issued, one a line; returns how many."""
    path = _sample_file(home, hour)
    part = path.with_suffix(".tmp")
    # the umask decides: where processes have users of their own, vaultd's group reads the samples
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o640)
    count = 0
    with os.fdopen(handle, "w") as out:
        for sample in given:
            json.dump(sample, out)
            out.write("\n")
            count += 1
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, path)
    sync_folder(path.parent)
    return count


def lay(home: Home, name: str, data: bytes) -> Path:
    """A file beside the samples, for the process that tries; the caller takes it away again."""
    path = _sample_file(home, name).with_suffix(".found")
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    return path


def kept_samples(home: Home, hour: object) -> Path:
    """File with the samples of an hour that waits for its certificate."""
    return _sample_file(home, hour)


def sampled(home: Home) -> list[UUID]:
    """Hours whose samples are kept."""
    folder = home.spool / "retention"
    return [UUID(path.stem) for path in sorted(folder.glob("*.jsonl"))] if folder.is_dir() else []


def drop_samples(home: Home, hour: object) -> None:
    """The samples' ciphertext goes the way of the files."""
    path = _sample_file(home, hour)
    overwrite(path)
    path.unlink(missing_ok=True)
