"""Rooms (업무 앱): the centre's apps, in the order in which they are wired."""

from __future__ import annotations

from importlib.util import find_spec

ROOMS = {
    "staff": "staff/",
    "cameras": "cameras/",
    "watching": "watch/",
    "playback": "playback/",
    "inspection": "inspection/",
    "retention": "retention/",
    "preservation": "preservation/",
    "duties": "duties/",
    "papers": "papers/",
    "statistics": "statistics/",
    "publication": "law/",
}


def present(room: str, module: str) -> bool:
    """Does the room have this module?"""
    name = f"gwanje.centre.{room}"
    return find_spec(name) is not None and find_spec(f"{name}.{module}") is not None
