"""Zone of a camera (목적 구역): which views of a head serve its purpose, by purpose and time of day. Pure.

A view is the rectangle that a position shows: wider at a small zoom. A position is inside when it lies within the
limits and its rectangle meets no forbidden polygon whose ``from_zoom`` it has reached. Positions are ONVIF's generic
spaces (PTZ service): pan and tilt in [-1, 1], zoom in [0, 1]. The registry writes zones, the recorder keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, NamedTuple

from gwanje.law import upholds

POLYGONS_MAX, CORNERS_MAX, HOURS_MAX, NAME_MAX = 32, 64, 8, 60
# share of a circle and a quarter: 63.7 x 38 degrees wide, 2.3 x 1.4 at the long end, as a 30x dome sees
WIDE, TELE = (0.354, 0.42), (0.013, 0.016)
# generous: 180 degrees a second, and the whole zoom in less than two seconds
SPEEDS = (1.0, 1.2, 0.6)
Point = tuple[float, float]
Range = tuple[float, float]


class Spot(NamedTuple):
    """Where a head looks (위치): pan, tilt in [-1, 1], zoom in [0, 1]."""

    pan: float
    tilt: float
    zoom: float


class BadZone(ValueError):
    """A zone that says nothing clear (잘못된 조작 구역): words in both languages."""

    def __init__(self, ko: str, en: str) -> None:
        super().__init__(en)
        self.ko, self.en = ko, en


@dataclass(frozen=True)
class Forbidden:
    """A view that is never shown (비추지 않는 곳), for example a home's windows: corners in pan and tilt."""

    name: str
    polygon: tuple[Point, ...]
    from_zoom: float = 0.0


@dataclass(frozen=True)
class Box:
    """Everything between two positions, axis by axis: (least, most) of pan, tilt, zoom."""

    pan: Range
    tilt: Range
    zoom: Range

    @classmethod
    def of(cls, *at: Spot) -> Box:
        """The smallest box around these positions."""
        pans, tilts, zooms = zip(*at, strict=True)
        return cls((min(pans), max(pans)), (min(tilts), max(tilts)), (min(zooms), max(zooms)))


@dataclass(frozen=True)
class Zone:
    """Where a head may look for one purpose (조작 구역). ``wide``/``tele``: width and height of the view at zoom 0
    and 1; ``speeds``: units a second at speed 1. ``home``: a position, or the token of a preset."""

    limits: tuple[Range, Range, Range] = ((-1.0, 1.0), (-1.0, 1.0), (0.0, 1.0))
    forbidden: tuple[Forbidden, ...] = ()
    home: Spot | str | None = None
    purpose: str = ""
    wide: Point = WIDE
    tele: Point = TELE
    speeds: tuple[float, float, float] = SPEEDS

    def view(self, zoom: float) -> Point:
        """Half width and half height at a zoom; a straight line between the ends is never less than a lens shows."""
        share = min(max(zoom, 0.0), 1.0)
        return tuple((a + (b - a) * share) / 2 for a, b in zip(self.wide, self.tele, strict=True))  # type: ignore[return-value]


@upholds("ptz.purpose", passes=lambda zone, box: "")
def breach(zone: Zone, box: Box) -> str:
    """What a box of positions would show that it must not (목적 밖): ``limits``, a forbidden view's name, or empty."""
    for (low, high), (least, most) in zip((box.pan, box.tilt, box.zoom), zone.limits, strict=True):
        if low < least - 1e-9 or high > most + 1e-9:
            return "limits"
    wide, tall = zone.view(box.zoom[0])
    seen = (box.pan[0] - wide, box.tilt[0] - tall, box.pan[1] + wide, box.tilt[1] + tall)
    for view in zone.forbidden:
        if box.zoom[1] < view.from_zoom:
            continue
        # where only a part of the zooms is forbidden, the widest forbidden view counts
        if view.from_zoom > box.zoom[0]:
            wide, tall = zone.view(view.from_zoom)
            part = (box.pan[0] - wide, box.tilt[0] - tall, box.pan[1] + wide, box.tilt[1] + tall)
        else:
            part = seen
        if any(_meets([(x + turn, y) for x, y in view.polygon], part) for turn in (-2.0, 0.0, 2.0)):
            return view.name or "forbidden"
    return ""


def inside(zone: Zone, at: Spot) -> bool:
    """Does this position serve the purpose?"""
    return not breach(zone, Box.of(at))


def _meets(polygon: Sequence[Point], box: tuple[float, float, float, float]) -> bool:
    """Does a polygon touch a rectangle (left, low, right, high)?"""
    left, low, right, high = box
    if max(x for x, _ in polygon) < left or min(x for x, _ in polygon) > right:
        return False
    if max(y for _, y in polygon) < low or min(y for _, y in polygon) > high:
        return False
    if any(left <= x <= right and low <= y <= high for x, y in polygon):
        return True
    if _holds(polygon, (left, low)):
        return True
    edges = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    return any(_clips(a, b, box) for a, b in edges)


def _holds(polygon: Sequence[Point], at: Point) -> bool:
    x, y = at
    odd = False
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


def _clips(a: Point, b: Point, box: tuple[float, float, float, float]) -> bool:
    """Does the edge from a to b enter the rectangle (Liang and Barsky's clipping)?"""
    left, low, right, high = box
    dx, dy = b[0] - a[0], b[1] - a[1]
    first, last = 0.0, 1.0
    for p, q in ((-dx, a[0] - left), (dx, right - a[0]), (-dy, a[1] - low), (dy, high - a[1])):
        if p == 0:
            if q < 0:
                return False
            continue
        share = q / p
        if p < 0:
            first = max(first, share)
        else:
            last = min(last, share)
    return first <= last


def zone_of(said: Mapping[str, Any], now: time) -> Zone:
    """The zone of ``device.ptz`` that holds at a time of day (local): the first of ``hours`` that does, else the rest;
    BadZone when it does not say one clearly. Keys that ``hours`` leaves out are the whole day's."""
    known = {"limits", "forbidden", "home", "hours", "masks", "view", "speeds", "purpose"}
    if unknown := sorted(set(said) - known):
        raise BadZone(f"알 수 없는 항목: {unknown}", f"unknown keys: {unknown}")
    hours = said.get("hours") or []
    if not isinstance(hours, list) or len(hours) > HOURS_MAX:
        raise BadZone(f"시간대는 {HOURS_MAX}개까지입니다.", f"at most {HOURS_MAX} spans of hours")
    whole = {key: value for key, value in said.items() if key not in ("hours", "masks")}
    found = _zone(whole)
    for span in reversed(hours):
        here = _zone({**whole, **{k: v for k, v in span.items() if k not in ("from", "until")}})
        if _now(span, now):
            found = here
    return found


def _now(span: Mapping[str, Any], now: time) -> bool:
    try:
        begins, ends = (time.fromisoformat(str(span[key])) for key in ("from", "until"))
    except (KeyError, ValueError) as error:
        raise BadZone("시간대는 HH:MM부터 HH:MM까지입니다.", "hours run from HH:MM until HH:MM") from error
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def _zone(said: Mapping[str, Any]) -> Zone:
    limits = said.get("limits") or [[-1, 1], [-1, 1], [0, 1]]
    if not isinstance(limits, list) or len(limits) != 3:
        raise BadZone("한계는 좌우·상하·확대 세 쌍입니다.", "limits are three pairs: pan, tilt, zoom")
    views = said.get("forbidden") or []
    if not isinstance(views, list) or len(views) > POLYGONS_MAX:
        raise BadZone(f"금지 구역은 {POLYGONS_MAX}개까지입니다.", f"at most {POLYGONS_MAX} forbidden views")
    home = said.get("home")
    if isinstance(home, list):
        home = _spot(home)
    elif home is not None and (not isinstance(home, str) or len(home) > NAME_MAX):
        raise BadZone("기본 위치는 좌표 셋이나 프리셋입니다.", "home is three numbers or a preset")
    view = said.get("view") or {}
    wide, tele = (_numbers(view.get(key, size), 2, 0.001, 2) for key, size in (("wide", WIDE), ("tele", TELE)))
    pan, tilt, zoom = _numbers(said.get("speeds", SPEEDS), 3, 0.01, 4)
    zone = Zone(
        limits=(_pair(limits[0], -1, 1), _pair(limits[1], -1, 1), _pair(limits[2], 0, 1)),
        forbidden=tuple(_view(v) for v in views),
        home=home,
        purpose=str(said.get("purpose", ""))[:NAME_MAX],
        wide=(wide[0], wide[1]),
        tele=(tele[0], tele[1]),
        speeds=(pan, tilt, zoom),
    )
    if isinstance(home, Spot) and (why := breach(zone, Box.of(home))):
        raise BadZone(f"기본 위치가 구역 밖을 비춥니다: {why}", f"home looks outside the zone: {why}")
    return zone


def _pair(pair: Any, least: float, most: float) -> Range:
    low, high = _numbers(pair, 2, least, most)
    if low >= high:
        raise BadZone("한계의 작은 값이 앞에 옵니다.", "a limit's lesser number comes first")
    return low, high


def _numbers(value: Any, count: int, least: float, most: float) -> list[float]:
    fine = isinstance(value, list | tuple) and len(value) == count
    if not fine or not all(
        isinstance(n, int | float) and not isinstance(n, bool) and least <= n <= most for n in value
    ):
        raise BadZone(
            f"{least}~{most} 사이의 수 {count}개여야 합니다.", f"must be {count} numbers in {least} to {most}"
        )
    return [float(n) for n in value]


def _spot(value: Any) -> Spot:
    pan, tilt = _numbers(value[:2], 2, -1, 1)
    (zoom,) = _numbers(value[2:], 1, 0, 1)
    return Spot(pan, tilt, zoom)


def _view(said: Any) -> Forbidden:
    if not isinstance(said, Mapping) or set(said) - {"name", "polygon", "from_zoom"}:
        raise BadZone("금지 구역은 이름, 꼭짓점, 확대 하한입니다.", "a forbidden view has name, polygon, from_zoom")
    corners = said.get("polygon")
    if not isinstance(corners, list) or not 3 <= len(corners) <= CORNERS_MAX:
        raise BadZone(f"꼭짓점은 3~{CORNERS_MAX}개입니다.", f"a polygon has 3 to {CORNERS_MAX} corners")
    points = tuple((x, y) for x, y in (_numbers(corner, 2, -1, 1) for corner in corners))
    name = str(said.get("name", "")).strip()[:NAME_MAX]
    (zoom,) = _numbers([said.get("from_zoom", 0)], 1, 0, 1)
    return Forbidden(name, points, zoom)


def as_seen(zone: Zone, at: Spot) -> list[list[Point]]:
    """Forbidden views as the picture at ``at`` shows them: corners in [-1, 1], y upwards, cut at the picture's edge."""
    wide, tall = zone.view(at.zoom)
    out = []
    for view in zone.forbidden:
        shape = [((x - at.pan) / wide, (y - at.tilt) / tall) for x, y in view.polygon]
        for axis, edge in ((0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)):
            shape = _cut(shape, axis, edge)
        if len(shape) >= 3:
            out.append([(round(x, 4), round(y, 4)) for x, y in shape])
    return out


def _cut(shape: Sequence[Point], axis: int, edge: float) -> list[Point]:
    """The part of a polygon on the inner side of one edge (Sutherland and Hodgman's clipping)."""
    out: list[Point] = []
    for a, b in zip(shape, [*shape[1:], *shape[:1]], strict=True):
        inner_a, inner_b = (p[axis] * edge <= 1.0 for p in (a, b))
        if inner_a:
            out.append(a)
        if inner_a != inner_b:
            share = (edge - a[axis]) / (b[axis] - a[axis])
            out.append((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
    return out
