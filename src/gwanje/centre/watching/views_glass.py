"""Pages of break-glass (비상 열람 화면): breaking it, ending it, the second person's look."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import clock, decide, demand, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, uuid_of
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import glass, glass_reading, rules_glass
from gwanje.centre.watching.models import MISUSE, WAITING_FIRST, Glass
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource


@require_GET
@signed_in
def glass_list(request: HttpRequest) -> HttpResponse:
    """Break-glasses, those that wait for their review first; overdue ones and suspensions are said."""
    actor = acting(request)
    demand(actor, rules_glass.READ, Resource(glass.KIND, agency=actor.agency))
    rows = Glass.objects.filter(agency_id=actor.agency).order_by(WAITING_FIRST, "-started_at")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    labels = cameras.labels({UUID(id_) for row in page for id_ in row.cameras})
    for row in page:
        _shown(actor, row, labels)
    return render(request, "watching/glass.html", {"page_obj": page, "may": glass.may_break(actor)})


def _shown(actor: Actor, row: Any, labels: dict[UUID, str]) -> None:
    """What the list says of a row beside its fields."""
    who = staff.person(row.person_id)
    resource = Resource(glass.KIND, row.id, row.agency_id, facts={"opened_by": row.person_id})
    row.name = who.name if who else "—"
    row.labels = [labels.get(UUID(id_), "—") for id_ in row.cameras]
    row.over = row.ended_at is not None or row.until <= clock().now()
    row.late = row.reviewed_at is None and row.review_by <= clock().now()
    row.may_end = not row.over and decide(actor, rules_glass.END, resource).allow
    row.may_review = row.over and row.reviewed_at is None and decide(actor, rules_glass.REVIEW, resource).allow
    row.suspends = row.verdict == MISUSE and row.restored_at is None
    row.may_restore = row.suspends and decide(actor, rules_glass.RESTORE, resource).allow
    row.why = _ground(row.ground)


def _ground(code: str) -> tuple[str, str]:
    try:
        found = law().ground(code)
    except KeyError:
        return code, code
    return found.ko, found.en


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def glass_open(request: HttpRequest) -> HttpResponse:
    """Break the glass; what was typed stays on the page when something is wrong with it."""
    actor = acting(request)
    problem: Problem | None = None
    if request.method == "POST":
        chosen = [uuid_of(text, "기기", "camera") for text in request.POST.getlist("camera")[:20]]
        try:
            glass.open_glass(actor, request.POST.get("ground", ""), request.POST.get("words", ""), chosen)
        except Problem as error:
            problem = error
        else:
            return redirect("watching:wall")
    return render(request, "watching/glass_open.html", _form(request, actor, problem), status=_status(problem))


def _status(problem: Problem | None) -> int:
    return problem.status if problem else 200


def _form(request: HttpRequest, actor: Actor, problem: Problem | None) -> dict[str, Any]:
    today, may = law(), glass.may_break(actor)
    known = [camera for camera in cameras.cameras(active_only=True) if camera.agency == actor.agency]
    beyond = set(glass.beyond(actor, known))
    listed = [
        {"id": str(c.id), "number": c.number, "label": c.label, "place": c.place, "purposes": list(c.purposes)}
        for c in known
        if may.allow and c.id in beyond
    ]
    return {
        "may": may,
        "mine": glass_reading.open_of(actor),
        "grounds": rules_glass.grounds(today),
        "minutes": rules_glass.minutes(today),
        "cameras_max": rules_glass.cameras_max(today),
        "hours": rules_glass.review_hours(today),
        "words_max": rules_glass.WORDS_MAX,
        "problem": problem,
        "typed": {name: request.POST.get(name, "") for name in ("ground", "words")},
        "data": {
            "cameras": listed,
            "most": rules_glass.cameras_max(today),
            "chosen": request.POST.getlist("camera") or request.GET.getlist("camera")[:20],
        },
    }


@require_POST
@signed_in
def glass_end(request: HttpRequest, id: UUID) -> HttpResponse:
    """End it before its time."""
    actor = acting(request)
    row = glass.end_glass(actor, id)
    return redirect("watching:wall" if row.person_id == actor.person else "watching:glass")


@require_POST
@signed_in
def glass_review(request: HttpRequest, id: UUID) -> HttpResponse:
    """Write what the second person found."""
    glass.review(acting(request), id, request.POST.get("verdict", ""), request.POST.get("note", ""))
    return redirect("watching:glass")


@require_POST
@signed_in
def glass_restore(request: HttpRequest, id: UUID) -> HttpResponse:
    """Lift the suspension of a misuse."""
    glass.restore(acting(request), id, request.POST.get("note", ""))
    return redirect("watching:glass")
