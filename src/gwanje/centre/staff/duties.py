"""Duties of staff (기한 관리): dead sessions and old failed log-ins are forgotten. Safe to kill at any line."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models import Q

from gwanje.centre.common import clock, signing, system_scope
from gwanje.centre.staff import contracts, departures
from gwanje.centre.staff.models import LoginTry

KEEP = timedelta(days=1)


def run() -> tuple[int, int]:
    """(sessions, log-in counters) that were deleted; contracts that ran out end, departures are asked again."""
    contracts.expire()
    with system_scope():
        waits = departures.waiting().exists()
    if waits:
        # vaultd may take its time: no row is locked meanwhile
        known = signing.registry("worker")
        with system_scope():
            departures.remain(known)
    now = clock().now()
    with system_scope():
        sessions, _ = Session.objects.filter(expire_date__lt=now).delete()
        old = Q(locked_until__isnull=True) | Q(locked_until__lt=now)
        tries, _ = LoginTry.objects.filter(old, first_at__lt=now - KEEP).delete()
    return sessions, tries
