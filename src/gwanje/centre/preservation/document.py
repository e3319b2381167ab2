"""The application to keep longer as a document (보존기간 연장 신청서): values of the city's form, in its own order."""

from __future__ import annotations

from typing import Any

from gwanje.centre.common import clock
from gwanje.centre.preservation.models import Application

CAMERAS_MAX = 100
SIDES = {
    "subject": ("name", "phone", "birth", "address"),
    "agent": ("name", "phone", "birth", "relation", "address"),
}


def _recorded(row: Application) -> str:
    zone = clock().zone
    return "\n".join(
        f"{c.label}: {c.first_at.astimezone(zone):%Y-%m-%d %H:%M:%S} ~ {c.until_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        for c in row.hold.cameras.all()[:CAMERAS_MAX]
    )


def values(row: Application) -> dict[str, Any]:
    """What the city's form (``extension.application``) takes; signed on the day on which it was handed in."""
    people = {f"{side}.{name}": str(getattr(row, f"{side}_{name}")) for side, names in SIDES.items() for name in names}
    return {
        **people,
        "number": row.number,
        "received": row.received_on,
        "recorded": _recorded(row),
        "place": row.place,
        "purpose": row.purpose,
        "keep": (row.keep_from, row.keep_until),
        "signed_on": row.received_on,
        "applicant.signed": row.agent_name or row.subject_name,
    }
