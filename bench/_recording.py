"""The recorder under measurement: the real engine with sealing, hashing, spool and fsync, keys from the real vaultd.

``python -m bench._recording HOME URL_PATTERN CAMERAS``: says when every camera records, records until SIGTERM, then
prints its counters. It is not hardened as the service is, so that its memory can be read from /proc.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from uuid import UUID

from gwanje.apps.recorder import settings
from gwanje.kernel.footage import Gap
from gwanje.kernel.home import Home
from gwanje.kernel.reach import Reach
from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.recorder import Recorder
from gwanje.media.spool import read_rows
from gwanje.vault.client import AsyncVaultClient, VaultClient


def sources(home: Home, pattern: str, cameras: int) -> list[Source]:
    """One source per camera, with slots from vaultd."""
    ids = [UUID(int=1 + number) for number in range(cameras)]
    slots = VaultClient(home, "web").slots(ids)
    return [
        Source(camera, UUID(int=1), slot, 1, f"B-{number:04d}", pattern.format(number), "", {}, True)
        for number, (camera, slot) in enumerate(zip(ids, slots, strict=True))
    ]


def gaps_since(home: Home, since_us: int) -> dict[str, list[float]]:
    """Reason → rows and their seconds, of gaps that ended after ``since_us`` or are open, from the spool."""
    last = {row.id: row for path in sorted(home.spool.glob("index-*.jsonl")) for row in read_rows(path)
            if isinstance(row, Gap)}  # fmt: skip
    now_us, found = home.clock.now_us(), dict[str, list[float]]()
    for gap in last.values():
        ended_us = now_us if gap.ended_us is None else gap.ended_us
        if ended_us > since_us:
            rows, seconds = found.get(gap.reason, [0, 0.0])
            found[gap.reason] = [rows + 1, round(seconds + (ended_us - max(since_us, gap.started_us)) / 1e6, 3)]
    return found


async def main() -> None:
    """Record until SIGTERM; USR1 begins the counters anew: what cameras that start late miss is no gap of the run."""
    home, pattern, cameras = Home.find(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    outward.govern(Reach.of(home))
    recorder = Recorder(
        settings=settings(home),
        clock=home.clock,
        lender=AsyncVaultClient(home, "recorder"),
        spool=home.spool,
        unseal=lambda _: None,
    )
    began_us = home.clock.now_us()
    await recorder.start()
    await recorder.fleet.apply(sources(home, pattern, cameras))

    def begin() -> None:
        nonlocal began_us
        began_us = home.clock.now_us()
        recorder.engine.late_ms_max = recorder.sealer.counters.write_ms_max = 0.0
        recorder.sealer.counters.queue_max = 0

    loop.add_signal_handler(signal.SIGUSR1, begin)
    while not stop.is_set() and any(not c.recorder.parts for c in recorder.fleet.cameras.values()):
        await asyncio.sleep(0.2)
    print(json.dumps({"recording": len(recorder.fleet.cameras)}), flush=True)
    await stop.wait()
    said = recorder.health()
    said["frames"] = sum(c.rings[0].frames for c in recorder.fleet.cameras.values())
    said["gap_rows_made"] = sum(c.gaps.count for c in recorder.fleet.cameras.values())
    await recorder.stop()
    said["gap_reasons"] = gaps_since(home, began_us)
    said["gap_rows"] = sum(int(rows) for rows, _ in said["gap_reasons"].values())
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
