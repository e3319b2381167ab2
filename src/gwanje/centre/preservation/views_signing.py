"""To vaultd's pages and back (보존·삭제 서명): what was typed waits in the session and is sent again when signed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from gwanje.centre.common import absent
from gwanje.centre.common import signing as common
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.preservation import deletion, services, signing
from gwanje.centre.preservation.models import ASKED, WAITING, Deletion, HoldAct
from gwanje.centre.preservation.signing import EPOCH, Fixed, SignFirst
from gwanje.kernel.canonical import decode, encode

KEPT = "preserving"


def lead(
    request: HttpRequest, first: SignFirst, then: str, target: UUID | None = None, *, send: bool = True
) -> HttpResponse:  # fmt: skip
    """To vaultd's page. ``then``: where the person goes afterwards; ``target``: the row, none of a new hold.

    ``send``: this request is sent again first.
    """
    fixed = first.fixed
    kept = {
        "target": str(fixed.id if fixed else target),
        "kind": first.act.kind,
        "body": encode(dict(first.act.body)).hex(),
        "said": first.said,
        "then": then,
        "path": request.path,
        "data": request.POST.urlencode() if send else "",
        "fixed": [str(fixed.id), (fixed.at - EPOCH) // timedelta(microseconds=1)] if fixed else None,
    }
    return _go(request, kept)


def _go(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    back = request.build_absolute_uri(reverse("preservation:signed"))
    made = common.lead(acting(request), kept["kind"], decode(bytes.fromhex(kept["body"])), kept["said"], back)
    request.session[KEPT] = {**kept, "sign": made.id.hex()}
    return HttpResponseRedirect(made.url)


def fixed_of(request: HttpRequest) -> Fixed | None:
    """The id and moment of a new hold that was signed, when this request is sent again."""
    return getattr(request, "fixed", None)


@signed_in
@require_http_methods(["GET", "POST"])
def signed(request: HttpRequest) -> HttpResponse:
    """Back from vaultd's page: GET writes nothing and sends one form; POST takes the signature in and goes on."""
    kept = request.session.get(KEPT)
    if kept is None:
        messages.error(request, _("반영할 서명이 없습니다."))
        return redirect("preservation:holds")
    if request.method == "GET":
        return render(request, "preservation/signed.html", {"send": True, "kept": kept})
    if "again" in request.POST:
        return _go(request, kept)
    target, body = UUID(kept["target"]), bytes.fromhex(kept["body"])
    try:
        signing.keep(target, acting(request), bytes.fromhex(kept["sign"]), kept["kind"], body)
    except Problem as problem:
        if problem.status != 409:
            raise
        # what was typed stays until it is signed, or until something else is
        return render(request, "preservation/signed.html", {"problem": say(problem), "kept": kept}, status=409)
    del request.session[KEPT]
    if not kept["data"]:
        messages.success(request, _("서명하였습니다."))
        return redirect(kept["then"])
    return _again(request, kept)


def _again(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    """The form that waited, as its own page takes it."""
    match = resolve(kept["path"])
    request.path = request.path_info = kept["path"]
    # the form's own page reads it as it came first: what this POST brought was its token, checked already
    request.POST = QueryDict(kept["data"])  # type: ignore[assignment]
    if kept["fixed"]:
        id_, at_us = kept["fixed"]
        request.fixed = Fixed(UUID(id_), EPOCH + timedelta(microseconds=at_us))  # type: ignore[attr-defined]
    answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return answer


def own_act(request: HttpRequest, act: HoldAct) -> HttpResponse:
    """Who asked signs the prolongation or the end; to the hold's page while there is nothing to sign."""
    then, whole = reverse("preservation:hold", args=[act.hold_id]), signing.act_of(act)
    if act.state != ASKED or not signing.mine(act.pk, whole, acting(request)):
        return redirect(then)
    return lead(request, SignFirst(whole, signing.names_of(act.hold, act.asked_by)), then, act.pk, send=False)


def own_deletion(request: HttpRequest, row: Deletion) -> HttpResponse:
    """Who asked signs the deletion."""
    then, actor = reverse("preservation:deletion", args=[row.pk]), acting(request)
    if row.state != WAITING or row.asked_by_id != actor.person or not signing.on():
        return redirect(then)
    whole = deletion.act_of(row, actor)
    if not signing.mine(row.pk, whole, actor):
        return redirect(then)
    return lead(request, SignFirst(whole, deletion.named(row)), then, row.pk, send=False)


@signed_in
@require_POST
def act_sign(request: HttpRequest, id_: UUID, act: UUID) -> HttpResponse:
    """신청자 서명: a prolongation or an end."""
    hold = services.readable(id_, acting(request))
    found = HoldAct.objects.select_related("hold", "asked_by").filter(pk=act, hold=hold).first()
    if found is None:
        raise absent(acting(request), "preservation.read", "act", act)
    return own_act(request, found)


@signed_in
@require_POST
def delete_sign(request: HttpRequest, id_: UUID) -> HttpResponse:
    """신청자 서명: a deletion."""
    return own_deletion(request, deletion.readable(id_, acting(request)))
