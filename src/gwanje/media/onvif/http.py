"""HTTP to devices (장치 HTTP 연결): one connection, one request at a time, every wait and every size bounded.

No redirect is followed and no proxy asked: the address that a registrar gave is the only one that is talked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from gwanje.media import outward
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.xml import BYTES_MAX
from gwanje.media.tls import NotTrusted, Trust, reason

HEAD_MAX = 32 * 1024
CHUNK = 64 * 1024
PLAIN, SECURE = "http", "https"


@dataclass(frozen=True)
class Reply:
    """Status, headers (lower-case names) and body of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    data: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Channel:
    """A connection to one host; made when first needed, kept while the device keeps it."""

    def __init__(self, host: str, port: int, scheme: str = PLAIN, trust: Trust | None = None) -> None:
        self.host, self.port, self.scheme = host, port, scheme
        self._trust = trust or Trust()
        self._lock = asyncio.Lock()
        self._state: h11.Connection | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, target: str, body: bytes, headers: Sequence[tuple[str, str]], limit_s: float) -> Reply:
        """Send one request and read its answer whole. DeviceFault for everything that is no HTTP answer."""
        async with self._lock:
            kept = self._writer is not None
            try:
                async with asyncio.timeout(limit_s):
                    try:
                        return await self._exchange(target, body, headers)
                    except (OSError, h11.RemoteProtocolError):
                        if not kept:
                            raise
                        # the device closed what it had kept open: once more, on a new connection
                        self.drop()
                        return await self._exchange(target, body, headers)
            except BaseException as error:
                self.drop()
                raise _fault(error) from error

    async def _exchange(self, target: str, body: bytes, headers: Sequence[tuple[str, str]]) -> Reply:
        if self._writer is None:
            await self._connect()
        assert self._writer is not None
        assert self._state is not None
        host = f"[{self.host}]" if ":" in self.host else self.host
        named = [("Host", f"{host}:{self.port}"), ("User-Agent", "gwanje"), ("Content-Length", str(len(body)))]
        request = h11.Request(method="POST", target=target, headers=[*named, *headers])
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            self._writer.write(self._state.send(event) or b"")
        await self._writer.drain()
        reply = await self._reply()
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        else:
            self.drop()
        return reply

    async def _connect(self) -> None:
        context = self._trust.context() if self.scheme == SECURE else None
        target = await outward.target(self.host, self.port)
        self._reader, self._writer = await asyncio.open_connection(
            target.host, target.port, family=target.family, limit=HEAD_MAX, ssl=context,
            server_hostname=self.host if context is not None else None,
        )  # fmt: skip
        if context is not None:
            self._trust.check(self._writer.get_extra_info("ssl_object"))
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_MAX)

    async def _reply(self) -> Reply:
        assert self._state is not None
        assert self._reader is not None
        status, data = 0, bytearray()
        headers: tuple[tuple[str, str], ...] = ()
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                self._state.receive_data(await self._reader.read(CHUNK))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers)
            elif isinstance(event, h11.Data):
                data += event.data
                if len(data) > BYTES_MAX:
                    raise DeviceFault("large", status=status)
            elif isinstance(event, h11.EndOfMessage):
                return Reply(status, headers, bytes(data))
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("closed before its answer")

    def drop(self) -> None:
        """Close without a farewell."""
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.close()
        self._reader = self._writer = self._state = None


def _fault(error: BaseException) -> BaseException:
    """What the caller is told; a text of the operating system names no address, asyncio's own does."""
    if isinstance(error, DeviceFault):
        return error
    if isinstance(error, TimeoutError):
        return DeviceFault("timeout")
    if isinstance(error, NotTrusted):
        return DeviceFault("untrusted", str(error))
    if isinstance(error, outward.Unreachable):
        return DeviceFault("unreachable", str(error))
    if isinstance(error, ssl.SSLError):
        return DeviceFault("untrusted", reason(error))
    if isinstance(error, h11.RemoteProtocolError | h11.LocalProtocolError):
        return DeviceFault("unreadable", "no HTTP")
    if isinstance(error, OSError):
        return DeviceFault("network", os.strerror(error.errno) if error.errno else type(error).__name__)
    return error
