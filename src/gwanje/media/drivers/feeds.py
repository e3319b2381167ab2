"""Feeds (영상 수신 통로): what the engine reads at its tick. Interleaved, datagrams, units; there is no fourth kind.

No feed carries anything but video: the types have no place for another medium.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Protocol

from gwanje.media.rtp import RECEIVE_SIZE, StreamBroken
from gwanje.media.sdp import VideoTrack

if TYPE_CHECKING:
    from gwanje.media.drivers.wired import Wired
    from gwanje.media.rtsp import Answer

STALL_S = 4.5
TLS_READS_MAX = 64
READS_MAX = 4
UNIT_HEAD = Struct(">IBBI")
CONFIGURATION, UNIT, END = 1, 2, 3
KEY = 1
UNIT_MAX = 4 << 20
CONFIGURATION_MAX = 64 * 1024
ENDED = "the source ended"


class FeedEnded(StreamBroken):
    """The source said that it is over, and why."""


class Feed(Protocol):
    """One playing stream. Every method is called by the engine in its thread, and any may raise: it ends the feed.

    ``stall_s``: so many seconds without a picture and the engine ends it.
    """

    stall_s: float

    def begin(self, stream: Wired) -> tuple[int, ...]:
        """Give the stream its track and what was read already; returns the file descriptors to be watched."""

    def read(self, fd: int, stream: Wired) -> bool:
        """Bytes wait on ``fd``: a bounded read, without waiting. True = there is more that epoll cannot see."""

    def watch(self, stream: Wired, now: float) -> None:
        """Once a second (monotonic seconds): keep-alives and reports."""

    def close(self) -> None:
        """End it: say goodbye if the other side takes it at once, close every socket."""


class Session(Protocol):
    """The RTSP session behind a feed."""

    def keep_alive(self) -> bytes:
        """The request that keeps it."""

    def teardown(self) -> bytes:
        """The request that ends it."""

    def heard(self, answer: Answer) -> bool:
        """An answer while playing; True asks for the keep-alive again. StreamBroken when the session is gone."""


class Interleaved:
    """RTSP over one TCP or TLS connection (RFC 2326 section 10.12); ``early`` was read beyond the handshake."""

    stall_s = STALL_S

    def __init__(
        self,
        sock: socket.socket,
        track: VideoTrack,
        channel: int,
        *,
        early: bytes,
        keep_alive_s: float,
        session: Session,
    ) -> None:
        self.sock = sock
        self.track = track
        self.channel = channel
        self.early = early
        self.keep_alive_s = keep_alive_s
        self.session = session
        self._keep_at = 0.0

    def begin(self, stream: Wired) -> tuple[int, ...]:
        stream.restart(self.channel, self.track)
        stream.heard = self._heard
        buffer = stream.receiver.buffer
        for start in range(0, len(self.early), len(buffer)):
            piece = self.early[start : start + len(buffer)]
            buffer[: len(piece)] = piece
            stream.feed(len(piece))
        self.early = b""
        return (self.sock.fileno(),)

    def read(self, fd: int, stream: Wired) -> bool:
        # a full buffer means that more waits: at late ticks one read of each camera would fall behind a fast one
        for _ in range(READS_MAX):
            count = self.sock.recv_into(stream.receiver.buffer)
            if not count:
                raise StreamBroken("the camera closed the connection")
            stream.feed(count)
            if count < RECEIVE_SIZE:
                break
        return False

    def watch(self, stream: Wired, now: float) -> None:
        if not self._keep_at:
            self._keep_at = now + self.keep_alive_s
        if now >= self._keep_at:
            self._keep_at = now + self.keep_alive_s
            request = self.session.keep_alive()
            if self.sock.send(request) != len(request):
                raise StreamBroken("the camera takes no requests any more")

    def _heard(self, answer: Answer) -> None:
        if self.session.heard(answer):
            self._keep_at = 1e-9

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.send(self.session.teardown())
        self.sock.close()


class InterleavedTls(Interleaved):
    """The same over TLS (RTSPS): one read gives one record, and epoll does not see what the TLS layer holds."""

    def read(self, fd: int, stream: Wired) -> bool:
        view, at = stream.receiver.view, 0
        for _ in range(TLS_READS_MAX):
            try:
                count = self.sock.recv_into(view[at:])
            except ssl.SSLWantReadError:
                break
            if not count:
                raise StreamBroken("the camera closed the connection")
            at += count
            if at == RECEIVE_SIZE:
                break
        if at:
            stream.feed(at)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.sock.pending() > 0


class Units:
    """Whole access units from a child process, or from a vendor's thread, over a socket pair.

    ``ended`` is called once when the feed is closed, so that whoever sends can stop.
    """

    def __init__(
        self, sock: socket.socket, ended: Callable[[], None] | None = None, *, stall_s: float = STALL_S
    ) -> None:
        sock.setblocking(False)
        self.stall_s = stall_s
        self.sock = sock
        self._ended = ended
        self._rest = bytearray()

    def begin(self, stream: Wired) -> tuple[int, ...]:
        stream.restart(0, None)
        stream.heard = None
        return (self.sock.fileno(),)

    def read(self, fd: int, stream: Wired) -> bool:
        view = stream.receiver.view
        try:
            count = self.sock.recv_into(view)
        except BlockingIOError:
            return False
        if not count:
            raise StreamBroken("the process that reads the camera ended")
        if self._rest:
            self._rest += view[:count]
            whole = memoryview(self._rest)
            used = self._messages(whole, len(self._rest), stream)
            whole.release()
            del self._rest[:used]
        else:
            used = self._messages(view, count, stream)
            self._rest += view[used:count]
        return False

    def _messages(self, view: memoryview, count: int, stream: Wired) -> int:
        at = 0
        while count - at >= UNIT_HEAD.size:
            length, kind, flags, stamp = UNIT_HEAD.unpack_from(view, at)
            if length > (UNIT_MAX if kind == UNIT else CONFIGURATION_MAX):
                raise StreamBroken("a message passes the limit of 4 MB")
            start = at + UNIT_HEAD.size
            if start + length > count:
                break
            body = view[start : start + length]
            if kind == UNIT:
                stream.unit(stamp, bool(flags & KEY), body)
            elif kind == CONFIGURATION:
                stream.configure(track_from(bytes(body)))
            elif kind == END:
                text = bytes(body).decode("utf-8", "replace")
                raise FeedEnded(text) if flags & KEY else StreamBroken(text)
            else:
                raise StreamBroken("a message of a kind that is not known")
            at = start + length
        return at

    def watch(self, stream: Wired, now: float) -> None:
        """Nothing to keep alive."""

    def close(self) -> None:
        self.sock.close()
        if self._ended is not None:
            ended, self._ended = self._ended, None
            ended()


def configuration(codec: str, *, clock: int = 90_000, config: bytes = b"", sets: tuple[bytes, ...] = ()) -> bytes:
    """A configuration message; ``codec`` is H264, H265, MP4V-ES or JPEG."""
    body = json.dumps(
        {"codec": codec, "clock": clock, "config": b64encode(config).decode(),
         "parameter_sets": [b64encode(one).decode() for one in sets]}
    ).encode()  # fmt: skip
    return UNIT_HEAD.pack(len(body), CONFIGURATION, 0, 0) + body


def unit_head(stamp: int, length: int, *, key: bool) -> bytes:
    """The ten bytes before one access unit; ``stamp`` in 90 kHz, taken modulo 2^32."""
    return UNIT_HEAD.pack(length, UNIT, KEY if key else 0, stamp & 0xFFFFFFFF)


def end(text: str, *, over: bool = False) -> bytes:
    """The last message; ``over`` = nothing more will ever come (a file's end), so nobody tries again."""
    body = text.encode()[:300]
    return UNIT_HEAD.pack(len(body), END, KEY if over else 0, 0) + body


def track_from(body: bytes) -> VideoTrack:
    """A track from a configuration message; StreamBroken when it is none."""
    try:
        said = json.loads(body)
        sets = tuple(b64decode(one) for one in said["parameter_sets"][:32])
        return VideoTrack(
            control="", payload=0, parameter_sets=sets, codec=str(said["codec"]), clock=int(said["clock"]),
            config=b64decode(said["config"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, NotBase64) as error:
        raise StreamBroken("a configuration that cannot be read") from error
