"""``gwanje simulator``: simulated RTSP cameras (모의 카메라)."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gwanje.media.sim.server import SimServer


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("simulator", help="모의 카메라 / simulated cameras: RTSP at port + 20, ONVIF at + 21")
    command.add_argument("--clips", type=Path, help="영상 파일 폴더 / a folder of video files to serve instead")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the clips unless the folder has them, serve until SIGTERM."""
    from gwanje.apps import demo, simulator
    from gwanje.kernel.home import Home
    from gwanje.media.sim.clips import BadClip

    home = Home.find(args.data)

    def progress(done: int, total: int, what: str) -> None:
        print(f"모의 영상 {done}/{total} / clips made {what}".rstrip(), flush=True)

    def ready(server: SimServer) -> None:
        print(f"cameras {len(server.cameras)}, {server.url('*', 'main|sub')}", flush=True)

    try:
        made = simulator.prepare(home, args.clips, demo.city().own_cameras, progress)
    except (BadClip, demo.BadCity, OSError) as error:
        print(f"실패 / failed: {error}")
        return 1
    own = {} if args.clips else {f"cam{n:02d}": c for n, c in enumerate(demo.city().own_cameras, 1)}
    domes = [name for name, camera in own.items() if camera.ptz]
    devices = simulator.devices(home, made, domes, {name: camera.clock_s for name, camera in own.items()})
    asyncio.run(simulator.serve(made, home.port + simulator.PORT_OFFSET, ready, devices))
    return 0
