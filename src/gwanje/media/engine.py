"""Tick reader (영상 수신 엔진): one thread, every socket read once per tick, every camera isolated.

Sockets stay unread between ticks; each tick asks epoll once which have bytes, reads each once into a shared buffer
and seals part of what waits, in proportion to the queue, so that no second's end stalls the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import time
from collections.abc import Callable

from gwanje.kernel.clock import Clock
from gwanje.media.drivers.feeds import Feed
from gwanje.media.drivers.wired import Wired
from gwanje.media.rtp import Receiver, StreamBroken
from gwanje.media.segments import Sealer, Standstill
from gwanje.media.stream import Stream

TICK_S = 0.03
SEAL_SPREAD_S = 0.3
SEAL_MIN = 4
LATE_CUT_S = 0.5
# so long between two ticks is a standstill, which explains what was lost or silent meanwhile
STOOD_S = 0.5
__all__ = ["TICK_S", "Engine", "Stalled", "Stream"]
log = logging.getLogger(__name__)


class Stalled(StreamBroken):
    """The connection stands but no picture came for 5 seconds."""


class Wire:
    """One playing stream in the engine: its feed, its stream, and the future that ends with the connection."""

    __slots__ = ("alive", "ended", "feed", "frames", "handles", "over", "stream")

    def __init__(self, stream: Wired, feed: Feed, ended: asyncio.Future[None], now: float) -> None:
        self.stream = stream
        self.feed = feed
        self.ended = ended
        self.alive = now
        self.frames = stream.frames
        self.handles: tuple[int, ...] = ()
        self.over = False


class Engine:
    """Reads all streams. ``attach`` after PLAY; the future it returns ends with the connection's failure."""

    def __init__(self, clock: Clock, sealer: Sealer, tick_s: float = TICK_S) -> None:
        self._clock = clock
        self.sealer = sealer
        self._tick_s = tick_s
        self.receiver = Receiver()
        self._epoll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self._again: set[int] = set()
        self._running = False
        self.late_ms_max = 0.0
        self.stood: Callable[[Standstill], None] | None = None
        self._disk_s = 0.0

    def attach(self, stream: Wired, feed: Feed) -> asyncio.Future[None]:
        """Own the feed from now on."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wire = Wire(stream, feed, ended, time.monotonic())
        self._now()
        try:
            for handle in feed.begin(stream):
                self._epoll.register(handle, select.EPOLLIN)
                self._wires[handle] = wire
                wire.handles += (handle,)
        except Exception as error:
            self._fail(wire, error)
        return ended

    def detach(self, ended: asyncio.Future[None]) -> None:
        """End a connection from our side."""
        for wire in self._all():
            if wire.ended is ended:
                self._fail(wire, None)

    def _all(self) -> list[Wire]:
        """Every wire once, however many sockets it has."""
        return [wire for handle, wire in self._wires.items() if handle == wire.handles[0]]

    def _now(self) -> bool:
        now = self._clock.tick_us()
        second = now // 1_000_000
        receiver = self.receiver
        receiver.now_us = now
        changed = second != receiver.now_s
        receiver.now_s = second
        return changed

    def _read(self) -> None:
        wires = self._wires
        ready = [handle for handle, _ in self._epoll.poll(0, 4096)]
        if self._again:
            # what a TLS layer or a full round left behind: epoll does not tell of it
            ready = list(self._again.union(ready))
            self._again.clear()
        for handle in ready:
            wire = wires.get(handle)
            if wire is None:
                continue
            try:
                if wire.feed.read(handle, wire.stream):
                    self._again.add(handle)
            except BlockingIOError:
                continue
            except Exception as error:
                # whatever one camera sends costs that camera and no other
                self._fail(wire, error)

    def _fail(self, wire: Wire, error: Exception | None) -> None:
        if wire.over:
            return
        wire.over = True
        if error is not None and not isinstance(error, OSError):
            log.error("a stream failed: %s: %s", type(error).__name__, error)
        for handle in wire.handles:
            self._wires.pop(handle, None)
            self._again.discard(handle)
            with contextlib.suppress(OSError):
                self._epoll.unregister(handle)
        for act in (wire.stream.give_up, wire.feed.close):
            try:
                act()
            except Exception:
                log.exception("a stream could not be ended")
        if wire.ended.done():
            # whoever waited was cancelled
            return
        if error is None:
            wire.ended.set_result(None)
        else:
            wire.ended.set_exception(error)

    def _stood(self, since_us: int, length_s: float) -> None:
        """Nothing was done since the last tick: noted before anything that came meanwhile is read."""
        sealer = self.sealer
        held_up = sealer.disk_s - self._disk_s > length_s / 2
        still = Standstill(since_us, self.receiver.now_us, "disk" if held_up else "overload")
        sealer.stood.append(still)
        sealer.counters.standstills += 1
        for wire in self._all():
            # nobody looked: no camera has been silent for that long
            wire.alive += length_s
        # what began before it ends where it ended: a camera may have left out what it could not send
        self._cut_late()
        if self.stood is not None:
            self.stood(still)

    def _watch(self) -> None:
        """Once a second: stalls, keep-alives, buffers that nothing needs."""
        now = time.monotonic()
        self.sealer.settle()
        for wire in self._all():
            if wire.stream.frames != wire.frames:
                wire.frames, wire.alive = wire.stream.frames, now
            elif now - wire.alive > wire.feed.stall_s:
                self._fail(wire, Stalled(f"no pictures for {round(wire.feed.stall_s + 0.5)} seconds"))
                continue
            try:
                wire.feed.watch(wire.stream, now)
            except Exception as error:
                self._fail(wire, error)

    def _cut_late(self) -> None:
        """A camera that pauses has its last second sealed half a second late."""
        now_s = self.receiver.now_s
        for wire in self._all():
            stream = wire.stream
            if stream.pending is not None and stream.rows_us // 1_000_000 < now_s:
                try:
                    stream.w = stream.cut(stream.w, stream.step)
                except Exception as error:
                    self._fail(wire, error)

    async def run(self) -> None:
        """The tick loop; ends when ``stop`` was called, after everything that waits is sealed."""
        self._running = True
        loop = asyncio.get_running_loop()
        jobs = self.sealer.jobs
        late = round(LATE_CUT_S / self._tick_s)
        countdown = late
        following = watch = began = loop.time()
        while self._running:
            before, began = began, loop.time()
            since_us = self.receiver.now_us
            if self._now():
                countdown = late
            if began - before > STOOD_S:
                self._stood(since_us, began - before)
            self._disk_s = self.sealer.disk_s
            self._read()
            countdown -= 1
            if countdown == 0:
                self._cut_late()
            if following >= watch:
                # by the monotonic clock: a wall clock that stands still must not hide a stall
                watch = following + 1
                self._watch()
            if jobs:
                # by time, not by ticks: a machine that gives few ticks must not let the queue grow
                share = max(self._tick_s, began - before) / SEAL_SPREAD_S
                self.sealer.work(max(SEAL_MIN, 1 + int(len(jobs) * share)))
            now = loop.time()
            self.late_ms_max = max(self.late_ms_max, (now - following) * 1000)
            following = max(following + self._tick_s, now)
            await asyncio.sleep(following - now)

    def stop(self) -> None:
        """End every connection, seal what is whole."""
        self._running = False
        for wire in self._all():
            self._fail(wire, None)
        self.sealer.work(len(self.sealer.jobs))
        self._epoll.close()
