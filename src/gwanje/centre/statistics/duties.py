"""Duties of statistics (통계 기한): today's public numbers, once a day. Idempotent, safe to kill at any line."""

from __future__ import annotations

from gwanje.centre.statistics import services


def run() -> bool:
    """Publish today's numbers if nobody has; True when it did."""
    return services.publish() is not None
