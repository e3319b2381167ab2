"""Duties of cameras (기한 관리): lapsed mandates suspend, old previews go, devices are asked, their answers noted.

Idempotent, safe to kill at any line.
"""

from __future__ import annotations

from gwanje.centre.cameras import devices, devices_daily, importing, mandates, services
from gwanje.centre.common import system_scope

ROUNDS_MAX = 20


def run() -> tuple[int, int]:
    """(cameras suspended, previews forgotten), in transactions of at most 500 rows."""
    suspended = forgotten = 0
    for _ in range(ROUNDS_MAX):
        with system_scope():
            if not devices.take_note() and not devices.forget():
                break
    for _ in range(ROUNDS_MAX):
        with system_scope():
            found = services.suspend_lapsed(), importing.forget_previews()
        suspended, forgotten = suspended + found[0], forgotten + found[1]
        if not any(found):
            break
    with system_scope():
        mandates.warn()
    with system_scope():
        devices_daily.ask_due()
    return suspended, forgotten
