"""Reading versions (방침 조회): what stands today, what stood before, what comes; the state of a version on a day."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from gwanje.centre.common import clock
from gwanje.centre.publication.gathering import Contractor, Rows, gather
from gwanje.centre.publication.models import ANNOUNCED, DRAFT, WITHDRAWN, Sign, Version
from gwanje.centre.staff import api as staff

VERSIONS_MAX = 500
CONTRACTS_MAX = 500
IN_FORCE, COMING, PAST = "in_force", "coming", "past"


def centre_agency() -> UUID | None:
    """The agency whose documents the public reads: the first city that was registered."""
    found = staff.agencies().filter(kind="city").order_by("id").first()
    return found.pk if found else None


def contractors(agency: UUID, on: date) -> tuple[Contractor, ...]:
    """Contracts that run on a day (수탁자), 500 at most."""
    return tuple(
        Contractor(c.company, ", ".join(c.scope), c.contact, str(c.starts_on), str(c.ends_on))
        for c in staff.running_contracts(agency, on)[:CONTRACTS_MAX]
    )


def signs(agency: UUID) -> list[Sign]:
    """Signs that stand today, without their photos."""
    return list(Sign.objects.filter(agency_id=agency, ended_at__isnull=True).defer("photo").order_by("title"))


def rows(agency: UUID) -> Rows:
    """Everything that a document of the agency is made of, now."""
    return gather(agency, contractors(agency, clock().local().date()), signs(agency))


def standing(agency: UUID, document: str) -> QuerySet[Version]:
    """Announced versions that were not withdrawn."""
    return Version.objects.filter(agency_id=agency, document=document, state=ANNOUNCED)


def current(agency: UUID, document: str, on: date) -> Version | None:
    """The version in force on a day; None before the first."""
    return standing(agency, document).filter(effective_on__lte=on).order_by("-effective_on", "-number").first()


def history(agency: UUID, document: str) -> list[Version]:
    """What was announced, newest first, withdrawn ones too; 500 at most, without their bodies."""
    found = Version.objects.filter(agency_id=agency, document=document).exclude(state=DRAFT)
    return list(found.defer("body").order_by("-number")[:VERSIONS_MAX])


def before(row: Version) -> Version | None:
    """The version that this one replaces; its body is read where it is asked for."""
    older = standing(row.agency_id, row.document).filter(number__lt=row.number)
    return older.defer("body").order_by("-number").first()


def state_of(row: Version, now: Version | None, on: date) -> str:
    """``draft``, ``coming``, ``in_force``, ``past`` or ``withdrawn`` on a day; ``now``: the version in force."""
    if row.state in (DRAFT, WITHDRAWN):
        return str(row.state)
    if row.effective_on > on:
        return COMING
    return IN_FORCE if now is not None and row.pk == now.pk else PAST


def body(row: Version) -> dict[str, Any]:
    """What a version says."""
    found: dict[str, Any] = json.loads(row.body)
    return found


def text_of(row: Version) -> str:
    """A version's canonical JSON, also where the row was read without it."""
    return str(row.body)
