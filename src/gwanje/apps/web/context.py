"""What every page shows (공통 표시): centre, person, role titles of the city's pack."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from gwanje.centre.common import home
from gwanje.centre.staff import api as staff


def centre(request: HttpRequest) -> dict[str, Any]:
    """``centre_name``, ``actor`` (None before login), ``role_titles``, ``playback_station``."""
    actor = getattr(request, "actor", None)
    name = home().config.get("name") or "통합관제센터"
    if actor is None or actor.anonymous:
        return {"centre_name": name, "actor": None}
    return {
        "centre_name": name,
        "actor": actor,
        "role_titles": ", ".join(staff.titles(actor.roles)),
    }
