"""Pages of mandates and hours (권한 수임·운영시간 화면)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from gwanje.centre.cameras import hours, mandates, rules, services
from gwanje.centre.cameras.forms_mandate import HoursForm, NewMandateForm
from gwanje.centre.cameras.models import REMOVED, Camera
from gwanje.centre.cameras.views import rooms_of
from gwanje.centre.common import clock, decide
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.staff import api as staff
from gwanje.kernel.policy import Resource

CAMERAS_MAX = 2_000


@require_http_methods(["GET", "POST"])
@signed_in
def mandate_list(request: HttpRequest) -> HttpResponse:
    """Mandates of other agencies; POST records one."""
    actor = acting(request)
    services.require(actor, rules.READ)
    names = {a.pk: a.name for a in staff.agencies()}
    rows = Camera.objects.filter(agency_id=actor.agency).exclude(owner_id=actor.agency).exclude(state=REMOVED)
    cameras = [(str(c.pk), f"{c.label} · {names.get(c.owner_id, '')}") for c in rows.order_by("number")[:CAMERAS_MAX]]
    owners = [(str(pk), name) for pk, name in names.items() if pk != actor.agency]
    form = NewMandateForm(owners, cameras, request.POST or None)
    if request.method == "POST":
        services.require(actor, rules.WRITE)
    if request.method == "POST" and form.is_valid():
        at, given = form.hours(), form.cleaned_data
        given = {**given, "owner": UUID(given["owner"]), "cameras": tuple(UUID(c) for c in given["cameras"]),
                 "purposes": tuple(given["purposes"])}  # fmt: skip
        try:
            mandates.record(actor, mandates.NewMandate(hours=at, **given))
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            return redirect("cameras:mandates")
    today = clock().local().date()
    found = [
        (m, names.get(m.owner_id, ""), m.cameras.count(), _state(m, today)) for m in mandates.of_agency(actor.agency)
    ]
    context = {"rows": found, "form": form, "may_write": _may(request), **rooms_of(actor)}
    return render(request, "cameras/mandates.html", context, status=422 if form.errors else 200)


def _may(request: HttpRequest) -> bool:
    actor = acting(request)
    return bool(decide(actor, rules.WRITE, Resource("registry", agency=actor.agency)))


def _state(row: mandates.Mandate, today: date) -> str:
    if row.ends_on is not None and row.ends_on < today:
        return "over"
    return "planned" if row.starts_on > today else "valid"


@require_POST
@signed_in
def mandate_end(request: HttpRequest, id: UUID) -> HttpResponse:
    """End a mandate."""
    mandates.end(acting(request), id, request.POST.get("reference", ""))
    return redirect("cameras:mandates")


@require_POST
@signed_in
def camera_hours(request: HttpRequest, id: UUID) -> HttpResponse:
    """Record when a camera serves its purpose."""
    actor = acting(request)
    row = services.find(actor, id)
    services.require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    form = HoursForm(request.POST)
    if not form.is_valid():
        raise Problem("hours", "시간대와 목적을 확인하십시오.", "Check hours and purposes.")
    at = form.hours()
    given = {**form.cleaned_data, "secondary": tuple(form.cleaned_data["secondary"])}
    hours.set_hours(actor, row.id, hours.Hours(at, **given))
    return redirect("cameras:camera", id=row.id)
