"""The awaiting client's line to vaultd (금고 접속선): one request, one answer, received into an inbox.

No stream reader stands between: its buffer would keep a copy of every key that was ever lent. From afar answers come
sealed (``chain``) within TLS (RFC 8446), and the library is told to overwrite what it has deciphered
(``SSL_OP_CLEANSE_PLAINTEXT``); see ``docs/design/0028``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from gwanje.kernel import secret, wire
from gwanje.kernel.inbox import Inbox
from gwanje.vault.chain import Chain

T = TypeVar("T")
# openssl/ssl.h: SSL_OP_BIT(1), since 3.0; Python has no name for it
CLEANSE_PLAINTEXT: Final = 1 << 1
# a request is a frame and, for ``verify``, a part: never more than that waits to be sent
WAITING_MAX: Final = 64 << 20


class Line(asyncio.BufferedProtocol):
    """A connection. ``send``, then ``answer``; WireError when it breaks. ``chain`` seals what comes from afar."""

    chain: Chain | None = None

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._whole = False
        self._lost: wire.WireError | None = None

    @classmethod
    async def local(cls, path: Path) -> Line:
        """A line over the Unix socket; OSError."""
        _, line = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        return line

    @classmethod
    async def far(cls, host: str, port: int, context: ssl.SSLContext) -> Line:
        """A line to another machine; OSError, ``ssl.SSLError``."""
        context.options |= CLEANSE_PLAINTEXT
        _, line = await asyncio.get_running_loop().create_connection(cls, host, port, ssl=context)
        return line

    def about(self, name: str) -> Any:
        """What the transport knows (``socket``, ``ssl_object``)."""
        assert self._transport is not None
        return self._transport.get_extra_info(name)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop's: it stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """The loop's: where the next bytes belong."""
        return self._inbox.room()

    def buffer_updated(self, nbytes: int) -> None:
        """The loop's: bytes came."""
        try:
            self._whole = self._inbox.filled(nbytes)
        except wire.WireError as error:
            self._end(error)
            return
        if self._whole:
            self._wake()

    def eof_received(self) -> None:
        """The loop's: the other side is done, and so are we."""
        self._end(wire.WireError("the peer closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop's: it is over."""
        self._end(wire.WireError("the peer closed the connection" if exc is None else type(exc).__name__))

    def _end(self, error: wire.WireError) -> None:
        self._lost = self._lost or error
        # what came before the end and is whole may still be read
        if not self._whole:
            self._inbox.clear()
        if self._transport is not None:
            self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """End it; nothing that came stays."""
        self._whole = False
        self._inbox.clear()
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Hand over a request; WireError when the line is gone."""
        if self._lost is not None or self._transport is None:
            raise self._lost or wire.WireError("the connection is closed")
        if self._transport.get_write_buffer_size() + len(data) > WAITING_MAX:
            raise wire.WireError("the peer takes nothing")
        self._transport.write(data)

    async def answer(self, read: Callable[[memoryview], T]) -> T:
        """What ``read`` makes of the next frame, which is overwritten before this returns."""
        while not self._whole:
            if self._lost is not None:
                raise self._lost
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        body = memoryview(bytearray())
        try:
            frame = self._inbox.frame()
            if self.chain is None:
                return read(frame)
            body = self.chain.open(frame)
            return read(body)
        finally:
            self._whole = False
            self._inbox.clear()
            secret.wipe(body)
