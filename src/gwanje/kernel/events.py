"""Events (사건·알림): a row is the truth, NOTIFY is only the bell, and a listener replays by number.

``seq`` follows commit order: ``emit`` takes a lock that lasts until its transaction ends, so emit last in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from gwanje.kernel import database
from gwanje.kernel.clock import Clock
from gwanje.kernel.event_words import worded
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7

CHANNEL = "gwanje_event"
BODY_MAX = 16 * 1024
PAGE_MAX = 500
SEVERITIES = ("info", "notice", "warning", "alarm", "emergency")
_LOCK = 0x67776576
log = logging.getLogger(__name__)


class BadEvent(ValueError):
    """The event passes a limit; nothing was written."""


@dataclass(frozen=True)
class Event:
    """One envelope: what happened (``kind``), who says so, when, where (lon, lat in degrees), how grave (0-4).

    ``agency`` None: every agency of the centre may see it. ``seq`` is given by ``emit``.
    """

    kind: str
    source: str
    severity: int = 0
    place: tuple[float, float] | None = None
    cameras: Sequence[UUID] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    agency: UUID | None = None
    situation: UUID | None = None
    at_us: int | None = None
    id: UUID = field(default_factory=uuid7)
    seq: int = 0
    acknowledged_by: UUID | None = None
    acknowledged_us: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What a browser gets."""
        return {
            "id": str(self.id),
            "seq": self.seq,
            "kind": self.kind,
            "source": self.source,
            "severity": SEVERITIES[self.severity],
            "at_us": self.at_us,
            "place": list(self.place) if self.place else None,
            "cameras": [str(c) for c in self.cameras],
            "body": worded(self.kind, self.body),
            "situation": str(self.situation) if self.situation else None,
            "acknowledged_by": str(self.acknowledged_by) if self.acknowledged_by else None,
            "acknowledged_us": self.acknowledged_us,
        }


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def _us(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1e6)


def emit(cursor: Cursor, clock: Clock, event: Event) -> Event:
    """Write the row and ring the bell, both at commit; the event with its seq and time. BadEvent over a limit."""
    body = json.dumps(dict(event.body), ensure_ascii=False)
    if len(body.encode()) > BODY_MAX or not 0 <= event.severity < len(SEVERITIES) or len(event.cameras) > 256:
        raise BadEvent("사건 기록이 한도를 넘습니다 / body over 16 KiB, severity outside 0-4, or over 256 cameras")
    at_us = clock.now_us() if event.at_us is None else event.at_us
    lon, lat = event.place or (None, None)
    # the lock is held until commit: a reader who saw seq n can never be overtaken by a smaller one
    cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    # no "returning": whoever may not see another agency's event may still have to report it
    cursor.execute("select nextval('event_seq')")
    seq = int(cursor.fetchone()[0])
    cursor.execute(
        "insert into event (id, seq, kind, source, at, lon, lat, severity, cameras, agency, situation, body) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s::jsonb)",
        [
            *(event.id, seq, event.kind, event.source, _moment(at_us), lon, lat, event.severity),
            *(list(event.cameras), event.agency, event.situation, body),
        ],
    )
    cursor.execute("select pg_notify(%s, %s)", [CHANNEL, str(seq)])
    return replace(event, seq=seq, at_us=at_us)


_COLUMNS = "id, seq, kind, source, at, lon, lat, severity, cameras, agency, situation, body, " \
    "acknowledged_by, acknowledged_at"  # fmt: skip


def _event(row: Sequence[Any]) -> Event:
    id_, seq, kind, source, at, lon, lat, severity, cameras, agency, situation, body, by, by_at = row
    return Event(
        id=id_,
        seq=seq,
        kind=kind,
        source=source,
        at_us=_us(at),
        place=None if lon is None or lat is None else (lon, lat),
        severity=severity,
        cameras=tuple(cameras),
        agency=agency,
        situation=situation,
        body=json.loads(body) if isinstance(body, str) else body,
        acknowledged_by=by,
        acknowledged_us=_us(by_at),
    )


def after(cursor: Cursor, seq: int, limit: int = 100) -> list[Event]:
    """Events with a greater seq, oldest first, 500 at most."""
    cursor.execute(
        f"select {_COLUMNS} from event where seq > %s order by seq limit %s", [seq, max(1, min(limit, PAGE_MAX))]
    )
    return [_event(row) for row in cursor.fetchall()]


def latest(cursor: Cursor, limit: int = 50) -> list[Event]:
    """The newest events, newest first."""
    cursor.execute(f"select {_COLUMNS} from event order by seq desc limit %s", [max(1, min(limit, PAGE_MAX))])
    return [_event(row) for row in cursor.fetchall()]


def acknowledge(cursor: Cursor, clock: Clock, event: UUID, person: UUID) -> bool:
    """The first acknowledgement stays; False when the event is unknown or acknowledged already."""
    cursor.execute(
        "update event set acknowledged_by = %s, acknowledged_at = %s where id = %s and acknowledged_by is null "
        "returning seq",
        [person, clock.now(), event],
    )
    found = cursor.fetchone()
    if found is not None:
        cursor.execute("select pg_notify(%s, %s)", [CHANNEL, str(found[0])])
    return found is not None


class Listener:
    """One LISTEN connection a process, fanned out to many readers; supervised, with heartbeat and replay.

    A LISTEN connection whose backend was ended stays silent, so it is asked every ``heartbeat_s`` and made anew.
    Readers never depend on the bell: each keeps its own seq and reads the rows.
    """

    READERS_MAX = 600

    def __init__(self, home: Home, heartbeat_s: float = 5.0) -> None:
        self._home, self._heartbeat = home, heartbeat_s
        self._bells: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self.restarts = 0

    async def start(self) -> None:
        """Begin to listen; a second call changes nothing."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._supervise(), name="event-listener")

    async def stop(self) -> None:
        """End the connection and wake every reader."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._ring()

    def _ring(self) -> None:
        for bell in self._bells:
            bell.set()

    async def _supervise(self) -> None:
        pause = 0.2
        while True:
            try:
                await self._listen()
                pause = 0.2
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("event listener: %s, again in %.1f s", type(error).__name__, pause)
            self.restarts += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(database.dsn(self._home), autocommit=True)
        async with connection:
            await connection.execute(f"listen {CHANNEL}")
            self._ring()  # what was emitted while nobody listened is in the rows
            while True:
                async for _ in connection.notifies(timeout=self._heartbeat, stop_after=1):
                    self._ring()
                await asyncio.wait_for(connection.execute("select 1"), self._heartbeat)

    async def read(self, seq: int, wait_s: float = 15.0) -> AsyncIterator[list[Event]]:
        """Pages of events beyond ``seq`` for ever; an empty page every ``wait_s`` is the heartbeat of an SSE stream.

        Raises RuntimeError beyond 600 readers; psycopg.Error when PostgreSQL is away (the browser reconnects).
        """
        if len(self._bells) >= self.READERS_MAX:
            raise RuntimeError("too many readers of events")
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            while True:
                bell.clear()
                page = await self._page(seq)
                if page:
                    seq = page[-1].seq
                    yield page
                    continue
                try:
                    await asyncio.wait_for(bell.wait(), wait_s)
                except TimeoutError:
                    yield []
        finally:
            self._bells.discard(bell)

    async def _page(self, seq: int) -> list[Event]:
        return await asyncio.to_thread(self._page_blocking, seq)

    def _page_blocking(self, seq: int) -> list[Event]:
        with database.connect(self._home) as connection, connection.cursor() as cursor:
            return after(cursor, seq)
