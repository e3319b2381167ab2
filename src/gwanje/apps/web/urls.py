"""Addresses (주소): each room under its own word; a room joins by having a ``urls`` module."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from gwanje.apps.web import log, views
from gwanje.apps.web.api import api
from gwanje.apps.web.rooms import ROOMS, present

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.start, name="start"),
    path("health", views.health, name="health"),
    path("language/", views.language, name="set_language"),
    path("log/cosignature", log.cosignature, name="log_cosignature"),
    path("log/<path:path>", log.published, name="log"),
    path("api/", api.urls),
    path("", include("gwanje.centre.staff.entry")),
    *(path(prefix, include(f"gwanje.centre.{name}.urls")) for name, prefix in ROOMS.items() if present(name, "urls")),
]
handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.server_error
