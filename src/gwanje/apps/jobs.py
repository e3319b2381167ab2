"""Jobs of the worker (작업): procrastinate runs them; each is idempotent and safe to kill at any line."""

from __future__ import annotations

import logging
from pathlib import Path

from procrastinate import Blueprint, RetryStrategy

from gwanje.kernel.home import Home
from gwanje.vault.client import VaultAway

log = logging.getLogger(__name__)
jobs = Blueprint()
RETENTION = "retention"
PAIRS = "ledger-pairs"
INSPECTION = "inspection"
HOUSEKEEPING = "housekeeping"
PRESERVATION = "preservation"
GLASS = "glass"
STATISTICS = "statistics"
DUTIES = "duties"


def fonts() -> Path | None:
    """Folder of the document fonts, or None before ``./dev setup`` has brought them."""
    from gwanje.apps.fonts import folder

    try:
        return folder()
    except FileNotFoundError:
        return None


@jobs.periodic(cron="* * * * *")
@jobs.task(name="retention", queueing_lock=RETENTION)
def retention(timestamp: int) -> None:
    """Every minute: destroy what is due, certify what was destroyed (파기)."""
    from django.db import OperationalError, connections

    from gwanje.centre.common import home
    from gwanje.centre.retention import duties

    try:
        report = duties.run(home(), fonts=fonts())
    except (VaultAway, OperationalError) as away:
        # nothing is lost: roots die in vaultd by themselves, and the next minute asks again
        log.warning("retention waits: %s", type(away).__name__)
        return
    finally:
        connections.close_all()
    if report.erased or not report.ok:
        log.info("retention: %s", report.as_json())


@jobs.periodic(cron="* * * * *")
@jobs.task(name="preservation", queueing_lock=PRESERVATION)
def preservation(timestamp: int) -> None:
    """Every minute: warn before a hold ends, mark what has ended, reconcile with vaultd (보존 기한)."""
    from django.db import OperationalError, connections

    from gwanje.centre.common import home
    from gwanje.centre.preservation import disk, duties
    from gwanje.vault.client import VaultClient

    try:
        disk.watch()
        report = duties.run(VaultClient(home(), "worker"))
    except (VaultAway, OperationalError) as away:
        log.warning("preservation waits: %s", type(away).__name__)
        return
    finally:
        connections.close_all()
    if report.died or report.adopted or report.corrected:
        log.info("preservation: %s", report)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="inspection", queueing_lock=INSPECTION)
def inspection(timestamp: int) -> None:
    """Every minute: findings and long gaps become rows of the journal; an overdue month is an alarm (점검일지)."""
    from django.db import connections

    from gwanje.centre.inspection import duties

    try:
        report = duties.run()
    finally:
        connections.close_all()
    if report.opened or report.healed:
        log.info("inspection: %s faults opened, %s healed", report.opened, report.healed)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="glass", queueing_lock=GLASS)
def glass(timestamp: int) -> None:
    """Every minute: a break-glass that nobody has reviewed in time is an alarm, once (비상 열람 검토 기한)."""
    from django.db import OperationalError, connections

    from gwanje.centre.watching import glass as panes

    try:
        late = panes.escalate()
    except OperationalError as away:
        # the person is suspended by the clock itself; the alarm comes with the next minute
        log.warning("break-glass reviews wait: %s", type(away).__name__)
        return
    finally:
        connections.close_all()
    if late:
        log.info("break-glass: %s reviews are overdue", late)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="duties", queueing_lock=DUTIES)
def duties(timestamp: int) -> None:
    """Every minute: what is owed becomes a row, what is due is said, what is late goes up (기한 순회)."""
    from django.db import OperationalError, connections

    from gwanje.apps.owing import register_scans
    from gwanje.centre.duties import rounds

    try:
        register_scans()
        report = rounds.run()
    except OperationalError as away:
        log.warning("duties wait: %s", type(away).__name__)
        return
    finally:
        connections.close_all()
    if report.owed or report.escalated or report.failed:
        log.info("duties: %s", report)


@jobs.periodic(cron="10 3 * * *")
@jobs.task(name="pairs", queueing_lock=PAIRS, retry=RetryStrategy(max_attempts=30, wait=600))
def pairs(timestamp: int) -> None:
    """Every day: vaultd's open-log and the ledger are compared, both ways (접속기록 대조)."""
    from gwanje.apps.pairs import check_and_tell

    found = check_and_tell(Home.find())
    log.info("pair check: %s", found.as_json())


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="housekeeping", queueing_lock=HOUSEKEEPING)
def housekeeping(timestamp: int) -> None:
    """Every five minutes: requests whose time is over end, dead sessions are forgotten (기한 관리)."""
    from django.db import connections

    from gwanje.centre.cameras import duties as cameras
    from gwanje.centre.playback import duties as playback
    from gwanje.centre.staff import duties as staff

    try:
        ended, forgotten = playback.run(), staff.run()
        suspended, previews = cameras.run()
        _remind()
    finally:
        connections.close_all()
    if ended or any(forgotten):
        log.info("housekeeping: %s requests ended, %s sessions and %s log-in counters forgotten", ended, *forgotten)
    if suspended or previews:
        log.info("housekeeping: %s cameras without mandate suspended, %s previews forgotten", suspended, previews)


def _remind() -> None:
    """Spoken approvals that are not confirmed (서면 확인); the vault's silence costs five minutes, nothing else."""
    from gwanje.centre.common import home
    from gwanje.centre.playback import spoken
    from gwanje.vault.client import VaultClient

    client = VaultClient(home(), "worker")
    try:
        spoken.remind(client)
    except VaultAway as away:
        log.warning("reminders wait: %s", type(away).__name__)
    finally:
        client.close()


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="statistics", queueing_lock=STATISTICS)
def statistics(timestamp: int) -> None:
    """Every ten minutes: today's public numbers, if nobody has published them yet (공개 통계)."""
    from django.db import OperationalError, connections

    from gwanje.centre.statistics import duties

    try:
        published = duties.run()
    except OperationalError as away:
        log.warning("statistics wait: %s", type(away).__name__)
        return
    finally:
        connections.close_all()
    if published:
        log.info("statistics: today's numbers are published")
