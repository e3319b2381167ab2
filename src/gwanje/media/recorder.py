"""The recorder (녹화기), assembled: engine, cameras, keys, spool, live server, link to PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor, Segment
from gwanje.kernel.sources import Source, sources
from gwanje.media import recovery
from gwanje.media.drivers.datagrams import STRAYS
from gwanje.media.engine import TICK_S, Engine
from gwanje.media.fleet import LOG_EVERY_S, Fleet, Unseal, live_only
from gwanje.media.inspect.inspector import Inspector
from gwanje.media.keyring import LEAVE_S, KeyRing, Lender
from gwanje.media.leases import LeaseKeeper
from gwanje.media.link import Connect, DatabaseLink
from gwanje.media.live import LiveServer, Report
from gwanje.media.minutes import MinuteBook, Settled, Tails
from gwanje.media.ptz_desk import PtzDesk
from gwanje.media.ptz_heads import onvif_head
from gwanje.media.ring import LiveRing
from gwanje.media.segments import Sealer, Settings, Standstill
from gwanje.media.spool import IndexSpool, Row, SpoolFull
from gwanje.media.transcode.pool import TRANSCODES_MAX

POOLS = 2
SYNC_S = 1.0
BEHIND_US = 2_000_000
LINK_STOP_S = 1.0
INSPECTION_PAUSE_S = 60.0
LIVES_US = 3_000_000
STOOD_US = 1_000_000
log = logging.getLogger(__name__)


class Recorder:
    """All of one recorder in one event loop; ``start`` then ``stop``. The database and vaultd may be away."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        lender: Lender,
        spool: Path,
        unseal: Unseal,
        tick_s: float = TICK_S,
        inspect: bool = False,
    ) -> None:
        self.clock = clock
        self.keys = KeyRing(lender, lambda: clock.tick_us() // 1_000_000)
        self.spool = IndexSpool(spool, clock)
        self.minutes = MinuteBook(settings.writer, self.put)
        self._tails = Tails(settings.store, self.minutes.closed)
        self._pools = tuple(ThreadPoolExecutor(1, thread_name_prefix=f"disk-{n}") for n in range(POOLS))
        self.sealer = Sealer(settings, self.keys, self.put, self._pools)
        self.engine = Engine(clock, self.sealer, tick_s)
        self.engine.stood = self._stood_still
        self.fleet = Fleet(
            clock=clock, engine=self.engine, keys=self.keys, put=self.put, gaps_file=spool / "open-gaps.json",
            unseal=unseal,
        )  # fmt: skip
        self.inspector: Inspector | None = None
        if inspect:
            self.inspector = Inspector(
                clock=clock, cameras=lambda: self.fleet.cameras, store=settings.store, centre=settings.centre,
                writer=settings.writer, put=self.put, pool=self._pools[0], memory=spool / "open-findings.json",
            )  # fmt: skip
        self.live: LiveServer | None = None
        self.ptz: PtzDesk | None = None
        self._ptz_file = spool / "ptz-open.json"
        self.link: DatabaseLink | None = None
        self.leases: LeaseKeeper | None = None
        self.unspooled = 0
        self._behind_us = 0
        self._stood_told, self._stood_untold = float("-inf"), 0
        self._began_us = clock.now_us()
        self._tasks: list[asyncio.Task[None]] = []
        self._sources: asyncio.Queue[list[Source]] = asyncio.Queue(maxsize=16)
        self._failed: asyncio.Future[None] | None = None

    def put(self, row: Row) -> None:
        """Spool a row, from any thread; a spool that is full or ill is counted and said, never raised."""
        if isinstance(row, Segment):
            self.minutes.closed(row)
            if row.closed and row.root is None:
                self._tails.put(row)
        try:
            self.spool.put(row)
        except (OSError, SpoolFull) as error:
            self.unspooled += 1
            if self.unspooled.bit_count() == 1:
                log.error("an index row could not be spooled (%d): %s", self.unspooled, error)

    def ring_of(self, camera: UUID, stream: int) -> LiveRing | None:
        """The live ring of a camera's stream, or None when this recorder does not have it."""
        found = self.fleet.cameras.get(camera)
        return found.rings.get(stream) if found else None

    async def start(self) -> None:
        """Begin the loops. Cameras come by ``apply`` or from the link."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        for work in (self.engine.run(), self.keys.run(), self._syncing(), self._applying()):
            task = loop.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        if self.inspector is not None:
            self._tasks.append(loop.create_task(self._inspecting(self.inspector)))

    async def _inspecting(self, inspector: Inspector) -> None:
        """Whatever the inspection fails at costs the inspection a minute, and recording nothing."""
        while True:
            try:
                await inspector.run()
            except Exception:
                log.exception("the inspection pauses")
            await asyncio.sleep(INSPECTION_PAUSE_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and self._failed and not self._failed.done():
            log.critical("a loop of the recorder ended", exc_info=task.exception())
            self._failed.set_exception(task.exception() or RuntimeError("ended"))

    @property
    def failed(self) -> asyncio.Future[None]:
        """Ends with the exception of a loop that must not end: the process should then be restarted."""
        assert self._failed is not None
        return self._failed

    def connect(self, connect: Connect, cache: Path, register: Callable[[Cursor], object]) -> None:
        """Follow PostgreSQL: sources in, rows out."""
        loop = asyncio.get_running_loop()

        def changed(rows: list[Source]) -> None:
            loop.call_soon_threadsafe(self._offer, rows)

        self.link = DatabaseLink(connect=connect, spool=self.spool, cache=cache, register=register, changed=changed)
        self.link.start()

    def lease(self, connect: Connect, cache: Path, register: Callable[[Cursor], object], recorder: UUID) -> None:
        """Be one node of a fleet: record what is leased to ``recorder``; rows out."""
        loop = asyncio.get_running_loop()
        swept = False

        def changed(rows: list[Source], known: dict[UUID, int] | None) -> None:
            nonlocal swept
            loop.call_soon_threadsafe(self.fleet.known.update, known or {})
            loop.call_soon_threadsafe(self._offer, rows)
            if known is not None and not swept:
                swept = True
                self._sweep({row.slot for row in rows}, connect)

        self.fleet.leased = True
        self.link = DatabaseLink(connect=connect, spool=self.spool, cache=cache, register=register, changed=None)
        self.leases = LeaseKeeper(
            connect=connect, recorder=recorder, cache=cache, register=register, changed=changed, lives=self._lives
        )
        self.link.start()
        self.leases.start()

    def _lives(self) -> bool:
        """Did the tick loop run within the last 3 seconds?"""
        return abs(self.clock.now_us() - self.engine.receiver.now_us) < LIVES_US

    def _sweep(self, slots: set[int], connect: Connect) -> None:
        """Rows of files that this node left open and whose cameras others have now; nobody waits for it."""
        store, before_us = self.sealer.settings.store, self._began_us

        def work() -> None:
            try:
                with connect() as connection, connection.cursor() as cursor:
                    left = recovery.slots_left(store) - slots
                    others = [source for source in sources(cursor) if source.slot in left]
                for source in others:
                    for row in recovery.left_behind(store, source, before_us // 1_000_000, before_us).rows:
                        self.put(row)
            except (psycopg.Error, OSError) as error:
                log.warning("files of earlier leases were not looked through: %s", type(error).__name__)

        threading.Thread(target=work, name="sweep", daemon=True).start()

    def _offer(self, rows: list[Source]) -> None:
        if self._sources.full():
            self._sources.get_nowait()
        self._sources.put_nowait(rows)

    async def serve(
        self, *, port: int, web_port: int, web_key: Callable[[], bytes], report: Report, host: str = "127.0.0.1",
        transcodes_max: int = TRANSCODES_MAX, origins: Sequence[str] = (),
    ) -> int:  # fmt: skip
        """Open the live server; returns its port."""
        self.live = LiveServer(
            clock=self.clock, web_key=web_key, ring_of=self.ring_of, report=report, web_port=web_port,
            health=self.health, transcodes_max=transcodes_max, origins=origins,
        )  # fmt: skip
        self.ptz = PtzDesk(
            clock=self.clock, web_key=web_key, source_of=self.source_of, report=report, file=self._ptz_file,
            head_of=lambda source: onvif_head(source, self.fleet.credentials, self.clock), cameras=self.steered,
        )  # fmt: skip
        self.live.ptz = self.ptz.handle
        await self.ptz.start()
        return await self.live.start(port, host)

    def source_of(self, camera: UUID) -> Source | None:
        """The source of a camera that this recorder holds now."""
        found = self.fleet.cameras.get(camera)
        return found.source if found else None

    def steered(self) -> list[UUID]:
        """Cameras of this recorder that have a zone."""
        return [camera for camera, held in self.fleet.cameras.items() if held.source.device.get("ptz")]

    async def _applying(self) -> None:
        while True:
            rows = await self._sources.get()
            try:
                await self.fleet.apply(rows)
            except ValueError as error:
                log.error("the list of sources cannot be followed: %s", error)

    async def _syncing(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            self._mind_the_clock()
            cameras = [camera.recorder for camera in self.fleet.cameras.values() if not live_only(camera.source)]
            now_s = self.clock.tick_us() // 1_000_000
            for camera in cameras:
                camera.leave(now_s - LEAVE_S)
            try:
                await asyncio.get_running_loop().run_in_executor(self._pools[0], self._keep, now_s, cameras)
            except OSError as error:
                log.error("the spool cannot be written: %s", error.strerror)

    def _keep(self, now_s: int, cameras: Sequence[Settled]) -> None:
        """In a pool thread: this second's share of the minute, and the spool to the disk."""
        try:
            self.minutes.tick(now_s, cameras)
        except Exception:
            # a minute without its row costs evidence of that minute, not the recording
            log.exception("a minute could not be sealed")
        self.spool.sync()

    def _stood_still(self, still: Standstill) -> None:
        """In a fleet what is read late is filed under seconds that may be another's by now: each camera has a row."""
        length_us = still.until_us - still.first_us
        if length_us < STOOD_US:
            return
        now, self._stood_untold = asyncio.get_running_loop().time(), self._stood_untold + 1
        if now - self._stood_told >= LOG_EVERY_S:
            log.warning("%s: %s (%d since it was said last)", still.reason, still.detail, self._stood_untold)
            self._stood_told, self._stood_untold = now, 0
        if self.fleet.leased:
            still.told = True
            for camera in self.fleet.cameras.values():
                camera.gaps.whole(still.reason, still.first_us, still.until_us, still.detail)

    def _mind_the_clock(self) -> None:
        """A wall clock that went back: ticks stand still until it has caught up, and a row says so."""
        behind = self.clock.tick_us() - self.clock.now_us()
        if behind > BEHIND_US and not self._behind_us:
            self._behind_us = behind
            log.warning("the wall clock went back by %.1f s; ticks stand still", behind / 1e6)
        elif self._behind_us and behind <= 0:
            now = self.clock.tick_us()
            detail = f"the clock went back by {self._behind_us / 1e6:.0f} s; its pictures lie under one second"
            for camera in self.fleet.cameras.values():
                camera.gaps.whole("clock", now - self._behind_us, now, detail)
            self._behind_us = 0

    def health(self) -> dict[str, Any]:
        """Figures for the supervisor; no camera is named."""
        fleet = self.fleet.cameras.values()
        return {
            "ok": True,
            "cameras": len(fleet),
            "recording": sum(1 for c in fleet if c.recorder.parts and c.gaps.open is None),
            "gaps": sum(1 for c in fleet if c.gaps.open is not None),
            "viewers": self.live.viewers if self.live else 0,
            "transcodes": len(self.live.transcodes) if self.live else 0,
            "keys": self.keys.lent,
            "database": self.link is not None and not self.link.away,
            "leases": self.leases is not None and not self.leases.away,
            "spool_bytes": self.spool.waiting,
            "late_ms_max": round(self.engine.late_ms_max, 1),
            "udp": dict(STRAYS),
            **asdict(self.sealer.counters),
            **(self.inspector.health() if self.inspector else {}),
        }

    async def stop(self) -> None:
        """Seal what is whole, trailers, rows, fsync; within 3 s unless the disk is slower."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.ptz is not None:
            await self.ptz.stop()
        await self.fleet.stop()
        if self.live is not None:
            await self.live.stop()
        for pool in self._pools:
            await asyncio.to_thread(pool.shutdown)
        self._tails.stop()
        self.minutes.end(self.clock.tick_us() // 1_000_000)
        if self.link is not None:
            await asyncio.to_thread(self.link.stop, LINK_STOP_S)
        if self.leases is not None:
            await asyncio.to_thread(self.leases.stop, LINK_STOP_S)
        self.spool.close()
