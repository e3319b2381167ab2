"""Tick reader (영상 수신 엔진): one thread, every socket read once per tick, every camera isolated.

Sockets stay unread between ticks; each tick asks epoll once which have bytes, reads each once into a shared buffer
and seals part of what waits, in proportion to the queue, so that no second's end stalls the loop.
"""

from __future__ import annotations

import asyncio
import logging
import select
import time

from gwanje.kernel.clock import Clock
from gwanje.media.rtp import Receiver, StreamBroken
from gwanje.media.rtsp import Playing, say_goodbye
from gwanje.media.segments import Sealer
from gwanje.media.stream import Stream

TICK_S = 0.03
STALL_S = 4.5
SEAL_SPREAD_S = 0.3
SEAL_MIN = 4
LATE_CUT_S = 0.5
log = logging.getLogger(__name__)


class Stalled(StreamBroken):
    """The connection stands but no picture came for 5 seconds."""


class Wire:
    """One playing stream in the engine: its socket, its stream, and the future that ends with the connection."""

    __slots__ = ("alive", "ended", "frames", "keep_alive_at", "playing", "stream")

    def __init__(self, stream: Stream, playing: Playing, ended: asyncio.Future[None], now: float) -> None:
        self.stream = stream
        self.playing = playing
        self.ended = ended
        self.alive = now
        self.frames = stream.frames
        self.keep_alive_at = now + playing.keep_alive_s


class Engine:
    """Reads all streams. ``attach`` after PLAY; the future it returns ends with the connection's failure."""

    def __init__(self, clock: Clock, sealer: Sealer, tick_s: float = TICK_S) -> None:
        self._clock = clock
        self.sealer = sealer
        self._tick_s = tick_s
        self.receiver = Receiver()
        self._epoll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self._running = False
        self.late_ms_max = 0.0

    def attach(self, stream: Stream, playing: Playing) -> asyncio.Future[None]:
        """Own the socket from now on."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wire = Wire(stream, playing, ended, time.monotonic())
        stream.restart(playing.channel)
        for nal in playing.track.parameter_sets:
            stream.parameter_set(nal)
        self._wires[playing.sock.fileno()] = wire
        self._epoll.register(playing.sock.fileno(), select.EPOLLIN)
        self._now()
        try:
            self._early(stream, playing.early)
        except Exception as error:
            self._fail(wire, error)
        return ended

    def _early(self, stream: Stream, early: bytes) -> None:
        buffer = self.receiver.buffer
        for start in range(0, len(early), len(buffer)):
            piece = early[start : start + len(buffer)]
            buffer[: len(piece)] = piece
            stream.feed(len(piece))

    def detach(self, ended: asyncio.Future[None]) -> None:
        """End a connection from our side."""
        for wire in tuple(self._wires.values()):
            if wire.ended is ended:
                self._fail(wire, None)

    def _now(self) -> bool:
        now = self._clock.tick_us()
        second = now // 1_000_000
        receiver = self.receiver
        receiver.now_us = now
        changed = second != receiver.now_s
        receiver.now_s = second
        return changed

    def _read(self) -> None:
        receive = self.receiver.buffer
        wires = self._wires
        for fd, _ in self._epoll.poll(0, 4096):
            wire = wires.get(fd)
            if wire is None:
                continue
            try:
                count = wire.playing.sock.recv_into(receive)
                if not count:
                    raise StreamBroken("the camera closed the connection")
                wire.stream.feed(count)
            except BlockingIOError:
                continue
            except Exception as error:
                # whatever one camera sends costs that camera and no other
                self._fail(wire, error)

    def _fail(self, wire: Wire, error: Exception | None) -> None:
        fd = wire.playing.sock.fileno()
        if self._wires.pop(fd, None) is None:
            return
        if error is not None and not isinstance(error, OSError):
            log.error("a stream failed: %s: %s", type(error).__name__, error)
        self._epoll.unregister(fd)
        try:
            wire.stream.give_up()
        except Exception:
            log.exception("a stream could not be ended")
        say_goodbye(wire.playing)
        if not wire.ended.done():
            if error is None:
                wire.ended.set_result(None)
            else:
                wire.ended.set_exception(error)

    def _watch(self) -> None:
        """Once a second: stalls and keep-alives."""
        now = time.monotonic()
        for wire in tuple(self._wires.values()):
            if wire.stream.frames != wire.frames:
                wire.frames, wire.alive = wire.stream.frames, now
            elif now - wire.alive > STALL_S:
                self._fail(wire, Stalled("no pictures for 5 seconds"))
                continue
            if now >= wire.keep_alive_at:
                wire.keep_alive_at = now + wire.playing.keep_alive_s
                request = wire.playing.keep_alive()
                try:
                    if wire.playing.sock.send(request) != len(request):
                        raise StreamBroken("the camera takes no requests any more")
                except OSError as error:
                    self._fail(wire, error)

    def _cut_late(self) -> None:
        """A camera that pauses has its last second sealed half a second late."""
        now_s = self.receiver.now_s
        for wire in tuple(self._wires.values()):
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
        following = watch = loop.time()
        while self._running:
            if self._now():
                countdown = late
            self._read()
            countdown -= 1
            if countdown == 0:
                self._cut_late()
            if following >= watch:
                # by the monotonic clock: a wall clock that stands still must not hide a stall
                watch = following + 1
                self._watch()
            if jobs:
                self.sealer.work(max(SEAL_MIN, 1 + int(len(jobs) * self._tick_s / SEAL_SPREAD_S)))
            now = loop.time()
            self.late_ms_max = max(self.late_ms_max, (now - following) * 1000)
            following = max(following + self._tick_s, now)
            await asyncio.sleep(following - now)

    def stop(self) -> None:
        """End every connection, seal what is whole."""
        self._running = False
        for wire in tuple(self._wires.values()):
            self._fail(wire, None)
        self.sealer.work(len(self.sealer.jobs))
        self._epoll.close()
