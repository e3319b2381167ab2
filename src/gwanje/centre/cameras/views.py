"""Pages of cameras (영상정보처리기기 화면): list, one camera, places, import with its report, export."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.cameras import importing, rules, services
from gwanje.centre.cameras.forms import STATE_WORDS, CameraForm, MandateForm, UploadForm
from gwanje.centre.cameras.forms_mandate import HoursForm, hours_initial
from gwanje.centre.cameras.national import reasons
from gwanje.centre.common import clock, decide
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.guard import guarded
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.staff import api as staff
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

PAGE = 100
SEARCH_MAX = 100


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


def _may(actor: Actor, action: str) -> bool:
    return bool(decide(actor, action, Resource("registry", agency=actor.agency)))


def rooms_of(actor: Actor) -> dict[str, bool]:
    """What the room's menu shows this person beside the registry."""
    return {"may_discover": _may(actor, rules.ADDRESSES), "may_recorders": _may(actor, rules.RECORDERS)}


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    actor = acting(request)
    rights = {"may_write": _may(actor, rules.WRITE), "may_export": _may(actor, rules.EXPORT), **rooms_of(actor)}
    return {**rights, "states": STATE_WORDS, **more}


@require_GET
@signed_in
def camera_list(request: HttpRequest) -> HttpResponse:
    """Cameras by number, searched by number, place, purpose; 100 a page."""
    actor = acting(request)
    services.require(actor, rules.READ)
    rows = services.visible(actor)
    query, state = request.GET.get("q", "").strip()[:SEARCH_MAX], request.GET.get("state", "")
    if query:
        rows = rows.filter(Q(number__icontains=query) | Q(place__icontains=query) | Q(purposes__contains=query))
    if state in STATE_WORDS:
        rows = rows.filter(state=state)
    page = _page(request, rows)
    return render(request, "cameras/list.html", _context(request, page_obj=page, query=query, state=state))


@require_GET
@signed_in
def camera_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """One camera; its stream addresses only for the administrator."""
    actor = acting(request)
    row = services.find(actor, id)
    owner = staff.agency(row.owner_id)
    addresses = _may(actor, rules.ADDRESSES)
    more = {"camera": row, "owner": owner, "addresses": addresses}
    more["sealed"], more["unsealed"] = services.slots(row)
    more["hours_form"] = HoursForm(initial=hours_initial(row.purpose_hours))
    if row.owner_id != row.agency_id:
        kept = {name: getattr(row, name) for name in MandateForm.base_fields}
        more["mandate_form"] = MandateForm(initial=kept)
    return render(request, "cameras/camera.html", _context(request, **more))


@require_http_methods(["GET", "POST"])
@signed_in
def camera_new(request: HttpRequest) -> HttpResponse:
    """Register a camera."""
    actor = acting(request)
    services.require(actor, rules.WRITE)
    assert actor.agency is not None
    others = [(str(a.pk), a.name) for a in staff.agencies() if a.pk != actor.agency]
    form = CameraForm(others, request.POST) if request.method == "POST" else CameraForm(others)
    if request.method == "POST" and form.is_valid():
        values = {k: v for k, v in form.cleaned_data.items() if v not in (None, "")}
        values |= {name: tuple(values[name]) for name in ("purposes", "classification") if name in values}
        values["owner"] = UUID(values["owner"]) if values.get("owner") else None
        try:
            row = services.register_camera(actor, services.NewCamera(agency=actor.agency, **values))
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            return redirect("cameras:camera", id=row.id)
    status = 422 if form.is_bound else 200
    return render(request, "cameras/new.html", _context(request, form=form), status=status)


@require_POST
@signed_in
def camera_state(request: HttpRequest, id: UUID) -> HttpResponse:
    """Suspend, resume or remove."""
    services.change_state(acting(request), id, request.POST.get("state", ""))
    return redirect("cameras:camera", id=id)


@require_POST
@signed_in
def camera_mandate(request: HttpRequest, id: UUID) -> HttpResponse:
    """Record the mandate of another agency's camera."""
    actor = acting(request)
    row = services.find(actor, id)
    form = MandateForm(request.POST)
    given = form.cleaned_data if form.is_valid() else {}
    document = given.get("mandate", "")
    services.set_mandate(actor, row.id, document, given.get("mandate_from"), given.get("mandate_until"))
    return redirect("cameras:camera", id=id)


@require_POST
@signed_in
def camera_credentials(request: HttpRequest, id: UUID) -> HttpResponse:
    """Seal a new account of the device."""
    services.set_credentials(acting(request), id, request.POST.get("user", ""), request.POST.get("password", ""))
    return redirect("cameras:camera", id=id)


@require_GET
@signed_in
def point_list(request: HttpRequest) -> HttpResponse:
    """Installation points in file order; 100 a page, with sums per purpose."""
    actor = acting(request)
    services.require(actor, rules.READ)
    rows = importing.points(actor)
    sums = rows.order_by().values("purpose").annotate(places=Count("id"), cameras=Sum("cameras")).order_by("-places")
    query, purpose = request.GET.get("q", "").strip()[:SEARCH_MAX], request.GET.get("purpose", "")[:20]
    if query:
        rows = rows.filter(
            Q(road_address__icontains=query) | Q(lot_address__icontains=query) | Q(agency__icontains=query)
        )
    if purpose:
        rows = rows.filter(purpose=purpose)
    more = {"page_obj": _page(request, rows), "query": query, "purpose": purpose, "sums": list(sums)}
    more["total"] = {
        "places": sum(s["places"] for s in more["sums"]),
        "cameras": sum(s["cameras"] for s in more["sums"]),
    }
    return render(request, "cameras/points.html", _context(request, **more))


@require_http_methods(["GET", "POST"])
@signed_in
def import_new(request: HttpRequest) -> HttpResponse:
    """Upload a file and see its report; nothing is written by this step."""
    actor = acting(request)
    services.require(actor, rules.WRITE)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    problem: Problem | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            return redirect("cameras:import", id=importing.preview(actor, file.name, file.read()).id)
        except Problem as error:
            problem = error
    batches = importing.ImportBatch.objects.filter(agency_id=actor.agency)[:20]
    more = {"form": form, "problem": problem, "batches": batches}
    return render(request, "cameras/import.html", _context(request, **more), status=422 if form.is_bound else 200)


def ranked(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Codes with their counts, most frequent first (the database keeps no order of keys)."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


@require_GET
@signed_in
def import_page(request: HttpRequest, id: UUID) -> HttpResponse:
    """The report of one file: accepted, repaired, refused rows with counts per reason."""
    found = importing.batch(acting(request), id)
    language = "en" if get_language() == "en" else "ko"
    groups = [
        (kind, [(reasons.label(code, language), count) for code, count in ranked(found.counts.get(kind, {}))])
        for kind in ("refused", "repaired", "remarked")
    ]
    shown = [
        {"line": line, "reason": reasons.label(code, language), "cells": " · ".join(c for c in cells if c)}
        for line, code, _column, cells in found.refusals[:100]
    ]
    more = {"batch": found, "groups": groups, "shown": shown, "new": found.accepted - found.known}
    return render(request, "cameras/report.html", _context(request, **more))


@require_GET
@signed_in
def import_refused(request: HttpRequest, id: UUID) -> HttpResponse:
    """The refused rows as a file, with their line and reason, to be mended and sent again."""
    found = importing.batch(acting(request), id)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for line, code, column, cells in found.refusals:
        # what a spreadsheet would run stays text
        writer.writerow([line, reasons.label(code), column, *map(guarded, cells)])
    response = HttpResponse(b"\xef\xbb\xbf" + out.getvalue().encode(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-{found.id}.csv"'
    return response


@require_POST
@signed_in
def import_confirm(request: HttpRequest, id: UUID) -> HttpResponse:
    """Write the accepted rows, or throw the preview away."""
    if request.POST.get("act") == "discard":
        importing.discard(acting(request), id)
        return redirect("cameras:import_new")
    importing.confirm(acting(request), id)
    return redirect("cameras:import", id=id)


@require_GET
@signed_in
def export(request: HttpRequest) -> HttpResponseBase:
    """The places as a national standard file: ``columns`` 13, 14, 18; ``encoding`` cp949 or utf-8-sig."""
    columns, encoding = request.GET.get("columns", "18"), request.GET.get("encoding", "utf-8-sig")
    data = importing.export(acting(request), columns=int(columns) if columns.isdecimal() else 0, encoding=encoding)
    charset = "cp949" if encoding == "cp949" else "utf-8"
    response = HttpResponse(data, content_type=f"text/csv; charset={charset}")
    day = clock().local().strftime("%Y%m%d")
    response["Content-Disposition"] = f'attachment; filename="cctv_{day}_{columns}.csv"'
    return response
