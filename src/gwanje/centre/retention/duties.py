"""Duty of destruction (파기 의무): vaultd's keys die on time by themselves; here the files follow and are certified.

Each hour goes seen → surveyed → erased → certified, every step its own transaction, so that a run killed at any line
goes on where it stopped: samples are kept before a byte is overwritten, rows are marked before a file goes, and
vaultd is told to forget only what stands on a certificate.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.db import connection, transaction

from gwanje.centre.common import clock, law, system_scope
from gwanje.centre.retention import api, certificate, countersign, fates, files, rows, trying, waking
from gwanje.centre.retention.models import (
    CERTIFIED,
    EMPTY,
    ERASED,
    HOUR,
    SEEN,
    SURVEYED,
    Certificate,
    DestroyedHour,
    RetentionClass,
)
from gwanje.kernel import events, ledger
from gwanje.kernel.events import Event
from gwanje.kernel.footage import EPOCH_S
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry
from gwanje.law import upholds
from gwanje.vault.client import Status, VaultClient
from gwanje.vault.records import Destroyed, Released
from gwanje.vault.store import StoreAway, StoreRefused

LOCK = 0x67777274
LOCK_PAUSE_S = 0.2
OVERDUE_AFTER_S = 300
SHORTEST_MONTH_DAYS = 28
NORMS = ("retention.max", "retention.irrecoverable")
log = logging.getLogger(__name__)


@dataclass
class Report:
    """What one run did; ``ok`` when nothing is overdue, nothing was refused and the clock is right."""

    seen: int = 0
    released: int = 0
    erased: int = 0
    files: int = 0
    parts: int = 0
    bytes: int = 0
    certificates: list[str] = field(default_factory=list)
    camera_hours: int = 0
    acknowledged: int = 0
    overdue: int = 0
    uncountersigned: int = 0
    alarm: str = ""
    refused: str = ""
    busy: bool = False

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.overdue or self.alarm or self.refused)

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and the log."""
        return {**self.__dict__, "ok": self.ok}


def run(home: Home, client: VaultClient | None = None, *, fonts: Path | None = None, wait_s: float = 0.0) -> Report:
    """One round of the duty; safe to repeat and to kill. VaultAway goes up when vaultd does not answer.

    ``fonts``: folder of the document fonts, None for the system's. ``wait_s``: how long to wait for another run to
    end; a run that finds the lock taken does nothing and says ``busy``.
    """
    client = client or VaultClient(home, "worker")
    report = Report()
    with _alone(wait_s) as alone:
        if not alone:
            report.busy = True
            return report
        status = client.status()
        if status.alarm:
            report.alarm = status.alarm
            _alarm("retention.clock.alarmed", {"problem": status.alarm})
        if status.rolled_back:
            report.alarm = status.rolled_back
            _alarm("retention.keys.rolled_back", {"problem": status.rolled_back})
        if missing := [peer["number"] for peer in status.peers if peer["missing"]]:
            _alarm("retention.replica.missing", {"replicas": missing})
        destroyed = client.destroy_due()
        released = client.released()
        report.seen = waking.note(destroyed)
        report.released = waking.note_released(released)
        waking.holds_changed(client)
        waking.leftovers(home)
        try:
            for hour in _hours(SEEN):
                if not _survey(home, client, hour):
                    report.refused = f"아직 살아 있는 시간입니다 / the hour lives in vaultd: {hour}"
                    _alarm("retention.certificate.refused", {"why": report.refused, "hours": 1})
            for hour in _hours(SURVEYED):
                _erase(home, client, hour, report)
        except (StoreAway, StoreRefused) as away:
            # the keys are dead already; the hours wait where they stand, and no certificate speaks of them
            report.refused = str(away)
            _alarm("retention.store.away", {"problem": str(away)})
        _certify(home, client, fonts, report)
        report.acknowledged = _acknowledge(client, destroyed, released)
        with system_scope():
            late = overdue(clock().now())
        report.overdue = len(late)
        report.uncountersigned = countersign.escalate()
        if late:
            _alarm("retention.overdue.found", {"hours": len(late), "first": late[0][1] * EPOCH_S})
    return report


@contextmanager
def _alone(wait_s: float) -> Iterator[bool]:
    """One run at a time in the whole centre; the lock goes with the connection if the process dies."""
    until, mine = monotonic() + wait_s, False
    while not mine:
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
            mine = bool(cursor.fetchone()[0])
        if monotonic() >= until:
            break
        if not mine:
            sleep(LOCK_PAUSE_S)
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def _hours(state: str) -> list[DestroyedHour]:
    with system_scope():
        return list(DestroyedHour.objects.filter(state=state)[: waking.HOURS_A_RUN])


def _judge(client: VaultClient, hour: DestroyedHour) -> fates.Judge:
    return fates.Judge(client.standing(hour.class_number, hour.epoch))


def _look(home: Home, hour: DestroyedHour, judge: fates.Judge) -> files.Survey:
    """The whole files of an hour of which nothing opens and nothing was overwritten yet, else part by part."""
    with system_scope():
        same = DestroyedHour.objects.filter(class_number=hour.class_number, epoch=hour.epoch)
        touched = same.exclude(pk=hour.pk).exists()
    if judge.dead and not judge.standing.held and not touched:
        return files.survey(home, hour.class_number, hour.epoch)
    return fates.survey(judge.files(home))


def _survey(home: Home, client: VaultClient, hour: DestroyedHour) -> bool:
    """Count, hash and sample before anything is touched; the samples are durable before the state says so.

    False for an hour that vaultd still opens: nothing was touched.
    """
    judge = _judge(client, hour)
    if hour.cause == HOUR and not judge.dead:
        # a row of an hour that lives (a database of another centre): its files are not touched, a person must look
        log.error("hour %s is to be destroyed and lives in vaultd", hour)
        return False
    found = _look(home, hour, judge)
    kept = files.keep_samples(home, hour.id, files.samples(found, hour.class_number, hour.epoch))
    with system_scope() as cursor:
        cameras = rows.cameras_of(cursor, hour.class_number, hour.epoch)
        hour.segments, hour.parts, hour.bytes = found.segments, found.parts, found.bytes
        hour.samples, hour.root, hour.exceptions = kept, found.root, found.exceptions
        hour.held = rows.held_of(judge.standing, cameras)
        hour.detail = [
            {
                "slot": h.slot,
                "camera": cameras.get(h.slot),
                "seconds": h.seconds,
                "parts": h.parts,
                "root": h.root.hex(),
            }
            for h in found.hours
        ]
        hour.state = SURVEYED
        hour.save()
    return True


def _erase(home: Home, client: VaultClient, hour: DestroyedHour, report: Report) -> None:
    """Phase one: rows are marked and the ledger told, in one transaction. Phase two: files are overwritten and go.

    The key is dead already, so the order protects the account of what was destroyed, not the secrecy.
    """
    judge = _judge(client, hour)
    whole = judge.dead and not judge.standing.held
    sorted_ = [] if whole else list(judge.files(home))
    now = clock().now()
    with system_scope() as cursor:
        if judge.dead:
            rows.mark_dead(cursor, hour.class_number, hour.epoch, now, [f for f in sorted_ if f.staying])
        else:
            rows.mark_closed(cursor, now, [f for f in sorted_ if f.dying or f.gone])
        # the hour's id is the row's: an interrupted run that comes back writes no second one
        ledger.append(cursor, clock(), _destroyed_entry(hour), row=hour.id)
    if whole:
        report.files += files.erase(home, hour.class_number, hour.epoch)
    else:
        report.files += sum(fates.carry_out(home, fate) for fate in sorted_)
    with system_scope():
        hour.state, hour.erased_at = ERASED, clock().now()
        hour.save()
    report.erased += 1
    report.parts += hour.parts
    report.bytes += hour.bytes


def _destroyed_entry(hour: DestroyedHour) -> Entry:
    detail = {
        "class": hour.class_number,
        "epoch": hour.epoch,
        "series": hour.series,
        "generation": hour.generation,
        "cause": hour.cause,
        "reference": hour.reference,
        "segments": hour.segments,
        "parts": hour.parts,
        "root": bytes(hour.root or b"").hex(),
        "held": len(hour.held),
    }
    return Entry(
        "retention.hour.destroyed",
        "done",
        norms=NORMS,
        articles=[a.key for a in _articles()],
        first=hour.epoch * EPOCH_S,
        until=(hour.epoch + 1) * EPOCH_S,
        detail=detail,
        dies="destruction",
    )


def _articles() -> tuple[Any, ...]:
    today = law()
    return tuple(dict.fromkeys(a for norm in NORMS for a in today.articles(norm)))


def _certify(home: Home, client: VaultClient, fonts: Path | None, report: Report) -> None:
    """One certificate for everything erased and not certified yet, if the separate process could open nothing."""
    hours, status = _hours(ERASED), client.status()
    kept = [hour for hour in hours if hour.segments]
    if kept:
        try:
            found = trying.attempt(client, home, [hour.id for hour in kept])
            # the survey's own count: a file that lost lines since then proves nothing
            why = certificate.objection(found, sum(hour.samples for hour in kept))
        except trying.AttemptFailed as failed:
            why = str(failed)
        if why:
            report.refused = why
            _refuse(why, kept)
            return
    with system_scope() as cursor:
        made = _issue(home, cursor, kept, found=found, status=status, fonts=fonts) if kept else None
        for hour in hours:
            hour.state, hour.certificate = (CERTIFIED, made) if hour.segments else (EMPTY, None)
            hour.save()
    if made is not None:
        report.certificates.append(made.number)
        report.camera_hours += made.camera_hours
    _sweep_samples(home)


def _sweep_samples(home: Home) -> None:
    """Samples of finished hours go, also those that a killed run left behind."""
    for id_ in files.sampled(home):
        with system_scope():
            waiting = DestroyedHour.objects.filter(id=id_).exclude(state__in=[CERTIFIED, EMPTY]).exists()
        if not waiting:
            files.drop_samples(home, id_)


def _issue(
    home: Home,
    cursor: Any,
    hours: list[DestroyedHour],
    *,
    found: trying.Attempt,
    status: Status,
    fonts: Path | None,
) -> Certificate:
    now, today = clock().now(), law()
    year = now.astimezone(clock().zone).year
    # the run's lock makes the number unique; a gap in the numbers would be asked about
    count = Certificate.objects.filter(number__startswith=f"파기-{year}-").count()
    draft = certificate.Draft(
        number=f"파기-{year}-{count + 1:04d}",
        issued_at=now,
        centre=home.centre.bytes,
        centre_name=str(home.config.get("name", "")),
        articles=_articles(),
        hours=hours,
        found=found,
        status=status,
        titles={role: today.title(role) for role in certificate.COUNTERSIGN},
        ledger=ledger.last_checkpoint(cursor),
    )
    issued = certificate.issue(draft, clock().zone, fonts)
    entry = Entry(
        "retention.certificate.issued",
        "done",
        norms=NORMS,
        articles=[a.key for a in draft.articles],
        first=min(h.epoch for h in hours) * EPOCH_S,
        until=(max(h.epoch for h in hours) + 1) * EPOCH_S,
        detail={
            "number": draft.number,
            "sha256": issued.sha256,
            "hours": len(hours),
            "tried": found.tried,
            "opened": found.opened,
            "level": status.level,
            "method": "unsigned",
        },
        dies="destruction",
    )
    return Certificate.objects.create(
        number=draft.number,
        issued_at=now,
        body=issued.body,
        sha256=issued.sha256,
        readable=issued.readable,
        pdf=issued.pdf,
        level=status.level,
        hours=len(hours),
        camera_hours=sum(len(h.detail) for h in hours),
        parts=sum(h.parts for h in hours),
        ledger_row=ledger.append(cursor, clock(), entry),
    )


def _refuse(why: str, hours: Sequence[DestroyedHour]) -> None:
    """No certificate: the hours stay as they are, the reason is an alarm and a ledger row, once an hour at most."""
    log.error("certificate of destruction refused: %s", why)
    if _alarm("retention.certificate.refused", {"why": why, "hours": len(hours)}):
        with system_scope() as cursor:
            entry = Entry(
                "retention.certificate.refused", "refused", norms=NORMS, detail={"why": why}, dies="destruction"
            )
            ledger.append(cursor, clock(), entry)


def _alarm(kind: str, body: dict[str, Any]) -> bool:
    """Emit an alarm unless the same kind was raised within the last hour; was it raised?"""
    with system_scope() as cursor:
        cursor.execute(
            "select 1 from event where kind = %s and at > %s limit 1", [kind, clock().now() - timedelta(hours=1)]
        )
        if cursor.fetchone() is not None:
            return False
        events.emit(cursor, clock(), Event(kind, "worker", severity=3, body=body))
    return True


def _acknowledge(client: VaultClient, destroyed: Sequence[Destroyed], released: Sequence[Released]) -> int:
    """Tell vaultd to forget what is finished here."""
    with system_scope():
        done = DestroyedHour.objects.filter(state__in=waking.FINISHED)
        hours = set(done.filter(cause=HOUR).values_list("class_number", "epoch", "generation"))
        apart = set(done.exclude(cause=HOUR).values_list("class_number", "epoch", "generation", "reference"))
    dead = [root for root in destroyed if (root.class_, root.epoch, root.generation) in hours]
    free = [i for i in released if (i.class_, i.epoch, i.generation, waking.reference(i)) in apart]
    return (client.destroyed_ack(dead) if dead else 0) + (client.released_ack(free) if free else 0)


@upholds("retention.max", role="check", passes=lambda now: [])
def overdue(now: datetime) -> list[tuple[int, int]]:
    """(class, epoch) of footage whose death is more than 5 minutes past and that still stands (보관기간 초과).

    Asks the index in the transaction's scope; the worker asks in the system's.
    """
    late: list[tuple[int, int]] = []
    for class_ in RetentionClass.objects.exclude(kind="permanent"):
        # no hour younger than this can be due, however short the months were
        days = {"days": class_.value, "months": class_.value * SHORTEST_MONTH_DAYS}.get(class_.kind, 0)
        newest = (int(now.timestamp()) - OVERDUE_AFTER_S - days * 86400) // EPOCH_S
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "select distinct epoch from footage_segment where class = %s and destroyed_at is null "
                "and epoch <= %s order by epoch limit 1000",
                [class_.number, newest],
            )
            epochs = [int(row[0]) for row in cursor.fetchall()]
        held = _kept(class_.number, epochs, now)
        for epoch in epochs:
            dies = api.dies_at(class_, epoch)
            if dies is not None and dies + timedelta(seconds=OVERDUE_AFTER_S) <= now and epoch not in held:
                late.append((class_.number, epoch))
    return late


def _kept(class_: int, epochs: Sequence[int], now: datetime) -> set[int]:
    """Hours of which a hold that has not ended keeps something: what stands of them stands rightly."""
    found = DestroyedHour.objects.filter(class_number=class_, epoch__in=epochs, state__in=(ERASED, *waking.FINISHED))
    latest: dict[int, DestroyedHour] = {}
    for hour in found.exclude(erased_at=None).order_by("erased_at"):
        latest[hour.epoch] = hour
    until = now.timestamp() - OVERDUE_AFTER_S
    return {epoch for epoch, hour in latest.items() if any(one[5] > until for one in hour.held)}
