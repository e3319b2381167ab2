"""The listener of vaultd's pages (서명 화면 접속구): one request a connection, checked before anything is done.

``config.json``: ``sign_url`` (the one origin that is answered), ``sign_listen`` ``{"host", "port", "certificate",
"key"}`` (files, PEM); without it loopback at port + 3. Elsewhere than loopback it listens with TLS 1.3 or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gwanje.kernel.home import Home
from gwanje.kernel.hosts import SIGN_PORT, BadOrigin, sign_origin
from gwanje.vault.pages import http

CONNECTIONS_MAX: Final = 64
AN_ADDRESS_MAX: Final = 24
HANDSHAKE_S: Final = 5.0
SEND_S: Final = 10.0
RATE: Final = 40
BURST: Final = 120
log = logging.getLogger(__name__)
Handle = Callable[[http.Request], Awaitable[http.Answer]]


class Bucket:
    """``RATE`` requests a second over all who ask, ``BURST`` at once: keys are lent in the same loop."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(BURST), now

    def take(self, now: float) -> bool:
        """May one more be answered at loop time ``now``?"""
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Listener:
    """``step`` once a second opens it; what cannot be opened is said once and tried again, and vaultd goes on."""

    def __init__(self, home: Home, handle: Handle, every: tuple[tuple[str, str], ...]) -> None:
        """``handle`` answers a checked request; ``every``: header fields of all answers."""
        self._home, self._handle = home, handle
        self._server: asyncio.Server | None = None
        self._said = ""
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bucket: Bucket | None = None
        self.origin = ""
        self._every = every

    @property
    def port(self) -> int:
        """The port in use, 0 while closed."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def step(self) -> None:
        """Open the listener if it is not open."""
        if self._server is not None:
            return
        try:
            self.origin = sign_origin(self._home)
            host, port, context = place(self._home)
            self._server = await asyncio.start_server(
                self._accept, addresses(host, port, context), port, limit=http.HEAD_MAX, backlog=CONNECTIONS_MAX,
                ssl=context, **({"ssl_handshake_timeout": HANDSHAKE_S} if context else {}),
            )  # fmt: skip
        except (OSError, BadOrigin, ValueError) as error:
            # a wrong line in the config must not keep the recorders without keys
            said = str(error)
            if said != self._said:
                log.error("서명 화면을 열 수 없습니다 / the signing pages cannot be opened: %s", said)
            self._said = said
            return
        self._said = ""
        if self.origin.startswith("https:"):
            self._every = (*self._every, ("Strict-Transport-Security", "max-age=31536000"))
        log.info("the signing pages answer at %s", self.origin)

    async def close(self) -> None:
        """No new connections; those that stand end."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("?",))[0])
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open[address] += 1
        try:
            if self._open[address] <= AN_ADDRESS_MAX and self._open.total() <= CONNECTIONS_MAX:
                await self._one(reader, writer)
        except (ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self._open[address] -= 1
            self._open += Counter()
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), SEND_S)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await http.receive(reader)
            if request is None:
                return
            answer = await self._checked(request)
        except http.BadRequest as error:
            answer = http.Answer(error.status, b"", "text/plain; charset=utf-8")
        writer.write(answer.packed(self._every))
        async with asyncio.timeout(SEND_S):
            await writer.drain()

    async def _checked(self, request: http.Request) -> http.Answer:
        """The answer to a request of our own origin's pages; BadRequest for any other."""
        now = asyncio.get_running_loop().time()
        self._bucket = self._bucket or Bucket(now)
        if not self._bucket.take(now):
            raise http.BadRequest(429)
        # another name that leads here (DNS rebinding) would give its page our answers
        if request.headers.get("host") != urlsplit(self.origin).netloc:
            raise http.BadRequest(421)
        if request.method == "POST":
            if request.headers.get("origin") != self.origin:
                raise http.BadRequest(403)
            # a form of another site cannot send this type without being asked first
            if request.headers.get("content-type") != "application/json":
                raise http.BadRequest(415)
        return await self._handle(request)


def addresses(host: str, port: int, context: ssl.SSLContext | None) -> list[str]:
    """Where to listen: on every address that a browser's ``localhost`` may lead to, or on none.

    Without TLS an origin is a name and a port. What is left free of them another user of the machine could take, and
    show officers other words over the same origin's challenge; an address that is taken keeps the pages closed.
    """
    pair = ["127.0.0.1", "::1"]
    if context is not None or host not in pair or port == 0:
        return [host]
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        # this machine knows no such address, and nobody on it can take one
        return ["127.0.0.1"]
    return pair


def place(home: Home) -> tuple[str, int, ssl.SSLContext | None]:
    """Host, port and TLS of the listener; ValueError with what is wrong, OSError when a file is not there."""
    said: Any = home.config.get("sign_listen", {})
    host = said.get("host", "127.0.0.1") if isinstance(said, dict) else None
    port = said.get("port", home.port + SIGN_PORT) if isinstance(said, dict) else None
    try:
        local = ip_address(host).is_loopback  # type: ignore[arg-type]
        if type(port) is not int or not 0 <= port < 1 << 16:
            raise ValueError("port")
    except ValueError:
        raise ValueError(
            "config.json의 sign_listen은 IP 주소(host)와 포트(port)입니다 / "
            "sign_listen in config.json is an IP address (host) and a port"
        ) from None
    certificate, key = (Path(home.root, str(said.get(name, ""))) for name in ("certificate", "key"))
    if home.root in (certificate, key):
        if not local:
            raise ValueError(
                "다른 장비에서 접속하는 서명 화면에는 인증서가 필요합니다(sign_listen의 certificate, key) / "
                "signing pages that other machines reach need a certificate and its key in sign_listen"
            )
        return str(host), port, None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return str(host), port, context
