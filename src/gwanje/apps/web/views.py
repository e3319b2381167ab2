"""Pages of the project itself (공통 화면): start, language, health, errors."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from gwanje.apps.web import answers
from gwanje.centre.common import home
from gwanje.centre.common.doors import acting
from gwanje.centre.common.typed import typed_of
from gwanje.kernel.actor import Actor
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

# who answers for the keys sees how many places hold them
KEEPERS = ("chief_officer", "manager", "privacy_officer", "auditor", "administrator")


@require_GET
@transaction.non_atomic_requests
def health(request: HttpRequest) -> HttpResponse:
    """``{"ok": true}`` while the process serves; no database is asked."""
    return JsonResponse({"ok": True})


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """On shift: to the wall. Signed in: the start page. Otherwise: the login."""
    actor = acting(request)
    if actor.anonymous:
        return redirect("/login/")
    if actor.on_duty and actor.has("operator", "seconded_police", "manager"):
        return redirect("/watch/")
    return render(request, "web/start.html", {"keys": _keys(actor), "tasks": _tasks(actor)})


def _tasks(actor: Actor) -> dict[str, int]:
    """What waits for this officer: certificates, decisions on holds and deletions, holds that end, spoken approvals."""
    from gwanje.centre.playback import api as playback
    from gwanje.centre.preservation import api as preservation
    from gwanje.centre.retention import api as retention
    from gwanje.centre.watching import api as watching

    glasses, overdue = watching.reviews_waiting(actor)
    waiting, late = retention.uncountersigned(actor)
    told = {"glasses": glasses, "glasses_late": overdue}
    return {"certificates": waiting, "late": late, **told, **preservation.waiting(actor), **playback.waiting(actor)}


def _keys(actor: Actor) -> dict[str, Any] | None:
    """Replicas of the keys (키 복제), for those who answer for them; a vaultd that is away is said, not raised."""
    if not actor.has(*KEEPERS):
        return None
    client = VaultClient(home(), "web")
    try:
        status = client.status()
    except (VaultAway, VaultRefused, OSError):
        return {"away": True}
    finally:
        client.close()
    whole = status.copies == status.replicas >= 2
    return {"copies": status.copies, "replicas": status.replicas, "whole": whole, "rolled_back": status.rolled_back}


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Set the language cookie (``ko`` or ``en``) and go back to where the person was."""
    code = request.POST.get("language", "")
    back = urlsplit(request.POST.get("next", "/")).path or "/"
    if not back.startswith("/") or back.startswith("//"):
        back = "/"
    response = HttpResponseRedirect(back)
    if code in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, code, max_age=365 * 86400, samesite="Lax", httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )  # fmt: skip
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: from another site, or older than the session."""
    kept = typed_of(request) is not None
    return answers.answer(
        request,
        403,
        {
            "error": "csrf",
            "ko": "이 화면의 확인 값이 맞지 않습니다. 저장된 것은 없습니다.",
            "en": "The form's check value is wrong or too old; nothing was saved.",
            "rule": "",
            "next": "아래 내용을 확인하고 다시 보내십시오." if kept else "화면을 새로 열어 다시 하십시오.",
            "next_en": "Read it below and send it again." if kept else "Open the page again and repeat.",
        },
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return answers.answer(request, 404, answers.missing_body())


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: host, size or form limits."""
    body = {
        "error": "bad_request",
        "ko": "요청을 읽을 수 없습니다.",
        "en": "The request cannot be read.",
        "rule": "",
        "next": "",
    }
    return answers.answer(request, 400, body, "web/incident.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 and 503."""
    return answers.incident(request)
