"""How long the disk lasts (저장공간 예측): what comes a day, what dies, what holds take; an alarm long before.

A disk that fills never ends a hold: no path leads from free space to a key. What helps is said in the alarm.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gwanje.centre.common import clock, cursor, home, system_scope
from gwanje.centre.preservation.reading import totals
from gwanje.centre.retention import api as retention
from gwanje.kernel import events, ledger
from gwanje.kernel.events import Event
from gwanje.kernel.footage import EPOCH_S
from gwanje.kernel.ledger import Entry

HORIZON_DAYS = 60
WARN_DAYS = 14
ALARM_DAYS = 3
# a share of the disk that must stay free: sealing needs room to go on while somebody acts
RESERVE = 0.05
KIND = "store.disk.forecast"


@dataclass(frozen=True)
class Forecast:
    """``days`` until the reserve is touched, None = not within 60; bytes: free, total, recorded a day, in holds."""

    days: int | None
    free: int
    total: int
    daily: int
    held: int


def forecast(folder: Path, now: datetime) -> Forecast:
    """Of the disk that has ``folder``, by the index's sums; in the transaction's scope."""
    usage = shutil.disk_usage(folder)
    epoch = int(now.timestamp()) // EPOCH_S
    rows = cursor()
    rows.execute(
        "select class, sum(bytes) from footage_standing where epoch between %s and %s group by class",
        [epoch - 24, epoch - 1],
    )
    daily = {int(class_): int(size) for class_, size in rows.fetchall()}
    days = _days(usage.free, usage.total, daily, now)
    return Forecast(days, usage.free, usage.total, sum(daily.values()), totals()["bytes"])


def _days(free: int, total: int, daily: dict[int, int], now: datetime) -> int | None:
    """Day by day: a day's recording comes, what is due goes, until less than the reserve is free."""
    classes = {c.number: c for c in retention.classes()}
    rows = cursor()
    rows.execute(
        "select class, epoch, sum(bytes) from footage_standing group by class, epoch order by epoch limit 50000"
    )
    dying = [0] * HORIZON_DAYS
    for class_, epoch, size in rows.fetchall():
        dies = retention.dies_at(classes[class_], int(epoch)) if class_ in classes else None
        # what stands beyond its day is held, and stays
        day = (dies - now).days if dies is not None else HORIZON_DAYS
        if 0 <= day < HORIZON_DAYS:
            dying[day] += int(size)
    for number, size in daily.items():
        # what is recorded from now on dies in its turn
        dies = retention.dies_at(classes[number], int(now.timestamp()) // EPOCH_S) if number in classes else None
        for day in range((dies - now).days + 1 if dies is not None else HORIZON_DAYS, HORIZON_DAYS):
            dying[day] += size
    left, recorded = free, sum(daily.values())
    for day in range(HORIZON_DAYS):
        left += dying[day] - recorded
        if left < total * RESERVE:
            return day
    return None


def watch() -> Forecast:
    """Warn two weeks and alarm three days before the disk is full, once a day; idempotent. For the worker."""
    now = clock().now()
    with system_scope() as rows:
        found = forecast(home().store, now)
        if found.days is None or found.days > WARN_DAYS:
            return found
        severity = 3 if found.days <= ALARM_DAYS else 2
        rows.execute(
            "select 1 from event where kind = %s and severity >= %s and at > %s limit 1",
            [KIND, severity, now - timedelta(days=1)],
        )
        if rows.fetchone() is None:
            body = {"days": found.days, "free": found.free, "daily": found.daily, "held": found.held, **_words(found)}
            events.emit(rows, clock(), Event(KIND, "worker", severity, body=body))
            detail = {"days": found.days, "free": found.free, "daily": found.daily, "held": found.held}
            ledger.append(rows, clock(), Entry(KIND, "done", detail=detail, dies="system"))
        return found


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _words(found: Forecast) -> dict[str, str]:
    return {
        "ko": f"저장공간이 약 {found.days}일 뒤 찹니다(남은 {_gb(found.free)}, 하루 {_gb(found.daily)}, 보존 "
              f"{_gb(found.held)}). "
              "디스크를 늘리거나 끝난 사건의 보존을 종료하십시오. 보존은 스스로 지워지지 않습니다.",
        "en": f"The disk is full in about {found.days} days ({_gb(found.free)} free, {_gb(found.daily)} a day, holds "
              f"take {_gb(found.held)}). Add disks, or end holds of closed cases; no hold is dropped for space.",
    }  # fmt: skip
