"""Segment files on their way to the object store (영상 이관): put, read back, and only then gone from the disk.

A process of its own beside the recorder, which writes to the disk as ever. Killed at any line it begins again: what
stands in the object store is compared, never believed. The newest file of each camera stays, because a recorder that
comes back reads from it where its downtime began.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from gwanje.kernel.clock import file_age_s
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import HEADER_SIZE, SegmentReader, sync_folder
from gwanje.vault.store import StoreAway, StoreRefused, index_of
from gwanje.vault.store_s3 import S3Shelf, index_name

POOL: Final = 2
QUIET_S: Final = 3.0
PAUSE_S: Final = 2.0
BACK_OFF_MAX_S: Final = 60.0
AWAY_ALARM_S: Final = 60.0
HOURS_LEFT_ALARM: Final = 24.0
FREE_ALARM: Final = 0.15
ROUND_MAX: Final = 2000
CHUNK: Final = 1 << 20
log = logging.getLogger("gwanje.uploader")

Alarm = Callable[[str, dict[str, Any]], None]


@dataclass
class Counters:
    """What was done since the start, and what waits now."""

    moved: int = 0
    bytes: int = 0
    kept: int = 0
    resent: int = 0
    withdrawn: int = 0
    failures: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    away_s: float = 0.0
    hours_left: float | None = None


class Uploader:
    """One store folder's way into one bucket; ``run`` until told to stop, or ``round`` by round.

    ``step(name, path)`` is called before each act (tests kill the process there).
    """

    def __init__(
        self, store: Path, shelf: S3Shelf, alarm: Alarm, *, quiet_s: float = QUIET_S,
        step: Callable[[str, Path], None] = lambda name, path: None,
    ) -> None:  # fmt: skip
        self.store, self.shelf = store, shelf
        self.counters = Counters()
        self._alarm, self._quiet_s, self._step = alarm, quiet_s, step
        self._proved: dict[Path, tuple[int, int]] = {}
        self._away_since: float | None = None
        self._guard = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Rounds until ``stop``; waits ever longer while the object store is away (2 to 60 s, with jitter).

        BlockingIOError when another process does the same on this folder.
        """
        with _only(self.store):
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        pause, begun = PAUSE_S, False
        while not stop.is_set():
            begun = begun or self.begin()
            well = self.round()
            pause = PAUSE_S if well else min(BACK_OFF_MAX_S, pause * 2)
            stop.wait(pause if well else pause * random.uniform(0.7, 1.3))  # noqa: S311 - no secret

    def begin(self) -> bool:
        """Drop the half uploads of files that still lie here: a process that was killed left them; True when done."""
        try:
            settings = self.shelf.settings
            at = f"{settings.prefix}/" if settings.prefix else ""
            for key, upload in self.shelf.bucket.uploads(at):
                if (self.store / key.removeprefix(at)).is_file():
                    self.shelf.bucket.abort(key, upload)
        except (StoreAway, StoreRefused) as error:
            log.warning("half uploads were not looked through: %s", error)
            return False
        return True

    def round(self) -> bool:
        """Look once and move what can go; False when the object store is away or must not be used."""
        ready = self.waiting()
        well = True
        try:
            self.shelf.ready()
        except (StoreAway, StoreRefused) as error:
            log.error("object store: %s", error)
            well = False
            if isinstance(error, StoreRefused):
                self._alarm("store.refused", {"problem": str(error)})
        if well and ready:
            with ThreadPoolExecutor(POOL, thread_name_prefix="upload") as pool:
                results = list(pool.map(self._one, ready[:ROUND_MAX]))
            well = all(results)
        self._judge(well)
        return well

    def waiting(self) -> list[tuple[Path, bool]]:
        """(file, may it leave the disk) of all that is quiet and not proved yet, oldest first."""
        newest: dict[tuple[str, str], tuple[int, Path]] = {}
        found: list[tuple[int, Path, os.stat_result]] = []
        for path in self.store.glob("*/*/*/*.gws"):
            stream, created = [*path.name.split("-"), ""][:2]
            try:
                about, order = path.stat(), int(created)
            except (FileNotFoundError, ValueError):
                continue
            found.append((order, path, about))
            key = (path.parent.name, stream)
            if order > newest.get(key, (-1, path))[0]:
                newest[key] = (order, path)
        stays = {path for _, path in newest.values()}
        self._proved = {path: facts for path, facts in self._proved.items() if path in stays}
        out = []
        count = total = 0
        for _, path, about in sorted(found, key=lambda one: one[0]):
            proved = self._proved.get(path) == (about.st_size, about.st_mtime_ns)
            count, total = count + (not proved), total + (0 if proved else about.st_size)
            if not proved and file_age_s(about) >= self._quiet_s and about.st_size > HEADER_SIZE:
                out.append((path, path not in stays))
        self.counters.waiting, self.counters.waiting_bytes = count, total
        return out

    def _one(self, work: tuple[Path, bool]) -> bool:
        path, may_go = work
        try:
            self._move(path, may_go=may_go)
        except StoreAway as error:
            self._count("failures")
            log.warning("%s waits: %s", path.name, error)
            return False
        except FileNotFoundError:
            # destruction takes the whole hour's folder; a file that went alone was no affair of the law
            return path.exists() or path.parent.exists() or self._withdrawn(path)
        except (OSError, SegmentBroken) as error:
            self._count("failures")
            log.error("%s stays on the disk: %s", path.name, type(error).__name__)
        return True

    def _count(self, name: str, by: int = 1) -> None:
        with self._guard:
            setattr(self.counters, name, getattr(self.counters, name) + by)

    def _move(self, path: Path, *, may_go: bool) -> None:
        with _unwritten(path) as free:
            if not free:
                return
            name = str(path.relative_to(self.store))
            before = path.stat()
            with SegmentReader(path) as reader:
                digest = _digest(path)
                index = index_of(reader, before.st_size, digest)
            held = self.shelf.stat(name)
            if held is None or held.size != before.st_size or not self._proves(name, digest, index):
                if held is not None:
                    self._count("resent")
                self._step("index", path)
                self.shelf.put(index_name(name), index)
                self._step("segment", path)
                self.shelf.put(name, path)
                self._step("proof", path)
                if not self._proves(name, digest, index):
                    raise StoreAway("what was put does not read back the same")
            after = path.stat()
            if (after.st_size, after.st_mtime_ns, after.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino):
                # destruction overwrites before it unlinks: what we put may be a copy of what had to die
                self._withdrawn(path)
                return
            self._leave(path, after, may_go=may_go)

    def _proves(self, name: str, digest: bytes, index: bytes) -> bool:
        try:
            return self.shelf.digest(name) == digest and self.shelf.get(index_name(name)) == index
        except FileNotFoundError:
            return False

    def _leave(self, path: Path, about: os.stat_result, *, may_go: bool) -> None:
        if not may_go:
            with self._guard:
                self._proved[path] = (about.st_size, about.st_mtime_ns)
            self._count("kept")
            return
        self._step("unlink", path)
        path.unlink()
        self._step("gone", path)
        sync_folder(path.parent)
        self._count("moved")
        self._count("bytes", about.st_size)

    def _withdrawn(self, path: Path) -> bool:
        """The file died on the disk while it was on its way: its copy dies, too."""
        try:
            self.shelf.remove(str(path.relative_to(self.store)))
        except StoreAway as error:
            log.error("a copy of a destroyed file could not be withdrawn yet: %s", error)
            return False
        self._count("withdrawn")
        return True

    def _judge(self, well: bool) -> None:
        """Is the object store away too long, and when will the disk be full? Said long before."""
        now = monotonic()
        self._away_since = None if well else (self._away_since or now)
        counters = self.counters
        counters.away_s = 0.0 if self._away_since is None else now - self._away_since
        disk = shutil.disk_usage(self.store)
        counters.hours_left = hours_left(self._oldest_s(), counters.waiting_bytes, disk.free)
        facts = {**asdict(counters), "free_bytes": disk.free}
        if counters.away_s >= AWAY_ALARM_S:
            self._alarm("store.away", facts)
        short = counters.hours_left is not None and counters.hours_left < HOURS_LEFT_ALARM
        if not well and (short or disk.free < FREE_ALARM * disk.total):
            self._alarm("store.filling", facts)

    def _oldest_s(self) -> float:
        ages = [0.0]
        for path in self.store.glob("*/*/*/*.gws"):
            with contextlib.suppress(FileNotFoundError):
                ages.append(file_age_s(path.stat()))
        return max(ages)


def hours_left(oldest_s: float, waiting_bytes: int, free: int) -> float | None:
    """Hours until the disk is full at the pace at which what waits has come; None while nothing is known.

    The oldest file was whole ``oldest_s`` ago: what waits came since its beginning, a segment earlier at most.
    """
    if not waiting_bytes or oldest_s < 1:
        return None
    return round(free / (waiting_bytes / oldest_s) / 3600, 1)


@contextlib.contextmanager
def _only(store: Path) -> Iterator[None]:
    """One mover a folder: what one has moved must not look destroyed to another."""
    handle = os.open(store / ".uploader.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _unwritten(path: Path) -> Iterator[bool]:
    """Does no writer live? Its lock goes with its process; a trailer means that it has ended by itself."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def _digest(path: Path) -> bytes:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return found.digest()
