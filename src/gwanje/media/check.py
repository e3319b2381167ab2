"""Check of the store (영상 저장소 점검): three levels, read only unless a repair is asked for.

1 files ↔ index rows, and seconds ↔ footage or gap rows per camera; 2 headers, parts, hashes, Merkle roots, trailers,
and that no (key, nonce) pair occurs twice; 3 vaultd opens parts in its own memory: authentic, and video only.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from gwanje.kernel.clock import file_age_s
from gwanje.kernel.footage import Gap, Segment
from gwanje.law import upholds
from gwanje.media.account import JITTER_US, Account, Day, Span, merged
from gwanje.media.indexed import Index
from gwanje.media.signed.stored import Watch
from gwanje.vault import parts
from gwanje.vault.client import VaultRefused
from gwanje.vault.errors import GONE, SegmentBroken
from gwanje.vault.segment import HEADER_SIZE, PartAt, SegmentHeader, SegmentReader
from gwanje.vault.store import Shelf, StoreAway
from gwanje.vault.store_disk import DiskShelf
from gwanje.vault.verify import verify_reader

PROBLEMS_MAX = 1000
FRESH_S = 30
REPAIR_AGE_S = 600
# what vaultd takes beside a frame, less its header and init
WIRE_MAX = (16 << 20) - 65536
VIDEO_ONLY = ("video",)


class Verifier(Protocol):
    """vaultd's answer about one sealed part."""

    def verify(self, header: bytes, init: bytes, part: bytes) -> Any: ...
    def verify_signed(self, header: bytes, init: bytes, part: bytes) -> tuple[Any, int, bytes, list[bytes]]: ...


@upholds("audio.never", role="check", passes=())
def foreign_tracks(tracks: Sequence[str]) -> tuple[str, ...]:
    """Kinds of track that no stored part may hold (녹음 금지): everything but video."""
    return tuple(kind for kind in tracks if kind not in VIDEO_ONLY)


@dataclass
class Report:
    """What was found. ``problems`` empty = clean; everything else is counted, also what is legal after a crash."""

    level: int
    files: int = 0
    behind: int = 0
    copies: int = 0
    bytes: int = 0
    parts: int = 0
    rows: int = 0
    spooled: int = 0
    gaps: int = 0
    cameras: int = 0
    seconds: int = 0
    missing_s: float = 0.0
    overlap_s: float = 0.0
    without_trailer: int = 0
    empty: int = 0
    torn: int = 0
    torn_bytes: int = 0
    repaired: int = 0
    verified: int = 0
    too_large: int = 0
    destroyed: int = 0
    garbage: int = 0
    signed_s: dict[str, float] = field(default_factory=dict)
    signatures: list[str] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """One more, up to 1000."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(text)

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


class _Fault(Exception):
    pass


@dataclass(frozen=True)
class _Place:
    """One file where it lies; ``path`` is its name under the store folder wherever that is."""

    name: str
    path: Path
    shelf: Shelf | None
    size: int = 0
    copy: bool = False

    @property
    def where(self) -> str:
        return "disk" if self.shelf is None else self.shelf.place

    def open(self, *, whole: bool = False) -> SegmentReader:
        return SegmentReader(self.path) if self.shelf is None else self.shelf.open(self.name, whole=whole)


def segment_paths(store: Path) -> Iterator[Path]:
    """Every segment file, in order of class, hour and slot; one hour's names are held at a time."""
    for class_ in sorted(store.iterdir()) if store.is_dir() else ():
        if class_.is_dir() and class_.name.isdigit():
            for hour in sorted(class_.iterdir()):
                yield from sorted(hour.glob("*/*.gws"))


Hour = tuple[str, str]


def _order(hour: Hour) -> tuple[int, int, str]:
    """Hours in order of time, then class; a folder that is no hour comes last."""
    class_, epoch = hour
    return (int(epoch), int(class_), "") if epoch.isdecimal() else (1 << 62, int(class_), epoch)


class Check:
    """One run over a store, hour by hour; ``now_s`` Unix seconds.

    ``zone``: the centre's, whose days are accounted for.
    """

    def __init__(self, store: Path, level: int, now_s: int, zone: tzinfo = UTC, remote: Sequence[Shelf] = ()) -> None:
        """``remote``: places behind the disk (S3), looked through in the same way."""
        self.store = store
        self._remote = tuple(remote)
        self.report = Report(level)
        self._now_us = now_s * 1_000_000
        self._spans: dict[bytes, list[Span]] = {}
        self._garbage: dict[bytes, int] = {}
        self._salts: dict[bytes, str] = {}
        self._account = Account((), (), zone, self._now_us)
        self._cameras: set[UUID] = set()
        self._watch: Watch | None = None

    def run(self, index: Index, spooled: Iterable[Segment | Gap] = ()) -> Report:
        """Levels 1 and 2, hour by hour; level 3 follows by ``ask``.

        ``spooled``: rows that were read before the index was; the index is read before the files of its hour.
        """
        waiting: dict[Hour, list[Segment]] = {}
        gaps: dict[UUID, Gap] = {}
        for row in spooled:
            if isinstance(row, Gap):
                gaps[row.id] = row
            else:
                self.report.spooled += 1
                waiting.setdefault((str(row.class_), str(row.epoch)), []).append(row)
        hours = {(str(class_), str(epoch)) for class_, epoch in index.hours()}
        ordered = sorted(hours.union(waiting, self._folders()), key=_order)
        for _, classes in groupby(ordered, key=itemgetter(1)):
            # a camera may change its class within an hour: its footage is one line through all of them
            self._spans, rows = {}, []
            for hour in classes:
                rows += self._hour(hour, index, waiting.pop(hour, []))
            self._account.add(rows, self._spans)
        self._explain(index, gaps)
        self._told()
        return self.report

    def _folders(self) -> Iterator[Hour]:
        """Hours that have a folder, wherever files lie."""
        for place in (DiskShelf(self.store), *self._remote):
            for class_ in place.folders():
                if class_.isdecimal():
                    yield from ((class_, epoch) for epoch in place.folders(class_))

    def _hour(self, hour: Hour, index: Index, spooled: Iterable[Segment]) -> list[Segment]:
        """One hour of a class: keys are those of an hour, so that ids and salts need be compared within it only."""
        known: dict[bytes, Segment] = {}
        self._salts, self._garbage = {}, {}
        if hour[1].isdecimal():
            key = int(hour[0]), int(hour[1])
            known = {row.segment_id: row for row in index.segments(*key)}
            self._garbage = index.garbage(*key)
        self.report.rows += len(known)
        for row in spooled:
            old = known.get(row.segment_id)
            if old is None or (old.parts <= row.parts and not old.closed):
                known[row.segment_id] = row
        found: dict[bytes, str] = {}
        for place in self._standing("/".join(hour)):
            try:
                self._file(place, known, found)
            except FileNotFoundError:
                # destroyed, or taken behind the disk, while we looked
                continue
            except StoreAway:
                # what cannot be asked is not called missing
                raise
            except (OSError, SegmentBroken, _Fault) as error:
                self.report.problem(f"{place.name}: {error}")
        self._missing(hour, index, known, found)
        for row in known.values():
            if row.parts:
                self._cameras.add(row.camera)
                self.report.seconds += row.until_s - row.first_s
        return list(known.values())

    def _missing(self, hour: Hour, index: Index, known: dict[bytes, Segment], found: Mapping[bytes, str]) -> None:
        """Rows without a file are named; those of a destroyed hour leave ``known``.

        Destruction marks rows before files go, and what a recorder still has in its spool about them comes later.
        """
        missing = [row for row in known.values() if row.segment_id not in found]
        missing = [row for row in missing if not (self.store / row.path).exists()]
        if not missing:
            return
        lives = {row.segment_id for row in index.segments(int(hour[0]), int(hour[1]))}
        for row in missing:
            if row.segment_id not in lives and index.dead(row):
                del known[row.segment_id]
            else:
                self.report.problem(f"{row.path}: 색인에 있으나 파일이 없습니다 / the index names a file that is gone")

    def _explain(self, index: Index, spooled: Mapping[UUID, Gap]) -> None:
        """Gap rows: what waits in the spool is newer than what PostgreSQL has of the same gap."""

        def rows() -> Iterator[Gap]:
            for gap in index.gaps():
                if gap.id not in spooled:
                    self.report.gaps += 1
                    yield gap

        self._account.explain(rows())
        self._account.explain(spooled.values())
        self.report.gaps += len(spooled)
        self._account.destroy(index.destroyed())

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.store))

    def _standing(self, hour: str) -> Iterator[_Place]:
        """An hour's files: those on the disk, then those behind it; one that lies in both is a copy there."""
        seen: set[str] = set()
        for path in sorted((self.store / hour).glob("*/*.gws")):
            seen.add(self._name(path))
            yield _Place(self._name(path), path, None)
        for shelf in self._remote:
            for entry in shelf.files(hour):
                yield _Place(entry.name, self.store / entry.name, shelf, entry.size, entry.name in seen)

    def _all(self) -> Iterator[_Place]:
        """Every file once, hour by hour."""
        for hour in sorted(set(self._folders()), key=_order):
            for place in self._standing("/".join(hour)):
                if not place.copy:
                    yield place

    def _file(self, place: _Place, known: dict[bytes, Segment], found: dict[bytes, str]) -> None:
        report, path, name = self.report, place.path, place.name
        stat = path.stat() if place.shelf is None else None
        size, fresh = (place.size, False) if stat is None else (stat.st_size, file_age_s(stat) < FRESH_S)
        if place.copy and name in found.values():
            self._copy(place)
            return
        report.files += 1
        report.behind += stat is None
        report.bytes += size
        if size < HEADER_SIZE:
            # a file killed between its making and its header holds nothing
            report.empty += 1
            return
        with place.open(whole=report.level >= 2) as reader:
            if reader.segment_id in found:
                raise _Fault(
                    f"같은 영상 파일이 두 번 있습니다 / the same segment stands twice: {found[reader.segment_id]}"
                )
            found[reader.segment_id] = name
            self._lies(path, reader.header)
            report.parts += len(reader.parts)
            report.without_trailer += not reader.closed
            report.torn += bool(reader.torn)
            report.torn_bytes += reader.torn
            if reader.problem is not None:
                raise _Fault(str(reader.problem))
            self._nonces(reader, name)
            self._spans[reader.segment_id] = spans_of(reader)
            if (cut_s := self._garbage.get(reader.segment_id)) is not None:
                report.garbage += 1
                counted = ((first, min(until, cut_s * 1_000_000)) for first, until in spans_of(reader))
                self._spans[reader.segment_id] = [span for span in counted if span[0] < span[1]]
            row = known.get(reader.segment_id)
            if row is not None:
                self._row(row, reader, name)
            elif reader.parts and not fresh and reader.segment_id not in self._garbage:
                raise _Fault("색인에 없는 파일입니다 / the index does not know this file")
            if report.level >= 2:
                for problem in verify_reader(reader).problems:
                    report.problem(f"{name}: {problem}")

    def _copy(self, place: _Place) -> None:
        """A file on its way behind the disk: its copy must be as sound, and is counted once."""
        self.report.copies += 1
        if self.report.level >= 2:
            with place.open(whole=True) as reader:
                for problem in verify_reader(reader).problems:
                    self.report.problem(f"{place.name} ({place.where}): {problem}")

    def _lies(self, path: Path, header: SegmentHeader) -> None:
        slot, epoch, class_ = path.parts[-2], path.parts[-3], path.parts[-4]
        if (slot, epoch, class_) != (str(header.slot), str(header.epoch), str(header.class_)):
            raise _Fault("머리글과 다른 자리에 있습니다 / the file lies at another place than its header says")

    def _nonces(self, reader: SegmentReader, name: str) -> None:
        """Ordinals count up within a file (the reader refuses else), so equal salts alone could repeat a pair."""
        other = self._salts.setdefault(reader.header.salt, name)
        if other != name:
            raise _Fault(f"(키, 논스)가 되풀이될 수 있습니다 / salt used twice, also by {other}")

    def _row(self, row: Segment, reader: SegmentReader, name: str) -> None:
        count = len(reader.parts)
        facts = (
            (row.path == name, "path"),
            (row.parts == count if row.closed else row.parts <= count, "parts"),
            (row.slot == reader.header.slot and row.epoch == reader.header.epoch, "slot, hour"),
            (row.class_ == reader.header.class_ and row.stream == reader.header.stream, "class, stream"),
            (row.root is None or row.root == reader.root, "Merkle root"),
            (not row.parts or reader.parts[0].header.tick == row.first_tick, "first second"),
        )
        wrong = [what for right, what in facts if not right]
        if wrong:
            raise _Fault(f"색인과 파일이 다릅니다 / the index row differs: {', '.join(wrong)}")

    def _told(self) -> None:
        """Per camera, stream and day: gaps + footage = wall clock, by the parts' own times; nothing is held twice."""
        report, account = self.report, self._account
        account.close()
        report.cameras = len(self._cameras)
        report.days = account.days
        report.missing_s = round(sum(day.missing_s for day in account.days), 3)
        report.overlap_s = round(sum(day.overlap_s for day in account.days), 3)
        for found in account.findings:
            length, first = (found.until_us - found.first_us) / 1e6, found.first_us // 1_000_000
            if found.twice:
                report.problem(
                    f"카메라 {found.camera}: {first}부터 {length:.1f}초의 영상이 두 번 있습니다 / "
                    f"camera {found.camera}: {length:.1f} s from {first} are held by two segments"
                )
            else:
                report.problem(
                    f"카메라 {found.camera}: {first}부터 {length:.1f}초의 기록이 없습니다 / "
                    f"camera {found.camera}: {length:.1f} s from {first} are neither footage nor a gap row"
                )

    def ask(self, vault: Verifier, sample: int | None, watch: Watch | None = None) -> Report:
        """Level 3: vaultd opens every part, or ``sample`` of them drawn at random.

        ``watch``: reckons the cameras' own signatures beside it; only where every part is opened.
        """
        chosen = self._chosen(sample)
        self._watch = watch if sample is None else None
        for place in self._all():
            if chosen is not None and place.path not in chosen:
                continue
            try:
                with place.open() as reader:
                    self._ask_file(vault, reader, chosen[place.path] if chosen is not None else None)
            except FileNotFoundError:
                continue
            except SegmentBroken as error:
                if place.shelf is not None or place.path.stat().st_size >= HEADER_SIZE:
                    self.report.problem(f"{place.name}: {error}")
        if self._watch is not None:
            self.report.signed_s, self.report.signatures = self._watch.end()
        return self.report

    def _chosen(self, sample: int | None) -> dict[Path, set[int]] | None:
        if sample is None:
            return None
        places: list[tuple[Path, int]] = []
        seen = 0
        for place in self._all():
            path = place.path
            try:
                with place.open() as reader:
                    count = len(reader.parts)
            except (OSError, SegmentBroken):
                continue
            # reservoir sampling: the store may hold more parts than memory
            for ordinal in range(count):
                seen += 1
                if len(places) < sample:
                    places.append((path, ordinal))
                elif (at := random.randrange(seen)) < sample:  # noqa: S311 - a sample, no secret
                    places[at] = (path, ordinal)
        chosen: dict[Path, set[int]] = {}
        for path, ordinal in places:
            chosen.setdefault(path, set()).add(ordinal)
        return chosen

    @staticmethod
    def _init(reader: SegmentReader, inits: list[PartAt]) -> bytes:
        """The nearest init part before that was not blanked: it lives as long as the seconds that need it."""
        while inits:
            data = reader.read(inits[-1])
            if parts.blanked(reader.segment_id, data) is None:
                del inits[:-1]
                return data
            inits.pop()
        return b""

    def _said(self, vault: Verifier, reader: SegmentReader, part: parts.PartHeader, init: bytes, data: bytes) -> Any:
        header = reader.header.pack()
        if self._watch is None or part.kind != parts.VIDEO:
            return vault.verify(header, init, data)
        said, codec, rows, messages = vault.verify_signed(header, init, data)
        if codec:
            self._watch.part(reader.header, part, codec, rows, messages)
        return said

    def _ask_file(self, vault: Verifier, reader: SegmentReader, ordinals: set[int] | None) -> None:
        report, name = self.report, self._name(reader.path)
        inits: list[PartAt] = []
        for part in reader.parts:
            if part.header.kind == parts.INIT:
                inits.append(part)
            if ordinals is not None and part.header.ordinal not in ordinals:
                continue
            data, init = reader.read(part), self._init(reader, inits)
            if part.header.size + len(init) > WIRE_MAX:
                report.too_large += 1
                continue
            try:
                said = self._said(vault, reader, part.header, b"" if part.header.kind == parts.INIT else init, data)
            except VaultRefused as error:
                if error.code not in GONE:
                    raise
                # a second of its own may be closed, or held, among others that are not
                report.destroyed += 1
                continue
            report.verified += 1
            place = f"{name} #{part.header.ordinal}"
            if not said.authentic:
                gone = parts.blanked(reader.segment_id, data) is not None
                why = "blanked" if gone else said.why
                report.problem(f"{place}: 변경되었거나 키가 다릅니다 / not authentic ({why})")
            foreign = foreign_tracks(said.tracks)
            if foreign:
                report.problem(
                    f"{place}: 영상이 아닌 트랙이 있습니다 / a track that is not video: {', '.join(foreign)}"
                )


def spans_of(reader: SegmentReader) -> list[Span]:
    """What a file's parts cover (Unix µs), by their headers."""
    found = ((part.header.start_us, part.header.start_us + part.header.duration_us) for part in reader.parts)
    return merged(found, JITTER_US)


def repair(store: Path, log: Callable[[str], None]) -> int:
    """Cut torn tails off files that nobody has written to for ten minutes; returns how many."""
    done = 0
    for path in segment_paths(store):
        stat = path.stat()
        if file_age_s(stat) < REPAIR_AGE_S:
            continue
        try:
            with SegmentReader(path) as reader:
                if not reader.torn or reader.closed or reader.problem is not None:
                    continue
                keep = stat.st_size - reader.torn
        except (OSError, SegmentBroken):
            continue
        os.truncate(path, keep)
        log(f"{path.relative_to(store)}: {stat.st_size - keep} bytes")
        done += 1
    return done
