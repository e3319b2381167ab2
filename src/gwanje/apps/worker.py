"""Worker (작업 서비스): the ledger's sequencer, the spool of facts, and the queue of jobs, each supervised by itself.

Nothing here holds state that matters: every step is a transaction or a file that is replaced whole, so the process
may be killed at any line. PostgreSQL or vaultd away is a pause with back-off, never the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import procrastinate
import psycopg

from gwanje.apps.jobs import jobs
from gwanje.apps.outside import Outside
from gwanje.kernel import database, events, footage, ledger, refusals
from gwanje.kernel.events import Event
from gwanje.kernel.home import Home
from gwanje.kernel.ledger.publish import folder, published
from gwanje.kernel.ledger.sequence import BATCH, LedgerBroken, Sequencer, origin
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

TAIL_EVERY_S = 5.0
SEQUENCE_EVERY_S = 0.25
CHECKPOINT_EVERY_S = 0.5
SPOOL_EVERY_S = 1.0
HOUSE_EVERY_S = 20.0
HOURS_EVERY_S, HOURS_A_ROUND = 20.0, 100
PAUSE_S = (0.2, 5.0)
STOP_LIMIT_S = 2.5
DIES_A_ROUND = 5000
# facts that a person must see at once, beside their rows
ALARMED = ("vault.code.lapsed", "vault.code.locked")
log = logging.getLogger("gwanje.worker")


class Worker:
    """One worker process over one data folder; ``run`` returns after ``stop``, within 3 s."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._stop = threading.Event()
        self._said: dict[str, str] = {}

    def stop(self) -> None:
        """Ask everything to end."""
        self._stop.set()

    # --- loops ----------------------------------------------------------------------------------------------------

    def _supervise(self, name: str, work: Callable[[Any], float]) -> None:
        """Run ``work`` on a connection of its own for ever; a fault costs the connection and a growing pause."""
        pause = PAUSE_S[0]
        while not self._stop.is_set():
            try:
                with database.connect(self.home) as connection:
                    while not self._stop.is_set():
                        rest = work(connection)
                        self._well(name)
                        pause = PAUSE_S[0]
                        self._stop.wait(rest)
            except Exception as error:
                # whatever it was, the other loops go on, and this one comes back with a new connection
                self._ill(name, error)
                self._stop.wait(pause)
                pause = min(pause * 2, PAUSE_S[1])

    def _ill(self, name: str, error: Exception) -> None:
        away = isinstance(error, psycopg.OperationalError | VaultAway)
        text = type(error).__name__ if away else f"{type(error).__name__}: {error}"
        if self._said.get(name) != text:
            self._said[name] = text
            log.warning("%s pauses: %s", name, text, exc_info=not away)

    def _well(self, name: str) -> None:
        if self._said.pop(name, None) is not None:
            log.info("%s goes on", name)

    def sequencer(self) -> Callable[[Any], float]:
        """Give committed rows their index, and ask vaultd for a checkpoint at most twice a second."""
        client = VaultClient(self.home, "worker")
        asked, whole = [-CHECKPOINT_EVERY_S], [False]

        def work(connection: Any) -> float:
            if not whole[0] and not self._whole(connection, client):
                return TAIL_EVERY_S
            whole[0] = True
            sequencer = Sequencer(connection, origin(self.home.centre), client)
            done = sequencer.step()
            # a pace, not a legal time: a clock that is set back must not stop the checkpoints
            if monotonic() - asked[0] >= CHECKPOINT_EVERY_S:
                asked[0] = monotonic()
                self._checkpoint(connection, sequencer)
            return 0.0 if done >= BATCH else SEQUENCE_EVERY_S

        return work

    def _whole(self, connection: Any, client: VaultClient) -> bool:
        """A database from a backup ends before what was signed: its next row would take a lost one's place."""
        seen = published(folder(self.home))
        # what was published says it, too: a vaultd that is away costs no index
        with contextlib.suppress(VaultAway, VaultRefused):
            seen = max(seen, client.status().head)
        with connection.cursor() as cursor:
            size = ledger.size(cursor)
        if size < seen:
            self._ill("sequencer", LedgerBroken(f"{size} of {seen} rows: gwanje restore"))
            self._alarm(connection, "ledger.tail.missing", {"rows": size, "signed": seen})
        return size >= seen

    def _checkpoint(self, connection: Any, sequencer: Sequencer) -> None:
        """A vaultd that is away costs a checkpoint, no index; a refusal is an alarm: somebody rewrote the past."""
        try:
            sequencer.checkpoint()
        except VaultAway as away:
            self._ill("checkpoint", away)
        except (VaultRefused, LedgerBroken) as refused:
            self._ill("checkpoint", refused)
            self._alarm(connection, "ledger.checkpoint.refused", {"why": str(refused)[:500]})
        else:
            self._well("checkpoint")

    def _alarm(self, connection: Any, kind: str, body: dict[str, Any]) -> None:
        since = self.home.clock.now() - timedelta(hours=1)
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("select 1 from event where kind = %s and at > %s limit 1", [kind, since])
            if cursor.fetchone() is None:
                events.emit(cursor, self.home.clock, Event(kind, "worker", severity=3, body=body))

    def spool(self) -> Callable[[Any], float]:
        """Move spooled facts of media and vaultd into the ledger."""

        def work(connection: Any) -> float:
            refusals.drain(self.home, connection, self.home.clock, self._told)
            return SPOOL_EVERY_S

        return work

    def _told(self, cursor: Any, id_: UUID, kind: str) -> None:
        """A fact that is an alarm, too: once, whatever was killed, because its id is the event's."""
        if kind in ALARMED:
            cursor.execute("select 1 from event where id = %s", [id_])
            if cursor.fetchone() is None:
                events.emit(cursor, self.home.clock, Event(kind, "worker", severity=3, id=id_))

    def house(self) -> Callable[[Any], float]:
        """Turn finished minutes of anonymous refusals into rows; erase openings whose date has come."""

        def work(connection: Any) -> float:
            if self.home.clock.settable:
                believe_settable(self.home)
            with connection.transaction(), connection.cursor() as cursor:
                ledger.flush_refusals(cursor, self.home.clock)
            with connection.transaction(), connection.cursor() as cursor:
                erased = ledger.erase_due(cursor, self.home.clock.now(), DIES_A_ROUND)
                if erased:
                    detail = {"openings": erased}
                    entry = ledger.Entry("ledger.openings.erased", "done", detail=detail, dies="destruction")
                    ledger.append(cursor, self.home.clock, entry)
            return 1.0 if erased == DIES_A_ROUND else HOUSE_EVERY_S

        return work

    def hours(self) -> Callable[[Any], float]:
        """Sum the hours of the footage index that have changed: the retention page reads sums, not every row."""

        def work(connection: Any) -> float:
            for _ in range(HOURS_A_ROUND):
                with connection.transaction(), connection.cursor() as cursor:
                    if not footage.sum_hour(cursor):
                        return HOURS_EVERY_S
                if self._stop.is_set():
                    break
            return 1.0

        return work

    # --- jobs -----------------------------------------------------------------------------------------------------

    async def _jobs(self) -> None:
        """procrastinate for ever; its queue is in PostgreSQL, so a fault loses nothing."""
        pause = PAUSE_S[0]
        while not self._stop.is_set():
            app = procrastinate.App(
                connector=procrastinate.PsycopgConnector(conninfo=database.dsn(self.home), min_size=1, max_size=4)
            )
            app.add_tasks_from(jobs, namespace="gwanje")
            try:
                async with app.open_async():
                    await self._tidy(app)
                    self._well("jobs")
                    pause = PAUSE_S[0]
                    await app.run_worker_async(
                        concurrency=2,
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=1,
                        fetch_job_polling_interval=5,
                        delete_jobs="successful",
                    )
            except Exception as error:
                self._ill("jobs", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_S[1])

    async def _tidy(self, app: procrastinate.App) -> None:
        """Jobs that a killed worker left half done are put back; every job may run twice."""
        await app.job_manager.prune_stalled_workers(30)
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=30):
            with contextlib.suppress(procrastinate.exceptions.AlreadyEnqueued):
                await app.job_manager.retry_job(job)
        await app.job_manager.delete_old_jobs(nb_hours=24 * 7, include_failed=True)

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def end() -> None:
            self.stop()
            ended.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end)
        work = asyncio.create_task(self._jobs(), name="jobs")
        await ended.wait()
        work.cancel()
        await asyncio.wait([work], timeout=STOP_LIMIT_S / 2)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT."""
        threads = [
            threading.Thread(target=self._supervise, args=(name, work), name=name, daemon=True)
            for name, work in (
                ("sequencer", self.sequencer()),
                ("spool", self.spool()),
                ("house", self.house()),
                ("hours", self.hours()),
                ("outside", Outside(self.home, self._alarm).step),
            )
        ]
        for thread in threads:
            thread.start()
        # not asyncio.run: it would wait for a job's thread, and every job may be killed
        loop = asyncio.new_event_loop()
        loop.run_until_complete(self._main())
        for thread in threads:
            thread.join(STOP_LIMIT_S / 6)
        return 0


def believe_settable(home: Home) -> None:
    """In a folder with a settable clock the database believes that clock's dates; nowhere else can this be said."""
    if not home.clock.settable:
        raise PermissionError("this data folder has no settable clock")
    with database.connect(home, "owner") as owner:
        owner.execute("insert into ledger_setting values ('clock', 'settable') on conflict do nothing")


def main(home: Home) -> int:
    """Process entry: Django for the jobs, then the loops; leaves hard, because every step may be killed."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    code = Worker(home).run()
    logging.shutdown()
    os._exit(code)
