"""Pages of playback (열람·재생 화면)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import absent, clock, cursor, decide, demand, home, law
from gwanje.centre.common import signing as signatures
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.common.typed import editing, refillable
from gwanje.centre.playback import permits, services, signing, spoken
from gwanje.centre.playback.footage import stretches
from gwanje.centre.playback.forms import RequestForm
from gwanje.centre.playback.models import APPROVED, ASKED, EXPIRED, VIEWED, Request
from gwanje.centre.playback.rules import READERS
from gwanje.centre.preservation import api as preservation
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.vault.client_consent import Signing

PAGE = 50
# what a person has begun to sign: request → (id on vaultd's page, note); in the session, so that it is that person's
BEGUN, BEGUN_MAX = "signing", 8
GAP_WORDS = {
    "network": _lazy("통신 끊김"),
    "camera": _lazy("기기 이상"),
    "disk": _lazy("저장 장애"),
    "overload": _lazy("과부하"),
    "clock": _lazy("시각 이상"),
    "no key": _lazy("키 없음"),
    "not due": _lazy("녹화 대상 아님"),
    "restart": _lazy("재시작"),
    "closed": _lazy("삭제 요구로 폐쇄"),
}
STATE_WORDS = {
    "asked": (_lazy("승인 대기"), "warn"),
    "approved": (_lazy("승인"), "ok"),
    "refused": (_lazy("반려"), "bad"),
    "expired": (_lazy("기한 경과"), ""),
    "viewed": (_lazy("열람함"), "info"),
    "cancelled": (_lazy("취소"), ""),
}


def state_now(row: Request) -> str:
    """The state as of now: what has run out of time shows so before the worker has marked it."""
    if row.state in (ASKED, APPROVED, VIEWED) and row.valid_until <= clock().now():
        return EXPIRED
    return str(row.state)


def at(second: int) -> datetime:
    """A Unix second as an aware datetime."""
    return datetime.fromtimestamp(second, UTC)


@signed_in
@require_GET
def requests(request: HttpRequest) -> HttpResponse:
    """My requests; for approvers and auditors those of the whole agency, waiting ones first."""
    actor = acting(request)
    demand(actor, "playback.read", Resource("request", agency=actor.agency), own=True)
    found = Request.objects.select_related("requester")
    if not actor.has(*READERS):
        found = found.filter(requester_id=actor.person)
    state = request.GET.get("state", "")
    if state in STATE_WORDS:
        found = found.filter(state=state)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rows = [(row, STATE_WORDS[state_now(row)], at(row.first), at(row.until)) for row in page]
    may_ask = decide(actor, "playback.ask", Resource("request", agency=actor.agency)).allow
    context = {"rows": rows, "page_obj": page, "states": STATE_WORDS, "state": state, "may_ask": may_ask}
    standing = signatures.standing()
    context["signing"] = standing is not None and standing.on
    context["unconfirmed"] = spoken.seen_by(actor, standing.duties) if standing is not None else []
    return render(request, "playback/requests.html", context)


@signed_in
@refillable
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form; ``step=look`` shows what is recorded and the widened range, ``step=ask`` asks."""
    actor = acting(request)
    demand(actor, "playback.ask", Resource("request", agency=actor.agency))
    if request.method == "GET":
        return _form(request, RequestForm(initial=_initial(request)))
    form = RequestForm(request.POST)
    if editing(request):
        return _form(request, form)
    if not form.is_valid():
        return _form(request, form, status=422)
    asked = form.asked()
    try:
        if request.POST.get("step") == "ask":
            made = services.ask(asked, actor)
            messages.success(request, _("열람을 신청하였습니다."))
            return _to_sign(request, made.pk)
        seen, first, until = services.look(asked, actor)
    except Problem as problem:
        if problem.status != 422:
            raise
        form.add_error(None, say(problem))
        return _form(request, form, status=422)
    rows = [
        (item, [(at(h.first), at(h.until), GAP_WORDS.get(h.reason, _("빈 구간"))) for h in item.holes]) for item in seen
    ]
    return _form(request, form, seen=rows, first=at(first), until=at(until), widened=asked.first - first)


def _initial(request: HttpRequest) -> dict[str, Any]:
    names = ("first", "until", "ground", "case", "hold")
    chosen = {name: request.GET[name][:100] for name in names if name in request.GET}
    return {**chosen, "cameras": request.GET.getlist("camera")[: services.CAMERAS_MAX]}


def _form(request: HttpRequest, form: RequestForm, status: int = 200, **seen: Any) -> HttpResponse:
    grounds = law().grounds("playback")
    return render(request, "playback/new.html", {"form": form, "grounds": grounds, **seen}, status=status)


@signed_in
@require_GET
def detail(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One request: what, why, the widened range, decisions, Permits issued."""
    return _page(request, id_)


def _page(request: HttpRequest, id_: UUID, status: int = 200, problem: str = "") -> HttpResponse:
    actor = acting(request)
    row = services.readable(id_, actor)
    state = state_now(row)
    may_decide = state == ASKED and decide(
        actor, "playback.approve", services.resource(row), requester=str(row.requester_id)
    )
    spoken_for = row.approvals.filter(method="spoken").exists()
    standing = signatures.standing() if spoken_for or state in (ASKED, APPROVED, VIEWED) else None
    owed = spoken.open_of(standing.duties) if spoken_for and standing is not None else []
    context = {
        "row": row,
        "state": STATE_WORDS[state],
        "signing": standing is not None and standing.on,
        "owed": next((one for one in owed if one.request.pk == row.pk), None),
        "to_sign": signing.waits_for(row, actor, standing),
        "has_key": standing is not None and actor.person in standing.people,
        "begun": str(row.pk) in request.session.get(BEGUN, {}),
        "returned": "signed" in request.GET,
        "first": at(row.first),
        "until": at(row.until),
        "asked_first": at(row.asked_first),
        "asked_until": at(row.asked_until),
        "cameras": row.cameras.all(),
        "length": row.until - row.first,
        "approvals": row.approvals.select_related("person"),
        "issues": row.issues.all(),
        "waiting": state == ASKED,
        "may_decide": bool(may_decide),
        "why_not": None if may_decide is False or may_decide else may_decide.reason,
        "own": row.requester_id == actor.person,
        "may_play": row.requester_id == actor.person and state in (APPROVED, VIEWED) and signed_enough(row, standing),
        "may_cancel": row.requester_id == actor.person and state in (ASKED, APPROVED),
        "may_hold": row.hold is None and decide(actor, "preservation.hold", services.resource(row)).allow,
        "articles": law().articles("playback.default_deny"),
        "problem": problem,
        "typed": {"note": request.POST.get("note", "")},
    }
    return render(request, "playback/request.html", context, status=status)


@signed_in
@require_POST
def approve(request: HttpRequest, id_: UUID) -> HttpResponse:
    """승인."""
    try:
        services.approve(id_, acting(request), request.POST.get("note", ""))
    except Problem as no:
        return _page(request, id_, no.status, say(no))
    messages.success(request, _("승인하였습니다."))
    return redirect("playback:request", id_)


def signed_enough(row: Request, standing: Signing | None) -> bool:
    """Does nobody's signature lack? vaultd asks again when the Permit is made."""
    return standing is None or not standing.on or bool(row.consent)


def _to_sign(request: HttpRequest, id_: UUID, note: str = "") -> HttpResponse:
    """To vaultd's page, or to the request while there is nothing to sign or nobody to show it."""
    back = request.build_absolute_uri(f"{reverse('playback:request', args=[id_])}?signed=1")
    try:
        lead = signing.begin(id_, acting(request), back)
    except Problem as problem:
        if problem.status not in (409, 503):
            raise
        messages.error(request, say(problem))
        return redirect("playback:request", id_)
    if lead is None:
        return redirect("playback:request", id_)
    begun = dict(list(request.session.get(BEGUN, {}).items())[-BEGUN_MAX + 1 :])
    request.session[BEGUN] = {**begun, str(id_): [lead.id.hex(), note[:500]]}
    return HttpResponseRedirect(lead.url)


@signed_in
@require_POST
def sign(request: HttpRequest, id_: UUID) -> HttpResponse:
    """서명하러 가기: vaultd's own page shows what is signed."""
    return _to_sign(request, id_, request.POST.get("note", ""))


@signed_in
@require_POST
def signed(request: HttpRequest, id_: UUID) -> HttpResponse:
    """서명 반영: take what was signed on vaultd's page into the request."""
    actor, begun = acting(request), dict(request.session.get(BEGUN, {}))
    before = services.readable(id_, actor)
    spoke = before.approvals.filter(person_id=actor.person, method="spoken").exists()
    sign_id, note = begun.get(str(id_), ["", ""])
    try:
        if not sign_id:
            raise signatures.unsigned()
        row = signing.signed(id_, actor, bytes.fromhex(sign_id), note)
    except Problem as problem:
        if problem.status != 409:
            raise
        messages.error(request, say(problem))
        return redirect("playback:request", id_)
    begun.pop(str(id_))
    request.session[BEGUN] = begun
    approved = row.state != ASKED
    words = _("서면으로 확인하였습니다.") if spoke else _("서명하였습니다. 승인되었습니다.")
    messages.success(request, words if approved else _("서명하였습니다."))
    return redirect("playback:request", id_)


@signed_in
@require_POST
def refuse(request: HttpRequest, id_: UUID) -> HttpResponse:
    """반려."""
    try:
        services.refuse(id_, acting(request), request.POST.get("note", ""))
    except Problem as no:
        return _page(request, id_, no.status, say(no))
    messages.success(request, _("반려하였습니다."))
    return redirect("playback:request", id_)


@signed_in
@require_POST
def cancel(request: HttpRequest, id_: UUID) -> HttpResponse:
    """취소."""
    services.cancel(id_, acting(request))
    messages.success(request, _("신청을 취소하였습니다."))
    return redirect("playback:request", id_)


@signed_in
@require_GET
def play(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The player page; the script asks for the Permit, so that opening the page alone spends nothing."""
    actor = acting(request)
    row = Request.objects.select_related("requester").filter(pk=id_).first()
    if row is None:
        raise absent(actor, "playback.view", "request", id_)
    permits.may_open(row, actor)
    context = {
        "row": row,
        "first": at(row.first),
        "until": at(row.until),
        "play": play_data(row, actor, request.get_host()),
    }
    return render(request, "playback/play.html", context)


def play_data(row: Request, actor: Actor, host: str) -> dict[str, Any]:
    """What the player script reads from ``#play-data``; Unix seconds, no secrets."""
    return {
        "request": str(row.pk),
        "permit_url": f"/api/playback/requests/{row.pk}/permit",
        "viewer_url": "/api/playback/viewer-token",
        "player_url": permits.player_url(host),
        "cameras": [
            {
                "id": str(c.camera),
                "stream": c.stream,
                "label": c.label,
                "stretches": stretches(
                    cursor(),
                    c.camera,
                    c.stream,
                    row.first,
                    row.until,
                    closed=[] if row.hold else preservation.deleted(c.camera, row.first, row.until),
                ),
            }
            for c in row.cameras.all()
        ],
        "first": row.first,
        "until": row.until,
        "asked_first": row.asked_first,
        "asked_until": row.asked_until,
        "person": actor.name,
        "station": actor.station,
        "case": row.case,
        "zone": home().config["zone"],
    }
