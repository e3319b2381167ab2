"""The worker's round over all duties (기한 순회): scans, warnings, escalation. Idempotent, safe to kill at any line.

Every step is one transaction that writes the row, its ledger entry and its event together, so that a round that was
killed is done by the next one, and nothing is said twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.db import OperationalError
from django.db.models import Q

from gwanje.centre.common import clock, cursor, system_scope
from gwanje.centre.duties import api, services
from gwanje.centre.duties.facts import stored
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.centre.duties.reading import ladder
from gwanje.centre.duties.reckoning import reckon
from gwanje.centre.duties.services import Owed
from gwanje.kernel import events
from gwanje.kernel.events import Event

WARN_DAYS = (7, 3, 1)
# who is told that a duty is late, and how long after its end: its owner at once, the others when it stays so
LATE_AFTER = (timedelta(0), timedelta(days=1), timedelta(days=3))
SEVERITY = (2, 3, 3)
BATCH, ROUNDS_MAX, SCAN_MAX = 100, 100, 2000
FAILED = "duties.scan.failed"
log = logging.getLogger(__name__)
_reckoned: list[date] = []


@dataclass
class Report:
    """What one round did."""

    owed: int = 0
    met: int = 0
    warned: int = 0
    escalated: int = 0
    recounted: int = 0
    failed: list[str] = field(default_factory=list)


def run() -> Report:
    """Everything once."""
    report = Report()
    for name, scan in api.scans().items():
        try:
            with system_scope():
                _take(islice(scan(clock().now()), SCAN_MAX), report)
        except OperationalError:
            raise
        except Exception as error:
            # one room's fault must not silence the others' clocks; it is an alarm, once a day
            log.exception("the scan %s failed", name)
            report.failed.append(name)
            _say_failed(name, type(error).__name__)
    # who is to be told is told first: what cannot be counted again must not silence what stands
    for _ in range(ROUNDS_MAX):
        with system_scope():
            if _press(report) < BATCH:
                break
    _count_again(report)
    return report


def _count_again(report: Report) -> None:
    """Once a day, as the scans: a fault is an alarm and stops nothing else."""
    today = clock().local().date()
    if _reckoned == [today]:
        return
    try:
        report.recounted += reckon()
    except OperationalError:
        raise
    except Exception as error:
        log.exception("counting anew failed")
        report.failed.append("reckon")
        _say_failed("reckon", type(error).__name__)
    _reckoned[:] = [today]


def _take(found: Iterable[Owed | api.Met], report: Report) -> None:
    said = list(found)
    owed = list({one.key: one for one in said if isinstance(one, Owed)}.values())
    subjects = {one.subject for one in owed}
    rows = Duty.objects.filter(
        agency_id__in={one.agency for one in owed},
        kind__in={one.duty.kind for one in owed},
        subject_kind__in={one.subject_kind for one in owed},
        subject__in=subjects,
    )
    known = {(row.agency_id, row.kind, row.subject_kind, row.subject, row.starts_on): row for row in rows}
    for one in owed:
        row = known.get(one.key)
        if row is None:
            report.owed += services.owe(one) is not None
        elif row.state == OPEN and row.facts != stored(one.facts):
            locked = Duty.objects.select_for_update().get(pk=row.pk)
            why = ("기산 사실이 바뀜", "the fact it is counted from changed")
            report.recounted += services.recount(locked, one.duty, *why, facts=one.facts)
    for met in (one for one in said if isinstance(one, api.Met)):
        rows = services.open_rows(met.kind, met.subject_kind, met.subject)
        for row in rows.filter(starts_on=met.starts_on) if met.starts_on else rows:
            if met.void:
                services.cancel(row, met.note)
            else:
                services.finish(row, met.note, at=met.at)
            report.met += 1


def _press(report: Report) -> int:
    """Warn and escalate up to 100 rows that ask for it."""
    now, today = clock().now(), clock().local().date()
    waits = Q()
    for step, after in enumerate(LATE_AFTER):
        waits |= Q(escalated=step, ends_at__lt=now - after)
    for days in WARN_DAYS:
        # what is over is warned of no more, and would be looked at every minute for ever
        soon = Q(ends_at__gte=now, due_on__lte=today + timedelta(days=days))
        waits |= soon & (Q(warned=0) | Q(warned__gt=days))
    rows = Duty.objects.select_for_update(skip_locked=True).filter(waits, state=OPEN).order_by("ends_at", "id")
    done = 0
    for row in rows.iterator(chunk_size=BATCH):
        if _escalate(row, report) | _warn(row, report):
            done += 1
        if done >= BATCH:
            break
    return done


def _warn(row: Duty, report: Report) -> bool:
    now = clock().now()
    if now > row.ends_at:
        return False
    if row.due_at is not None:
        begin = row.starts_at or row.made_at
        level = 1 if now >= row.due_at - (row.due_at - begin) / 3 else 0
    else:
        left, whole = (row.due_on - clock().local().date()).days, (row.due_on - row.starts_on).days
        # a term of five days is not announced seven days before its end
        level = min((days for days in WARN_DAYS if left <= days < whole), default=0)
    if not level or (row.warned and row.warned <= level):
        return False
    row.warned = level
    row.save(update_fields=["warned"])
    report.warned += 1
    services.note(row, "warned", due=str(row.due_at or row.due_on), level=level)
    when = f"{row.due_at.astimezone(clock().zone):%Y-%m-%d %H:%M}" if row.due_at else str(row.due_on)
    services.tell(
        row, "duties.warned", 1 if level > 1 else 2, f"기한이 다가옵니다({when}까지): {row.title_ko}",
        f"Due by {when}: {row.title_en}", level=level,
    )  # fmt: skip
    return True


def _escalate(row: Duty, report: Report) -> bool:
    told = ladder(row.owner_role)
    now, first = clock().now(), row.escalated
    while row.escalated < len(LATE_AFTER) and now > row.ends_at + LATE_AFTER[row.escalated]:
        step = row.escalated
        row.escalated += 1
        if step < len(told):
            report.escalated += 1
            _say_late(row, step, told[step])
    if row.escalated == first:
        return False
    row.save(update_fields=["escalated"])
    return True


def _say_late(row: Duty, step: int, to: str) -> None:
    services.note(row, "escalated", due=str(row.due_at or row.due_on), to=to, step=step + 1)
    ko, en = f"기한이 지났습니다: {row.title_ko}", f"Overdue: {row.title_en}"
    services.tell(row, "duties.late", SEVERITY[step], ko, en, to=to, step=step + 1)


def _say_failed(name: str, what: str) -> None:
    with system_scope() as rows:
        rows.execute(
            "select 1 from event where kind = %s and at > %s and body->>'scan' = %s limit 1",
            [FAILED, clock().now() - timedelta(days=1), name],
        )
        if rows.fetchone() is None:
            body: dict[str, Any] = {
                "scan": name, "why": what,
                "ko": f"기한을 찾는 작업({name})이 실패하였습니다. 시스템관리자가 확인하십시오.",
                "en": f"The scan for duties {name} failed; the administrator must look at it.",
            }  # fmt: skip
            events.emit(cursor(), clock(), Event(FAILED, "duties", 3, body=body))
