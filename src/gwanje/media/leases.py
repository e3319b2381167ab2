"""Lease keeping of one node (녹화기 임대 유지): heartbeat, planning for all, and the list of what this node records.

A thread and a connection of its own: a long insert of index rows must not delay a heartbeat. Who cannot reach
PostgreSQL goes on with what it had; what that was worth is decided by the database when it is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gwanje.kernel import leases
from gwanje.kernel.footage import Cursor
from gwanje.kernel.sources import Source
from gwanje.media.link import Connect, cached_sources, save_sources

READ_EVERY = 2
AWAY_S = 0.5
HUNG_S = 0.2
# a node that stops in the middle of a transaction must not hold its locks
LIMITS = (
    "select set_config('statement_timeout', '3s', false), "
    "set_config('idle_in_transaction_session_timeout', '2s', false), set_config('lock_timeout', '2s', false)"
)
log = logging.getLogger(__name__)
Changed = Callable[[list[Source], dict[UUID, int] | None], None]


class LeaseKeeper:
    """The thread. ``changed`` is called in it with this node's sources and, for cameras that are new to it, the end
    of what the index has of them (Unix µs; None = sources of the cache, PostgreSQL is away). ``lives``: is the packet
    path at work? A node that hangs must not renew.
    """

    def __init__(
        self, *, connect: Connect, recorder: UUID, cache: Path, register: Callable[[Cursor], object], changed: Changed,
        lives: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._connect = connect
        self._recorder = recorder
        self._cache = cache
        self._register = register
        self._changed = changed
        self._lives = lives
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        self._last: list[Source] | None = None
        self.away = True
        self.moved = 0

    def start(self) -> None:
        """Begin; PostgreSQL is asked first, the cache serves when it is away."""
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """End, and tell the others at once that this node's cameras are free."""
        self._stop.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    self._serve(connection)
            except (psycopg.Error, OSError, LookupError) as error:
                if not self.away or self._last is None:
                    log.warning("leases cannot be renewed, cameras are recorded on: %s", type(error).__name__)
                self.away = True
                if self._last is None:
                    self._tell(cached_sources(self._cache), None)
                self._stop.wait(AWAY_S)

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(LIMITS)
        connection.execute(f"listen {leases.BELL}")
        with connection.transaction(), connection.cursor() as cursor:
            self._register(cursor)
        told, rounds, giving = -1, 0, 0
        while not self._stop.is_set():
            if not self._lives():
                self._stop.wait(HUNG_S)
                continue
            with connection.transaction(), connection.cursor() as cursor:
                beat = leases.beat(cursor, self._recorder)
            if beat.due:
                with connection.transaction(), connection.cursor() as cursor:
                    self.moved += leases.plan(cursor, self._recorder)
            if beat.told != told or giving or rounds % READ_EVERY == 0 or self.away:
                giving = self._read(connection)
                told = beat.told
            self.away = False
            rounds += 1
            # the bell only shortens the wait
            for _ in connection.notifies(timeout=leases.HEARTBEAT_S, stop_after=1):
                break
        with connection.transaction(), connection.cursor() as cursor:
            leases.resign(cursor, self._recorder)

    def _read(self, connection: psycopg.Connection[Any]) -> int:
        with connection.transaction(), connection.cursor() as cursor:
            rows, giving = leases.held(cursor, self._recorder)
            had = {(row.camera, row.fence) for row in self._last or ()}
            fresh = [row.camera for row in rows if (row.camera, row.fence) not in had]
            known = leases.last_known(cursor, fresh) if fresh else {}
        if rows != self._last:
            save_sources(self._cache, rows)
            self._tell(rows, known)
        return giving

    def _tell(self, rows: Sequence[Source], known: dict[UUID, int] | None) -> None:
        self._last = list(rows)
        self._changed(self._last, known)
