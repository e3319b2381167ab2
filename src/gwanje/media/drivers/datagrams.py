"""RTP over UDP (RFC 3550, RFC 2326): datagrams get the four framing bytes and go the way of interleaved packets.

The usual case is one system call and one sequence number looked at per datagram. Only when one comes out of order
are packets copied and held, for at most 60 ms and 32 packets; what has not come by then is lost and counted by the
depacketiser. Datagrams of another sender never get in: the socket is connected to the camera at its first packet.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from gwanje.media.drivers.feeds import STALL_S, Session
from gwanje.media.rtp import RECEIVE_SIZE, StreamBroken
from gwanje.media.sdp import VideoTrack

if TYPE_CHECKING:
    from gwanje.media.drivers.wired import Wired
    from gwanje.media.rtsp import Answer

PORTS = (20_000, 31_998)
PORTS_TRIED_MAX = 2_000
DATAGRAM_MAX = 65_507
ROOM = RECEIVE_SIZE - DATAGRAM_MAX - 4
ROUNDS_MAX = 4
RECEIVE_BUFFER = 2 << 20
HOLD_S = 0.06
HOLD_MAX = 32
BACK_MAX = 256
REPORT_S = 5.0
TEXT_MAX = 16 * 1024
REPORTS_MAX = 16
CHANNEL = 0
_HEAD = Struct(">BBH").unpack_from
_FRAME = Struct(">BBH").pack_into
_SENDER, _GOODBYE = 200, 203
_LENGTH = re.compile(r"^content-length:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass
class Ports:
    """The sockets of one stream: RTP on an even port, RTCP on the next."""

    rtp: socket.socket
    rtcp: socket.socket

    @property
    def transport(self) -> str:
        """As SETUP's Transport header asks for it."""
        first = self.rtp.getsockname()[1]
        return f"RTP/AVP;unicast;client_port={first}-{first + 1}"

    def close(self) -> None:
        """Give the ports back."""
        self.rtp.close()
        self.rtcp.close()


_next = itertools.count(secrets.randbelow(1 << 16))


def _pairs() -> Iterator[int]:
    first, last = PORTS
    count = (last - first) // 2 + 1
    for _ in range(min(count, PORTS_TRIED_MAX)):
        yield first + 2 * (next(_next) % count)


def open_ports(control: socket.socket) -> Ports:
    """A free even pair on the address that the control connection uses; ConnectionError when all are taken."""
    family, local = control.family, control.getsockname()
    for port in _pairs():
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            # a recorder has one address towards its cameras: nothing listens on another
            rtp.bind((local[0], port, *local[2:]))
            rtcp.bind((local[0], port + 1, *local[2:]))
        except OSError:
            rtp.close()
            rtcp.close()
            continue
        for sock in (rtp, rtcp):
            sock.setblocking(False)
        rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return Ports(rtp, rtcp)
    raise ConnectionError("no pair of ports is free for UDP")


# of all streams of this process since it began, for its health page; a stream's own go with its sockets
STRAYS = {"reordered": 0, "late": 0, "foreign": 0}


class Datagrams:
    """One stream's sockets and its RTSP control connection. Counters: ``reordered``, ``late``, ``foreign`` packets."""

    stall_s = STALL_S

    def __init__(
        self, control: socket.socket, ports: Ports, track: VideoTrack, *,
        server_ports: tuple[int, int] | None, early: bytes, keep_alive_s: float, session: Session,
    ) -> None:  # fmt: skip
        self.control = control
        self.ports = ports
        self.track = track
        self.keep_alive_s = keep_alive_s
        self.session = session
        self.reordered = self.late = self.foreign = 0
        self._peer: str = control.getpeername()[0]
        self._adopted = False
        self._server_ports = server_ports
        self._reports = -1
        self._expected = -1
        self._held: dict[int, bytes] = {}
        self._held_since = 0.0
        self._text = early
        self._keep_at = self._report_at = 0.0
        self._ssrc = secrets.randbits(32)
        self._sender = 0
        self._sender_at = (0, 0.0)
        self._lost_before = self._packets_before = 0

    def punch(self) -> None:
        """Open the way back through a firewall: an empty RTP packet and an empty report to the camera's ports."""
        if self._server_ports is None:
            return
        packets = (
            bytes((0x80, self.track.payload)) + bytes(10),
            bytes((0x80, 201, 0, 1)) + self._ssrc.to_bytes(4, "big"),
        )
        for sock, port, packet in zip((self.ports.rtp, self.ports.rtcp), self._server_ports, packets, strict=True):
            with contextlib.suppress(OSError):
                sock.sendto(packet, (self._peer, port))
        with contextlib.suppress(OSError):
            self.ports.rtcp.connect((self._peer, self._server_ports[1]))
            self._reports = self.ports.rtcp.fileno()

    def begin(self, stream: Wired) -> tuple[int, ...]:
        stream.restart(CHANNEL, self.track)
        stream.heard = self._heard
        self._answers(stream)
        return self.ports.rtp.fileno(), self.ports.rtcp.fileno(), self.control.fileno()

    def read(self, fd: int, stream: Wired) -> bool:
        if fd == self.ports.rtp.fileno():
            return self._packets(stream)
        if fd == self.control.fileno():
            self._control(stream)
        else:
            self._sender_reports()
        return False

    def _packets(self, stream: Wired) -> bool:
        return all(self._round(stream) if self._adopted else self._adopt(stream) for _ in range(ROUNDS_MAX))

    def _round(self, stream: Wired) -> bool:
        """Read datagrams into the shared buffer, each behind its framing; True when the buffer could take no more."""
        receiver = stream.receiver
        buffer, view, receive, payload = receiver.buffer, receiver.view, self.ports.rtp.recv_into, self.track.payload
        at, expected, straight, full = 0, self._expected, not self._held, True
        while at < ROOM:
            try:
                size = receive(view[at + 4 :])
            except BlockingIOError:
                full = False
                break
            except ConnectionRefusedError:
                # an answer to our own report; it says nothing of the pictures
                continue
            first, kind, number = _HEAD(buffer, at + 4)
            if size < 12 or first & 0xC0 != 0x80 or kind & 0x7F != payload:
                self._count("foreign")
                continue
            _FRAME(buffer, at, 0x24, CHANNEL, size)
            if number != expected:
                straight = straight and expected < 0
            expected = number + 1 & 0xFFFF
            at += size + 4
        if straight:
            self._expected = expected
            stream.feed(at)
        else:
            self._sort(stream, at)
        return full

    def _adopt(self, stream: Wired) -> bool:
        """Until the camera's first packet: only its address may send, whichever port it sends from."""
        while True:
            try:
                data, sender = self.ports.rtp.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                break
            except ConnectionRefusedError:
                continue
            if (
                sender[0] != self._peer
                or len(data) < 12
                or data[0] & 0xC0 != 0x80
                or data[1] & 0x7F != self.track.payload
            ):
                self._count("foreign")
                continue
            if not self._adopted:
                self.ports.rtp.connect(sender)
                self._adopted = True
                self._sender = int.from_bytes(data[8:12], "big")
                if self._reports < 0:
                    self._server_ports = (sender[1], sender[1] + 1)
                    with contextlib.suppress(OSError):
                        self.ports.rtcp.connect((self._peer, sender[1] + 1))
                        self._reports = self.ports.rtcp.fileno()
            self._hold(int.from_bytes(data[2:4], "big"), b"$" + bytes((CHANNEL,)) + len(data).to_bytes(2, "big") + data)
        self._release(stream)
        return False

    def _sort(self, stream: Wired, count: int) -> None:
        view, at = stream.receiver.view, 0
        while at < count:
            _, _, size = _HEAD(view, at)
            number = view[at + 6] << 8 | view[at + 7]
            self._hold(number, bytes(view[at : at + size + 4]))
            at += size + 4
        self._release(stream)

    def _count(self, what: str) -> None:
        setattr(self, what, getattr(self, what) + 1)
        STRAYS[what] += 1

    def _hold(self, number: int, frame: bytes) -> None:
        if self._expected < 0:
            self._expected = number
        ahead = number - self._expected & 0xFFFF
        if ahead >= 0x10000 - BACK_MAX:
            # came after its place was given up, or came twice
            self._count("late")
            return
        if ahead >= HOLD_MAX * 64:
            # the camera began to count anew: nothing in between is waited for
            self._held.clear()
            self._expected = number
        elif number in self._held:
            self._count("late")
            return
        elif ahead and not self._held:
            self._count("reordered")
        if not self._held:
            self._held_since = time.monotonic()
        self._held[number] = frame

    def _release(self, stream: Wired) -> None:
        out: list[bytes] = []
        size = 0
        buffer = stream.receiver.buffer
        while self._held:
            frame = self._held.pop(self._expected, None)
            if frame is None:
                if len(self._held) <= HOLD_MAX and time.monotonic() - self._held_since < HOLD_S:
                    break
                self._expected = min(self._held, key=lambda number: number - self._expected & 0xFFFF)
                continue
            self._expected = self._expected + 1 & 0xFFFF
            if size + len(frame) > len(buffer):
                self._give(stream, out, size)
                out, size = [], 0
            out.append(frame)
            size += len(frame)
        self._give(stream, out, size)
        if self._held and out:
            self._held_since = time.monotonic()

    def _give(self, stream: Wired, frames: list[bytes], size: int) -> None:
        if frames:
            stream.receiver.buffer[:size] = b"".join(frames)
            stream.feed(size)

    def watch(self, stream: Wired, now: float) -> None:
        if self._held:
            self._release(stream)
        if not self._keep_at:
            self._keep_at, self._report_at = now + self.keep_alive_s, now + REPORT_S
        if now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report(stream, now)
        if now >= self._keep_at:
            self._keep_at = now + self.keep_alive_s
            request = self.session.keep_alive()
            if self.control.send(request) != len(request):
                raise StreamBroken("the camera takes no requests any more")

    def _report(self, stream: Wired, now: float) -> None:
        """A receiver report (RFC 3550 section 6.4.2) with our canonical name: cameras stop without one."""
        if self._reports < 0 or self._expected < 0:
            return
        lost, packets = stream.lost - self._lost_before, stream.packets - self._packets_before
        self._lost_before, self._packets_before = stream.lost, stream.packets
        fraction = min(255, 256 * lost // max(1, lost + packets))
        middle, at = self._sender_at
        delay = int((now - at) * 65536) & 0xFFFFFFFF if middle else 0
        head = Struct(">BBHII").pack(0x81, 201, 7, self._ssrc, self._sender)
        block = Struct(">IIIII").pack(
            fraction << 24 | min(stream.lost, 0x7FFFFF), self._expected - 1 & 0xFFFF, 0, middle, delay
        )
        name = Struct(">BBHI").pack(0x81, 202, 4, self._ssrc) + b"\x01\x06gwanje\0\0\0\0"
        with contextlib.suppress(OSError):
            self.ports.rtcp.send(head + block + name)

    def _sender_reports(self) -> None:
        for _ in range(REPORTS_MAX):
            try:
                data = self.ports.rtcp.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if self._reports < 0 or len(data) < 8:
                continue
            if data[1] == _SENDER and len(data) >= 28:
                self._sender = int.from_bytes(data[4:8], "big")
                self._sender_at = int.from_bytes(data[10:14], "big"), time.monotonic()
            elif data[1] == _GOODBYE:
                raise StreamBroken("the camera ended the stream")

    def _control(self, stream: Wired) -> None:
        data = self.control.recv(TEXT_MAX)
        if not data:
            raise StreamBroken("the camera closed the connection")
        self._text += data
        self._answers(stream)
        if len(self._text) > TEXT_MAX:
            raise StreamBroken("the camera's answer is too long")

    def _answers(self, stream: Wired) -> None:
        while self._text:
            text = self._text.lstrip(b"\r\n")
            end = text.find(b"\r\n\r\n")
            bare = text.find(b"\n\n")
            if end < 0 and bare < 0:
                self._text = text
                return
            cut = end + 4 if end >= 0 and (bare < 0 or end < bare) else bare + 2
            head = text[:cut].decode("latin-1")
            size = _LENGTH.search(head)
            whole = cut + min(int(size[1]), TEXT_MAX) if size else cut
            if len(text) < whole:
                self._text = text
                return
            stream.answered(head.rstrip())
            self._text = text[whole:]

    def _heard(self, answer: Answer) -> None:
        if self.session.heard(answer):
            self._keep_at = 1e-9

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(self.session.teardown())
        self.control.close()
        self.ports.close()
