"""Figures of benchmarks: percentiles, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def percentiles(values: Sequence[float]) -> dict[str, Any]:
    """Median, p95, p99 and largest, rounded, with their number."""
    if not values:
        return {"n": 0}
    ordered = sorted(values)
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in SHARES.items()}
    return {"n": len(ordered), **{name: round(value, 1) for name, value in at.items()}, "max": round(ordered[-1], 1)}
