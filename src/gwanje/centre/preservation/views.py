"""Pages of holds (보존 화면)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import clock, decide, demand, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.common.typed import editing, refillable
from gwanje.centre.preservation import reading, services, signing
from gwanje.centre.preservation.forms import HoldForm, ProlongForm
from gwanje.centre.preservation.models import ASKED, Hold
from gwanje.centre.preservation.rules import PROVISIONAL_DAYS, READERS, REQUESTERS
from gwanje.centre.preservation.signing import SignFirst
from gwanje.centre.preservation.views_signing import fixed_of, lead, own_act
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

PAGE = 50
QUERY_MAX = 100


def own(actor: Actor) -> Resource:
    """The actor's agency, as a resource."""
    return Resource("hold", agency=actor.agency)


@signed_in
@require_GET
def holds(request: HttpRequest) -> HttpResponse:
    """The list (보존 목록): officers see the agency's, others what they asked for; the soonest to end first."""
    actor = acting(request)
    demand(actor, "preservation.read", own(actor), own=actor.has(*REQUESTERS))
    state, query = request.GET.get("state", "standing"), request.GET.get("q", "")[:QUERY_MAX].strip()
    mine = None if actor.has(*READERS) else actor.person
    found = reading.found(state=state, query=query, own=mine)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [_shown(row) for row in page],
        "page_obj": page,
        "state": state,
        "states": {**{code: word[0] for code, word in reading.STATE_WORDS.items()}, reading.WAITS: _("결정 대기")},
        "query": query,
        "totals": reading.totals() if mine is None else None,
        "may_hold": decide(actor, "preservation.hold", own(actor)).allow,
        "may_ask": decide(actor, "preservation.ask", own(actor)).allow,
        "articles": law().articles("hold.apart"),
    }
    return render(request, "preservation/holds.html", context)


def _shown(row: Hold) -> dict[str, Any]:
    state = reading.state_now(row)
    labels = list(dict.fromkeys(row.cameras.values_list("label", flat=True)))
    return {
        "hold": row,
        "state": reading.STATE_WORDS[state],
        "kind": reading.KIND_WORDS[row.kind],
        "days": reading.days_left(row.ends_at) if state == "standing" else None,
        "soon": state == "standing" and reading.days_left(row.ends_at) <= reading.SOON_DAYS,
        "waits": row.acts.filter(state=ASKED).exists(),
        "label": labels[0] if labels else "",
        "more": max(0, len(labels) - 1),
    }


@signed_in
@refillable
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """``step=look`` shows cameras, seconds, bytes and what is dead; ``step=hold`` holds at once for ten days."""
    actor = acting(request)
    demand(actor, "preservation.hold", own(actor))
    if request.method == "GET":
        return _form(request, HoldForm(actor=actor, initial=_initial(request)))
    form = HoldForm(request.POST, actor=actor)
    if editing(request):
        return _form(request, form)
    if not form.is_valid():
        return _form(request, form, status=422)
    wanted = form.wanted()
    try:
        if request.POST.get("step") == "hold":
            made = services.provisional(wanted, actor, fixed_of(request))
            messages.success(request, _("보존하였습니다. 열흘 안에 다른 책임자의 결정을 받으십시오."))
            return redirect("preservation:hold", made.pk)
        seen = services.look(wanted.cameras, wanted.first, wanted.until, actor)
    except SignFirst as first:
        return lead(request, first, reverse("preservation:new"))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        form.add_error(None, say(problem))
        return _form(request, form, status=problem.status)
    return _form(request, form, seen=seen, alive=any(item.spans for item in seen))


def _initial(request: HttpRequest) -> dict[str, Any]:
    names = ("first", "until", "ground", "case", "reason")
    chosen = {name: request.GET[name][:1000] for name in names if name in request.GET}
    return {**chosen, "cameras": request.GET.getlist("camera")[: services.CAMERAS_MAX]}


def _form(request: HttpRequest, form: HoldForm, status: int = 200, **seen: Any) -> HttpResponse:
    found = seen.get("seen") or []
    sums = {"seconds": sum(r.seconds for r in found), "bytes": sum(r.bytes for r in found)}
    context = {"form": form, "days": PROVISIONAL_DAYS, "sums": sums, "articles": law().articles("hold.basis"), **seen}
    return render(request, "preservation/new.html", context, status=status)


@signed_in
@require_GET
def hold(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One hold: what, why, until when, who decided what; the forms that this person may use."""
    return _page(request, id_)


def _page(
    request: HttpRequest, id_: UUID, form: ProlongForm | None = None, status: int = 200, problem: str = ""
) -> HttpResponse:
    actor = acting(request)
    row = services.readable(id_, actor)
    acts = list(row.acts.select_related("asked_by", "decided_by"))
    open_ = next((act for act in acts if act.state == ASKED), None)
    standing = reading.state_now(row) == "standing"
    verdict = (
        decide(actor, "preservation.decide", services.resource(row), asked_by=str(open_.asked_by_id)) if open_ else None
    )
    may_ask = standing and open_ is None and decide(actor, "preservation.ask", services.resource(row)).allow
    start = {"ground": row.ground, "case": row.case}
    context = {
        **_shown(row),
        "cameras": row.cameras.all(),
        "acts": acts,
        "open": open_ if standing else None,
        "to_sign": open_ is not None and standing and signing.mine(open_.pk, signing.act_of(open_), actor),
        "may_decide": bool(verdict and verdict.allow),
        "why_not": verdict.reason if verdict is not None else None,
        "may_ask": may_ask,
        "may_view": standing and decide(actor, "playback.ask", services.resource(row)).allow,
        "form": form or (ProlongForm(initial=start) if may_ask else None),
        "problem": problem,
        "typed": {"note": request.POST.get("note", ""), "end_reason": "" if form else request.POST.get("reason", "")},
        "applications": row.applications.select_related("entered_by"),
        "articles": [*law().articles("hold.basis"), *law().articles("hold.apart")],
        "now": clock().now(),
        "kinds": reading.KIND_WORDS,
    }
    return render(request, "preservation/hold.html", context, status=status)


@signed_in
@require_POST
def prolong(request: HttpRequest, id_: UUID) -> HttpResponse:
    """연장 신청."""
    actor, form = acting(request), ProlongForm(request.POST)
    if not form.is_valid():
        demand(actor, "preservation.ask", own(actor))
        return _page(request, id_, form, 422)
    said = form.cleaned_data
    try:
        act = services.ask_prolong(
            id_,
            actor,
            ends=form.ends_at().astimezone(UTC),
            ground=said["ground"],
            case=said["case"],
            reason=said["reason"],
        )
    except Problem as problem:
        form.add_error(None, say(problem))
        return _page(request, id_, form, problem.status)
    messages.success(request, _("연장을 신청하였습니다. 다른 책임자가 결정합니다."))
    return own_act(request, act)


@signed_in
@require_POST
def end(request: HttpRequest, id_: UUID) -> HttpResponse:
    """종료 신청."""
    try:
        act = services.ask_end(id_, acting(request), request.POST.get("reason", ""))
    except Problem as problem:
        return _page(request, id_, status=problem.status, problem=say(problem))
    messages.success(request, _("종료를 신청하였습니다. 다른 책임자가 결정합니다."))
    return own_act(request, act)


@signed_in
@require_POST
def agree(request: HttpRequest, id_: UUID, act: UUID) -> HttpResponse:
    """결정."""
    try:
        services.agree(id_, act, acting(request), request.POST.get("note", ""))
    except SignFirst as first:
        return lead(request, first, reverse("preservation:hold", args=[id_]), act)
    except Problem as problem:
        return _page(request, id_, status=problem.status, problem=say(problem))
    messages.success(request, _("결정하였습니다."))
    return redirect("preservation:hold", id_)


@signed_in
@require_POST
def decline(request: HttpRequest, id_: UUID, act: UUID) -> HttpResponse:
    """반려."""
    try:
        services.decline(id_, act, acting(request), request.POST.get("note", ""))
    except Problem as problem:
        return _page(request, id_, status=problem.status, problem=say(problem))
    messages.success(request, _("반려하였습니다."))
    return redirect("preservation:hold", id_)


def at(second: int) -> datetime:
    """A Unix second as an aware datetime."""
    return datetime.fromtimestamp(second, UTC)
