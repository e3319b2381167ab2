"""Accounts for a recorder that came later (추가 녹화기의 접속 계정 봉인): who has a secret seals it for them.

Two officers admit the newcomer's certificate on vaultd's console; a row in the database admits nobody. The newcomer's
sealing key counts only with a signature of the admitted key over it. Opened and sealed again within this process: a
plaintext is in no row, no log, no answer (``VAULT.md``, Camera passwords).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import psycopg

from gwanje.kernel import accounts
from gwanje.kernel.accounts import Newcomer, refusal
from gwanje.kernel.ledger.entry import BadEntry
from gwanje.kernel.refusals import SpoolFull
from gwanje.media.link import Connect
from gwanje.vault.client import VaultRefused
from gwanje.vault.errors import VaultError

ROUND_S = 5.0
PAUSE_S = 0.05
BATCH = 50
TOLD_MAX = 1000
NIL = UUID(int=0)
WHY = {
    "not admitted": ("두 담당공무원의 승인(gwanje vault admit)이 없습니다", "two officers have not admitted it"),
    "no proof": ("봉인 공개키가 승인된 서명키로 서명되지 않았습니다", "its sealing key is not signed by its key"),
}
log = logging.getLogger(__name__)
Reseal = Callable[[bytes, UUID, bytes], bytes]


class Admitting(Protocol):
    """vaultd's client, as far as it is asked here."""

    def recorders(self) -> Awaitable[list[bytes]]: ...


@dataclass
class Admission:
    """Looks every 5 s for recorders without accounts. ``reseal``: (box, camera, sealing key) → box for that key.

    ``report`` gets ``recorder.accounts.sealed`` and, once a newcomer and reason, ``recorder.accounts.refused``. It
    raises SpoolFull or BadEntry, and then the batch is not written.
    """

    connect: Connect
    own: UUID
    vault: Admitting
    reseal: Reseal
    report: Callable[[str, dict[str, Any]], None]
    sealed: int = 0
    _told: set[tuple[UUID, str]] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled; an absent database or vaultd is tried again."""
        while True:
            try:
                await self.step()
            except (psycopg.Error, VaultRefused, OSError, TimeoutError, SpoolFull, BadEntry) as error:
                log.warning("admission waits: %s", type(error).__name__)
            await asyncio.sleep(ROUND_S)

    async def step(self) -> None:
        """One look: who lacks accounts, who of them is admitted, and their slots."""
        found = await asyncio.to_thread(self._newcomers)
        if not found:
            return
        admitted = frozenset(await self.vault.recorders())
        for newcomer in found:
            if why := refusal(newcomer, admitted):
                await asyncio.to_thread(self._refuse, newcomer, why)
                continue
            after: UUID | None = NIL
            while after is not None:
                after = await asyncio.to_thread(self._batch, newcomer, after)
                # the packet path has the processor in between
                await asyncio.sleep(PAUSE_S)

    def _newcomers(self) -> list[Newcomer]:
        with self.connect() as connection, connection.cursor() as cursor:
            return accounts.newcomers(cursor, self.own)

    def _refuse(self, newcomer: Newcomer, why: str) -> None:
        if (newcomer.id, why) in self._told or len(self._told) >= TOLD_MAX:
            return
        ko, en = WHY[why]
        log.warning("녹화기 %s에 계정을 봉인하지 않음: %s / no accounts for it: %s", newcomer.id, ko, en)
        self.report("recorder.accounts.refused", {"recorder": newcomer.id, "why": why, "ko": ko, "en": en})
        self._told.add((newcomer.id, why))

    def _batch(self, newcomer: Newcomer, after: UUID) -> UUID | None:
        """Seal for some cameras; the last one looked at, None when there are no more."""
        with self.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            rows = accounts.lacking(cursor, self.own, newcomer.id, after, BATCH)
            done: list[UUID] = []
            for camera, box in rows:
                try:
                    again = self.reseal(box, camera, newcomer.sealing_key)
                except (VaultError, ValueError) as error:
                    log.error("the account of camera %s does not open: %s", camera, type(error).__name__)
                    continue
                accounts.add_slot(cursor, camera, newcomer.id, again)
                done.append(camera)
            if done:
                # before the commit: rather a fact too many than a slot that nobody was told of
                self.report(
                    "recorder.accounts.sealed",
                    {"outcome": "done", "recorder": newcomer.id, "by": self.own, "cameras": done},
                )
        self.sealed += len(done)
        return rows[-1][0] if len(rows) == BATCH else None
