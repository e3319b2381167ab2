"""Cameras of the fleet bench: one small clip as many RTSP cameras, reachable from every node.

``python -m bench._city_cameras FOLDER CAMERAS HOST PORT``: says "ready", serves until SIGTERM. 320x180, 5 pictures and
one key frame a second, about 60 kbit/s: what is measured is who records, not how much.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from gwanje.media.sim.clips import Clip
from gwanje.media.sim.encode import Form, write
from gwanje.media.sim.server import SimServer

SECONDS, RATE = 4, 5


def password(number: int) -> str:
    """The account's password of a camera: each recorder has it sealed to its own key."""
    return f"secret-{number}"


def clip(folder: Path) -> Path:
    """The clip, made once: a bar that moves over a grey ground."""
    path = folder / "fleet-320x180-5.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pictures = []
        for number in range(SECONDS * RATE):
            picture = np.full((180, 320, 3), 90, np.uint8)
            picture[:, number * 14 : number * 14 + 20] = 200
            pictures.append(picture)
        write(pictures, [(path, Form(320, 180, Fraction(RATE), 60))])
    return path


async def main() -> None:
    """Serve until SIGTERM."""
    folder, count, host, port = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    path = clip(folder)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    made = [
        Clip(f"cam{number:03d}", f"F-{number:04d}", path, path, user="admin", password=password(number))
        for number in range(count)
    ]
    async with SimServer(made, host, port):
        print("ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
