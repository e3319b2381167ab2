"""The player's door (재생 서버): WebSocket ``/play`` and ``GET /health`` on loopback; limits on everything.

A refusal is told to the viewer as a code, and to the ledger through the spool. Strangers fill neither: after 60
refusals in a minute only their number is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http
import json
import logging
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gwanje.kernel import base64url
from gwanje.kernel.cose import BadSignature
from gwanje.kernel.home import Home
from gwanje.kernel.hosts import page_origins
from gwanje.kernel.keys import public_key
from gwanje.kernel.permit import Lens, Permit, ViewerToken
from gwanje.kernel.refusals import SpoolFull, report
from gwanje.media.play.store import Store
from gwanje.media.play.viewing import SPEEDS, Door, Refused, Viewing
from gwanje.vault.errors import VaultError
from gwanje.vault.store import remote

MESSAGE_MAX = 96 * 1024
SESSIONS_MAX = 64
CONNECTIONS_MAX = 128
HELLO_S = 10.0
SEND_S = 30.0
RATE, BURST = 20.0, 60.0
REFUSALS_A_MINUTE = 60
AWAY = (
    "away",
    "키 보관 프로세스에 연결할 수 없습니다. 잠시 뒤 다시 여십시오. / vaultd is away; open it again in a moment.",
)
log = logging.getLogger("gwanje.player")


def _bytes(text: Any) -> bytes:
    """Base64url without padding; Refused when it is none."""
    try:
        return base64url.from_text(text, MESSAGE_MAX)
    except ValueError:
        raise Refused("message", "메시지 형식이 잘못되었습니다. / The message is malformed.") from None


def _json(text: Any) -> dict[str, Any]:
    try:
        said = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused("message", "메시지 형식이 잘못되었습니다. / The message is malformed.")
    return said


def _speed(said: dict[str, Any]) -> int:
    """The page's speed; 0 when it says none."""
    speed = said.get("speed", 0)
    if isinstance(speed, bool) or not isinstance(speed, int) or speed not in (0, *SPEEDS):
        raise Refused("message", "speed는 1, 2, 4 가운데 하나입니다. / speed is 1, 2 or 4.")
    return speed


class Refusals:
    """Reports refusals, 60 a minute in full; what comes on top is counted and told with the next minute."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._minute, self._count = 0, 0

    async def tell(self, kind: str, detail: dict[str, Any]) -> None:
        """Spool one refusal; a full spool is logged, for the refusal stands either way."""
        minute = self._home.clock.now_s() // 60
        if minute != self._minute:
            over = self._count - REFUSALS_A_MINUTE
            self._minute, self._count = minute, 0
            if over > 0:
                await self._spool("playback.refusals.counted", {"count": over})
        self._count += 1
        if self._count <= REFUSALS_A_MINUTE:
            await self._spool(kind, detail)

    async def _spool(self, kind: str, detail: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(report, self._home, kind, {"outcome": "refused", **detail}, service="player")
        except (SpoolFull, OSError) as error:
            log.error("a refusal could not be spooled: %s", type(error).__name__)


class Player:
    """Serves viewing sessions; an async context manager. ``port`` 0 picks a free one (tests)."""

    def __init__(self, home: Home, door: Door, *, port: int | None = None, origins: Sequence[str] = ()) -> None:
        self.home, self.door = home, door
        self.port = home.port + 2 if port is None else port
        self.origins = {*page_origins(home), *origins}
        self.store = Store(home.store, home.clock, remote(home))
        self.refusals = Refusals(home)
        self._sessions: dict[bytes, ServerConnection] = {}
        self._connections = 0
        self._server: Server | None = None
        self.opened_seconds = 0

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._handle, "127.0.0.1", self.port, process_request=self._door_man, max_size=MESSAGE_MAX,
            max_queue=16, compression=None, ping_interval=20, ping_timeout=20, close_timeout=2, server_header=None,
            logger=logging.getLogger("gwanje.player.websockets"),
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.store.close()

    # --- handshake ------------------------------------------------------------------------------------------------

    async def _door_man(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.split("?", 1)[0]
        if path == "/health":
            return self._plain(200, {"ok": True, "sessions": len(self._sessions), "opened": self.opened_seconds})
        if path != "/play":
            return self._plain(404, {"error": "not_found"})
        origins = request.headers.get_all("Origin")
        if len(origins) != 1 or origins[0] not in self.origins:
            await self.refusals.tell("playback.connection.refused", {"code": "origin"})
            return self._plain(403, {"error": "origin"})
        if self._connections >= CONNECTIONS_MAX:
            return self._plain(503, {"error": "limit"})
        return None

    @staticmethod
    def _plain(status: int, body: dict[str, Any]) -> Response:
        data = json.dumps(body).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"})
        headers["Cache-Control"] = "no-store"
        return Response(status, http.HTTPStatus(status).phrase, headers, data)

    # --- one connection -------------------------------------------------------------------------------------------

    async def _handle(self, connection: ServerConnection) -> None:
        self._connections += 1
        try:
            await self._serve(connection)
        except ConnectionClosed:
            pass
        except TimeoutError:
            await connection.close(4408, "too slow")
        finally:
            self._connections -= 1

    async def _serve(self, connection: ServerConnection) -> None:
        said: dict[str, Any] = {}
        try:
            said = _json(await asyncio.wait_for(connection.recv(), HELLO_S))
            viewing = await self._admit(connection, said)
        except Refused as error:
            await self.refusals.tell("playback.permit.refused", self._about(said, error.code))
            await self._tell(connection, error)
            await connection.close(4403, error.code)
            return
        self._sessions[viewing.session] = connection
        try:
            await self._session(connection, viewing)
        finally:
            if self._sessions.get(viewing.session) is connection:
                del self._sessions[viewing.session]

    async def _admit(self, connection: ServerConnection, said: dict[str, Any]) -> Viewing:
        viewer = _bytes(said.get("viewer"))
        resumed = "session" in said
        try:
            if resumed:
                session = _bytes(said["session"])
                answer = await self.door.resume(session, viewer)
            else:
                permit = _bytes(said.get("permit"))
                if len(self._sessions) >= SESSIONS_MAX:
                    raise Refused("limit", "열람이 너무 많습니다. 잠시 뒤 다시 여십시오. / Too many viewing sessions.")
                answer = await self.door.redeem(permit, viewer)
                session = answer.session
        except VaultError as error:
            raise Refused(error.code, str(error)) from error
        except OSError as error:
            raise Refused(*AWAY) from error
        granted = answer.permit
        if granted.action != "view":
            # the gates do not open each other: what is released is made by ``gwanje bundle``, never shown here
            raise Refused("action", "제공 허가로는 재생할 수 없습니다. / A Permit to release plays nothing.")
        await self._started(granted, resumed=resumed)
        before = self._sessions.get(session)
        if before is not None:
            await before.close(4409, "opened elsewhere")

        async def send(message: dict[str, Any] | bytes) -> None:
            data = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False)
            await asyncio.wait_for(connection.send(data), SEND_S)

        async def opened(lens: Lens, first: int, until: int) -> None:
            self.opened_seconds += until - first
            await self._fact("playback.range.opened", granted, [lens.camera], first, until)

        viewing = Viewing(granted, session, answer.until, self.door, self.store, self.home.clock, send, opened)
        await send(self._greeting(viewing))
        return viewing

    @staticmethod
    def _greeting(viewing: Viewing) -> dict[str, Any]:
        permit = viewing.permit
        return {
            "type": "session",
            "session": base64url.to_text(viewing.session),
            "cameras": [{"camera": str(lens.camera), "stream": lens.stream} for lens in permit.cameras],
            "first": permit.first,
            "until": permit.until,
            "expires": viewing.ends_s,
        }

    async def _started(self, permit: Permit, *, resumed: bool) -> None:
        kind = "playback.session.resumed" if resumed else "playback.session.started"
        try:
            await self._fact(kind, permit, [lens.camera for lens in permit.cameras], permit.first, permit.until)
        except (SpoolFull, OSError) as error:
            raise Refused(
                "spool", "접속기록을 남길 수 없어 열지 않습니다. / The access log cannot be written; nothing is opened."
            ) from error

    async def _fact(self, kind: str, permit: Permit, cameras: list[UUID], first: int, until: int) -> None:
        detail = {
            "outcome": "done", "actor": permit.person, "station": permit.station, "permit": permit.id,
            "cameras": cameras, "first": first, "until": until, "ground": permit.ground, "case": permit.case,
        }  # fmt: skip
        await asyncio.to_thread(report, self.home, kind, detail, service="player")

    async def _session(self, connection: ServerConnection, viewing: Viewing) -> None:
        tasks = [
            asyncio.create_task(viewing.run()),
            asyncio.create_task(self._listen(connection, viewing)),
            asyncio.create_task(self._watch(viewing)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        error = next((task.exception() for task in done if task.exception()), None)
        await self._ended(connection, viewing, error)

    async def _ended(self, connection: ServerConnection, viewing: Viewing, error: BaseException | None) -> None:
        if isinstance(error, VaultError):
            error = Refused(error.code, str(error))
        elif isinstance(error, SpoolFull):
            error = Refused("spool", "접속기록을 남길 수 없어 멈췄습니다. / The access log cannot be written; stopped.")
        elif isinstance(error, OSError) and not isinstance(error, TimeoutError):
            error = Refused(*AWAY)
        if isinstance(error, Refused):
            if error.code not in ("away", "session_ended"):
                facts = {**self._of(viewing.permit), "code": error.code}
                await self.refusals.tell("playback.session.refused", facts)
            await self._tell(connection, error)
            await connection.close(4408 if error.code == "session_ended" else 4403, error.code)
        elif error is not None and not isinstance(error, ConnectionClosed):
            log.error("a viewing session failed", exc_info=error)
            await connection.close(1011, "internal")

    async def _listen(self, connection: ServerConnection, viewing: Viewing) -> None:
        loop = asyncio.get_running_loop()
        tokens, at = BURST, loop.time()
        async for text in connection:
            now = loop.time()
            tokens, at = min(BURST, tokens + (now - at) * RATE), now
            if tokens < 1:
                raise Refused("limit", "요청이 너무 잦습니다. / Too many messages.")
            tokens -= 1
            try:
                await self._message(connection, viewing, _json(text))
            except Refused as error:
                # one wrong message is told and logged; the viewing goes on
                facts = {**self._of(viewing.permit), "code": error.code}
                await self.refusals.tell("playback.message.refused", facts)
                await self._tell(connection, error)

    @staticmethod
    async def _message(connection: ServerConnection, viewing: Viewing, said: dict[str, Any]) -> None:
        kind = said.get("type")
        if kind == "play":
            at = said.get("at")
            if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 1 << 40:
                raise Refused("message", "재생 시각이 잘못되었습니다. / The time to play is malformed.")
            try:
                camera = UUID(str(said.get("camera"))).bytes
            except ValueError:
                raise Refused("message", "카메라가 잘못되었습니다. / The camera is malformed.") from None
            viewing.play(camera, int(at), _speed(said) or viewing.pace.speed)
        elif kind == "more":
            count = said.get("n")
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 60:
                raise Refused("message", "n은 1~60입니다. / n is 1 to 60.")
            speed = _speed(said)
            if speed:
                viewing.pace.set_speed(speed)
            viewing.pace.more(count)
        elif kind == "pause":
            viewing.pace.pause()
        else:
            raise Refused("message", "알 수 없는 메시지입니다. / An unknown message.")

    async def _watch(self, viewing: Viewing) -> None:
        while self.home.clock.now_s() < viewing.ends_s:
            await asyncio.sleep(0.5)
        raise Refused("session_ended", "열람 시간이 끝났습니다. / The viewing session has ended.")

    @staticmethod
    async def _tell(connection: ServerConnection, error: Refused) -> None:
        body = {"type": "error", "code": error.code, "message": str(error)}
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            await asyncio.wait_for(connection.send(json.dumps(body, ensure_ascii=False)), SEND_S)

    # --- what a refusal may say -----------------------------------------------------------------------------------

    @staticmethod
    def _of(permit: Permit) -> dict[str, Any]:
        return {
            "actor": permit.person,
            "station": permit.station,
            "permit": permit.id,
            "cameras": [lens.camera for lens in permit.cameras],
            "case": permit.case,
        }

    def _about(self, said: dict[str, Any], code: str) -> dict[str, Any]:
        """Who and what, as far as signatures prove it; of an unproved Permit only a digest is kept."""
        facts: dict[str, Any] = {"code": code}
        with contextlib.suppress(Refused, BadSignature, OSError, ValueError):
            viewer = ViewerToken.open(_bytes(said.get("viewer")), public_key(self.home, "web"))
            facts |= {"actor": viewer.person, "station": viewer.station}
        if isinstance(said.get("permit"), str):
            with contextlib.suppress(Refused):
                facts["permit_sha256"] = hashlib.sha256(_bytes(said["permit"])).hexdigest()
        return facts
