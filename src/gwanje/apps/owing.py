"""Wiring of the duties (기한 찾기): every room's scans are given to the room of duties, which knows none of them."""

from __future__ import annotations

from importlib import import_module

from gwanje.apps.web.rooms import ROOMS, present


def register_scans() -> list[str]:
    """Register ``SCANS`` of every ``gwanje.centre.<room>.owed``; the names that stand now. A second call adds none."""
    from gwanje.centre.duties import api

    for room in ROOMS:
        if present(room, "owed"):
            for name, scan in import_module(f"gwanje.centre.{room}.owed").SCANS.items():
                api.register(f"{room}.{name}", scan)
    return list(api.scans())
