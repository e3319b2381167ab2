"""The simulator's process (모의 카메라 프로세스): makes the clips it needs, then serves them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gwanje.apps.demo import CityCamera
from gwanje.kernel.home import Home
from gwanje.media.sim import clips, onvif_discovery
from gwanje.media.sim.dome import Dome, Preset
from gwanje.media.sim.onvif import OnvifSim
from gwanje.media.sim.onvif_device import Device
from gwanje.media.sim.server import SimServer
from gwanje.media.sim.turning import Turning

PORT_OFFSET = 20
ONVIF_OFFSET = 21
log = logging.getLogger("gwanje.simulator")


def cache(home: Home) -> Path:
    """Where clips lie: ``$GWANJE_CLIPS``, else ``.cache/clips`` of the checkout, so that a second data folder need not
    draw again, else the data folder.

    Drawings, and files that were given to be shown; never what a camera saw.
    """
    if given := os.environ.get("GWANJE_CLIPS"):
        return Path(given)
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").is_file() and os.access(checkout, os.W_OK):
        return checkout / ".cache" / "clips"
    return home.root / "clips"


def prepare(
    home: Home, folder: Path | None, cameras: Sequence[CityCamera], progress: clips.Progress
) -> list[clips.Clip]:
    """The clips of this folder's simulated cameras: given files, or one drawn street per camera, with its account."""
    if folder is not None:
        return clips.folder(folder, cache(home), progress=progress)
    drawn = clips.streets(cache(home), [camera.number for camera in cameras], progress=progress)
    return [replace(clip, user=c.user, password=c.password) for clip, c in zip(drawn, cameras, strict=True)]


def devices(
    home: Home, made: Sequence[clips.Clip], domes: Sequence[str], clocks: Mapping[str, float] | None = None
) -> list[Device]:
    """The ONVIF side of the same cameras; ``domes``: names (cam04) of those that turn; ``clocks``: seconds ahead."""
    found = []
    for clip in made:
        base = f"rtsp://127.0.0.1:{home.port + PORT_OFFSET}/{clip.name}"
        device = Device(
            clip.name, home.clock, lambda stream, base=base: f"{base}/{stream}", user=clip.user,  # type: ignore[misc]
            password=clip.password, serial=f"SIM-{clip.label}", audio={"main", "sub"} if clip.audio else set(),
        )  # fmt: skip
        device.clock_s = (clocks or {}).get(clip.name, 0.0)
        if clip.name in domes:
            device.model = "SIM-DOME"
            places = (
                ("1", "기준", (0.0, 0.0, 0.0)),
                ("2", "왼쪽", (-0.35, 0.0, 0.2)),
                ("3", "오른쪽", (0.35, 0.0, 0.2)),
            )
            device.dome = Dome(presets={token: Preset(token, name, at) for token, name, at in places})
        found.append(device)
    return found


async def serve(
    made: Sequence[clips.Clip], port: int, ready: Callable[[SimServer], None], onvif: Sequence[Device] = ()
) -> None:
    """Serve until SIGTERM or SIGINT: RTSP at ``port``, ONVIF at the next one."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    other = OnvifSim(onvif, port=port + ONVIF_OFFSET - PORT_OFFSET, discovery=onvif_discovery.PORT)
    cameras = SimServer(made, port=port)
    for scene, clip in enumerate(made):
        device, camera = other.devices.get(clip.name), cameras.cameras[clip.name]
        if device is not None and device.dome is not None:
            sets = {name: (stream.sps, stream.pps) for name, stream in camera.streams.items()}
            camera.turning = Turning(scene, clip.label, device.dome.advance, sets)
    async with cameras as server, other:
        ready(server)
        await stop.wait()
