"""Pair check (접속기록 대조): vaultd's open-log against the ledger, both ways.

Every second that vaultd opened must lie within a Permit the ledger knows as issued, for that camera, person and
station; every range the player reported as opened must have its seconds in the open-log; every Permit that vaultd
says it signed must have been issued. What stands on one side only is named, and is an alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from gwanje.kernel import database, events, ledger
from gwanje.kernel.events import Event
from gwanje.kernel.footage import EPOCH_S
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry
from gwanje.kernel.ledger.entry import read_opening
from gwanje.vault.client import VaultClient
from gwanje.vault.openlog import OpenRow

ISSUED = "playback.permit.issued"
MINTED = "vault.permit.minted"
OPENED = ("playback.range.opened", "playback.opened")
PAGE = 1000
NAMED_MAX = 100
# facts of the last minutes may still be on their way through the spool
SETTLE_S = 120


@dataclass
class PairReport:
    """What was compared and what stands on one side only."""

    ticks: int = 0
    permits: int = 0
    ranges: int = 0
    unexplained: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Both sides agree."""
        return not (self.unexplained or self.unopened)

    def as_json(self) -> dict[str, Any]:
        """Counts, and at most 100 names a side."""
        return {**self.__dict__, "ok": self.ok}


def _open_rows(client: VaultClient) -> Iterator[OpenRow]:
    at = 0
    while True:
        page = client.open_log(at, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        at = page[-1].number + 1


def _said(connection: Any, kinds: tuple[str, ...], before_us: int) -> Iterator[dict[str, Any]]:
    with connection.transaction(), connection.cursor(name="pairs") as cursor:
        cursor.execute(
            "select body from ledger_opening where kind = any(%s) and at < to_timestamp(%s)",
            [list(kinds), before_us / 1e6],
        )
        for (body,) in cursor:
            yield read_opening(bytes(body))


def check(home: Home, client: VaultClient | None = None) -> PairReport:
    """Compare all rows that both sides still hold. Raises VaultAway and psycopg.Error when one side is away."""
    report = PairReport()
    years = ledger.KEEP_YEARS["access"]
    # beyond the access log's life the ledger's side has lawfully died
    since_us = home.clock.now_us() - years * 365 * 86400 * 1_000_000
    client = client or VaultClient(home, "worker")
    now_us = home.clock.now_us()
    opened: dict[tuple[UUID, UUID], set[int]] = defaultdict(set)
    with database.connect(home) as connection:
        issued = {said["permit"]: said for said in _said(connection, (ISSUED,), now_us) if said["permit"]}
        report.permits = len(issued)
        for row in _open_rows(client):
            if row.at_us < since_us:
                continue
            second = row.epoch * EPOCH_S + row.tick
            report.ticks += 1
            opened[row.permit, row.camera].add(second)
            why = _explain(issued.get(row.permit), row, second)
            if why and row.at_us < now_us - SETTLE_S * 1_000_000 and len(report.unexplained) < NAMED_MAX:
                report.unexplained.append(f"열람 기록 {row.number}: {why}")
        for said in _said(connection, (MINTED,), now_us - SETTLE_S * 1_000_000):
            # whoever holds the web's key can ask vaultd for Permits past the centre, but not without vaultd's own row
            if said["permit"] not in issued and len(report.unexplained) < NAMED_MAX:
                report.unexplained.append(f"금고가 서명한 허가 {said['permit']}: 관리대장에 발급 기록이 없음")
        for said in _said(connection, OPENED, now_us - SETTLE_S * 1_000_000):
            report.ranges += 1
            missing = _missing(said, opened)
            if missing and len(report.unopened) < NAMED_MAX:
                report.unopened.append(f"허가 {said['permit']}: 금고 기록에 없는 {missing}초")
    return report


def _explain(said: dict[str, Any] | None, row: OpenRow, second: int) -> str:
    if said is None:
        return f"관리대장에 발급 기록이 없는 허가 {row.permit}"
    if row.camera not in said["cameras"]:
        return f"허가 {row.permit}에 없는 영상정보처리기기"
    if said["first"] is not None and not said["first"] <= second < said["until"]:
        return f"허가 {row.permit}의 범위 밖 {second}"
    if said["actor"] is not None and said["actor"] != row.person:
        return f"허가 {row.permit}의 다른 사람"
    return ""


def _missing(said: dict[str, Any], opened: dict[tuple[UUID, UUID], set[int]]) -> int:
    if said["permit"] is None or said["first"] is None or said["until"] is None:
        return 0
    wanted = range(said["first"], said["until"])
    known: set[int] = set()
    for camera in said["cameras"]:
        known |= opened.get((said["permit"], camera), set())
    return sum(1 for second in wanted if second not in known)


def check_and_tell(home: Home) -> PairReport:
    """Compare, write the result to the ledger, and raise an alarm when the sides differ (once a day at most)."""
    report = check(home)
    detail = {"ticks": report.ticks, "permits": report.permits, "ranges": report.ranges}
    detail |= {"unexplained": len(report.unexplained), "unopened": len(report.unopened)}
    outcome = "done" if report.ok else "refused"
    with database.connect(home) as connection, connection.transaction(), connection.cursor() as cursor:
        entry = Entry("ledger.pairs.checked", outcome, norms=("security.internal_control",), detail=detail)
        ledger.append(cursor, home.clock, entry)
        since = home.clock.now() - timedelta(hours=12)
        cursor.execute("select 1 from event where kind = 'ledger.pairs.differ' and at > %s limit 1", [since])
        if not report.ok and cursor.fetchone() is None:
            events.emit(cursor, home.clock, Event("ledger.pairs.differ", "worker", severity=3, body=detail))
    return report
