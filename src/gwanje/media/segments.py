"""Recording of one camera (녹화): parts are sealed in order into segment files; index rows and gaps follow.

Order: seal → write → (every few seconds, pool) fdatasync → index row; at the end trailer → fsync → last row.
A row never claims what a power cut would take.
"""

from __future__ import annotations

import logging
import mmap
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from gwanje.kernel.footage import EPOCH_S, Segment
from gwanje.kernel.sources import Source
from gwanje.media.fmp4 import ROW, ROW_REORDERED, TIMESCALE, put_head
from gwanje.media.gaps import GapLog
from gwanje.media.keyring import KeyRing
from gwanje.media.rtp import BASE, BUFFER_SIZE, new_buffer
from gwanje.media.stream import Part
from gwanje.vault import parts as sealed
from gwanje.vault.ciphers import Buffer
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import SegmentHeader, SegmentWriter
from gwanje.vault.tree import NoKey

OUT_SIZE = BUFFER_SIZE + (1 << 20)
DRIFT_MAX = TIMESCALE * 15 // 1000
JUMP_MAX = TIMESCALE // 5
BLOCK_PARTS, SETTLE_BLOCKS, LOWS_MAX = 8, 4, 12
SILENCE_US = 1_500_000
# an end lies at most so far behind a part's last picture: what a camera sends late is no footage of the time to come
LATE_US = 250_000
# packets that are missing so soon after a standstill were lost because of it
LOSS_AFTER_US = 5_000_000
STANDSTILLS_MAX = 64
JOBS_PER_CAMERA = 6
# what a part touched of its buffer beyond twice its camera's usual second, or beyond this, is given back
USUAL_SIZE = 1 << 20
# free buffers that nothing took in so many seconds go back to the system
SETTLE_S = 10
FREE_SPARE = 16
JOBS_SPARE = 64
log = logging.getLogger(__name__)


@dataclass
class Settings:
    """What all cameras of a recorder share. Lengths in seconds."""

    store: Path
    centre: UUID
    writer: bytes
    segment_s: int = 300
    flush_s: int = 5
    progress_s: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.segment_s <= 300:
            raise ValueError("a segment lasts 1 to 300 seconds")


@dataclass
class Standstill:
    """Between two ticks this process did nothing (멈춤): stopped, kept off its core, or held up by a disk. Unix µs.

    ``told``: every camera has its gap row already.
    """

    first_us: int
    until_us: int
    reason: str
    told: bool = False

    @property
    def detail(self) -> str:
        """For the gap row."""
        length = (self.until_us - self.first_us) / 1e6
        return f"the recorder stood still for {length:.1f} s; what it read late lies in the second of its reading"


@dataclass
class Counters:
    """What the packet path did since the start."""

    parts: int = 0
    bytes: int = 0
    segments: int = 0
    dropped: int = 0
    failures: int = 0
    standstills: int = 0
    write_ms_max: float = 0.0
    queue_max: int = 0
    buffers_made: int = 0
    buffers_returned: int = 0
    buffers_trimmed: int = 0
    buffers_free: int = 0


@dataclass
class Sealer:
    """What all cameras of one engine share: the queue of parts, free buffers and the output buffer."""

    settings: Settings
    keys: KeyRing
    put: Callable[[Segment], None]
    pools: tuple[Executor, ...]
    jobs: deque[tuple[CameraRecorder, Part]] = field(default_factory=deque)
    free: list[memoryview] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    cameras: int = 0
    # seconds in which the engine's thread waited for a disk, and when it did nothing at all
    disk_s: float = 0.0
    stood: deque[Standstill] = field(default_factory=lambda: deque(maxlen=STANDSTILLS_MAX))
    out: memoryview = field(default_factory=lambda: memoryview(bytearray(OUT_SIZE)))
    _unused: int = 0
    _looks: int = 0

    def work(self, count: int) -> None:
        """Seal up to ``count`` waiting parts; one camera's failure stays its own."""
        while self.jobs and count > 0:
            recorder, part = self.jobs.popleft()
            count -= 1
            try:
                recorder.take(part)
            except Exception:
                self.counters.failures += 1
                log.exception("slot %d: a part could not be stored", recorder.source.slot)
                recorder.give_up("disk", part.start_us, "internal failure")
            finally:
                self._freed(recorder, part)

    def _freed(self, recorder: CameraRecorder, part: Part) -> None:
        """Take a buffer back; what only a large part or a time of overload needed goes back to the system."""
        keep = min(2 * recorder.usual, USUAL_SIZE)
        recorder.usual += part.end - recorder.usual >> 4
        if len(self.free) >= self.cameras + FREE_SPARE:
            self.counters.buffers_returned += 1
            return
        if part.end > keep and isinstance(part.view.obj, mmap.mmap):
            keep = -(-keep // mmap.PAGESIZE) * mmap.PAGESIZE
            part.view.obj.madvise(mmap.MADV_REMOVE, keep, BUFFER_SIZE - keep)
            self.counters.buffers_trimmed += 1
        self.free.append(part.view)

    def settle(self) -> None:
        """Once a second: buffers that lay untouched at the bottom for ten seconds go back to the system."""
        counters, self._looks = self.counters, self._looks + 1
        if self._looks >= SETTLE_S:
            # the last in are the first out, so that what nobody needed lies at the bottom
            del self.free[: self._unused]
            counters.buffers_returned += self._unused
            self._looks, self._unused = 0, len(self.free)
        counters.buffers_free = len(self.free)

    def drain(self, recorder: CameraRecorder) -> None:
        """Seal what waits up to and including one camera's last part."""
        last = max((place for place, job in enumerate(self.jobs) if job[0] is recorder), default=-1)
        self.work(last + 1)

    def buffer(self) -> memoryview:
        """A free stream buffer."""
        if self.free:
            view = self.free.pop()
            self._unused = min(self._unused, len(self.free))
            return view
        self.counters.buffers_made += 1
        return new_buffer()


class _Open:
    """The segment file being written, and what its index row will say."""

    __slots__ = ("codec", "first_tick", "height", "idr", "init", "last_tick", "number", "path", "rowed", "settled",
                 "shift", "until", "width", "writer")  # fmt: skip

    def __init__(self, writer: SegmentWriter, part: Part, until: int, path: str) -> None:
        self.writer = writer
        self.init = part.init
        self.codec, self.width, self.height = part.picture.codec, part.picture.width, part.picture.height
        self.first_tick = self.last_tick = part.second % EPOCH_S
        self.until = until
        self.path = path
        self.idr = self.number = 0
        # parts that a flush has brought to the disk
        self.settled = 0
        self.shift = 0
        self.rowed = -1


class CameraRecorder:
    """Sink of one camera's main stream. Runs in the engine's thread; flush and finish run in a pool."""

    def __init__(self, sealer: Sealer, source: Source, gaps: GapLog) -> None:
        self.sealer = sealer
        self.source = source
        self.gaps = gaps
        self.last_end_us = 0
        self.parts = 0
        self._open: _Open | None = None
        self._shift = 0
        self._lows: deque[int] = deque(maxlen=LOWS_MAX)
        self._block = self._settling = self._slewed = 0
        self._flushed = 0
        self._retry_s = 0
        # bytes of a buffer that a part of this camera takes, averaged
        self.usual = USUAL_SIZE // 2
        # the inspection takes the next key frame while the leaf of its second stands
        self.look: Callable[[CameraRecorder, Part, Buffer], None] | None = None
        sealer.cameras += 1

    def queue(self, part: Part) -> memoryview:
        sealer = self.sealer
        if len(sealer.jobs) >= JOBS_PER_CAMERA * sealer.cameras + JOBS_SPARE:
            sealer.counters.dropped += 1
            self.gaps.begin("overload", part.start_us, "sealing is behind")
            return part.view
        sealer.jobs.append((self, part))
        sealer.counters.queue_max = max(sealer.counters.queue_max, len(sealer.jobs))
        return sealer.buffer()

    def damaged(self, packets: int, now_us: int) -> None:
        stood = self.sealer.stood
        ours = bool(stood) and now_us - stood[-1].until_us < LOSS_AFTER_US
        self.gaps.damaged(packets, now_us, "overload" if ours else "network")

    def refused(self, detail: str, now_us: int) -> None:
        self.gaps.begin("camera", now_us, detail)

    def change(self, source: Source) -> None:
        """The source's class or owner changed: the next part begins a new segment."""
        if (source.class_, source.fence, source.agency) != (self.source.class_, self.source.fence, self.source.agency):
            self.close()
        self.source = source

    def take(self, part: Part) -> None:
        """Seal and write one part, or say in a gap row why not."""
        opened = self._ready(part)
        if opened is None:
            return
        tick = part.second % EPOCH_S
        out, writer = self.sealer.out, opened.writer
        spine = self.sealer.keys.spine(self.source.class_, self.source.slot, part.second // EPOCH_S)
        try:
            if spine is None:
                raise NoKey("no spine")
            leaf = spine.at(tick)
            writer.key(tick, leaf)
        except NoKey as error:
            self.give_up("no key", part.start_us, str(error))
            return
        if part.idr and self.look is not None:
            look, self.look = self.look, None
            look(self, part, leaf)
        at = 0
        duration_us = min(part.duration * 100 // 9, part.until_us - part.start_us + LATE_US, 0xFFFFFFFF)
        if not writer.parts:
            # the key may have been lent for later seconds than the one that the file was opened for
            opened.first_tick = tick
        if part.idr or not writer.parts:
            # a file that begins between two key frames still names its codec
            at = writer.seal_into(out, sealed.INIT, 0, part.start_us, 0, part.init)
        view, size = part.view, part.end - BASE
        opened.number += 1
        begin = put_head(view, BASE, part.rows, opened.number, part.time + self._shift, size, part.reordered)
        flags = sealed.FLAG_IDR if part.idr else 0
        at += writer.seal_into(out[at:], sealed.VIDEO, flags, part.start_us, duration_us, view[begin : part.end])
        counters, started = self.sealer.counters, time.perf_counter()
        try:
            writer.write(out[:at])
        except OSError as error:
            self._open = None
            self.give_up("disk", part.start_us, error.strerror or "write failed")
            return
        finally:
            took = time.perf_counter() - started
            self.sealer.disk_s += took
            counters.write_ms_max = max(counters.write_ms_max, took * 1000)
        counters.parts += 1
        counters.bytes += at
        self.parts += 1
        self._stored(opened, part, tick, duration_us)

    def _stored(self, opened: _Open, part: Part, tick: int, duration_us: int) -> None:
        opened.last_tick = tick
        self._timed(part)
        if part.idr:
            opened.idr |= 1 << tick - opened.first_tick
        gap = self.gaps.open
        if gap is not None:
            if part.start_us >= gap.started_us:
                self.gaps.end(part.start_us)
        elif self.last_end_us and part.start_us - self.last_end_us > SILENCE_US:
            silent_us = self.stood(self.last_end_us, part.start_us)
            if part.start_us - silent_us > SILENCE_US:
                self.gaps.whole("camera", silent_us, part.start_us, "no pictures came")
        if part.idr and self.gaps.losing:
            self.gaps.key_frame(part.start_us)
        self.last_end_us = max(self.last_end_us, part.start_us + duration_us)
        settings = self.sealer.settings
        due = (part.second + self.source.slot) % settings.flush_s == 0 and part.second != self._flushed
        if due or opened.rowed < 0:
            self._flushed = part.second
            row = None
            if opened.rowed < 0 or (settings.progress_s and part.second - opened.rowed >= settings.progress_s):
                opened.rowed = part.second
                row = self._row(opened, None, closed=False)
            self._pool().submit(_flush, opened, opened.writer.parts, self.sealer.put, row)

    def stood(self, since_us: int, until_us: int) -> int:
        """A silence that began with a standstill of our own gets its row; returns from when on others are its cause."""
        for still in self.sealer.stood:
            if still.first_us - SILENCE_US <= since_us < still.until_us <= until_us:
                if not still.told:
                    self.gaps.whole(still.reason, since_us, still.until_us, still.detail)
                since_us = still.until_us
        return since_us

    def _pool(self) -> Executor:
        # one pool thread per camera keeps flush before finish
        return self.sealer.pools[self.source.slot % len(self.sealer.pools)]

    def _ready(self, part: Part) -> _Open | None:
        """The open segment for a part; opens a new one at an end, a change or a new connection."""
        opened = self._open
        if opened is not None and (part.second >= opened.until or part.restart or part.init is not opened.init):
            self.close()
            opened = None
        if opened is not None:
            return opened
        source, second = self.source, part.second
        if self.sealer.keys.spine(source.class_, source.slot, second // EPOCH_S) is None:
            self.give_up("no key", part.start_us, "the vault has lent no key")
            return None
        if second == self._retry_s:
            return None
        settings = self.sealer.settings
        header = SegmentHeader.fresh(
            class_=source.class_, epoch=second // EPOCH_S, slot=source.slot, stream=0, fence=source.fence,
            writer=settings.writer, created_us=part.start_us, centre=settings.centre, init=part.init,
        )  # fmt: skip
        started = time.perf_counter()
        try:
            writer = SegmentWriter.create(settings.store, header)
        except OSError as error:
            self._retry_s = second
            self.give_up("disk", part.start_us, error.strerror or "the file could not be made")
            return None
        finally:
            self.sealer.disk_s += time.perf_counter() - started
        # cameras change files at different seconds, and never later than the hour's end
        length = settings.segment_s - (second + source.slot) % settings.segment_s
        until = min(second + length, (second // EPOCH_S + 1) * EPOCH_S)
        self._follow(part)
        self._open = _Open(writer, part, until, str(writer.path.relative_to(settings.store)))
        self.sealer.counters.segments += 1
        return self._open

    def _follow(self, part: Part) -> None:
        """At a file's beginning: footage times follow the wall clock, whatever the camera's crystal does."""
        lows, self._block = sorted(self._lows), 0
        self._lows.clear()
        if part.restart or not lows:
            self._settling = SETTLE_BLOCKS
            wanted = part.start_us * 9 // 100 - part.time - self._shift
            if abs(wanted) > JUMP_MAX:
                self._shift += wanted
        else:
            self._slew(part, lows[len(lows) // 2])

    def _slew(self, part: Part, ahead: int) -> None:
        """Backwards by half a picture and once a second at most, so that decode times go on growing."""
        wanted = ahead - self._shift
        if abs(wanted) > DRIFT_MAX and part.second != self._slewed:
            self._slewed = part.second
            pictures = len(part.rows) // (ROW_REORDERED if part.reordered else ROW).size
            self._shift += max(wanted, -part.duration // (2 * max(1, pictures)))

    def _timed(self, part: Part) -> None:
        """Note how far the wall clock is ahead of a part: the earliest of a few, since each may be late by a tick.

        The median of the newest of these is the truth: in a busy second a part may look early, too.
        """
        ahead = part.start_us * 9 // 100 - part.time
        if self._block:
            self._lows[-1] = min(self._lows[-1], ahead)
        else:
            self._lows.append(ahead)
        self._block += 1
        if self._block >= BLOCK_PARTS:
            self._block = 0
            if self._settling:
                # the first picture of a connection came late by up to a tick and the handshake's haste
                self._settling -= 1
                self._slew(part, self._lows[-1])

    def _row(self, opened: _Open, root: bytes | None, *, closed: bool) -> Segment:
        writer, source = opened.writer, self.source
        ticks = opened.last_tick - opened.first_tick + 1
        return Segment(
            segment_id=writer.segment_id, camera=source.camera, agency=source.agency, slot=source.slot, stream=0,
            class_=writer.header.class_, epoch=writer.header.epoch, first_tick=opened.first_tick,
            last_tick=opened.last_tick, parts=writer.parts, size=writer.size,
            idr_ticks=opened.idr.to_bytes((ticks + 7) // 8, "little"), codec=opened.codec, width=opened.width,
            height=opened.height, root=root, path=opened.path, fence=writer.header.fence,
            writer=writer.header.writer, closed=closed,
        )  # fmt: skip

    def give_up(self, reason: str, at_us: int, detail: str) -> None:
        """Nothing is stored from here on until a part goes well again."""
        self.gaps.begin(reason, at_us, detail)

    @property
    def slot(self) -> int:
        """The camera's slot."""
        return self.source.slot

    def settled(self) -> tuple[SegmentWriter, int] | None:
        """The open segment and how many of its parts the disk has; from any thread."""
        opened = self._open
        return None if opened is None else (opened.writer, opened.settled)

    def leave(self, second: int) -> None:
        """Forget the key of ``second`` or before: of a silent camera nobody else would."""
        if self._open is not None:
            self._open.writer.leave(second - self._open.writer.header.epoch * EPOCH_S)

    def close(self) -> None:
        """Trailer and last index row of the open segment (in the pool)."""
        opened, self._open = self._open, None
        if opened is not None:
            row = self._row(opened, None, closed=True)
            self._pool().submit(_finish, opened.writer, self.sealer.put, row)


def _flush(opened: _Open, parts: int, put: Callable[[Segment], None], row: Segment | None) -> None:
    try:
        opened.writer.flush()
        opened.settled = parts
        if row is not None:
            put(row)
    except OSError as error:
        # the file was abandoned after a write error, or the disk is ill: the next part says so in a gap row
        log.error("segment %s: not flushed: %s", opened.writer.segment_id.hex()[:16], error)


def _finish(writer: SegmentWriter, put: Callable[[Segment], None], row: Segment) -> None:
    try:
        root = writer.finish()
    except (OSError, VaultError) as error:
        log.error("segment %s: no trailer: %s", writer.segment_id.hex()[:16], error)
        root = None
    put(replace(row, root=root, size=writer.size))
