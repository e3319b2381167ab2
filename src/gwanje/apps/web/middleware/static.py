"""Static files (정적 파일): whitenoise straight from the apps' folders; nothing is collected or copied."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

CHUNK = 8 * 1024 * 1024


class Static(WhiteNoiseMiddleware):
    """Files are listed once at start; they are small, so each is answered whole."""

    sync_capable, async_capable = True, False

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """One file; a range or an unchanged file as whitenoise decides."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file:
                content = found.file.read(CHUNK)
        response = HttpResponse(content, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
