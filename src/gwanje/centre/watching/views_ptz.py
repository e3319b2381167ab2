"""Pages of steering (긴급 조작 화면): emergencies outside a zone, their words, their review."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import clock, demand
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import rules, rules_ptz, steering
from gwanje.centre.watching.models import WAITING_FIRST, PtzEmergency
from gwanje.kernel.policy import Resource


@require_GET
@signed_in
def ptz_list(request: HttpRequest) -> HttpResponse:
    """Emergencies outside a zone, those that wait for their review first; overdue ones are said."""
    actor = acting(request)
    demand(actor, rules.READ_EVENTS, Resource("event", agency=actor.agency))
    rows = PtzEmergency.objects.filter(agency_id=actor.agency).order_by(WAITING_FIRST, "-started_at")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    labels = cameras.labels({row.camera_id for row in page})
    for row in page:
        who = staff.person(row.person_id)
        row.name = who.name if who else "—"
        row.label = labels.get(row.camera_id, "—")
        row.why_ko, row.why_en = rules_ptz.REASONS.get(row.reason, (row.reason, row.reason))
        row.over = row.ended_at is not None or row.until <= clock().now()
        row.late = steering.late(row)
        row.own = row.person_id == actor.person
    return render(request, "watching/ptz.html", {"page_obj": page})


@require_POST
@signed_in
def ptz_tell(request: HttpRequest, id: UUID) -> HttpResponse:
    """Add the words."""
    steering.tell(acting(request), id, request.POST.get("words", ""))
    return redirect("watching:ptz")


@require_POST
@signed_in
def ptz_review(request: HttpRequest, id: UUID) -> HttpResponse:
    """Write the review."""
    steering.review(acting(request), id, request.POST.get("note", ""))
    return redirect("watching:ptz")
