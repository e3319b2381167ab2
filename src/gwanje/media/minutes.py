"""Recorder-minutes (분 단위 봉인), made beside the packet path: part hashes stand already, only a tree grows over them.

Once a second, in a pool thread, the trees of a tenth of the open segments take in what was flushed to the disk; when a
minute is over, one row names every segment that got parts in it. Nothing unflushed is named: a power cut must not look
like a cut-off tail.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from gwanje.kernel.footage import Segment
from gwanje.kernel.ledger.minutes import MINUTE_S, SEGMENTS_MAX, Growing, Minute, segment_leaf
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import SegmentReader, SegmentWriter

SPREAD = 10
CLOSED_MAX = 65_536
TAILS_MAX, TAIL_BYTES_S = 8192, 30_000_000
log = logging.getLogger(__name__)


class Settled(Protocol):
    """A camera's recorder, as far as minutes ask it."""

    @property
    def slot(self) -> int: ...

    def settled(self) -> tuple[SegmentWriter, int] | None:
        """The open segment and how many of its parts the disk has."""
        ...


class Tails:
    """Files that a crash left without a trailer (끊긴 파일): read once, slowly, so that their last parts get a minute.

    ``put`` from any thread; a thread of its own reads one file after the other and tells ``done``.
    """

    def __init__(self, store: Path, done: Callable[[Segment], None]) -> None:
        self._store, self._done = store, done
        self._rows: deque[Segment] = deque(maxlen=TAILS_MAX)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, row: Segment) -> None:
        """A row that is closed and has no root."""
        with self._lock:
            self._rows.append(row)
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tails", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """What was not read is read after the next start."""
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                row = self._rows.popleft()
            except IndexError:
                self._wake.clear()
                if not self._rows:
                    self._wake.wait()
                continue
            try:
                size = self._read(row)
            except (OSError, SegmentBroken) as error:
                log.warning("segment %s has no trailer and cannot be read: %s", row.segment_id.hex()[:16], error)
                continue
            # the disk is the recording's
            self._stop.wait(size / TAIL_BYTES_S)

    def _read(self, row: Segment) -> int:
        with SegmentReader(self._store / row.path) as reader:
            grown, size = Growing(), 0
            for part in reader.parts:
                data = reader.read(part)
                grown.add(hashlib.sha256(data).digest())
                size += len(data)
                if self._stop.is_set():
                    return 0
        if reader.segment_id == row.segment_id and grown.size:
            self._done(replace(row, root=grown.root(), parts=grown.size))
        return size


@dataclass
class _Tree:
    grown: Growing = field(default_factory=Growing)
    told: int = 0
    seen: int = 0


class MinuteBook:
    """Minutes of one recorder; ``closed`` from any thread, ``tick`` and ``end`` from one at a time."""

    def __init__(self, writer: bytes, put: Callable[[Minute], None]) -> None:
        self._writer, self._put = writer, put
        self._closed: deque[tuple[bytes, int, bytes]] = deque(maxlen=CLOSED_MAX)
        self._trees: dict[bytes, _Tree] = {}
        self._minute_s = self._round = 0
        self.sealed = 0

    def closed(self, row: Segment) -> None:
        """A segment's last row: its trailer's root stands in the next minute."""
        if row.closed and row.root is not None and row.parts and row.writer == self._writer:
            self._closed.append((row.segment_id, row.parts, row.root))

    def tick(self, now_s: int, cameras: Iterable[Settled]) -> None:
        """Once a second; ``now_s``: Unix seconds."""
        minute_s = now_s // MINUTE_S * MINUTE_S
        over, self._round = minute_s > self._minute_s, self._round + 1
        for camera in cameras:
            if over or (camera.slot + self._round) % SPREAD == 0:
                self._grow(camera)
        if over:
            if self._minute_s:
                self._seal(minute_s - MINUTE_S)
            self._minute_s = minute_s

    def end(self, now_s: int) -> None:
        """The recorder stops: what was closed is sealed under the minute that it stopped in."""
        self._seal(now_s // MINUTE_S * MINUTE_S)

    def _grow(self, camera: Settled) -> None:
        found = camera.settled()
        if found is None:
            return
        writer, parts = found
        tree = self._trees.setdefault(writer.segment_id, _Tree())
        tree.seen = self._round
        for value in writer.hashes[tree.grown.size : parts]:
            tree.grown.add(value)

    def _seal(self, minute_s: int) -> None:
        leaves: dict[bytes, bytes] = {}
        for name, tree in list(self._trees.items()):
            if tree.grown.size > tree.told:
                tree.told = tree.grown.size
                leaves[name] = segment_leaf(name, tree.told, tree.grown.root())
            if tree.seen < self._round:
                # not seen in the round that ends a minute: closed since
                del self._trees[name]
        for _ in range(len(self._closed)):
            name, parts, root = self._closed.popleft()
            leaves[name] = segment_leaf(name, parts, root)
        values = list(leaves.values())
        for start in range(0, len(values), SEGMENTS_MAX):
            self._put(Minute(self._writer, minute_s, b"".join(values[start : start + SEGMENTS_MAX])))
            self.sealed += 1
