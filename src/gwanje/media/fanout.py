"""Fan-out of a live stream (실시간 영상 분배): a frame's bytes are made once and written to every viewer from there.

Recording never waits for viewers: writing goes in slices of a few milliseconds between the engine's ticks, nobody's
bytes are copied here, and who cannot keep up loses pictures, never the others. Server-to-client frames are unmasked
(RFC 6455 5.1), so that the same bytes serve all.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from collections import deque
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from gwanje.media.picture import Picture
from gwanje.media.ring import GROUP_BYTES_MAX, LiveRing

SLICE_S = 0.004
RETRY_S = 0.01
PIECES_MAX = 64
SLOW_MAX_S = 15.0
UNSENT_MAX = 1 << 18
TEXT, BINARY = 1, 2
MOVED = 4410


def framed(message: bytes, kind: int = BINARY) -> bytes:
    """One unmasked, whole WebSocket frame (RFC 6455 5.2)."""
    size = len(message)
    if size < 126:
        head = struct.pack(">BB", 0x80 | kind, size)
    elif size < 65536:
        head = struct.pack(">BBH", 0x80 | kind, 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, 127, size)
    return head + message


def said(facts: dict[str, Any]) -> bytes:
    """A text frame with JSON."""
    return framed(json.dumps(facts).encode(), TEXT)


class Outlet:
    """A connection's transport: what the library writes (ping, close) waits for the end of the frame on its way."""

    def __init__(self, transport: asyncio.Transport, seat: Seat) -> None:
        self._transport = transport
        self._seat = seat

    def write(self, data: bytes) -> None:
        """Write after the frame that was begun."""
        self._seat.finish_frame()
        self._transport.write(data)

    def write_eof(self) -> None:
        """Half-close after the frame that was begun."""
        self._seat.finish_frame()
        self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Seat:
    """One WebSocket that watches one stream: a place in the fan's log, and the rest of the frame on its way."""

    __slots__ = (
        "_connection", "_fan", "_fd", "_fresh", "_parting", "_position", "_preface", "_rest", "_stuck_at", "_transport",
        "dropped", "queued",
    )  # fmt: skip

    def __init__(self, connection: ServerConnection, fan: Fan) -> None:
        self._connection = connection
        self._transport = connection.transport
        handle = self._transport.get_extra_info("socket")
        self._fd = handle.fileno()
        # what the kernel has not sent yet is late already: better to keep it here, where it can be skipped
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_MAX)
        connection.transport = Outlet(self._transport, self)  # type: ignore[assignment]
        self._fan = fan
        self._position = -1
        self._fresh = True
        self._preface = b""
        self._rest: memoryview | None = None
        self._stuck_at = 0.0
        self._parting: asyncio.Future[None] | None = None
        self.dropped = 0
        self.queued = False

    def finish_frame(self) -> None:
        """Give the rest of the frame on its way to the transport: something else is to be written."""
        rest, self._rest = self._rest, None
        if rest is not None and not self._transport.is_closing():
            self._transport.write(rest)

    def release(self) -> None:
        """The connection is the library's alone again."""
        self.finish_frame()
        self._connection.transport = self._transport

    def part(self) -> None:
        """Close in words (4410): its page asks for the address that the camera has now."""
        if self._parting is None:
            self._parting = asyncio.ensure_future(self._connection.close(MOVED, "moved"))

    def abort(self) -> None:
        """End the connection at once: its page asks again."""
        self._transport.abort()

    @property
    def _open(self) -> bool:
        # a closed transport's descriptor may be somebody else's by now
        return self._connection.protocol.state is State.OPEN and not self._transport.is_closing()

    def _next(self) -> bool:
        """At a frame's end: choose what comes next; False when there is nothing to send."""
        fan = self._fan
        if self._preface is not fan.preface:
            self._preface = fan.preface
            self._rest = memoryview(fan.preface) if fan.preface else None
            return self._rest is not None or self._next()
        if self._position < fan.base:
            if fan.key < 0:
                return False
            lost, self._position = fan.key - self._position, fan.key
            if not self._fresh:
                self.dropped += lost
                self._rest = memoryview(said({"type": "drop", "frames": lost}))
            self._fresh = False
        return self._rest is not None or self._position < fan.end

    def write(self) -> bool:
        """Write as much as the kernel takes; True when something is left."""
        if not self._open:
            return False
        if self._transport.get_write_buffer_size():
            return self._stuck()
        fan = self._fan
        while self._rest is not None or self._next():
            pieces: list[bytes | memoryview] = [] if self._rest is None else [self._rest]
            if self._position >= fan.base and self._preface is fan.preface:
                at = self._position - fan.base
                pieces += fan.log[at : at + PIECES_MAX]
            try:
                count = os.write(self._fd, pieces[0]) if len(pieces) == 1 else os.writev(self._fd, pieces)
            except BlockingIOError:
                return self._stuck()
            except OSError:
                self._transport.abort()
                return False
            self._stuck_at = 0.0
            if not self._advance(pieces, count):
                return True
        return False

    def _advance(self, pieces: list[bytes | memoryview], count: int) -> bool:
        """Count what was written; False when a piece is left in part."""
        for piece in pieces:
            size = len(piece)
            if piece is not self._rest:
                if not count:
                    # nothing of this one yet: it is not on its way, and may still be skipped
                    return False
                self._position += 1
            self._rest = None
            if count < size:
                self._rest = memoryview(piece)[count:]
                return False
            count -= size
        return True

    def _stuck(self) -> bool:
        now = time.monotonic()
        if not self._stuck_at:
            self._stuck_at = now
        elif now - self._stuck_at > SLOW_MAX_S:
            self._transport.abort()
            return False
        return True


class Pump:
    """Writes to seats that have something to get, at most ``SLICE_S`` at a time; the loop turns in between."""

    def __init__(self) -> None:
        self._turn: deque[Seat] = deque()
        self._blocked: list[Seat] = []
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None

    def put(self, seats: set[Seat]) -> None:
        """These seats have something to get."""
        for seat in seats:
            if not seat.queued:
                seat.queued = True
                self._turn.append(seat)
        self._wake()

    def _wake(self) -> None:
        if self._soon is None and self._turn:
            self._soon = asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        self._soon = None
        turn, blocked = self._turn, self._blocked
        until = time.monotonic() + SLICE_S
        while turn:
            seat = turn.popleft()
            if seat.write():
                blocked.append(seat)
            else:
                seat.queued = False
            if time.monotonic() > until:
                break
        self._wake()
        if blocked and self._later is None:
            self._later = asyncio.get_running_loop().call_later(RETRY_S, self._again)

    def _again(self) -> None:
        self._later = None
        self._turn.extend(self._blocked)
        self._blocked.clear()
        self._wake()


class Fan:
    """One stream's viewers: a log of framed messages since the key frame before the last one.

    ``base``: number of the log's first message; ``key``: number of the newest key frame in it, -1 for none.
    """

    def __init__(self, ring: LiveRing, pump: Pump) -> None:
        self.ring = ring
        self.seats: set[Seat] = set()
        self.log: list[bytes] = []
        self.base = 0
        self.key = -1
        self.preface = b""
        self._bytes = 0
        self._pump = pump

    @property
    def end(self) -> int:
        """Number of the next message."""
        return self.base + len(self.log)

    def join(self, connection: ServerConnection) -> Seat:
        """A viewer: begins at the newest key frame."""
        seat = Seat(connection, self)
        if not self.seats:
            self.ring.join(self)
        self.seats.add(seat)
        self._pump.put({seat})
        return seat

    def leave(self, seat: Seat) -> None:
        """The viewer is gone; with the last one nothing is kept here."""
        seat.release()
        self.seats.discard(seat)
        if not self.seats:
            self.ring.leave(self)
            self._drop(len(self.log))

    def begin(self, picture: Picture, init: bytes, group: list[bytes]) -> None:
        """Viewer of the ring: another init is in force."""
        facts = {"type": "init", "codec": picture.codec, "width": picture.width, "height": picture.height}
        self.preface = said(facts) + framed(init)
        self._drop(len(self.log))
        for number, message in enumerate(group):
            self._add(message, key=not number)
        self._pump.put(self.seats)

    def frame(self, message: bytes, key: bool) -> None:
        """Viewer of the ring: one frame, framed once for all."""
        if key and self.key >= 0:
            self._drop(self.key - self.base)
        self._add(message, key=key)
        while self._bytes > GROUP_BYTES_MAX and len(self.log) > 1:
            self._drop(1)
        self._pump.put(self.seats)

    def gone(self) -> None:
        """Viewer of the ring: the camera is not here any more."""
        for seat in tuple(self.seats):
            seat.part()

    def _add(self, message: bytes, *, key: bool) -> None:
        if key:
            self.key = self.end
        data = framed(message)
        self.log.append(data)
        self._bytes += len(data)

    def _drop(self, count: int) -> None:
        self._bytes -= sum(map(len, self.log[:count]))
        del self.log[:count]
        self.base += count
        if self.key < self.base:
            self.key = -1
