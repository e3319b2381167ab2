"""Answers that are not pages of a room (거부·오류 응답): refusals, bad input, incidents; a page or the API's JSON."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse

from gwanje.centre.common import clock, cursor, law
from gwanje.centre.common.doors import turn_away
from gwanje.centre.common.refusal import Problem, Refused, vault_away
from gwanje.centre.common.typed import typed_of
from gwanje.kernel import ledger
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import Entry
from gwanje.law import ArticleRef
from gwanje.vault.client import VaultAway, VaultRefused

log = logging.getLogger("gwanje.web")


def wants_json(request: HttpRequest) -> bool:
    """The API and scripts get JSON, people get pages."""
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")


def answer(
    request: HttpRequest, status: int, body: dict[str, Any], template: str = "web/problem.html", **more: Any
) -> HttpResponse:
    """One answer in the form that was asked for; ``body`` = {error, ko, en, rule, next, …}, ``more`` for the page."""
    if wants_json(request):
        return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    context = {"problem": body, "status": status, "back": came_from(request), "typed": typed_of(request), **more}
    return render(request, template, context, status=status)


def came_from(request: HttpRequest) -> str:
    """The page of ours that the person came from, else the start: never this address again, never another host."""
    said = urlsplit(request.META.get("HTTP_REFERER", ""))
    if said.netloc != request.META.get("HTTP_HOST") or said.path in ("", request.path) or said.path.startswith("//"):
        return "/"
    return f"{said.path}?{said.query}" if said.query else said.path


def cited(articles: Iterable[ArticleRef]) -> list[dict[str, str]]:
    """Articles with their public page, where there is one."""
    packs = {pack.id for pack in law().law.packs}
    return [
        {"text": str(a), "page": reverse("publication:article", args=[a.pack, a.id]) if a.pack in packs else ""}
        for a in articles
    ]


def problem(request: HttpRequest, error: Problem) -> HttpResponse:
    """Bad input: nothing was written."""
    return answer(request, error.status, error.body())


def vault(request: HttpRequest, error: VaultAway | VaultRefused) -> HttpResponse:
    """vaultd is away (503), or refused what a room asked of it (409); the act was rolled back."""
    if isinstance(error, VaultAway):
        return problem(request, vault_away())
    ko, _, en = error.message.partition(" / ")
    return problem(request, Problem(f"vault_{error.code}", ko, en or ko, status=409))


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """Write the ledger row of a refusal, then say so; the article is for own staff, others get a plain 404 or 403."""
    actor, decision = error.actor, error.decision
    if actor.anonymous:
        return turn_away(request, f"{error.action}.refused")
    write_refusal(error)
    if error.status == 404:
        return answer(request, 404, missing_body())
    reason = decision.reasons[0]
    return answer(
        request,
        403,
        {
            "error": reason.code,
            "ko": reason.ko,
            "en": reason.en,
            "rule": "; ".join(str(article) for article in decision.articles),
            "next": reason.remedy_ko,
            "next_en": reason.remedy_en,
        },
        articles=cited(decision.articles),
        recorded=True,
    )


def write_refusal(error: Refused) -> None:
    """The ledger row: who was refused what, by which norms and articles; from the 31st of a minute on, the number."""
    person = error.actor.person
    if person is not None and not ledger.in_full(cursor(), clock(), f"{error.action}.refused", person):
        return
    facts = {"detail": {}, **error.facts}
    detail = {"reasons": [reason.code for reason in error.decision.reasons], **facts.pop("detail")}
    entry = Entry.by(error.actor, f"{error.action}.refused", "refused", error.decision, detail=detail, **facts)
    ledger.append(cursor(), clock(), entry)


def missing_body() -> dict[str, str]:
    """What is not there and what is another agency's look alike."""
    return {
        "error": "not_found",
        "ko": "그런 화면이나 자료가 없습니다.",
        "en": "There is no such page or record.",
        "rule": "",
        "next": "주소를 확인하십시오.",
        "next_en": "Check the address.",
    }


def incident(request: HttpRequest) -> HttpResponse:
    """The page of an unexpected fault: an id to quote, and never what went wrong inside."""
    error = sys.exc_info()[1]
    number = str(uuid7())
    away = isinstance(error, OperationalError | InterfaceError) or getattr(error, "away", False)
    log.error("incident %s %s %s", number, request.method, request.path, exc_info=error is not None)
    body = {
        "error": "away" if away else "incident",
        "ko": "지금은 처리할 수 없습니다. 저장된 것은 없습니다."
        if away
        else "처리하지 못했습니다. 저장된 것은 없습니다.",
        "en": "Not possible right now; nothing was saved." if away else "That failed; nothing was saved.",
        "rule": "",
        "next": f"잠시 뒤 다시 하십시오. 계속되면 사고번호 {number}를 관리자에게 알리십시오.",
        "next_en": f"Try again shortly; if it goes on, give incident {number} to the administrator.",
        "incident": number,
    }
    status = 503 if away else 500
    if wants_json(request):
        return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    # rendered without request: the context processors may need what has just failed
    from django.template.loader import render_to_string

    context = {"problem": body, "status": status, "typed": typed_of(request), "csrf_token": get_token(request)}
    return HttpResponse(render_to_string("web/incident.html", context), status=status)
