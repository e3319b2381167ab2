"""Page of a zone (조작 구역 화면): limits, forbidden views and home on a map of pan and tilt, or as numbers."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from gwanje.centre.cameras import rules, services, steering
from gwanje.centre.cameras.views import rooms_of
from gwanje.centre.common import decide, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.law import NotInForce

BYTES_MAX = 32 * 1024


def _said(request: HttpRequest) -> dict[str, Any]:
    text = request.POST.get("zone", "")
    try:
        said = json.loads(text) if len(text) <= BYTES_MAX else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Problem("zone", "조작 구역의 모양이 맞지 않습니다.", "The zone is out of form.")
    return said


def _articles() -> list[dict[str, str]]:
    today = law()
    try:
        return [{"ref": str(a), "text": today.article(a.pack, a.id).text} for a in today.articles("ptz.purpose")]
    except NotInForce:
        return []


@require_http_methods(["GET", "POST"])
@signed_in
def camera_zone(request: HttpRequest, id: UUID) -> HttpResponse:
    """Draw it, type it, or remove it; what is refused stays on the page as it was typed."""
    actor: Actor = acting(request)
    row = services.find(actor, id)
    problem = ""
    zone = row.connection.get("ptz")
    if request.method == "POST":
        try:
            said = None if request.POST.get("remove") else _said(request)
            zone = said
            steering.set_zone(actor, row.id, said)
            return redirect("cameras:zone", id=row.id)
        except Problem as refused:
            problem = say(refused)
    may = bool(decide(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id)))
    state, count = steering.masks_of(actor, row.id) if zone and zone.get("masks") else ("none", 0)
    context = {
        "masks": state, "masks_count": count, **rooms_of(actor),
        "camera": row, "may_write": may, "problem": problem, "articles": _articles(),
        "data": {"zone": zone, "may": may, "purposes": list(row.purposes)},
    }  # fmt: skip
    return render(request, "cameras/zone.html", context, status=422 if problem else 200)
