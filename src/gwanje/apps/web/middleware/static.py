"""Static files (정적 파일): whitenoise straight from the apps' folders; nothing is collected or copied."""

from __future__ import annotations

from whitenoise.middleware import WhiteNoiseMiddleware


class Static(WhiteNoiseMiddleware):
    """Files are listed once at start; ``.mjs`` is JavaScript."""

    sync_capable, async_capable = True, False
