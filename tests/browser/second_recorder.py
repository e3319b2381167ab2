"""A second recorder of a running centre, for tests of a wall that follows its cameras: a process of its own.

``python second_recorder.py HOME FOLDER``: records what ``FOLDER/sources.json`` names (read again with each line of
stdin) from the same cameras into a store of its own, and serves it live. Prints its port, then a line when it has read
the sources.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from gwanje.apps.recorder import Desk, settings
from gwanje.kernel.home import Home
from gwanje.kernel.reach import Reach
from gwanje.media import outward
from gwanje.media.link import cached_sources
from gwanje.media.recorder import Recorder
from gwanje.vault.client import AsyncVaultClient


async def main(home: Home, folder: Path) -> None:
    """Until stdin ends."""
    desk, vault = Desk(home), AsyncVaultClient(home, "recorder")
    outward.govern(Reach.of(home))
    place = replace(settings(home), store=folder / "store")
    recorder = Recorder(settings=place, clock=home.clock, lender=vault, spool=folder / "spool", unseal=desk.unseal)
    await recorder.start()
    recorder.fleet.leased = True
    port = await recorder.serve(port=0, web_port=home.port, web_key=desk.web_key, report=lambda *_: None)
    print(port, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await recorder.fleet.apply(cached_sources(folder / "sources.json"))
        print("read", flush=True)
    await recorder.stop()
    await vault.close()


if __name__ == "__main__":
    asyncio.run(main(Home.find(sys.argv[1]), Path(sys.argv[2])))
