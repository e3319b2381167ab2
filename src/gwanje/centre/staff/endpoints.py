"""API of staff: who I am, my shift, the people of my agency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gwanje.centre.common import OFFSET_MAX, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.staff import api, services
from gwanje.centre.staff.models import Person
from gwanje.kernel.policy import Resource

router = Router(tags=["staff"])
PAGE_MAX = 100


class Me(Schema):
    """The actor."""

    person: UUID
    name: str
    roles: list[str]
    titles: list[str]
    agency: UUID
    station: str
    on_duty: bool
    contractor: bool


class ShiftOut(Schema):
    """One shift."""

    id: UUID
    station: str
    started_at: datetime
    ended_at: datetime | None


class PersonOut(Schema):
    """One account with its rights today."""

    id: UUID
    account: str
    name: str
    roles: list[str]
    contractor: bool
    active: bool


@router.get("/me", response=Me, operation_id="staff_me", url_name="staff-me")
def me(request: HttpRequest) -> dict[str, object]:
    """Who I am here and now."""
    actor = acting(request)
    return {**actor.__dict__, "roles": sorted(actor.roles), "titles": api.titles(actor.roles)}


@router.post("/shift/start", response=ShiftOut, operation_id="staff_shift_start", url_name="staff-shift-start")
def shift_start(request: HttpRequest) -> dict[str, object]:
    """근무 시작."""
    actor = acting(request)
    shift = services.start_shift(Person.objects.get(pk=actor.person), actor.station, by=actor)
    return {"id": shift.pk, "station": shift.station.code, "started_at": shift.started_at, "ended_at": None}


@router.post("/shift/end", response=ShiftOut | None, operation_id="staff_shift_end", url_name="staff-shift-end")
def shift_end(request: HttpRequest) -> dict[str, object] | None:
    """근무 종료; null when no shift was open."""
    actor = acting(request)
    shift = services.end_shift(Person.objects.get(pk=actor.person), by=actor)
    if shift is None:
        return None
    return {"id": shift.pk, "station": shift.station.code, "started_at": shift.started_at, "ended_at": shift.ended_at}


@router.get("/people", response=list[PersonOut], operation_id="staff_people", url_name="staff-people")
def people(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(50, ge=1, le=PAGE_MAX)
) -> list[dict[str, object]]:
    """People of my agency, by name; at most 100 a page."""
    actor = acting(request)
    demand(actor, "staff.read", Resource("agency", agency=actor.agency))
    return [
        {
            "id": p.pk,
            "account": p.account,
            "name": p.name,
            "roles": sorted(api.roles_of(p.pk)),
            "contractor": p.contractor,
            "active": p.active,
        }
        for p in Person.objects.order_by("name", "account")[offset : offset + limit]
    ]
