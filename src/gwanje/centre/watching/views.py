"""Pages of watching (관제 화면): the wall, the map, emergency watching and its review."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import BOUNDARY
from gwanje.centre.common import clock, cursor, decide, demand, home
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import feed, glass, glass_reading, rules, services
from gwanje.centre.watching.models import GRIDS, WAITING_FIRST, Emergency
from gwanje.kernel import events
from gwanje.kernel.actor import Actor
from gwanje.kernel.hosts import socket_origins
from gwanje.kernel.policy import Resource


def _context(actor: Actor, **more: Any) -> dict[str, Any]:
    may = decide(actor, rules.WATCH, Resource("wall", agency=actor.agency))
    emergency = services.open_emergency_of(actor)
    seat = services.seat_of(actor)
    broken = glass_reading.open_of(actor)
    data = {
        "now": clock().now_us() / 1e6,
        "mayWatch": may.allow or broken is not None,
        "glass": {"id": str(broken.id), "until": broken.until.timestamp(), "cameras": broken.cameras}
        if broken
        else None,
        "station": actor.station,
        "person": actor.name,
        "seatPurposes": seat.purposes if seat else [],
        "emergency": {"id": str(emergency.id), "until": emergency.until.timestamp(), "trigger": emergency.trigger}
        if emergency
        else None,
        "boundary": "/api/cameras/boundary.geojson" if (home().root / BOUNDARY).is_file() else "",
    }
    offered = broken is None and glass.may_break(actor).allow
    return {
        "may": may, "shown": data["mayWatch"], "emergency": emergency, "triggers": services.triggers(), "data": data,
        "glass_offered": offered, **more,
    }  # fmt: skip


def _with_tiles(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page that may connect to every recorder of now: cameras move between them while it is open.

    Its data says which those are: to one that is registered later it connects through ``relay``.
    """
    addresses = services.live_addresses()
    origins = services.origins_of(addresses)
    context["data"] |= {
        "recorders": [*origins, *socket_origins(home())],
        # an address is no right: with one recorder a tile connects to it while its token is on the way
        "recorder": addresses[0] if len(addresses) == 1 else "",
    }
    response = render(request, template, context)
    response.connect_to = origins  # type: ignore[attr-defined]
    return response


def _tiles(actor: Actor, only: list[str] | None = None) -> list[dict[str, Any]]:
    """The agency's cameras in operation; ``only``: ids, where a break-glass is all that there is to see."""
    return [
        {
            "id": str(c.id),
            "number": c.number,
            "label": c.label,
            "place": c.place,
            "purposes": list(c.purposes),
            "ptz": c.ptz,
        }
        for c in cameras.cameras(active_only=True)
        if c.agency == actor.agency and (only is None or str(c.id) in only)
    ]


@require_GET
@signed_in
def wall(request: HttpRequest) -> HttpResponse:
    """The wall: 1, 4, 9 or 16 tiles, the camera list, the feed."""
    actor = acting(request)
    layout = services.layout_of(actor)
    context = _context(actor, grids=GRIDS)
    broken = context["data"]["glass"]
    context["data"] |= {
        "cameras": _tiles(actor, broken["cameras"] if broken and not context["may"].allow else None),
        "layout": {"grid": layout.grid, "cameras": layout.cameras} if layout else None,
    }
    return _with_tiles(request, "watching/wall.html", context)


@require_GET
@signed_in
def map_page(request: HttpRequest) -> HttpResponse:
    """The map with view cones; a click shows the camera live."""
    return _with_tiles(request, "watching/map.html", _context(acting(request)))


@require_GET
@signed_in
def relay(request: HttpRequest) -> HttpResponse:
    """The worker that reaches recorders of later than its page: its content policy is of the moment it is loaded."""
    found = finders.find("app/relay-worker.js")
    if not isinstance(found, str):
        raise Http404("app/relay-worker.js")
    response = HttpResponse(Path(found).read_bytes(), content_type="text/javascript; charset=utf-8")
    response.connect_to = services.live_origins()  # type: ignore[attr-defined]
    return response


@require_GET
@signed_in
@transaction.non_atomic_requests
def event_stream(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events after Last-Event-ID; without one, from now on."""
    actor = acting(request)
    demand(actor, rules.READ_EVENTS, Resource("event", agency=actor.agency))
    feed.admit(actor.person)
    given = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    with transaction.atomic():
        newest = events.latest(cursor(), 1)
    seq = int(given) if given.isdecimal() and len(given) < 19 else (newest[0].seq if newest else 0)
    response = StreamingHttpResponse(
        feed.stream(actor.agency, seq, actor.person), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


@require_POST
@signed_in
def emergency_open(request: HttpRequest) -> HttpResponse:
    """Open emergency watching at this seat."""
    minutes = request.POST.get("minutes", "")
    services.open_emergency(
        acting(request),
        request.POST.get("trigger", ""),
        request.POST.get("reason", ""),
        int(minutes) if minutes.isdecimal() and len(minutes) < 4 else 0,
    )
    return redirect("watching:wall")


@require_POST
@signed_in
def emergency_end(request: HttpRequest, id: UUID) -> HttpResponse:
    """End it before its time."""
    services.end_emergency(acting(request), id)
    return redirect("watching:wall")


@require_GET
@signed_in
def emergency_list(request: HttpRequest) -> HttpResponse:
    """Emergency watchings, those that wait for their review first."""
    actor = acting(request)
    demand(actor, rules.READ_EVENTS, Resource("event", agency=actor.agency))
    rows = Emergency.objects.filter(agency_id=actor.agency).order_by(WAITING_FIRST, "-started_at")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    for row in page:
        who = staff.person(row.person_id)
        row.name = who.name if who else "—"
        row.over = row.ended_at is not None or row.until <= clock().now()
    return render(request, "watching/emergencies.html", {"page_obj": page})


@require_POST
@signed_in
def emergency_review(request: HttpRequest, id: UUID) -> HttpResponse:
    """Write the review."""
    services.review_emergency(acting(request), id, request.POST.get("note", ""))
    return redirect("watching:emergencies")
