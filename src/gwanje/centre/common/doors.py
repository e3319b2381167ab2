"""Doors (화면 출입): who has not signed in is sent to the log-in; refusals of strangers are counted and slowed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from gwanje.centre.common import clock, cursor
from gwanje.centre.common.typed import typed_of
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor

View = Callable[..., HttpResponseBase]
REFUSALS_A_MINUTE = 120


def address_of(request: HttpRequest) -> str:
    """The address that a stranger's refusals are counted under."""
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def turn_away(request: HttpRequest, kind: str) -> HttpResponse:
    """Answer somebody who has not signed in: counted in the ledger, 429 from the 121st refusal of a minute on."""
    count = ledger.count_refusal(cursor(), clock(), kind, address_of(request))
    page = not request.path.startswith("/api/") and "application/json" not in request.headers.get("Accept", "")
    if count > REFUSALS_A_MINUTE:
        body = {
            "error": "too_many",
            "ko": "로그인하지 않은 요청이 너무 많습니다.",
            "en": "Too many requests without a log-in.",
            "rule": f"분당 {REFUSALS_A_MINUTE}회",
            "next": "1분 뒤 다시 하십시오.",
            "next_en": "Try again in a minute.",
        }
        response = _answer(request, body, 429, page)
        response.headers["Retry-After"] = "60"
        return response
    if page and request.method in ("GET", "HEAD"):
        return HttpResponseRedirect("/login/?" + urlencode({"next": request.get_full_path()}))
    body = {"error": "login", "ko": "로그인이 필요합니다.", "en": "Log in first.", "rule": "", "next": "/login/"}
    if page:
        body |= {
            "ko": "로그인하지 않아 아무것도 저장하지 않았습니다.",
            "en": "You are not logged in; nothing was saved.",
        }
        body |= {
            "next": "다른 창에서 로그인한 뒤 다시 보내십시오.",
            "next_en": "Log in in another window and send it again.",
        }
    return _answer(request, body, 401, page)


def _answer(request: HttpRequest, body: dict[str, str], status: int, page: bool) -> HttpResponse:
    if page:
        context = {"problem": body, "status": status, "typed": typed_of(request)}
        return render(request, "web/problem.html", context, status=status)
    return JsonResponse(body, status=status)


def acting(request: HttpRequest) -> Actor:
    """Who asks, as the middleware found out; Django's own request has no field for it."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def signed_in(view: View) -> View:
    """Only for people who have signed in; a GET of anybody else goes to the log-in, the rest is refused and counted."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if acting(request).anonymous:
            return turn_away(request, "page.refused")
        return view(request, *args, **kwargs)

    return inner
