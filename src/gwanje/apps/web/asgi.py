"""ASGI entry: ``uvicorn gwanje.apps.web.asgi:application``."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from gwanje.apps.web.limits import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gwanje.apps.web.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402 - the settings exist once Django is set up

application = BodyLimit(_django, settings.UPLOAD_MAX_BYTES)
