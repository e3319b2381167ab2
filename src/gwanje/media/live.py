"""Live server (실시간 관제 전송): LiveToken in, frames out, over WebSocket; also the recorder's health page.

A token shows one camera's present for 60 s to one person at one seat. Nothing stored can be asked for here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin

from gwanje.kernel import base64url
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import BadSignature
from gwanje.kernel.permit import TOKEN_MAX_S, LiveToken
from gwanje.media.fanout import Fan, Pump
from gwanje.media.glass import Panes
from gwanje.media.ring import LiveRing
from gwanje.media.transcode.pool import TRANSCODES_MAX, Busy, Transcodes

VIEWERS_MAX = 600
CONNECTIONS_MAX = 800
FIRST_TOKEN_S = 5.0
TOKEN_BYTES_MAX = 4096
TOKENS_PER_MINUTE = 20
TURNS_PER_MINUTE = 120
REPORT_S = 5.0
EXPIRED, REFUSED, BUSY = 4401, 4403, 1013
TRANSCODE = 2
log = logging.getLogger(__name__)
Report = Callable[[str, dict[str, Any]], None]


class TokenRefused(ValueError):
    """A live token that does not open this stream; ``code`` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LiveServer:
    """The recorder's WebSocket. ``ring_of`` finds a stream's ring; ``report`` takes counted refusals."""

    def __init__(
        self, *, clock: Clock, web_key: Callable[[], bytes], ring_of: Callable[[UUID, int], LiveRing | None],
        report: Report, web_port: int, health: Callable[[], dict[str, Any]], transcodes_max: int = TRANSCODES_MAX,
        origins: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._clock = clock
        self._web_key = web_key
        self._ring_of = ring_of
        self._report = report
        self._health = health
        # the web's own two addresses, and those under which a proxy or another machine's web shows it
        local = [f"http://{host}:{web_port}" for host in ("localhost", "127.0.0.1")]
        self._origins = [Origin(origin) for origin in dict.fromkeys([*local, *origins])]
        self._server: Server | None = None
        self._refused: Counter[str] = Counter()
        self._reporter: asyncio.Task[None] | None = None
        self._connections = 0
        self._pump = Pump()
        self._fans: dict[LiveRing, Fan] = {}
        self._panes = Panes()
        self.transcodes = Transcodes(ring_of, self._lost, transcodes_max)
        self.viewers = 0
        # steering shares the listener, its origins and its limit of connections
        self.ptz: Callable[[ServerConnection], Awaitable[None]] | None = None

    async def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listen on loopback; returns the port."""
        self._server = await serve(
            self._handle, host, port, origins=self._origins, process_request=self._request, compression=None,
            max_size=2 * TOKEN_BYTES_MAX, max_queue=4, ping_interval=20, ping_timeout=20, close_timeout=1,
            server_header=None,
        )  # fmt: skip
        self._reporter = asyncio.get_running_loop().create_task(self._reporting())
        sockets = list(self._server.sockets)
        return int(sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close every viewer, end every transcode."""
        self.transcodes.stop()
        if self._reporter is not None:
            self._reporter.cancel()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._flush_refusals(self._taken())

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/health":
            body = json.dumps(self._health()).encode()
            headers = Headers([("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return Response(HTTPStatus.OK, "OK", headers, body)
        if path != "/live" and not (path == "/ptz" and self.ptz is not None):
            return connection.respond(HTTPStatus.NOT_FOUND, "not here\n")
        if "Origin" not in request.headers:
            self._refused["origin"] += 1
            return connection.respond(HTTPStatus.FORBIDDEN, "an Origin is needed\n")
        if self._connections >= CONNECTIONS_MAX:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers\n")
        return None

    def _verify(self, text: str | bytes) -> tuple[LiveToken, int]:
        """The token, and the number of the page's turn that it comes with (0 for none)."""
        try:
            said = json.loads(text)
            turn = said.get("turn", 0)
            signed = base64url.from_text(said["token"], 2 * TOKEN_BYTES_MAX)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise TokenRefused("malformed") from error
        if len(signed) > TOKEN_BYTES_MAX or type(turn) is not int or not 0 <= turn < 1 << 31:
            raise TokenRefused("malformed")
        try:
            token = LiveToken.open(signed, self._web_key())
        except BadSignature as error:
            raise TokenRefused("forged") from error
        except OSError as error:
            raise TokenRefused("no web key") from error
        now = self._clock.now_s()
        if token.expires <= now:
            raise TokenRefused("expired")
        if token.expires > now + TOKEN_MAX_S:
            raise TokenRefused("too long")
        if why := self._panes.refusal(token, now):
            raise TokenRefused(why)
        return token, turn

    async def _handle(self, connection: ServerConnection) -> None:
        self._connections += 1
        try:
            path = "" if connection.request is None else connection.request.path.partition("?")[0]
            if self.ptz is not None and path == "/ptz":
                await self.ptz(connection)
                return
            await self._watch(connection)
        except TokenRefused as error:
            self._refused[error.code] += 1
            await connection.close(EXPIRED if error.code == "expired" else REFUSED, error.code)
        except (ConnectionClosed, TimeoutError):
            await connection.close()
        finally:
            self._connections -= 1

    async def _watch(self, connection: ServerConnection) -> None:
        try:
            async with asyncio.timeout(FIRST_TOKEN_S):
                token, _ = self._verify(await connection.recv())
        except TimeoutError as error:
            raise TokenRefused("silent") from error
        if self.viewers >= VIEWERS_MAX:
            await connection.close(BUSY, "too many viewers")
            return
        recent: deque[float] = deque(maxlen=TURNS_PER_MINUTE)
        while turned := await self._stream(connection, token):
            token, turn = turned
            now = time.monotonic()
            if len(recent) == TURNS_PER_MINUTE and now - recent[0] < 60:
                raise TokenRefused("too many messages")
            recent.append(now)
            # what comes after this is of the other stream: the page drops what was still on its way
            await connection.send(json.dumps({"type": "turned", "turn": turn}))

    async def _stream(self, connection: ServerConnection, token: LiveToken) -> tuple[LiveToken, int] | None:
        """Show one stream while it is allowed; the next token when the same person and seat turn to another one."""
        try:
            ring = self._ring(token)
        except Busy as error:
            await connection.send(json.dumps({"type": "busy", "ko": error.ko, "en": error.en}))
            await connection.close(BUSY, "too many transcodes")
            return None
        if ring is None:
            raise TokenRefused("no such stream")
        try:
            return await self._show(connection, token, ring)
        finally:
            if token.stream == TRANSCODE:
                self.transcodes.leave(token.camera, ring)

    def _ring(self, token: LiveToken) -> LiveRing | None:
        if token.stream == TRANSCODE:
            return self.transcodes.join(token.camera)
        return self._ring_of(token.camera, token.stream)

    async def _show(self, connection: ServerConnection, token: LiveToken, ring: LiveRing) -> tuple[LiveToken, int]:
        fan = self._fans.setdefault(ring, Fan(ring, self._pump))
        seat = fan.join(connection)
        self.viewers += 1
        try:
            return await self._renewals(connection, token)
        finally:
            fan.leave(seat)
            if not fan.seats:
                self._fans.pop(ring, None)
            self.viewers -= 1

    def _lost(self, ring: LiveRing) -> None:
        """A transcode ended: its viewers come again, and begin another."""
        fan = self._fans.get(ring)
        for seat in tuple(fan.seats) if fan else ():
            seat.abort()

    async def _renewals(self, connection: ServerConnection, token: LiveToken) -> tuple[LiveToken, int]:
        """Stay while tokens for the same stream, person and seat keep coming; a turn to another one ends it."""
        recent: list[float] = []
        while True:
            left = token.expires - self._clock.now_us() / 1e6
            try:
                async with asyncio.timeout(max(left, 0)):
                    text = await connection.recv()
            except TimeoutError as error:
                raise TokenRefused("expired") from error
            renewed, turn = self._verify(text)
            if (renewed.person, renewed.station) != (token.person, token.station):
                raise TokenRefused("another stream")
            if turn:
                return renewed, turn
            if (renewed.camera, renewed.stream) != (token.camera, token.stream):
                raise TokenRefused("another stream")
            now = time.monotonic()
            recent = [at for at in recent if now - at < 60] + [now]
            if len(recent) > TOKENS_PER_MINUTE:
                raise TokenRefused("too many messages")
            token = renewed

    async def _reporting(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            if self._refused:
                # the report is fsynced: never in the loop's thread
                await asyncio.to_thread(self._flush_refusals, self._taken())

    def _taken(self) -> Counter[str]:
        refused, self._refused = self._refused, Counter()
        return refused

    def _flush_refusals(self, refused: Counter[str]) -> None:
        for code, count in refused.items():
            self._report("live.token.refused", {"outcome": "refused", "reason": code, "count": count})
