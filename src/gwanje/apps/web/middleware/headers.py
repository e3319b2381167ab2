"""Response headers (응답 머리글): strict content policy, no framing, nothing behind login is stored."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class SecurityHeaders:
    """Sets the headers on every answer, static files and errors included."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # a page with tiles names the recorders it may connect to, wherever they stand
        more = "".join(f" {origin}" for origin in getattr(response, "connect_to", ()))
        response.headers["Content-Security-Policy"] = settings.CSP.replace(
            "connect-src 'self'", f"connect-src 'self'{more}"
        )
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "microphone=(), camera=(), geolocation=()"
        # what anybody may read may be kept; everything else leaves no copy in a browser or a proxy
        public = request.path.startswith(("/static/", "/law/", "/log/"))
        if not public or (isinstance(response, HttpResponse) and response.cookies):
            response.headers["Cache-Control"] = "no-store"
        return response
