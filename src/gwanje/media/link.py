"""Link to PostgreSQL (데이터베이스 연결): sources in, index rows out, in a thread of its own.

Recording never waits for it: while the database is away sources come from a cache on disk (credentials in it are
sealed to this recorder) and rows wait in the spool.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gwanje.kernel.footage import Cursor
from gwanje.kernel.sources import Source, sources
from gwanje.media.spool import IndexSpool

POLL_S = 2.0
AWAY_MAX_S = 5.0
SEEN_EVERY = 5
log = logging.getLogger(__name__)
Connect = Callable[[], contextlib.AbstractContextManager[psycopg.Connection[Any]]]


def save_sources(path: Path, rows: Sequence[Source]) -> None:
    """Write the cache whole; it holds sealed credentials only."""
    part = path.with_suffix(".tmp")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump([{**asdict(row), "camera": str(row.camera), "agency": str(row.agency)} for row in rows], file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def cached_sources(path: Path) -> list[Source]:
    """The cache, empty when there is none."""
    try:
        rows = json.loads(path.read_text())
        return [Source(**{**row, "camera": UUID(row["camera"]), "agency": UUID(row["agency"])}) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("the cache of sources cannot be read: %s", type(error).__name__)
        return []


class DatabaseLink:
    """The thread. ``changed`` is called in it with the list of sources whenever that differs from the last.

    Without ``changed`` it forwards rows only: a node of a fleet learns its cameras from its leases.
    """

    def __init__(
        self, *, connect: Connect, spool: IndexSpool, cache: Path, register: Callable[[Cursor], object],
        changed: Callable[[list[Source]], None] | None,
    ) -> None:  # fmt: skip
        self._connect = connect
        self._spool = spool
        self._cache = cache
        self._register = register
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)
        self._last: list[Source] | None = None
        self.away = True

    def start(self) -> None:
        """Begin; what the cache holds is told at once."""
        cached = cached_sources(self._cache) if self._changed else []
        if cached:
            self._tell(cached)
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """End, with one last try to forward."""
        self._stop.set()
        self._thread.join(wait_s)

    def _tell(self, rows: list[Source]) -> None:
        if self._changed and rows != self._last:
            self._last = rows
            self._changed(rows)

    def _run(self) -> None:
        pause = POLL_S
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    self._serve(connection)
                pause = POLL_S
            except (psycopg.Error, OSError) as error:
                if not self.away:
                    log.warning("the database is away, rows wait in the spool: %s", type(error).__name__)
                self.away = True
                self._sync()
                self._stop.wait(pause)
                pause = min(pause * 1.5, AWAY_MAX_S)

    def _sync(self) -> None:
        try:
            self._spool.sync()
        except OSError as error:
            log.error("the spool cannot be written: %s", error.strerror)

    def _follow(self, transaction: Callable[[], contextlib.AbstractContextManager[Cursor]]) -> None:
        rows: list[Source] = []
        if self._changed:
            with transaction() as cursor:
                rows = sources(cursor)
        if self.away:
            log.info("the database is there: %d sources, %d bytes wait", len(rows), self._spool.waiting)
            self.away = False
        if self._changed and rows != self._last:
            save_sources(self._cache, rows)
            self._tell(rows)

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        @contextlib.contextmanager
        def transaction() -> Iterator[Cursor]:
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor

        # a forwarder that is stopped in the middle must not hold its locks
        connection.execute("select set_config('idle_in_transaction_session_timeout', '5s', false)")
        rounds = 0
        while True:
            last = self._stop.is_set()
            if rounds % SEEN_EVERY == 0:
                with transaction() as cursor:
                    self._register(cursor)
            self._follow(transaction)
            self._sync()
            self._spool.forward(transaction)
            if last:
                return
            rounds += 1
            self._stop.wait(POLL_S)
