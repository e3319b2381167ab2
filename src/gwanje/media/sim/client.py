"""One viewer of a simulated camera (모의 카메라 접속): the RTSP dialogue and the sending of its packets."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gwanje.media.sim import rtsp
from gwanje.media.sim.datagrams import Datagrams
from gwanje.media.sim.packets import Frame

if TYPE_CHECKING:
    from gwanje.media.sim.server import Camera, SimServer

log = logging.getLogger("gwanje.simulator")
BACKLOG_MAX = 2 << 20
CLIENTS_MAX = 1024
SPACING_S = 112e-6
REPORT_EVERY_S = 5.0
PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


@dataclass(frozen=True)
class ClientLimits:
    """What a viewer may do: seconds of silence, plus ten, until it is closed."""

    session_timeout_s: int = 60


class Client(asyncio.Protocol):
    """One TCP connection: any number of requests, then one playing stream."""

    def __init__(self, server: SimServer) -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self.camera: Camera | None = None
        self.stream = "main"
        self.dropped = 0
        self._buffer = bytearray()
        self._nonce = secrets.token_hex(16)
        self._session = secrets.token_hex(4)
        self._tracks: set[int] = set()
        self._dripping = False
        self._playing = self._need_key = self._torn = False
        self._udp: Datagrams | None = None
        self._ssrc, self._offset = struct.unpack(">II", os.urandom(8))
        self._sequence = [int.from_bytes(os.urandom(2), "big"), int.from_bytes(os.urandom(2), "big")]
        self._heard = self._reported = 0.0
        self._free_at = 0.0
        self._packets = self._octets = self._time = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it when there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._heard = asyncio.get_running_loop().time()
        if len(self.server.clients) >= CLIENTS_MAX:
            transport.close()
            return
        self.server.clients.add(self)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the viewer."""
        self.server.clients.discard(self)
        if self._udp:
            self._udp.close()
        if self.camera:
            self.camera.clients.discard(self)

    def close(self) -> None:
        """Cut the connection at once, as a camera that loses power."""
        if self.transport:
            self.transport.abort()

    def wait_for_key(self) -> None:
        """Send nothing until the next key frame."""
        self._need_key = True

    def data_received(self, data: bytes) -> None:
        """Requests, and receiver reports that are ignored."""
        self._heard = asyncio.get_running_loop().time()
        self._buffer += data
        try:
            while (request := rtsp.take(self._buffer)) is not None:
                self._handle(request)
        except rtsp.BadRequest as error:
            log.info("a request was refused: %s", error)
            self.close()

    def _handle(self, request: rtsp.Request) -> None:
        assert self.transport is not None
        if request.protocol.startswith("HTTP/"):
            self.transport.write(self.server.http(*self.server.control(request)))
            self.transport.close()
            return
        reply = self._answer(request)
        if reply and self._dripping:
            self._drip(reply)
        elif reply:
            self.transport.write(reply)
        if request.method == "TEARDOWN":
            self.transport.close()

    def _answer(self, request: rtsp.Request) -> bytes | None:
        path = request.path
        camera = self.server.cameras.get(path[0]) if path else None
        keep_alive = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
        if keep_alive:
            if self._playing and self.camera and self.camera.faults.deaf:
                return None
            if request.method != "OPTIONS" and self.camera and self.camera.faults.noparameter:
                return rtsp.answer(request, 501)
            session = {"Session": self._session} if self._tracks else {}
            return rtsp.answer(request, 200, {"Public": PUBLIC, **session})
        if camera is None or len(path) < 2 or path[1] not in ("main", "sub"):
            return rtsp.answer(request, 404)
        if not self._admitted(request, camera):
            return rtsp.answer(request, 401, rtsp.challenge(self._nonce))
        if request.method == "DESCRIBE":
            base = "/".join(request.uri.split("?")[0].rstrip("/").split("/"))
            self._dripping = camera.faults.drip
            if camera.faults.redirect and path[1] == "main":
                return rtsp.answer(request, 302, {"Location": base[:-4] + "sub"})
            if camera.faults.bare:
                plain = rtsp.answer(request, 200, {"Content-Type": "application/sdp"}, camera.describe(path[1]))
                return plain.replace(b"\r\n", b"\n", plain.split(b"\r\n\r\n")[0].count(b"\r\n") + 2)
            headers = {"Content-Base": f"{base}/", "Content-Type": "application/sdp"}
            return rtsp.answer(request, 200, headers, camera.describe(path[1]))
        if request.method == "SETUP":
            return self._setup(request, camera, path)
        if request.headers.get("session", "").split(";")[0] != self._session:
            return rtsp.answer(request, 454)
        if request.method == "PLAY":
            return self._play(request)
        if request.method in ("PAUSE", "TEARDOWN"):
            self._playing = False
            return rtsp.answer(request, 200, {"Session": self._session})
        return rtsp.answer(request, 405, {"Allow": PUBLIC})

    def _admitted(self, request: rtsp.Request, camera: Camera) -> bool:
        if camera.faults.locked:
            return False
        clip = camera.clip
        return not clip.user or rtsp.authorised(request, self._nonce, clip.user, clip.password)

    def _setup(self, request: rtsp.Request, camera: Camera, path: list[str]) -> bytes:
        wanted = request.headers.get("transport", "")
        interleaved = "TCP" in wanted
        if camera.faults.udponly if interleaved else camera.faults.tcponly:
            return rtsp.answer(request, 461)
        track = 1 if path[-1] == "track1" else 0
        if track == 1 and not camera.faults.audio:
            return rtsp.answer(request, 404)
        if self.camera not in (None, camera) or self._playing:
            return rtsp.answer(request, 455)
        self.camera, self.stream = camera, path[1]
        transport = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1};ssrc={self._ssrc:08X}"
        if not interleaved:
            ports = Datagrams.asked(wanted)
            if ports is None or track:
                return rtsp.answer(request, 461)
            assert self.transport is not None
            self._udp = Datagrams(self.server.host, self.transport.get_extra_info("peername")[0], ports)
            transport = f"RTP/AVP;unicast;{wanted.split(';')[-1]};server_port={self._udp.port}-{self._udp.port + 1}"
        self._tracks.add(track)
        self.server.setups.append((camera.clip.name, track))
        timeout = "" if camera.faults.bare else f";timeout={self.server.limits.session_timeout_s}"
        headers = {"Transport": transport, "Session": self._session + timeout}
        return rtsp.answer(request, 200, headers)

    def _play(self, request: rtsp.Request) -> bytes:
        if self.camera is None:
            return rtsp.answer(request, 455)
        self._playing = True
        self._need_key = not self.camera.faults.midgop
        # a viewer that joins in the middle of a picture gets only the tail of it
        self._torn = self.camera.faults.midgop
        self.camera.clients.add(self)
        return rtsp.answer(request, 200, {"Session": self._session, "Range": "npt=now-"})

    def frame(self, frame: Frame, time: int) -> None:
        """Send one access unit; ``time`` in 90 kHz on the camera's timeline."""
        camera, transport = self.camera, self.transport
        if camera is None or transport is None or not self._playing or 0 not in self._tracks or camera.faults.stall:
            return
        if self._need_key and not frame.key:
            return
        if transport.get_write_buffer_size() > BACKLOG_MAX:
            self.dropped += 1
            self._need_key = True
            return
        self._need_key = False
        self._time = time + self._offset + int(camera.faults.jump_s * 90_000) & 0xFFFFFFFF
        data = frame.patched(self._sequence[0], self._time, self._ssrc)
        self._send(data, frame, camera)
        self._sequence[0] += len(frame.starts)
        self._packets += len(frame.starts)
        self._octets += len(frame.data) - 16 * len(frame.starts)

    def _send(self, data: bytearray, frame: Frame, camera: Camera) -> None:
        assert self.transport is not None
        faults = camera.faults
        if self._udp is not None:
            self._udp.send(data, frame.starts, faults, self._sequence[0])
            return
        if self._playing and faults.drip:
            self._write(data[:1])
            return
        if not (faults.loss or faults.spread or self._torn):
            self.transport.write(data)
            return
        edges = [*frame.starts, len(data)]
        pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
        if self._torn:
            pieces = pieces[len(pieces) // 2 :] if len(pieces) > 1 else pieces
            self._torn = False
        if faults.loss:
            first = self._sequence[0]
            pieces = [piece for i, piece in enumerate(pieces) if (first + i) % faults.loss]
        if not faults.spread:
            self.transport.write(b"".join(pieces))
            return
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._free_at)
        for piece in pieces:
            loop.call_at(at, self._write, piece)
            at += SPACING_S
        self._free_at = at

    def _drip(self, reply: bytes) -> None:
        loop = asyncio.get_running_loop()
        for place in range(min(len(reply), 600)):
            loop.call_later(place, self._write, bytearray(reply[place : place + 1]))

    def _write(self, piece: bytearray) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(piece)

    def sound(self, packet: Frame, time: int) -> None:
        """Send one audio packet to a viewer that asked for the audio track."""
        if not self._playing or 1 not in self._tracks or self.camera is None or self.camera.faults.stall:
            return
        assert self.transport is not None
        if self.transport.get_write_buffer_size() < BACKLOG_MAX:
            self.transport.write(packet.patched(self._sequence[1], time & 0xFFFFFFFF, self._ssrc ^ 1))
        self._sequence[1] += 1

    def housekeeping(self, now: float) -> None:
        """Once a second: close a silent viewer, send a sender report now and then."""
        if now - self._heard > self.server.limits.session_timeout_s + 10:
            log.info("a viewer of %s sent no keep-alive and is closed", self.camera and self.camera.clip.name)
            self.close()
        elif self._playing and self._packets and now - self._reported > REPORT_EVERY_S:
            self._reported = now
            stamp = int((self.server.wall(now) + 2_208_988_800) * (1 << 32)) & (1 << 64) - 1
            body = (stamp, self._time, self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF)
            report = struct.pack(">BBHI", 0x80, 200, 6, self._ssrc) + struct.pack(">QIII", *body)
            if self._udp is not None:
                self._udp.report(report)
            else:
                self._write(bytearray(struct.pack(">BBH", 0x24, 1, len(report)) + report))
