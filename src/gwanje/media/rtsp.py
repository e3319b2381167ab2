"""RTSP handshake (RFC 2326): DESCRIBE, SETUP of the video track only, PLAY; then the sockets are handed over.

Over TCP, over TLS (RTSPS) or with the pictures over UDP. An audio track is never SETUP, so no audio packet is ever sent
to us. Passwords are taken out of addresses before anything is logged.
"""

from __future__ import annotations

import asyncio
import random
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from gwanje.media import sdp
from gwanje.media.auth import AuthenticationRefused, Authenticator, Credentials
from gwanje.media.drivers.datagrams import Datagrams, Ports, open_ports
from gwanje.media.drivers.feeds import Interleaved, InterleavedTls
from gwanje.media.line import Line
from gwanje.media.rtp import StreamBroken
from gwanje.media.tls import Trust, trust_of

ANSWER_S = 5.0
CONNECT_S = 5.0
HANDSHAKE_S = 15.0
HEAD_MAX = 16 * 1024
BODY_MAX = sdp.DESCRIPTION_MAX
EARLY_MAX = 4 << 20
REDIRECTS = (301, 302, 307, 308)
UNSUPPORTED_TRANSPORT = 461
UNSUPPORTED_METHOD = (405, 501)
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
TRANSPORTS = ("tcp", "udp", "tls", "auto")
PORTS = {"rtsp": 554, "rtsps": 322}
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
    secure: bool = False

    @classmethod
    def of(cls, url: str) -> Address:
        """Split an rtsp:// or rtsps:// URL; ValueError for another scheme or without a host."""
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in PORTS or not parts.hostname:
            raise ValueError(
                "영상 주소는 rtsp://주소:포트/경로 또는 rtsps://여야 합니다. / A stream address is "
                "rtsp://host:port/path or rtsps://."
            )
        port = parts.port or PORTS[scheme]
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        clean = urlunsplit((scheme, f"{host}:{port}", parts.path, parts.query, ""))
        account = Credentials(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return cls(parts.hostname, port, clean, account, scheme == "rtsps")


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
    """Status line and headers of a response, with line ends of either kind; ValueError when it is none."""
    lines = head.replace("\r\n", "\n").split("\n")
    match = re.match(r"RTSP/\d\.\d (\d{3}) ?(.*)", lines[0], re.ASCII)
    if not match:
        raise ValueError("this is no RTSP response")
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    reason = "".join(letter for letter in match[2][:80] if letter.isprintable())
    return Answer(int(match[1]), reason, headers, "")


def head_end(buffer: bytearray | bytes) -> tuple[int, int]:
    """Where a head ends and where what follows begins: (-1, -1) while it is not whole. Some cameras send LF only."""
    end, bare = buffer.find(b"\r\n\r\n"), buffer.find(b"\n\n")
    if end >= 0 and (bare < 0 or end < bare):
        return end, end + 4
    return (bare, bare + 2) if bare >= 0 else (-1, -1)


class Handshake:
    """One connection's requests up to PLAY, with authentication and time limits; then the session of its feed."""

    def __init__(
        self, address: Address, credentials: Credentials | None, *, transport: str = "tcp", trust: Trust | None = None
    ) -> None:
        self._address = address
        self._account = credentials or address.embedded
        self._authenticator = Authenticator(self._account)
        self._transport = transport
        self._trust = trust or Trust()
        self._line: Line | None = None
        self._ports: Ports | None = None
        self._buffer = bytearray()
        self._early = bytearray()
        self._number = 0
        self._session = ""
        self._plain = False
        self._repeated = 0
        self.url = address.url

    def request(self, method: str, url: str, extra: str = "") -> bytes:
        """The bytes of a request."""
        self._number += 1
        lines = f"{method} {url} RTSP/1.0\r\nCSeq: {self._number}\r\nUser-Agent: {AGENT}\r\n"
        return (lines + self._authenticator.header(method, url) + self._session + extra + "\r\n").encode()

    def keep_alive(self) -> bytes:
        """A request that keeps the session: GET_PARAMETER, or OPTIONS for cameras that do not know it."""
        return self.request("OPTIONS" if self._plain else "GET_PARAMETER", self.url)

    def teardown(self) -> bytes:
        """The request that ends the session."""
        return self.request("TEARDOWN", self.url)

    def heard(self, answer: Answer) -> bool:
        """The answer to a keep-alive; True asks for it again (another method, a fresh nonce)."""
        if answer.status == 454:
            raise StreamBroken("the camera has forgotten the session")
        if answer.status == 200:
            self._repeated = 0
            self._authenticator.accepted()
            return False
        if self._repeated >= 2:
            return False
        if answer.status in UNSUPPORTED_METHOD and not self._plain:
            self._plain = True
        elif answer.status == 401:
            self._authenticator.challenged(answer.headers.get("www-authenticate", []))
        else:
            return False
        self._repeated += 1
        return True

    async def play(self) -> Interleaved | Datagrams:
        """Connect and play; ConnectionError, TimeoutError, AuthenticationRefused, RtspRefused, UnsupportedVideo or
        NotTrusted."""
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                return await self._play()
        except BaseException:
            if self._line is not None:
                self._line.sock.close()
            if self._ports is not None:
                self._ports.close()
            raise

    async def _play(self) -> Interleaved | Datagrams:
        description = await self._described()
        base = description.first("content-base") or description.first("content-location") or self.url
        track = sdp.video(description.body, base if base.lower().startswith("rtsp") else self.url)
        answer = await self._setup(track.control)
        session, _, rest = answer.first("session").partition(";")
        if session:
            self._session = f"Session: {session.strip()}\r\n"
        match = re.search(r"timeout=(\d{1,6})", rest, re.ASCII)
        keep_alive_s = max(1.0, min(float(match[1]) / 2 if match else 30.0, 25.0))
        agreed = answer.first("transport")
        assert self._line is not None
        if self._ports is None:
            channel = _channel(agreed)
            await self._ask("PLAY", self.url, "Range: npt=0.000-\r\n")
            sock, early = self._line.sock, bytes(self._early + self._buffer)
            kind = InterleavedTls if isinstance(sock, ssl.SSLSocket) else Interleaved
            return kind(sock, track, channel, early=early, keep_alive_s=keep_alive_s, session=self)
        feed = Datagrams(
            self._line.sock, self._ports, track, server_ports=_server_ports(agreed), early=bytes(self._buffer),
            keep_alive_s=keep_alive_s, session=self,
        )  # fmt: skip
        feed.punch()
        await self._ask("PLAY", self.url, "Range: npt=0.000-\r\n")
        return feed

    async def _described(self) -> Answer:
        """DESCRIBE, at another place too if the camera says so, once."""
        for redirected in (False, True):
            await self._connect()
            answer = await self._ask("DESCRIBE", self.url, "Accept: application/sdp\r\n")
            if answer.status not in REDIRECTS:
                return answer
            if redirected:
                break
            self._follow(answer)
        raise RtspRefused("DESCRIBE", answer.status, "it redirects more than once")

    def _follow(self, answer: Answer) -> None:
        before = self._address
        try:
            self._address = Address.of(answer.first("location"))
        except ValueError as error:
            raise RtspRefused("DESCRIBE", answer.status, "it redirects to no stream address") from error
        if before.secure and not self._address.secure:
            raise RtspRefused("DESCRIBE", answer.status, "it redirects from TLS to a plain address")
        # an account belongs to the host that it was recorded for
        self._account = self._account if self._address.host == before.host else None
        self._authenticator = Authenticator(self._account)
        self.url = self._address.url

    async def _setup(self, control: str) -> Answer:
        """SETUP of the one video track; there is no other SETUP in this program."""
        assert self._line is not None
        ways = (False, True) if self._transport == "auto" else (self._transport == "udp",)
        if self._address.secure:
            ways = (False,)
        for udp in ways:
            self._ports = open_ports(self._line.sock) if udp else None
            wanted = self._ports.transport if self._ports else "RTP/AVP/TCP;unicast;interleaved=0-1"
            try:
                return await self._ask("SETUP", control, f"Transport: {wanted}\r\n")
            except RtspRefused as error:
                if self._ports:
                    self._ports.close()
                if error.status != UNSUPPORTED_TRANSPORT or udp is ways[-1]:
                    raise
        raise AssertionError("unreachable: the last way returns or raises")

    async def _connect(self) -> None:
        if self._line is not None:
            self._line.sock.close()
        self._buffer.clear()
        address = self._address
        async with asyncio.timeout(CONNECT_S):
            self._line = await Line.to(address.host, address.port, self._trust if address.secure else None)

    async def _ask(self, method: str, url: str, extra: str = "") -> Answer:
        for _ in range(3):
            assert self._line is not None
            async with asyncio.timeout(ANSWER_S):
                await self._line.send(self.request(method, url, extra))
                answer = await self._answer(self._line)
            if answer.status == 401:
                self._authenticator.challenged(answer.headers.get("www-authenticate", []))
                if answer.first("connection").lower() == "close":
                    await self._connect()
                continue
            if method == "DESCRIBE" and answer.status in REDIRECTS:
                return answer
            if answer.status != 200:
                raise RtspRefused(method, answer.status, answer.reason)
            self._authenticator.accepted()
            return answer
        raise AuthenticationRefused("the camera keeps asking for authentication")

    async def _answer(self, line: Line) -> Answer:
        buffer = self._buffer
        while True:
            if buffer[:1] == b"$":
                # pictures may come before the answer to PLAY: keep them in order
                await self._fill(line, 4)
                size = 4 + int.from_bytes(buffer[2:4], "big")
                await self._fill(line, size)
                self._early += buffer[:size]
                del buffer[:size]
                if len(self._early) > EARLY_MAX:
                    raise ConnectionError("the camera sends pictures but does not answer")
                continue
            end, begin = head_end(buffer)
            if end < 0:
                if len(buffer) > HEAD_MAX:
                    raise ConnectionError("the camera's answer is too long")
                await self._fill(line, len(buffer) + 1)
                continue
            try:
                answer = parse_head(buffer[:end].decode("latin-1"))
            except ValueError as error:
                raise ConnectionError(str(error)) from error
            text = answer.first("content-length") or "0"
            size = int(text) if text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= BODY_MAX else 0
            await self._fill(line, begin + size)
            body = buffer[begin : begin + size].decode("utf-8", "replace")
            del buffer[: begin + size]
            return Answer(answer.status, answer.reason, answer.headers, body)

    async def _fill(self, line: Line, count: int) -> None:
        while len(self._buffer) < count:
            piece = await line.receive()
            if not piece:
                raise ConnectionError("the camera closed the connection")
            self._buffer += piece


def _channel(agreed: str) -> int:
    """The interleaved channel that a SETUP answer names; 0, as asked, when a TCP transport names none."""
    interleaved = re.search(r"interleaved\s*=\s*(\d{1,3})", agreed, re.ASCII)
    if interleaved is not None and int(interleaved[1]) < 256:
        return int(interleaved[1])
    if "TCP" in agreed.upper():
        return 0
    raise RtspRefused("SETUP", 200, "no interleaved transport over TCP")


def _server_ports(agreed: str) -> tuple[int, int] | None:
    """The camera's own RTP and RTCP ports, or None when it names none."""
    if "TCP" in agreed.upper() or "multicast" in agreed.lower():
        raise RtspRefused("SETUP", 200, "the camera answers with another transport than UDP unicast")
    match = re.search(r"server_port\s*=\s*(\d{1,5})(?:-(\d{1,5}))?", agreed, re.ASCII)
    if match is None:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    return (first, second) if 0 < first < 65536 and 0 < second < 65536 else None


async def play(
    url: str, credentials: Credentials | None = None, device: Mapping[str, Any] | None = None
) -> Interleaved | Datagrams:
    """Open one stream. ``url`` may name no password; what it does name is taken out.

    ``device``: ``transport`` (tcp, udp, tls, auto) and ``tls``; refused when TLS is asked for and the address is plain.
    """
    said = device or {}
    address, transport = Address.of(url), str(said.get("transport") or "tcp")
    if transport not in TRANSPORTS or (transport == "tls" and not address.secure):
        raise RtspRefused("SETUP", 461, "the source asks for TLS but its address is not rtsps://")
    return await Handshake(address, credentials, transport=transport, trust=trust_of(said)).play()
