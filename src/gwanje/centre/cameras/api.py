"""What other rooms may ask cameras (영상정보처리기기 조회): frozen rows, never a stream address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Min

from gwanje.centre.cameras import models
from gwanje.centre.cameras.purposes import public_words
from gwanje.centre.cameras.steering import Steering, steering
from gwanje.kernel.policy import Resource

BOUNDARY = "boundary.geojson"
__all__ = [
    "BOUNDARY", "Alike", "CameraView", "Steering", "alike", "camera", "cameras", "first_registered", "labels",
    "running", "steering", "view",
]  # fmt: skip


@dataclass(frozen=True)
class CameraView:
    """A camera as the other rooms see it; ``purposes`` are the national words, ``public`` the shared words.

    ``pixels`` in units of 10,000; ``address`` of its installation point, empty without one;
    ``classification``: the city's own two-level words (사회안정/방범용). ``hours``: when it serves its purpose
    (운영시간; empty = always); ``agreement``: what another agency agreed to, None for the agency's own camera.
    """

    id: UUID
    agency: UUID
    number: str
    label: str
    place: str
    state: str
    purposes: tuple[str, ...]
    lat: float
    lon: float
    direction_deg: int
    angle_deg: int
    range_m: int
    retention_class: int
    has_sub: bool
    ptz: bool = False
    department: str = ""
    pixels: int | None = None
    address: str = ""
    classification: tuple[str, ...] = ()
    hours: Mapping[str, Any] = field(default_factory=dict)
    agreement: Mapping[str, Any] | None = None

    @property
    def public(self) -> tuple[str, ...]:
        """Shared words of the purposes, as a pack lists them."""
        return tuple(public_words(list(self.purposes)))

    @property
    def resource(self) -> Resource:
        """For the policy object."""
        facts: dict[str, Any] = {"purposes": list(self.public)}
        if self.hours:
            facts["hours"] = self.hours
        if self.agreement is not None:
            facts["agreement"] = self.agreement
        return Resource("camera", self.id, self.agency, self.id, facts)


def agreement_of(row: models.Camera) -> dict[str, Any] | None:
    """What another agency agreed to (협의·수임); a mandate that names no purposes is for those of installation."""
    if row.owner_id == row.agency_id:
        return None
    return {
        "agreement": row.mandate,
        "agreed_purposes": list(row.mandate_purposes) or (public_words(list(row.purposes)) if row.mandate else []),
        "from": row.mandate_from,
        "until": row.mandate_until,
        "hours": row.mandate_hours,
    }


def view(row: models.Camera) -> CameraView:
    """A row as other rooms see it."""
    return CameraView(
        row.id,
        row.agency_id,
        row.number,
        row.label,
        row.place,
        row.state,
        tuple(row.purposes),
        float(row.lat),
        float(row.lon),
        row.direction_deg,
        row.angle_deg,
        row.range_m,
        row.retention_class,
        bool(row.sub_url),
        row.ptz,
        row.department,
        row.pixels,
        row.point.address if row.point else "",
        tuple(row.classes.get("ordinance", ())),
        row.purpose_hours,
        agreement_of(row),
    )


def camera(id_: UUID) -> CameraView | None:
    """One camera, or None when it is not there or not in the transaction's scope."""
    row = models.Camera.objects.filter(pk=id_).select_related("point").first()
    return view(row) if row else None


def cameras(ids: Iterable[UUID] | None = None, *, active_only: bool = False) -> list[CameraView]:
    """Cameras in the transaction's scope by number, 20,000 at most; those of ``ids`` when given."""
    found = models.Camera.objects.select_related("point")
    if ids is not None:
        found = found.filter(pk__in=list(ids)[:20000])
    if active_only:
        found = found.filter(state=models.ACTIVE)
    return [view(row) for row in found.order_by("number")[:20000]]


def labels(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Labels of cameras by id; unknown ones are left out."""
    return {found.id: found.label for found in cameras(ids)}


def first_registered(agency: UUID) -> datetime | None:
    """When an agency's first camera was registered, as far as the transaction's scope goes; None without one."""
    found: datetime | None = models.Camera.objects.filter(agency_id=agency).aggregate(at=Min("created_at"))["at"]
    return found


@dataclass(frozen=True)
class Alike:
    """``number`` cameras that statistics cannot tell apart (설치 대수): ``purpose`` is the first one recorded,
    ``year`` of installation as the national list has it, or empty."""

    owner: UUID
    department: str
    purpose: str
    year: str
    number: int


COUNTED = (models.ACTIVE, models.SUSPENDED)
ALIKE_MAX = 50_000


def alike() -> list[Alike]:
    """Installed cameras in the transaction's scope, counted in the database; ValueError beyond 50,000 groups."""
    found = (
        models.Camera.objects.filter(state__in=COUNTED)
        .order_by()
        .values_list("owner_id", "department", "purposes", "point__installed")
        .annotate(number=Count("pk"))[: ALIKE_MAX + 1]
    )
    rows = [
        Alike(owner, department, str((purposes or [""])[0]), (installed or "")[:4], number)
        for owner, department, purposes, installed, number in found
    ]
    if len(rows) > ALIKE_MAX:
        raise ValueError(f"more than {ALIKE_MAX} groups of cameras (집계 한도 초과)")
    return rows


def running() -> int:
    """How many cameras are installed, counted on their own: a total of statistics has to agree with it."""
    return models.Camera.objects.filter(state__in=COUNTED).count()
