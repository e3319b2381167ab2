"""Steering at the recorder (회전·확대 조작): PtzToken in, moves out, over WebSocket; emergencies end by themselves.

The web decides who may, the guard decides where. An emergency that has been used is kept in a file until its head is
seen back at home, so that a recorder that was killed brings it back when it lives again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from gwanje.kernel import base64url
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import BadSignature
from gwanje.kernel.permit import TOKEN_MAX_S, PtzToken
from gwanje.kernel.sources import Source
from gwanje.kernel.zone import BadZone, Spot, Zone, inside, zone_of
from gwanje.media.ptz import Head, HeadRefused
from gwanje.media.ptz_guard import Pace
from gwanje.media.ptz_stick import Emergency, Stick, spelt

SESSIONS_MAX, SESSIONS_A_CAMERA = 200, 8
ENDED_MAX = 1000
# an ended emergency is remembered for a day, tokens that name it live a minute
ENDED_S = 86_400
MESSAGES_A_SECOND, MESSAGE_BYTES_MAX = 20, 8192
FIRST_TOKEN_S = 5.0
ROWS_MAX = 1000
LOOK_S = 60.0
EXPIRED, REFUSED, BUSY = 4401, 4403, 1013
log = logging.getLogger(__name__)
Report = Callable[[str, dict[str, Any]], None]


class PtzRefused(ValueError):
    """A token or a message that does not steer; ``code`` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Session:
    """One WebSocket at one camera's stick."""

    def __init__(self, connection: ServerConnection, token: PtzToken) -> None:
        self._connection = connection
        self.token = token
        self.rank, self.person, self.station = token.rank, token.person, token.station
        self.articles = token.articles

    @property
    def emergency(self) -> UUID | None:
        """The emergency that the token in force names."""
        return self.token.emergency

    def tell(self, message: dict[str, Any]) -> None:
        """Send without waiting."""
        broadcast([self._connection], json.dumps(message, ensure_ascii=False))

    def renew(self, token: PtzToken) -> None:
        """The same seat at the same camera goes on, perhaps with an emergency now."""
        if (token.camera, token.person, token.station) != (self.token.camera, self.person, self.station):
            raise PtzRefused("another seat")
        self.token, self.rank, self.articles = token, token.rank, token.articles


class PtzDesk:
    """All sticks of one recorder. ``source_of`` finds a camera, ``head_of`` opens its head (None: it has none)."""

    def __init__(
        self, *, clock: Clock, web_key: Callable[[], bytes], source_of: Callable[[UUID], Source | None],
        head_of: Callable[[Source], Head | None], report: Report, file: Path,
        cameras: Callable[[], list[UUID]] = list,
    ) -> None:  # fmt: skip
        self._clock, self._web_key, self._report = clock, web_key, report
        self._source_of, self._head_of, self._cameras = source_of, head_of, cameras
        self._file = file
        self._sticks: dict[UUID, Stick] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._own: list[asyncio.Task[None]] = []
        self._rows: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(maxsize=ROWS_MAX)
        self._open: dict[UUID, Emergency] = {}
        # ended before their time: a token that still names one opens nothing again
        self._ended_early: dict[UUID, int] = {}
        self._ended_file = file.with_name("ptz-ended.json")
        self._looked: dict[UUID, float] = {}
        self._refused: Counter[str] = Counter()
        self.sessions = 0

    async def start(self) -> None:
        """Begin; emergencies that were open when the recorder died end as they would have."""
        self._open = await asyncio.to_thread(_read, self._file)
        self._ended_early = await asyncio.to_thread(_read_ended, self._ended_file, self._clock.now_s())
        loop = asyncio.get_running_loop()
        self._own = [loop.create_task(work) for work in (self._writing(), self._minding())]

    async def stop(self) -> None:
        """Every head stands, every row is written."""
        for task in [*self._tasks.values(), *self._own[1:]]:
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._own[1:], return_exceptions=True)
        self._tell_refused()
        await self._rows.join()
        for task in self._own[:1]:
            task.cancel()
        await asyncio.gather(*self._own, return_exceptions=True)
        self._tasks.clear()
        self._sticks.clear()

    # -- sessions

    async def handle(self, connection: ServerConnection) -> None:
        """One connection to ``/ptz``, until it ends or its tokens do."""
        if self.sessions >= SESSIONS_MAX:
            await connection.close(BUSY, "too many")
            return
        self.sessions += 1
        try:
            async with asyncio.timeout(FIRST_TOKEN_S):
                token = self._verify(_said(await connection.recv()).get("token"))
            await self._serve(connection, Session(connection, token))
        except (PtzRefused, TimeoutError) as error:
            code = error.code if isinstance(error, PtzRefused) else "silent"
            self._refused[code] += 1
            await connection.close(EXPIRED if code == "expired" else REFUSED, code)
        except ConnectionClosed:
            pass
        finally:
            self.sessions -= 1

    async def _serve(self, connection: ServerConnection, session: Session) -> None:
        stick = self._stick(session.token.camera)
        if stick is None:
            session.tell({"type": "refused", "code": "no_ptz", "articles": [], "ko": "조작할 수 있는 장치가 없습니다.",
                          "en": "There is no head to steer."})  # fmt: skip
            raise PtzRefused("no head")
        if len(stick.hands) >= SESSIONS_A_CAMERA:
            raise PtzRefused("full")
        await self._enter(stick, session)
        stick.join(session)
        recent: list[float] = []
        loop = asyncio.get_running_loop()
        try:
            while True:
                left = session.token.expires - self._clock.now_us() / 1e6
                try:
                    async with asyncio.timeout(max(left, 0)):
                        message = _said(await connection.recv())
                except TimeoutError as error:
                    raise PtzRefused("expired") from error
                now = loop.time()
                recent = [at for at in recent if now - at < 1] + [now]
                if len(recent) > MESSAGES_A_SECOND:
                    raise PtzRefused("too many messages")
                await self._take(stick, session, message)
        finally:
            stick.leave(session)
            stick.used_at = loop.time()

    async def _take(self, stick: Stick, session: Session, message: dict[str, Any]) -> None:
        if "token" in message:
            session.renew(self._verify(message["token"]))
            await self._enter(stick, session)
        elif message.get("end"):
            await self._end(stick, session)
        elif message.get("presets"):
            session.tell({"type": "presets", "presets": stick.presets()})
        elif message.get("stop"):
            stick.ask(session, "stop")
        elif message.get("home"):
            stick.ask(session, "home")
        elif "move" in message:
            stick.ask(session, "move", Pace(*_numbers(message["move"], -1, 1)))
        elif "to" in message:
            stick.ask(session, "to", Spot(*_numbers(message["to"], -1, 1)))
        elif isinstance(message.get("goto"), str) and len(message["goto"]) <= 100:
            stick.ask(session, "goto", message["goto"])
        else:
            raise PtzRefused("malformed")

    async def _enter(self, stick: Stick, session: Session) -> None:
        """An emergency in the token begins or is extended; it is on disk before the zone opens."""
        token = session.token
        if token.emergency is None or token.until <= self._clock.now_s() or token.emergency in self._ended_early:
            return
        known = self._open.get(stick.camera)
        if known != Emergency(token.emergency, token.until) and not (known and known.until > token.until):
            self._open[stick.camera] = Emergency(token.emergency, token.until)
            await asyncio.to_thread(_write, self._file, dict(self._open))
        stick.emergency = self._open[stick.camera]
        stick.returning = False
        session.tell({"type": "emergency", "left": stick.emergency.until - self._clock.now_s()})

    async def _end(self, stick: Stick, session: Session) -> None:
        """Who holds it ends it before its time (조기 종료); the head goes home now."""
        ended = stick.emergency
        if ended is None or session.token.emergency != ended.id:
            return
        self._ended_early[ended.id] = self._clock.now_s() + ENDED_S
        if len(self._ended_early) > ENDED_MAX:
            del self._ended_early[next(iter(self._ended_early))]
        # on disk first: a recorder that starts again must not take a token that names it
        await asyncio.to_thread(_save, self._ended_file, {str(i): at for i, at in self._ended_early.items()})
        self._open[stick.camera] = stick.emergency = Emergency(ended.id, self._clock.now_s())
        await asyncio.to_thread(_write, self._file, dict(self._open))
        session.rank = min(session.rank, 1)
        stick.come_home()

    def _verify(self, said: Any) -> PtzToken:
        try:
            signed = base64url.from_text(said, MESSAGE_BYTES_MAX)
            token = PtzToken.open(signed, self._web_key())
        except (ValueError, TypeError) as error:
            raise PtzRefused("forged" if isinstance(error, BadSignature) else "malformed") from error
        except OSError as error:
            raise PtzRefused("no web key") from error
        now = self._clock.now_s()
        if token.expires <= now:
            raise PtzRefused("expired")
        if token.expires > now + TOKEN_MAX_S:
            raise PtzRefused("too long")
        return token

    # -- sticks

    def _stick(self, camera: UUID) -> Stick | None:
        """The camera's stick, begun when it is first asked for; None when the camera or its head is not here."""
        found = self._sticks.get(camera)
        if found is not None:
            return found
        source = self._source_of(camera)
        if source is None or not source.device.get("ptz"):
            return None
        try:
            self._zone(source)
            head = self._head_of(source)
        except (BadZone, ValueError, HeadRefused) as error:
            log.error("%s cannot be steered: %s", source.label, error)
            return None
        if head is None:
            return None

        def zone() -> Zone:
            now = self._source_of(camera)
            return self._zone(now or source)

        stick = Stick(
            camera=camera, agency=source.agency, head=head, zone=zone, clock=self._clock, row=self._put,
            over=self._over,
        )  # fmt: skip
        if known := self._open.get(camera):
            stick.emergency = known
        self._sticks[camera] = stick
        self._tasks[camera] = asyncio.get_running_loop().create_task(stick.run())
        self._tasks[camera].add_done_callback(lambda task: self._ended(camera, task))
        return stick

    def _zone(self, source: Source) -> Zone:
        return zone_of(source.device["ptz"], self._clock.local().time())

    def _ended(self, camera: UUID, task: asyncio.Task[None]) -> None:
        self._sticks.pop(camera, None)
        self._tasks.pop(camera, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a stick ended", exc_info=task.exception())

    def _over(self, camera: UUID) -> None:
        """The head is home again: nothing is owed for this camera."""
        if self._open.pop(camera, None) is not None:
            task = asyncio.get_running_loop().create_task(asyncio.to_thread(_write, self._file, dict(self._open)))
            self._own.append(task)

    async def _minding(self) -> None:
        """Once a second: what is owed a way home, what strayed, what nobody needs any more."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            self._tell_refused()
            self._own = self._own[:2] + [task for task in self._own[2:] if not task.done()]
            for camera in list(self._open):
                self._stick(camera)
            self._stray(loop.time())
            for camera, stick in list(self._sticks.items()):
                if self._source_of(camera) is None:
                    # another recorder holds the camera now, and its way home
                    self._open.pop(camera, None)
                    self._tasks[camera].cancel()
                elif stick.hands or stick.returning or stick.emergency or camera in self._open:
                    stick.used_at = loop.time()
                elif loop.time() - stick.used_at > 5.0:
                    self._tasks[camera].cancel()

    def _tell_refused(self) -> None:
        """Refused tokens of this second, one row for each reason: a flood must not fill the queue of rows."""
        refused, self._refused = self._refused, Counter()
        for code, count in refused.items():
            self._put("recorder.ptz.token.refused", {"outcome": "refused", "reason": code, "count": count})

    def _stray(self, now: float) -> None:
        """One camera a second at most is looked at once a minute: a head outside its zone is brought home."""
        for camera, stick in self._sticks.items():
            if stick.at is None or stick.returning or stick.emergency or stick.moving:
                continue
            source = self._source_of(camera)
            if source is not None and not inside(self._zone(source), stick.at):
                self._put("recorder.ptz.strayed", {"outcome": "done", "cameras": [camera], "agency": stick.agency,
                                                   "at": spelt(stick.at)})  # fmt: skip
                stick.come_home()
        due = next((c for c in self._cameras() if now - self._looked.get(c, -LOOK_S) >= LOOK_S), None)
        if due is not None:
            self._looked[due] = now
            stick_due = self._stick(due)
            if stick_due is not None:
                stick_due.used_at = max(stick_due.used_at, now)

    # -- rows

    def _put(self, kind: str, detail: dict[str, Any]) -> None:
        try:
            self._rows.put_nowait((kind, detail))
        except asyncio.QueueFull:
            log.error("rows of steering wait for the disk: every stick is let go")
            for stick in self._sticks.values():
                stick.halt()

    async def _writing(self) -> None:
        while True:
            kind, detail = await self._rows.get()
            try:
                # the report is fsynced: never in the loop's thread
                await asyncio.to_thread(self._report, kind, detail)
            except Exception:
                log.exception("a row of steering could not be written")
            finally:
                self._rows.task_done()


def _said(text: str | bytes) -> dict[str, Any]:
    try:
        said = json.loads(text) if len(text) <= MESSAGE_BYTES_MAX else None
    except ValueError as error:
        raise PtzRefused("malformed") from error
    if not isinstance(said, dict):
        raise PtzRefused("malformed")
    return said


def _numbers(value: Any, least: float, most: float) -> list[float]:
    fine = isinstance(value, list) and len(value) == 3
    if not fine or not all(
        isinstance(n, int | float) and not isinstance(n, bool) and least <= n <= most for n in value
    ):
        raise PtzRefused("malformed")
    return [float(n) for n in value]


def _read(file: Path) -> dict[UUID, Emergency]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        said = json.loads(file.read_text())
        return {UUID(camera): Emergency(UUID(row["id"]), int(row["until"])) for camera, row in said.items()}
    return {}


def _read_ended(file: Path, now_s: int) -> dict[UUID, int]:
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        return {UUID(id_): int(at) for id_, at in json.loads(file.read_text()).items() if int(at) > now_s}
    return {}


def _write(file: Path, rows: dict[UUID, Emergency]) -> None:
    _save(file, {str(camera): {"id": str(e.id), "until": e.until} for camera, e in rows.items()})


def _save(file: Path, said: dict[str, Any]) -> None:
    part = file.with_suffix(".tmp")
    with part.open("w") as handle:
        handle.write(json.dumps(said))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(part, file)
