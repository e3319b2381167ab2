"""A head steered by ONVIF PTZ (회전·확대 제어): ``media.ptz.Head`` over the PTZ service; generic spaces only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from gwanje.media.onvif import device
from gwanje.media.onvif.outcome import GONE, DeviceFault
from gwanje.media.onvif.session import Session, service
from gwanje.media.onvif.xml import Node, number, tag
from gwanje.media.ptz import HeadRefused, Position, Preset, Speeds, Standing

PRESETS_MAX = 256
LIMIT_S = 2.0
TIMEOUT_MAX_S = 60.0
_PANTILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"
_ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace"
T = TypeVar("T")


@dataclass(frozen=True)
class Abilities:
    """What a PTZ node can: move at a speed, go to a position, home; presets it has room for."""

    continuous: bool
    absolute: bool
    home: bool
    presets_max: int


def _position(row: Node | None) -> Position | None:
    """A position in the generic spaces; None when pan and tilt are missing or outside every scale."""
    turn = row.at("PanTilt") if row else None
    zoom = row.at("Zoom") if row else None
    if turn is None or turn.attribute("space") not in ("", _PANTILT):
        return None
    pan, tilt = number(turn.attribute("x")), number(turn.attribute("y"))
    if pan is None or tilt is None:
        return None
    depth = number(zoom.attribute("x")) if zoom and zoom.attribute("space") in ("", _ZOOM) else 0.0
    values = (pan, tilt, depth or 0.0)
    return values if all(-1.05 <= v <= 1.05 for v in values) else None


class OnvifHead:
    """One head over a session of its own, so that a stop never waits behind another question."""

    def __init__(self, session: Session, profile: str) -> None:
        self._session, self._profile = session, profile
        self._path = ""

    async def _ready(self) -> str:
        if not self._path:
            try:
                await self._session.ask_time()
            except DeviceFault as fault:
                if fault.kind in GONE:
                    raise
            self._path = service(await device.services(self._session), "tptz")
        return self._path

    async def _call(self, operation: str, inner: str = "", *, profile: bool = True) -> Node:
        try:
            path = await self._ready()
            token = tag("tptz:ProfileToken", self._profile) if profile else ""
            return await self._session.call(
                path, f"<tptz:{operation}>{token}{inner}</tptz:{operation}>", limit_s=LIMIT_S
            )
        except DeviceFault as fault:
            raise HeadRefused(f"{operation}: {fault}") from fault

    async def abilities(self) -> Abilities:
        """What the first node says it can (GetNodes); HeadRefused."""
        found = await self._call("GetNodes", profile=False)
        node = found.at("PTZNode")
        if node is None:
            raise HeadRefused("GetNodes: no node")
        spaces = node.at("SupportedPTZSpaces")
        names = {child.name for child in spaces.children} if spaces else set()
        return Abilities(
            "ContinuousPanTiltVelocitySpace" in names, "AbsolutePanTiltPositionSpace" in names,
            node.said("HomeSupported") == "true", node.whole("MaximumNumberOfPresets", most=10_000) or 0,
        )  # fmt: skip

    async def position(self) -> Standing:
        """GetStatus; ``at`` None for a device that does not tell where it looks."""
        found = (await self._call("GetStatus")).at("PTZStatus")
        if found is None:
            raise HeadRefused("GetStatus: no status")
        words = {found.said("MoveStatus", name).upper() for name in ("PanTilt", "Zoom")}
        return Standing(_position(found.at("Position")), "MOVING" in words)

    async def move(self, speeds: Speeds, timeout_s: float) -> None:
        """ContinuousMove that ends by itself on the device after ``timeout_s`` (at most 60)."""
        pan, tilt, zoom = (max(-1.0, min(1.0, v)) for v in speeds)
        velocity = f'<tt:PanTilt x="{pan:.4f}" y="{tilt:.4f}"/><tt:Zoom x="{zoom:.4f}"/>'
        lasts = max(0.1, min(TIMEOUT_MAX_S, timeout_s))
        await self._call(
            "ContinuousMove", f"<tptz:Velocity>{velocity}</tptz:Velocity>{tag('tptz:Timeout', f'PT{lasts:g}S')}"
        )

    async def stop(self) -> None:
        """Stop every axis."""
        await self._call("Stop", "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>")

    async def to(self, at: Position) -> None:
        """AbsoluteMove to a position of the generic spaces."""
        pan, tilt, zoom = max(-1.0, min(1.0, at[0])), max(-1.0, min(1.0, at[1])), max(0.0, min(1.0, at[2]))
        place = (
            f'<tt:PanTilt x="{pan:.5f}" y="{tilt:.5f}" space="{_PANTILT}"/><tt:Zoom x="{zoom:.5f}" space="{_ZOOM}"/>'
        )
        await self._call("AbsoluteMove", f"<tptz:Position>{place}</tptz:Position>")

    async def presets(self) -> list[Preset]:
        """GetPresets, 256 at most."""
        found = await self._call("GetPresets")
        rows = found.all("Preset")[:PRESETS_MAX]
        return [
            Preset(row.attribute("token", 64), row.said("Name", most=60), _position(row.at("PTZPosition")))
            for row in rows
            if row.attribute("token", 64)
        ]

    async def goto(self, token: str) -> None:
        """GotoPreset."""
        await self._call("GotoPreset", tag("tptz:PresetToken", token))

    async def keep(self, name: str, token: str = "") -> str:
        """SetPreset: remember where it looks now; the preset's token."""
        named = tag("tptz:PresetName", name) + (tag("tptz:PresetToken", token) if token else "")
        return (await self._call("SetPreset", named)).said("PresetToken", most=64) or token

    async def home(self) -> None:
        """GotoHomePosition."""
        await self._call("GotoHomePosition")

    async def close(self) -> None:
        """End the connection."""
        self._session.close()
