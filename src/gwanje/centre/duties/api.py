"""What other rooms may ask of duties (기한 관리): owe, done, void, reckon, due; and how a scan says what it found.

A room that acts calls ``owe`` inside its own transaction. A room that has rows gives a scan (``owed.py``, ``SCANS``):
``scan(now)`` yields ``Owed`` for what is owed and ``Met`` for what was done, again and again; it writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q

from gwanje.centre.common import clock
from gwanje.centre.duties import reading, services
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, Duty
from gwanje.centre.duties.reckoning import reckon
from gwanje.centre.duties.services import Owed, judged
from gwanje.kernel.actor import Actor
from gwanje.law import Duty as LawDuty

__all__ = [
    "Met", "Owed", "done", "due", "ever", "finished", "judged", "late_by_norm", "latest", "newest", "owe", "owe_by",
    "reckon", "register", "scans", "standing", "void", "waiting",
]  # fmt: skip
SUBJECTS_MAX = 2000
due = reading.due
waiting = reading.waiting


@dataclass(frozen=True)
class Met:
    """A duty that was done, or fell away (``void``), at a moment; ``starts_on`` where a subject has several."""

    kind: str
    subject_kind: str
    subject: str
    at: datetime
    note: str = ""
    starts_on: date | None = None
    void: bool = False


Scan = Callable[[datetime], Iterable[Owed | Met]]
_scans: dict[str, Scan] = {}


def register(name: str, scan: Scan) -> None:
    """Give the worker a scan; the same again changes nothing, another of that name is a ValueError."""
    if _scans.setdefault(name, scan) is not scan:
        raise ValueError(f"the scan {name} stands already")


def scans() -> dict[str, Scan]:
    """Every registered scan by its name."""
    return dict(_scans)


def owe(
    duty: LawDuty, *, agency: UUID, subject_kind: str, subject: str, title_ko: str, title_en: str,
    person: UUID | None = None, facts: Mapping[str, Any] | None = None, rule: str = "", hand: bool = True,
    href: str = "", by: Actor | None = None,
) -> Duty | None:  # fmt: skip
    """Write a duty down with its ledger row, in the caller's transaction; the same duty again changes nothing.

    ``facts`` and ``rule`` (symbol) let it be counted again; ``hand=False`` with ``href``: a room closes it itself.
    None when law says that it is never due.
    """
    owed = Owed(duty, agency, subject_kind, str(subject), title_ko, title_en, person, facts or {}, rule, hand, href)
    return services.owe(owed, by)


def owe_by(rule: Callable[..., Any], facts: Mapping[str, Any], *, on: date | None = None, **row: Any) -> Duty | None:
    """Judge a clock by a registered rule and owe what it says; None where this city has no such rule."""
    found = judged(rule, facts, on)
    return None if found is None else owe(found[0], facts=facts, rule=found[1], **row)


def done(
    kind: str, subject_kind: str, subject: str, note: str = "", *, by: Actor | None = None, at: datetime | None = None,
    starts_on: date | None = None,
) -> int:  # fmt: skip
    """Close what is open about a row as done, in the caller's transaction; how many were open."""
    rows = _open(kind, subject_kind, subject, starts_on)
    for row in rows:
        services.finish(row, note, by=by, at=at)
    return len(rows)


def void(kind: str, subject_kind: str, subject: str, why: str, *, by: Actor | None = None,
         starts_on: date | None = None) -> int:  # fmt: skip
    """Close what is open about a row because it is not owed any more, with the reason; how many were open."""
    rows = _open(kind, subject_kind, subject, starts_on)
    for row in rows:
        services.cancel(row, why, by=by)
    return len(rows)


def _open(kind: str, subject_kind: str, subject: str, starts_on: date | None) -> list[Duty]:
    rows = services.open_rows(kind, subject_kind, str(subject))
    return list(rows.filter(starts_on=starts_on) if starts_on else rows)


def latest(kind: str, subject_kind: str, subject: str, *, finished: bool = False) -> Duty | None:
    """The newest duty about a row by its first day; ``finished``: the newest that was done."""
    rows = Duty.objects.filter(kind=kind, subject_kind=subject_kind, subject=str(subject))
    if finished:
        rows = rows.filter(state__in=(DONE, LATE_DONE))
    return rows.order_by("-starts_on").first()


def ever(kind: str, subject_kind: str, subjects: Iterable[str]) -> set[str]:
    """Those of the subjects about which there is or was such a duty."""
    rows = Duty.objects.filter(kind=kind, subject_kind=subject_kind, subject__in=list(subjects))
    return set(rows.values_list("subject", flat=True))


def finished(kind: str, subject_kind: str, subjects: Iterable[str]) -> dict[str, Duty]:
    """Of each subject the newest such duty that was done, by its first day."""
    rows = Duty.objects.filter(
        kind=kind, subject_kind=subject_kind, subject__in=list(subjects), state__in=(DONE, LATE_DONE)
    )
    return {row.subject: row for row in rows.order_by("starts_on")}


def newest(kind: str, agency: UUID) -> Duty | None:
    """The newest duty of a kind in an agency by its first day."""
    return Duty.objects.filter(kind=kind, agency_id=agency).order_by("-starts_on").first()


def standing(kind: str) -> list[Duty]:
    """Open duties of a kind, the first due first; 2000 at most."""
    return list(Duty.objects.filter(kind=kind, state=OPEN).order_by("ends_at", "id")[:SUBJECTS_MAX])


def late_by_norm(first: datetime, until: datetime, agency: UUID | None = None) -> dict[str, int]:
    """Norm → duties whose last moment lay in ``first`` ≤ … < ``until`` and that were not done by then, closed or not.

    What has not ended yet is not late.
    """
    now = min(until, clock().now())
    rows = Duty.objects.filter(ends_at__gte=first, ends_at__lt=now)
    rows = rows.filter(agency_id=agency) if agency else rows
    missed = rows.filter(Q(state=OPEN) | Q(done_at__gt=F("ends_at")))
    return dict(missed.order_by().values_list("norm").annotate(Count("pk")))
