"""The player of ``bench playback``, with a clock at each of its steps: ``python -m bench._player HOME``.

The process is the product's own (``apps.player``); only its viewings are timed. Prints ``ready``, and at its end one
line of JSON: ms from the order to the store's answer, vaultd's, the first picture sent.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from typing import Any

from bench._figures import percentiles
from gwanje.apps import player
from gwanje.kernel.home import Home
from gwanje.media.play import server
from gwanje.media.play.viewing import Order, Viewing
from gwanje.vault.client import AsyncVaultClient

TOOK: dict[str, list[float]] = defaultdict(list)


class TimedViewing(Viewing):
    """A viewing that notes when it did what."""

    _ordered = 0.0
    _asked = 0.0

    def play(self, camera: bytes, at: int, speed: int = 1) -> None:
        """The order comes in."""
        super().play(camera, at, speed)
        self._ordered, self._asked = time.perf_counter(), 0.0

    async def _carry_out(self, order: Order) -> None:
        if self._ordered:
            TOOK["the order's turn"].append((time.perf_counter() - self._ordered) * 1000)
        await super()._carry_out(order)

    async def _lend(self, *given: Any) -> None:
        began = time.perf_counter()
        await super()._lend(*given)
        if self._ordered and not self._asked:
            self._asked = time.perf_counter()
            TOOK["found in the store"].append((began - self._ordered) * 1000)
            TOOK["parts read, keys from vaultd"].append((self._asked - began) * 1000)
            TOOK["seconds in the first request"].append(float(len(given[1])))

    async def _show(self, *given: Any) -> bool:
        sent = await super()._show(*given)
        if sent and self._ordered:
            TOOK["opened and sent the first second"].append((time.perf_counter() - self._asked) * 1000)
            self._ordered = 0.0
        return sent


class TimedClient(AsyncVaultClient):
    """Requests to vaultd, timed."""

    async def open_ticks(self, *given: Any) -> list[dict[bytes, bytearray]]:
        """Keys of seconds."""
        began = time.perf_counter()
        answer = await super().open_ticks(*given)
        TOOK["one open_ticks"].append((time.perf_counter() - began) * 1000)
        return answer

    async def redeem(self, *given: Any) -> Any:
        """Spend a Permit."""
        began = time.perf_counter()
        answer = await super().redeem(*given)
        TOOK["redeem"].append((time.perf_counter() - began) * 1000)
        return answer


def main() -> int:
    """Serve until SIGTERM."""
    # the product carries no clock for a benchmark: its own server is given viewings that note when they did what
    server.Viewing = TimedViewing  # type: ignore[misc]
    player.AsyncVaultClient = TimedClient  # type: ignore[misc]
    print("ready", flush=True)
    player.run(Home.find(sys.argv[1]))
    print(json.dumps({name: percentiles(values) for name, values in TOOK.items()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
