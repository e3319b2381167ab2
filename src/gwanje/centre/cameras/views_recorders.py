"""Page of the fleet (녹화기 현황): which recorders live, how many cameras each holds, what was not recorded and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from gwanje.centre.cameras import rules, services
from gwanje.centre.cameras.views import rooms_of
from gwanje.centre.common import clock, cursor, decide
from gwanje.centre.common.doors import acting, signed_in
from gwanje.kernel import recorders as fleet
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

DAY_US = 86_400_000_000
REASONS = {
    "network": _("통신 끊김"), "camera": _("기기 이상"), "disk": _("저장 장애"), "overload": _("과부하"),
    "clock": _("시각 이상"), "no key": _("키 없음"), "not due": _("녹화 대상 아님"), "restart": _("재시작"),
}  # fmt: skip


@require_GET
@signed_in
def recorders(request: HttpRequest) -> HttpResponse:
    """Recorders, cameras that nobody records, and the gaps of the last 24 hours, of the actor's agency."""
    actor: Actor = acting(request)
    services.require(actor, rules.RECORDERS)
    assert actor.agency is not None
    now_us = clock().now_us()
    count, labels = fleet.orphans(cursor(), actor.agency)
    nodes = fleet.nodes(cursor(), actor.agency)
    holes = fleet.holes(cursor(), actor.agency, now_us - DAY_US, now_us)
    context = {
        "nodes": nodes, "alive": sum(node.alive for node in nodes), "orphans": count, "labels": labels,
        "held": sum(node.cameras for node in nodes if node.alive),
        "holes": [(REASONS.get(hole.reason, hole.reason), hole.count, hole.seconds) for hole in holes],
        "may_write": bool(decide(actor, rules.WRITE, Resource("registry", agency=actor.agency))), **rooms_of(actor),
    }  # fmt: skip
    return render(request, "cameras/recorders.html", context)
