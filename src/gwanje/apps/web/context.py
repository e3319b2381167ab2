"""What every page shows (공통 표시): centre, person, role titles of the city's pack."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from gwanje.apps.web.rail import rail
from gwanje.centre.common import clock, home
from gwanje.centre.duties import api as duties
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import api as watching


def centre(request: HttpRequest) -> dict[str, Any]:
    """``centre_name``, ``actor`` (None before login), ``role_titles``, ``rail``, ``alarms``, ``pressing``, clock."""
    actor = getattr(request, "actor", None)
    name = home().config.get("name") or "통합관제센터"
    if actor is None or actor.anonymous:
        return {"centre_name": name, "actor": None, "clock_now": clock().local()}
    return {
        "centre_name": name,
        "actor": actor,
        "clock_now": clock().local(),
        "role_titles": ", ".join(staff.titles(actor.roles)),
        "rail": rail(actor, request.path),
        "alarms": watching.alarms(actor),
        "pressing": duties.waiting(actor),
    }
