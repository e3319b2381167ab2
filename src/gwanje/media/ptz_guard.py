"""Guard of the zone (목적 구역의 경계): which moves of a head stay inside it. Pure.

A move is judged by everything that the head may show until it stands: each axis runs at a speed of its own, so the
reach is a box, not a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gwanje.kernel.zone import Box, Spot, Zone, breach

# a turn of more than half a circle may go either way round, so longer ways are split
TURN_MAX = 0.9
SHARES = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05)


class Pace(NamedTuple):
    """How fast it runs, a share in [-1, 1] of its greatest speed on each axis; zoom > 0 goes in."""

    pan: float
    tilt: float
    zoom: float


STILL = Pace(0.0, 0.0, 0.0)


def reach(zone: Zone, at: Spot, speeds: Iterable[Pace], for_s: float) -> Box:
    """All that a head may show within ``for_s`` seconds from ``at`` while it obeys any of these speeds."""
    ranges = []
    for axis, (here, most) in enumerate(zip(at, zone.speeds, strict=True)):
        steps = [0.0, *(speed[axis] * most * for_s for speed in speeds)]
        ranges.append((here + min(steps), here + max(steps)))
    (pan, tilt, zoom) = ranges
    # a head stands at its own ends
    return Box(pan, (max(tilt[0], -1.0), min(tilt[1], 1.0)), (max(zoom[0], 0.0), min(zoom[1], 1.0)))


def safe_speed(zone: Zone, at: Spot, wanted: Pace, before: Pace, for_s: float) -> tuple[Pace | None, str]:
    """The wanted speed or the largest share of it that stays inside for ``for_s`` seconds, slower towards an edge.

    ``before``: the speed told last, which the head may still have. None and what would be shown when no share does.
    """
    why = breach(zone, Box.of(at))
    for share in SHARES if not why else ():
        slower = Pace(*(axis * share for axis in wanted))
        why = breach(zone, reach(zone, at, (before, slower), for_s))
        if not why:
            return slower, ""
    return None, why


def way(zone: Zone, start: Spot, end: Spot) -> tuple[list[Spot], str]:
    """Stops on a way from ``start`` to ``end`` (exclusive, inclusive) whose every leg stays inside; else what it
    would show. Tried: straight; zoom out, turn, zoom in; the same with one axis after the other."""
    why = breach(zone, Box.of(end)) or breach(zone, Box.of(start))
    if why:
        return [], why
    least = zone.limits[2][0]
    out = Spot(start.pan, start.tilt, min(start.zoom, max(least, 0.0)))
    over = Spot(end.pan, end.tilt, out.zoom)
    plans = [
        [end],
        [out, over, end],
        [Spot(end.pan, start.tilt, start.zoom), Spot(end.pan, end.tilt, start.zoom), end],
        [Spot(start.pan, end.tilt, start.zoom), Spot(end.pan, end.tilt, start.zoom), end],
        [out, Spot(end.pan, start.tilt, out.zoom), over, end],
        [out, Spot(start.pan, end.tilt, out.zoom), over, end],
    ]
    for plan in plans:
        stops = split(start, plan)
        why = next((w for a, b in zip([start, *stops], stops, strict=False) if (w := breach(zone, Box.of(a, b)))), "")
        if not why:
            return stops, ""
    return [], why


def split(start: Spot, plan: Sequence[Spot]) -> list[Spot]:
    """The plan without standing legs, each turn at most TURN_MAX, so that the head cannot choose the other way."""
    out: list[Spot] = []
    here = start
    for stop in plan:
        if stop == here:
            continue
        parts = int(abs(stop.pan - here.pan) / TURN_MAX) + 1
        for n in range(1, parts):
            out.append(Spot(*(a + (b - a) * n / parts for a, b in zip(here, stop, strict=True))))
        out.append(stop)
        here = stop
    return out
