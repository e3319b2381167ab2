"""The recorder under viewers: as ``bench._recording``, with its live server open.

``python -m bench._watched HOME URL_PATTERN CAMERAS PORT``: ``{}`` in the pattern is the camera's number. Prints
``ready`` once every camera records; USR1 begins the counters anew; USR2 prints them; SIGTERM ends.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any
from uuid import UUID

from gwanje.apps.recorder import settings
from gwanje.kernel import keys
from gwanje.kernel.home import Home
from gwanje.kernel.reach import Reach
from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.recorder import Recorder
from gwanje.vault.client import AsyncVaultClient, VaultClient


def sources(home: Home, pattern: str, cameras: int) -> list[Source]:
    """One source per camera, with slots from vaultd."""
    ids = [UUID(int=1 + number) for number in range(cameras)]
    slots = VaultClient(home, "web").slots(ids)
    return [
        Source(camera, UUID(int=1), slot, 1, f"B-{number:04d}", pattern.format(number), "", {}, True)
        for number, (camera, slot) in enumerate(zip(ids, slots, strict=True))
    ]


def figures(recorder: Recorder) -> dict[str, Any]:
    """What the recorder says of itself, and its gap rows."""
    said = recorder.health()
    said["frames"] = sum(c.rings[0].frames for c in recorder.fleet.cameras.values())
    said["gap_rows"] = sum(c.gaps.count for c in recorder.fleet.cameras.values())
    return said


async def main() -> None:
    """Record and serve until SIGTERM."""
    home, pattern, cameras, port = Home.find(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    keys.signing_key(home, "web", create=True)
    outward.govern(Reach.of(home))
    recorder = Recorder(
        settings=settings(home), clock=home.clock, lender=AsyncVaultClient(home, "recorder"), spool=home.spool,
        unseal=lambda _: None,
    )  # fmt: skip
    await recorder.start()
    await recorder.serve(
        port=port, web_port=home.port, web_key=lambda: keys.public_key(home, "web"), report=lambda *_: None
    )
    await recorder.fleet.apply(sources(home, pattern, cameras))

    def begin() -> None:
        recorder.engine.late_ms_max = recorder.sealer.counters.write_ms_max = 0.0
        recorder.sealer.counters.queue_max = 0

    loop.add_signal_handler(signal.SIGUSR1, begin)
    loop.add_signal_handler(signal.SIGUSR2, lambda: print(json.dumps(figures(recorder)), flush=True))
    while recorder.health()["recording"] < cameras and not stop.is_set():
        await asyncio.sleep(0.2)
    print("ready", flush=True)
    await stop.wait()
    await recorder.stop()


if __name__ == "__main__":
    asyncio.run(main())
