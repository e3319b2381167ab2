"""Identifiers (식별자): UUID version 7 made in Python, RFC 9562 section 5.7."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = [0]


def uuid7(unix_ms: int | None = None) -> UUID:
    """A time-ordered UUID; within one process two calls never go backwards.

    ``unix_ms``: Unix milliseconds; the machine's clock when not given. An identifier is not a legal time.
    """
    wanted = (time.time_ns() // 1_000_000 if unix_ms is None else unix_ms) << 12
    with _lock:
        # 48 bits of milliseconds and 12 bits of counter form one number that only grows
        if unix_ms is None:
            stamp = _last[0] = max(_last[0] + 1, wanted)
        else:
            stamp = wanted | int.from_bytes(os.urandom(2), "big") & 0xFFF
    value = (stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=value)
