"""API (응용 프로그램 접점): every room's operations in one OpenAPI document; the same services as the pages."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import APIKeyCookie

from gwanje import __doc__ as about
from gwanje.apps.web import answers
from gwanje.apps.web.rooms import ROOMS, present
from gwanje.centre.common.doors import acting, turn_away


class Signed(APIKeyCookie):
    """A person who has signed in at a registered station; unsafe methods need the CSRF token."""

    param_name = "gwanje_session"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """The actor, or None."""
        actor = acting(request)
        return None if actor.anonymous else actor


api = NinjaAPI(
    title="gwanje 관제",
    version="1",
    description=(about or "").strip(),
    auth=Signed(),
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
for _name in ROOMS:
    if present(_name, "endpoints"):
        api.add_router(f"/{_name}", import_module(f"gwanje.centre.{_name}.endpoints").router)


# Refused and Problem have no handler here on purpose: they leave the view, so that its savepoint is rolled back,
# and middleware.scope answers them.
@api.exception_handler(AuthenticationError)
def _anonymous(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return turn_away(request, "api.refused")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [".".join(str(part) for part in item["loc"][1:]) for item in error.errors][:20]
    return answers.answer(
        request,
        422,
        {
            "error": "invalid",
            "ko": f"값이 맞지 않습니다: {', '.join(fields)}",
            "en": "; ".join(f"{f}: {i['msg']}" for f, i in zip(fields, error.errors, strict=False))[:500],
            "rule": "/api/openapi.json",
            "next": "",
            "fields": fields,
        },
    )


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    text = str(error)
    return answers.answer(request, error.status_code, {"error": "http", "ko": text, "en": text, "rule": "", "next": ""})
