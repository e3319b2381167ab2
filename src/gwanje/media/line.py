"""The connection of a handshake (접속): plain TCP or TLS, non-blocking, driven by the event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gwanje.media import outward
from gwanje.media.tls import NotTrusted, Trust, reason

READ_MAX = 65_536
T = TypeVar("T")


class Line:
    """One connection; ``sock`` is handed over when the handshake is done."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def to(cls, host: str, port: int, secure: Trust | None) -> Line:
        """Connect; with ``secure`` by TLS, and the certificate is checked before anything is sent (else NotTrusted).

        Unreachable for an address that is not a camera's (``media.outward``).
        """
        loop = asyncio.get_running_loop()
        target = await outward.target(host, port)
        line = cls(socket.socket(target.family, socket.SOCK_STREAM))
        try:
            line.sock.setblocking(False)
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(line.sock, target.address)
            if secure is not None:
                await line._secure(host, secure)
        except BaseException:
            line.sock.close()
            raise
        return line

    async def _secure(self, host: str, trust: Trust) -> None:
        try:
            sock = trust.context().wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
            self.sock = sock
            await self._until(sock.do_handshake)
            trust.check(sock)
        except ssl.SSLError as error:
            raise NotTrusted(reason(error)) from error

    async def _until(self, act: Callable[[], T]) -> T:
        while True:
            try:
                return act()
            except (BlockingIOError, ssl.SSLWantReadError):
                await self._ready(self._loop.add_reader, self._loop.remove_reader)
            except ssl.SSLWantWriteError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer)

    async def _ready(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        handle = self.sock.fileno()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        add(handle, wake)
        try:
            await ready
        finally:
            remove(handle)

    async def send(self, data: bytes) -> None:
        """All of it."""
        if not isinstance(self.sock, ssl.SSLSocket):
            await self._loop.sock_sendall(self.sock, data)
            return
        view = memoryview(data)
        while view:
            sent = await self._until(partial(self.sock.send, view))
            view = view[sent:]

    async def receive(self) -> bytes:
        """What is there, at most 64 KB; empty at the end."""
        return await self._until(lambda: self.sock.recv(READ_MAX))
