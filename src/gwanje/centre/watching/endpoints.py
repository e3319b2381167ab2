"""API of watching (관제 API): live tokens, layouts, emergency watching, recent events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gwanje.centre.common import cursor, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.watching import endpoints_ptz, rules, services
from gwanje.kernel import events
from gwanje.kernel.policy import Resource

router = Router(tags=["watching"])
router.add_router("/ptz", endpoints_ptz.router)


class TokenIn(Schema):
    """Which camera, which stream (``main``, ``sub`` or ``transcode``)."""

    camera: UUID
    stream: str = "sub"


class TokenOut(Schema):
    """What a tile needs; ``glass``: end (Unix s) of the break-glass that alone shows the camera, else 0."""

    token: str
    url: str
    expires: int
    label: str
    glass: int


class TokensIn(Schema):
    """Cameras of one page of tiles, and which stream of theirs."""

    cameras: list[UUID]
    stream: str = "sub"


class TokensOut(Schema):
    """One ticket for each, in their order; null where one is refused (asked alone it is told why)."""

    tickets: list[TokenOut | None]


class LayoutIn(Schema):
    """What a display shows now."""

    grid: int
    cameras: list[UUID]
    display: int = 1


class LayoutOut(Schema):
    """What a display shows."""

    grid: int
    cameras: list[UUID]


class EmergencyIn(Schema):
    """Why the watching is widened, and for how many minutes (1-15)."""

    trigger: str
    reason: str
    minutes: int = 15


class EmergencyOut(Schema):
    """An open emergency watching; ``until`` in Unix seconds."""

    id: UUID
    trigger: str
    until: float


@router.post("/live-token", response=TokenOut, operation_id="watching_live_token", url_name="watching-live-token",
             summary="Right to watch one camera for 60 s (실시간 관제)")  # fmt: skip
def live_token(request: HttpRequest, body: TokenIn) -> Any:
    """Only on shift, in a watching role, within the seat's purposes; 404 for another agency's camera."""
    return services.live_token(acting(request), body.camera, body.stream).__dict__


@router.post("/live-tokens", response=TokensOut, operation_id="watching_live_tokens",
             url_name="watching-live-tokens", summary="Rights to watch for 60 s (실시간 관제)")  # fmt: skip
def live_tokens(request: HttpRequest, body: TokensIn) -> Any:
    """At most 16 at once; the rule is the same for each."""
    tickets = services.live_tokens(acting(request), body.cameras, body.stream)
    return {"tickets": [ticket.__dict__ if ticket else None for ticket in tickets]}


@router.put("/layout", response=LayoutOut, operation_id="watching_layout_save", url_name="watching-layout",
            summary="Remember a display's layout (화면 배치)")  # fmt: skip
def layout_save(request: HttpRequest, body: LayoutIn) -> Any:
    """One ledger row per change and seat."""
    row = services.save_layout(acting(request), body.grid, body.cameras, body.display)
    return {"grid": row.grid, "cameras": row.cameras}


@router.post("/emergencies", response=EmergencyOut, operation_id="watching_emergency_open",
             url_name="watching-emergency-open", summary="Open emergency watching (긴급 관제)")  # fmt: skip
def emergency_open(request: HttpRequest, body: EmergencyIn) -> Any:
    """At most 15 minutes; stored video stays closed."""
    row = services.open_emergency(acting(request), body.trigger, body.reason, body.minutes)
    return {"id": row.id, "trigger": row.trigger, "until": row.until.timestamp()}


@router.get("/events", operation_id="watching_events", url_name="watching-events",
            summary="Recent events, newest first (알림)")  # fmt: skip
def recent(request: HttpRequest, limit: int = Query(50, ge=1, le=200)) -> list[dict[str, Any]]:
    """Events of the centre and of the actor's agency."""
    actor = acting(request)
    demand(actor, rules.READ_EVENTS, Resource("event", agency=actor.agency))
    found = events.latest(cursor(), limit)
    return [event.as_json() for event in found if event.agency in (None, actor.agency)]


@router.post("/events/{id}/acknowledge", operation_id="watching_event_acknowledge",
             url_name="watching-event-acknowledge", summary="Acknowledge an event (확인)")  # fmt: skip
def acknowledge(request: HttpRequest, id: UUID) -> dict[str, bool]:
    """The first acknowledgement stays."""
    return {"acknowledged": services.acknowledge(acting(request), id)}
