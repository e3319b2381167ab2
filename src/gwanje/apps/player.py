"""The player's process (재생 프로세스): holds no key of its own but the one that says who it is."""

from __future__ import annotations

import asyncio
import logging
import signal

from gwanje.apps.hardening import harden
from gwanje.kernel.home import Home
from gwanje.kernel.keys import publish, signing_key
from gwanje.media.play.server import Player
from gwanje.vault.client import AsyncVaultClient

log = logging.getLogger("gwanje.player")


async def serve(home: Home) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    client = AsyncVaultClient(home, "player")
    try:
        async with Player(home, client) as player:
            log.info("player at 127.0.0.1:%d", player.port)
            await stop.wait()
    finally:
        await client.close()


def run(home: Home) -> int:
    """Harden, make sure of the key, serve."""
    harden()
    signing_key(home, "player", create=True)
    publish(home, "player")
    asyncio.run(serve(home))
    return 0
