"""Location map of a sign (안내판 위치도): drawn from coordinates, no tiles, no network; SVG in millimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape

WIDTH_MM, HEIGHT_MM = 160.0, 92.0
METRES_A_DEGREE = 111_320.0
POLE_M = 5.0
NEIGHBOURS_MAX = 60
STEPS_M = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
Point = tuple[float, float]


class Seen(Protocol):
    """What a map needs of a camera: degrees WGS84, degrees clockwise from north, metres."""

    number: str
    lat: float
    lon: float
    direction_deg: int
    angle_deg: int
    range_m: int
    ptz: bool


def metres(origin: Point, lat: float, lon: float) -> Point:
    """East and north of ``origin`` (lat, lon) in metres; exact enough for a street (flat to 1 cm in 1 km)."""
    east = (lon - origin[1]) * METRES_A_DEGREE * math.cos(math.radians(origin[0]))
    return east, (lat - origin[0]) * METRES_A_DEGREE


def in_view(lat: float, lon: float, camera: Seen) -> bool:
    """Does a sign stand within a camera's range (촬영범위 안)? On its own pole (5 m) it counts as seen from there."""
    east, north = metres((camera.lat, camera.lon), lat, lon)
    away = math.hypot(east, north)
    if away <= POLE_M:
        return True
    if away > camera.range_m:
        return False
    if camera.ptz or camera.angle_deg >= 360:
        return True
    off = (math.degrees(math.atan2(east, north)) - camera.direction_deg + 180) % 360 - 180
    return abs(off) <= camera.angle_deg / 2


@dataclass(frozen=True)
class Frame:
    """From metres around the origin to millimetres on paper."""

    origin: Point
    scale: float

    def at(self, east: float, north: float) -> Point:
        """x and y on paper."""
        return WIDTH_MM / 2 + east * self.scale, HEIGHT_MM / 2 - north * self.scale

    def of(self, lat: float, lon: float) -> Point:
        """x and y of a coordinate."""
        return self.at(*metres(self.origin, lat, lon))


def _frame(sign: Point, cameras: Sequence[Seen]) -> Frame:
    spots = [metres(sign, c.lat, c.lon) for c in cameras] or [(0.0, 0.0)]
    east = (min(e for e, _ in spots) + max(e for e, _ in spots)) / 2
    north = (min(n for _, n in spots) + max(n for _, n in spots)) / 2
    reach = max([25.0, *(abs(n - north) + c.range_m for (_, n), c in zip(spots, cameras, strict=False))])
    wide = max([25.0, *(abs(e - east) + c.range_m for (e, _), c in zip(spots, cameras, strict=False))])
    centre = (sign[0] + north / METRES_A_DEGREE,
              sign[1] + east / (METRES_A_DEGREE * math.cos(math.radians(sign[0]))))  # fmt: skip
    return Frame(centre, min(HEIGHT_MM * 0.42 / reach, WIDTH_MM * 0.44 / wide))


def draw(sign: Point, cameras: Sequence[Seen], neighbours: Sequence[Seen], place: str = "site") -> str:
    """The map: view cones of the sign's cameras, the sign itself where it stands outdoors, neighbours, scale, north."""
    frame = _frame(sign, cameras)
    inner = [
        f'<rect x="0" y="0" width="{WIDTH_MM}" height="{HEIGHT_MM}" fill="#f7f8f9" stroke="#8f9dab" '
        'stroke-width="0.5"/>',
        _grid(frame),
    ]
    inner += [_cone(frame, camera) for camera in cameras]
    near = [c for c in neighbours if _inside(frame, c)][:NEIGHBOURS_MAX]
    inner += [_dot(frame, c, "#9aa5b1", 0.9) for c in near]
    poles = _labelled(cameras)
    inner += [_dot(frame, c, "#0b5394", 1.5) for c, _ in poles]
    inner += _labels(frame, poles)
    if place in ("site", "entrance"):
        x, y = frame.of(*sign)
        inner.append(f'<rect x="{x - 1.7:.2f}" y="{y - 1.7:.2f}" width="3.4" height="3.4" fill="#c2410c" '
                     'stroke="#ffffff" stroke-width="0.5"/>')  # fmt: skip
    inner += [_scale_bar(frame), _north()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_MM:g} {HEIGHT_MM:g}" width="{WIDTH_MM:g}mm" '
        f'height="{HEIGHT_MM:g}mm" font-family="Pretendard, NanumGothic, sans-serif">{"".join(inner)}</svg>'
    )


def _labelled(cameras: Sequence[Seen]) -> list[tuple[Seen, str]]:
    """Cameras of one pole share a dot: its first carries the number, and how many more there are."""
    poles: dict[Point, list[Seen]] = {}
    for camera in cameras:
        poles.setdefault((round(camera.lat, 5), round(camera.lon, 5)), []).append(camera)
    return [(own[0], own[0].number + (f" +{len(own) - 1}" if len(own) > 1 else "")) for own in poles.values()]


def _inside(frame: Frame, camera: Seen) -> bool:
    x, y = frame.of(camera.lat, camera.lon)
    return 2 < x < WIDTH_MM - 2 and 2 < y < HEIGHT_MM - 2


def _grid(frame: Frame) -> str:
    step = next((s for s in STEPS_M if s * frame.scale >= 12), STEPS_M[-1]) * frame.scale
    lines = []
    for count in range(-20, 21):
        x, y = WIDTH_MM / 2 + count * step, HEIGHT_MM / 2 + count * step
        if 0 < x < WIDTH_MM:
            lines.append(f"M{x:.2f} 0V{HEIGHT_MM}")
        if 0 < y < HEIGHT_MM:
            lines.append(f"M0 {y:.2f}H{WIDTH_MM}")
    return f'<path d="{"".join(lines)}" stroke="#e3e7eb" stroke-width="0.2" fill="none"/>'


def _cone(frame: Frame, camera: Seen) -> str:
    x, y = frame.of(camera.lat, camera.lon)
    radius = camera.range_m * frame.scale
    look = 'fill="#94bce2" fill-opacity="0.35" stroke="#0b5394" stroke-width="0.25"'
    if camera.ptz or camera.angle_deg >= 360:
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" {look}/>'
    half = math.radians(max(1, camera.angle_deg)) / 2
    towards = math.radians(camera.direction_deg)
    ends = [(x + radius * math.sin(towards + side), y - radius * math.cos(towards + side)) for side in (-half, half)]
    large = int(camera.angle_deg > 180)
    return (
        f'<path d="M{x:.2f} {y:.2f}L{ends[0][0]:.2f} {ends[0][1]:.2f}A{radius:.2f} {radius:.2f} 0 {large} 1 '
        f'{ends[1][0]:.2f} {ends[1][1]:.2f}Z" {look}/>'
    )


def _dot(frame: Frame, camera: Seen, colour: str, size: float) -> str:
    x, y = frame.of(camera.lat, camera.lon)
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{size}" fill="{colour}" stroke="#ffffff" stroke-width="0.3"/>'


def _labels(frame: Frame, poles: Sequence[tuple[Seen, str]]) -> list[str]:
    """Numbers beside their dots: right of it, else left, else none where two would cover each other."""
    taken: list[tuple[float, float, float]] = []
    found = []
    for camera, label in poles[:NEIGHBOURS_MAX]:
        x, y = frame.of(camera.lat, camera.lon)
        words = label[:24]
        wide = 2.2 * len(words)
        for start, anchor in ((x + 2.4, "start"), (x - 2.4 - wide, "end")):
            if all(abs(y - other) > 3.2 or start > end or start + wide < begin for begin, end, other in taken):
                taken.append((start, start + wide, y))
                at = start if anchor == "start" else start + wide
                found.append(f'<text x="{at:.2f}" y="{y + 1.05:.2f}" font-size="3" text-anchor="{anchor}" '
                             f'fill="#17202b">{escape(words)}</text>')  # fmt: skip
                break
    return found


def _scale_bar(frame: Frame) -> str:
    length = next((s for s in STEPS_M if s * frame.scale >= 18), STEPS_M[-1])
    wide, y = length * frame.scale, HEIGHT_MM - 5
    return (
        f'<path d="M5 {y - 1.2:.2f}V{y}H{5 + wide:.2f}V{y - 1.2:.2f}" stroke="#17202b" stroke-width="0.35" '
        'fill="none"/>'
        f'<text x="{6.5 + wide:.2f}" y="{y:.2f}" font-size="3" fill="#17202b">{length} m</text>'
    )


def _north() -> str:
    x, y = WIDTH_MM - 8, 4.0
    return (
        f'<path d="M{x} {y}l2.4 8.4l-2.4 -1.7l-2.4 1.7z" fill="#17202b"/>'
        f'<text x="{x}" y="{y + 12.2}" font-size="3" text-anchor="middle" fill="#17202b">N</text>'
    )
