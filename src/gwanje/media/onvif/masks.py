"""Privacy masks on the device (기기 사생활 보호 마스크): Media2's masks, written and read back.

Points are in [-1, 1] of the picture, y upwards. A mask counts only when the device shows it again as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Session, service
from gwanje.media.onvif.xml import Node, number, quoted, tag

MASKS_MAX = 32
POINTS_MAX = 64
NEAR = 0.02
Point = tuple[float, float]


@dataclass(frozen=True)
class Mask:
    """One mask: its token on the device, its corners, whether it is drawn."""

    token: str
    points: tuple[Point, ...]
    enabled: bool = True


@dataclass(frozen=True)
class Abilities:
    """How many masks of how many corners; ``rectangles``: only those."""

    masks_max: int
    points_max: int
    rectangles: bool
    kinds: tuple[str, ...]


async def abilities(session: Session, paths: dict[str, str], configuration: str) -> Abilities:
    """GetMaskOptions for a video source configuration; DeviceFault when the device has no masks."""
    body = f"<tr2:GetMaskOptions>{tag('tr2:ConfigurationToken', configuration)}</tr2:GetMaskOptions>"
    found = (await session.call(service(paths, "tr2"), body)).at("Options")
    most = found.whole("MaxMasks", most=1000) if found else None
    if found is None or not most:
        raise DeviceFault("unsupported", "no masks")
    kinds = tuple(
        row.text.strip() for row in found.all("Types")[:5] if row.text.strip() in ("Color", "Blurred", "Pixelated")
    )
    return Abilities(
        min(most, MASKS_MAX), min(found.whole("MaxPoints", most=1000) or 4, POINTS_MAX),
        found.attribute("RectangleOnly") == "true", kinds,
    )  # fmt: skip


async def masks(session: Session, paths: dict[str, str], configuration: str) -> list[Mask]:
    """GetMasks, 32 at most."""
    body = f"<tr2:GetMasks>{tag('tr2:ConfigurationToken', configuration)}</tr2:GetMasks>"
    found = await session.call(service(paths, "tr2"), body)
    rows = [_mask(row) for row in found.all("Masks")[:MASKS_MAX]]
    return [row for row in rows if row is not None]


def _mask(row: Node) -> Mask | None:
    polygon = row.at("Polygon")
    points = [(number(p.attribute("x")), number(p.attribute("y"))) for p in (polygon.all("Point") if polygon else [])]
    kept = tuple((x, y) for x, y in points[:POINTS_MAX] if x is not None and y is not None)
    token = row.attribute("token", 64)
    return Mask(token, kept, row.said("Enabled") != "false") if token and len(kept) >= 3 else None


def _body(points: Sequence[Point], configuration: str, token: str) -> str:
    polygon = "".join(f'<tt:Point x="{x:.4f}" y="{y:.4f}"/>' for x, y in points)
    # black: a blurred or pixelated home can be read again
    return (
        f"<tr2:Mask token={quoted(token)}>{tag('tr2:ConfigurationToken', configuration)}"
        f"<tr2:Polygon>{polygon}</tr2:Polygon><tr2:Type>Color</tr2:Type>"
        '<tr2:Color X="0" Y="128" Z="128" Colorspace="http://www.onvif.org/ver10/colorspace/YCbCr"/>'
        "<tr2:Enabled>true</tr2:Enabled></tr2:Mask>"
    )


def checked(wanted: Sequence[Sequence[Point]], can: Abilities) -> list[tuple[Point, ...]]:
    """Polygons that the device can draw; DeviceFault says which it cannot."""
    if len(wanted) > can.masks_max:
        raise DeviceFault("unsupported", f"{len(wanted)} masks; it has room for {can.masks_max}")
    if can.kinds and "Color" not in can.kinds:
        raise DeviceFault("unsupported", "no opaque mask")
    for points in wanted:
        if not 3 <= len(points) <= can.points_max or any(not -1 <= v <= 1 for point in points for v in point):
            raise DeviceFault("unsupported", f"a mask of {len(points)} corners; it takes 3 to {can.points_max}")
        if can.rectangles and not _rectangle(points):
            raise DeviceFault("unsupported", "only rectangles")
    return [tuple(points) for points in wanted]


def _rectangle(points: Sequence[Point]) -> bool:
    around = [*points, points[0]]
    return len(points) == 4 and all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(around))


async def put_masks(
    session: Session, paths: dict[str, str], configuration: str, wanted: Sequence[Sequence[Point]]
) -> list[Mask]:
    """Make the device's masks these and no others, then read them back; DeviceFault when they are not all drawn.

    New ones are written before old ones go, so that no view is open in between; a device without room for both gets
    its old ones changed in place.
    """
    can = await abilities(session, paths, configuration)
    polygons = checked(wanted, can)
    old = await masks(session, paths, configuration)
    path = service(paths, "tr2")
    room = can.masks_max - len(old)
    made, changed = polygons[:room], polygons[room:]
    for points in made:
        body = f"<tr2:CreateMask>{_body(points, configuration, '')}</tr2:CreateMask>"
        await session.call(path, body)
    for points, row in zip(changed, old, strict=False):
        await session.call(path, f"<tr2:SetMask>{_body(points, configuration, row.token)}</tr2:SetMask>")
    for row in old[len(changed) :]:
        await session.call(path, f"<tr2:DeleteMask>{tag('tr2:Token', row.token)}</tr2:DeleteMask>")
    read = await masks(session, paths, configuration)
    missing = [p for p in polygons if not any(row.enabled and _same(p, row.points) for row in read)]
    if missing or len(read) != len(polygons):
        raise DeviceFault("other", f"{len(missing)} of {len(polygons)} masks are not as written; it draws {len(read)}")
    return read


def _same(wanted: Sequence[Point], read: Sequence[Point]) -> bool:
    near = [abs(a[0] - b[0]) <= NEAR and abs(a[1] - b[1]) <= NEAR for a, b in zip(wanted, read, strict=False)]
    return len(wanted) == len(read) and all(near)
