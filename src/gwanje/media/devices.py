"""Device tasks in the recorder (장치 작업 수행): takes them from PostgreSQL, does them, answers without secrets.

A thread of its own holds the database connection; the work itself runs in the recorder's loop, four tasks at once.
Events of devices whose source asks for them go the same way. Nothing here touches the packet path, and while the
database is away nothing here happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from gwanje.kernel import devices, events
from gwanje.kernel.clock import Clock
from gwanje.kernel.devices import DONE, FAILED, Task
from gwanje.media.auth import Credentials
from gwanje.media.link import Connect
from gwanje.media.onvif import tasks
from gwanje.media.onvif.session import Place
from gwanje.media.onvif.tasks import Job
from gwanje.media.tls import NotTrusted, trust_of

POLL_S = 0.5
AWAY_S = 3.0
AT_ONCE = 4
EVENTS_MAX = 1000
WHOLE_S = 60.0
SECRET_MIN = 3
Unseal = Callable[[bytes, UUID, str], Credentials]
Answer = tuple[str, dict[str, Any]]
log = logging.getLogger(__name__)


def scrubbed(said: Any, secrets: tuple[str, ...], depth: int = 0) -> Any:
    """Plain JSON without any of the secrets, whatever the device repeated; deeper than 12 levels is cut off."""
    if isinstance(said, str):
        for secret in secrets:
            said = said.replace(secret, "…")
        return said
    if depth > 12:
        return None
    if isinstance(said, Mapping):
        return {scrubbed(str(k), secrets): scrubbed(v, secrets, depth + 1) for k, v in said.items()}
    if isinstance(said, list | tuple):
        return [scrubbed(v, secrets, depth + 1) for v in said]
    return said


async def work(task: Task, account: Credentials | None, clock: Clock) -> Answer:
    """Do one task; outcome and answer, never an exception of the device's making."""
    try:
        async with asyncio.timeout(WHOLE_S):
            answer = await _work(task, account, clock)
    except TimeoutError:
        return FAILED, _failed("정해진 시간 안에 마치지 못했습니다", "not finished in time")
    except NotTrusted as error:
        return FAILED, _failed("기기 인증서를 신뢰할 수 없습니다", str(error))
    except Exception as error:
        # one task's mistake costs that task; its text might hold what a device said, so only its kind is logged
        log.error("a device task failed: %s", type(error).__name__)
        return FAILED, _failed("작업 중 오류가 났습니다", type(error).__name__)
    secrets = (account.password,) if account and len(account.password) >= SECRET_MIN else ()
    useful = any(value for key, value in answer.items() if key != "faults")
    return (DONE if useful or not answer["faults"] else FAILED), scrubbed(answer, secrets)


def _failed(ko: str, en: str) -> dict[str, Any]:
    return {"faults": [{"asked": "task", "fault": "other", "ko": ko, "en": en, "said": "", "status": 0}]}


async def _work(task: Task, account: Credentials | None, clock: Clock) -> dict[str, Any]:
    if task.kind == "discover":
        return await tasks.discover(task.asks)
    try:
        place = Place.of(str(task.asks.get("onvif", "")))
    except ValueError as error:
        return _failed("ONVIF 주소가 맞지 않습니다", str(error))
    job = Job(place, account, clock, trust_of(task.asks))
    does = {"probe": tasks.probe, "configure": tasks.configure, "masks": tasks.put_masks}
    return await does[task.kind](job, task.asks)


@dataclass
class DeviceDesk:
    """The thread between PostgreSQL and the loop. ``unseal``: (box, camera, address) → account, opened here only."""

    connect: Connect
    recorder: UUID
    clock: Clock
    unseal: Unseal
    told_clock: Callable[[UUID, float], None] | None = None
    done: int = 0
    away: bool = True
    lost_events: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _events: queue.Queue[events.Event] = field(default_factory=lambda: queue.Queue(EVENTS_MAX))
    _running: dict[UUID, Future[Answer]] = field(default_factory=dict)
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin, inside the recorder's loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
        self._thread.start()

    def stop(self, wait_s: float = 2.0) -> None:
        """End; tasks that run are given up and free again after 90 s."""
        self._stop.set()
        for future in list(self._running.values()):
            future.cancel()
        if self._thread is not None:
            self._thread.join(wait_s)

    def put(self, event: events.Event) -> None:
        """Pass an event on; the newest is lost, and counted, when a thousand wait."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.lost_events += 1

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self.connect() as connection:
                    self.away = False
                    while not self._stop.wait(POLL_S):
                        self._round(connection)
            except (psycopg.Error, OSError) as error:
                if not self.away:
                    log.warning("device tasks wait for the database: %s", type(error).__name__)
                self.away = True
                self._stop.wait(AWAY_S)

    def _round(self, connection: psycopg.Connection[Any]) -> None:
        for id_ in [key for key, future in self._running.items() if future.done()]:
            self._finish(connection, id_, self._running.pop(id_))
        while len(self._running) < AT_ONCE:
            with connection.transaction(), connection.cursor() as cursor:
                task = devices.take(cursor, self.recorder, self.clock.now())
            if task is None:
                break
            self._begin(task)
        for _ in range(100):
            with contextlib.suppress(queue.Empty):
                event = self._events.get_nowait()
                with connection.transaction(), connection.cursor() as cursor:
                    events.emit(cursor, self.clock, event)
                continue
            break

    def _begin(self, task: Task) -> None:
        assert self._loop is not None
        box = task.sealed_for(self.recorder)
        try:
            address = str(task.asks.get("onvif") or "")
            account = self.unseal(box, task.camera, address) if box and task.camera else None
        except Exception as error:
            log.error("a task's account does not open: %s", type(error).__name__)
            future: Future[Answer] = Future()
            future.set_result(
                (FAILED, _failed("봉인된 접속 계정을 열 수 없습니다", "the sealed account does not open"))
            )
            self._running[task.id] = future
            return
        self._running[task.id] = asyncio.run_coroutine_threadsafe(self._told(task, account), self._loop)

    async def _told(self, task: Task, account: Credentials | None) -> Answer:
        """Do the task; how far the device's clock is off goes to the inspection too (seconds)."""
        outcome, answer = await work(task, account, self.clock)
        offset = answer.get("clock_s")
        if task.camera is not None and self.told_clock is not None and isinstance(offset, int | float):
            self.told_clock(task.camera, float(offset))
        return outcome, answer

    def _finish(self, connection: psycopg.Connection[Any], id_: UUID, future: Future[Answer]) -> None:
        if future.cancelled():
            return
        outcome, answer = future.result()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                devices.finish(cursor, id_, self.recorder, outcome, answer, self.clock.now())
        except devices.BadTask:
            with connection.transaction(), connection.cursor() as cursor:
                said = _failed("장치의 응답이 너무 깁니다", "the device's answer is too long")
                devices.finish(cursor, id_, self.recorder, FAILED, said, self.clock.now())
        self.done += 1
