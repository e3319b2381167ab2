"""Duties of playback (기한 관리): requests that nobody decided or viewed in time end. Safe to kill at any line."""

from __future__ import annotations

from gwanje.centre.common import system_scope
from gwanje.centre.playback import services

ROUNDS_MAX = 20


def run() -> int:
    """Expire what is due, in transactions of at most 500; how many ended."""
    total = 0
    for _ in range(ROUNDS_MAX):
        with system_scope():
            count = services.expire()
        total += count
        if count == 0:
            break
    return total
