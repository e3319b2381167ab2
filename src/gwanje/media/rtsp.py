"""RTSP handshake (RFC 2326) over TCP: DESCRIBE, SETUP of the video track only, PLAY; then the socket is handed over.

An audio track is never SETUP, so no audio packet is ever sent to us. Passwords are taken out of addresses before
anything is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from gwanje.media import sdp
from gwanje.media.auth import AuthenticationRefused, Authenticator, Credentials

ANSWER_S = 5.0
CONNECT_S = 5.0
HEAD_MAX = 16 * 1024
BODY_MAX = sdp.DESCRIPTION_MAX
EARLY_MAX = 4 << 20
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
AGENT = "gwanje"


class RtspRefused(ConnectionError):
    """The camera answered a request with a status other than 200."""

    def __init__(self, method: str, status: int, reason: str) -> None:
        super().__init__(f"{method}: {status} {reason}")
        self.status = status


def back_off(failures: int) -> float:
    """Seconds to wait before the next try: grows to 8 s, with jitter so that cameras do not come back at once."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)] * random.uniform(0.7, 1.3)  # noqa: S311 - no secret


@dataclass(frozen=True)
class Address:
    """Where a stream is; ``url`` never holds a user or a password."""

    host: str
    port: int
    url: str
    embedded: Credentials | None = None

    @classmethod
    def of(cls, url: str) -> Address:
        """Split an rtsp:// URL; ValueError for another scheme or without a host."""
        parts = urlsplit(url)
        if parts.scheme.lower() != "rtsp" or not parts.hostname:
            raise ValueError(
                "영상 주소는 rtsp://주소:포트/경로 여야 합니다. / A stream address is rtsp://host:port/path."
            )
        port = parts.port or 554
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        clean = urlunsplit(("rtsp", f"{host}:{port}", parts.path, parts.query, ""))
        account = Credentials(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return cls(parts.hostname, port, clean, account)


@dataclass
class Playing:
    """A stream that plays: its socket (non-blocking), what was read beyond the handshake, and how to keep it alive."""

    sock: socket.socket
    track: sdp.VideoTrack
    channel: int
    early: bytes
    keep_alive_s: float
    _handshake: Handshake

    def keep_alive(self, *, plain: bool = False) -> bytes:
        """A request that keeps the session; ``plain`` = OPTIONS, for cameras without GET_PARAMETER."""
        return self._handshake.request("OPTIONS" if plain else "GET_PARAMETER", self._handshake.url)

    def teardown(self) -> bytes:
        """The request that ends the session."""
        return self._handshake.request("TEARDOWN", self._handshake.url)


@dataclass(frozen=True)
class Answer:
    """One RTSP response."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    body: str

    def first(self, name: str) -> str:
        """A header's first value, or empty."""
        return self.headers.get(name, [""])[0]


def parse_head(head: str) -> Answer:
    """Status line and headers of a response; ValueError when it is none."""
    lines = head.split("\r\n")
    match = re.match(r"RTSP/\d\.\d (\d{3}) ?(.*)", lines[0])
    if not match:
        raise ValueError("this is no RTSP response")
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return Answer(int(match[1]), match[2][:80], headers, "")


class Handshake:
    """One connection's requests up to PLAY, with authentication and time limits."""

    def __init__(self, address: Address, credentials: Credentials | None) -> None:
        self._address = address
        self._authenticator = Authenticator(credentials or address.embedded)
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._buffer = bytearray()
        self._early = bytearray()
        self._number = 0
        self._session = ""
        self.url = address.url

    def request(self, method: str, url: str, extra: str = "") -> bytes:
        """The bytes of a request."""
        self._number += 1
        lines = f"{method} {url} RTSP/1.0\r\nCSeq: {self._number}\r\nUser-Agent: {AGENT}\r\n"
        return (lines + self._authenticator.header(method, url) + self._session + extra + "\r\n").encode()

    async def play(self) -> Playing:
        """Connect and play; ConnectionError, TimeoutError, AuthenticationRefused, RtspRefused or UnsupportedVideo."""
        try:
            async with asyncio.timeout(CONNECT_S):
                self._sock = await self._connect()
            description = await self._ask("DESCRIBE", self._address.url, "Accept: application/sdp\r\n")
            base = description.first("content-base") or description.first("content-location") or self._address.url
            track = sdp.video(description.body, base if base.lower().startswith("rtsp") else self._address.url)
            # video only: there is no other SETUP in this program
            transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            answer = await self._ask("SETUP", track.control, transport)
            channel, timeout = self._agreed(answer)
            await self._ask("PLAY", self.url, "Range: npt=0.000-\r\n")
        except BaseException:
            if self._sock is not None:
                self._sock.close()
            raise
        sock, early = self._sock, bytes(self._early + self._buffer)
        return Playing(sock, track, channel, early, max(1.0, min(timeout / 2, 25.0)), self)

    async def _connect(self) -> socket.socket:
        found = await self._loop.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, target = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(sock, target)
        except BaseException:
            sock.close()
            raise
        return sock

    def _agreed(self, answer: Answer) -> tuple[int, float]:
        session, _, rest = answer.first("session").partition(";")
        if session:
            self._session = f"Session: {session.strip()}\r\n"
        match = re.search(r"timeout=(\d+)", rest)
        interleaved = re.search(r"interleaved=(\d+)", answer.first("transport"))
        if interleaved is None:
            raise RtspRefused("SETUP", answer.status, "no interleaved transport over TCP")
        return int(interleaved[1]), float(match[1]) if match else 60.0

    async def _ask(self, method: str, url: str, extra: str = "") -> Answer:
        for _ in range(3):
            assert self._sock is not None
            async with asyncio.timeout(ANSWER_S):
                await self._loop.sock_sendall(self._sock, self.request(method, url, extra))
                answer = await self._answer()
            if answer.status == 401:
                self._authenticator.challenged(answer.headers.get("www-authenticate", []))
                if answer.first("connection").lower() == "close":
                    self._sock.close()
                    self._sock = await self._connect()
                    self._buffer.clear()
                continue
            if answer.status != 200:
                raise RtspRefused(method, answer.status, answer.reason)
            return answer
        raise AuthenticationRefused("the camera keeps asking for authentication")

    async def _answer(self) -> Answer:
        while True:
            if self._buffer[:1] == b"$":
                # pictures may come before the answer to PLAY: keep them in order
                await self._fill(4)
                size = 4 + int.from_bytes(self._buffer[2:4], "big")
                await self._fill(size)
                self._early += self._buffer[:size]
                del self._buffer[:size]
                if len(self._early) > EARLY_MAX:
                    raise ConnectionError("the camera sends pictures but does not answer")
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_MAX:
                    raise ConnectionError("the camera's answer is too long")
                await self._fill(len(self._buffer) + 1)
                continue
            try:
                answer = parse_head(self._buffer[:end].decode("latin-1"))
            except ValueError as error:
                raise ConnectionError(str(error)) from error
            text = answer.first("content-length") or "0"
            size = int(text) if text.isdigit() and int(text) <= BODY_MAX else 0
            await self._fill(end + 4 + size)
            body = self._buffer[end + 4 : end + 4 + size].decode("utf-8", "replace")
            del self._buffer[: end + 4 + size]
            return Answer(answer.status, answer.reason, answer.headers, body)

    async def _fill(self, count: int) -> None:
        assert self._sock is not None
        while len(self._buffer) < count:
            piece = await self._loop.sock_recv(self._sock, 65536)
            if not piece:
                raise ConnectionError("the camera closed the connection")
            self._buffer += piece


async def play(url: str, credentials: Credentials | None = None) -> Playing:
    """Open one stream. ``url`` may name no password; what it does name is taken out."""
    return await Handshake(Address.of(url), credentials).play()


def say_goodbye(playing: Playing) -> None:
    """TEARDOWN if the socket takes it at once, then close."""
    with contextlib.suppress(OSError):
        playing.sock.send(playing.teardown())
    playing.sock.close()
