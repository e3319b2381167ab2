"""What each transport costs: the same cameras over TCP and UDP in turns, CPU of the recorder alone, in one run.

``./dev bench transports [--cameras N] [--seconds S] [--rounds R] [--json FILE]``. The source is a process of its own;
keys come from a tree in memory, files are sealed and flushed as always. Figures are CPU-seconds per camera-minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.reach import Reach
from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.drivers.datagrams import Datagrams
from gwanje.media.recorder import Recorder
from gwanje.media.segments import Settings
from gwanje.media.sim.clips import streets
from gwanje.media.sim.server import SimThread
from gwanje.vault import tree

CLIPS = Path(__file__).parents[1] / ".cache" / "test-clips"
STREETS = 4
SETTLE_S = 3.0


@dataclass
class Spine:
    """What a lender answers."""

    first: int
    nodes: list[tuple[int, bytes]]


class Lender:
    """Keys of this run only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.root = os.urandom(32)

    async def lend(self, class_: int, slot: int, epoch: int) -> Spine:
        """From this second on."""
        now = self._clock.tick_us() // 1_000_000
        first = now % 3600 if epoch == now // 3600 else 0
        return Spine(first, tree.spine(self.root, slot, first))


def serve(pipe: Connection) -> None:
    """The cameras, until the other end closes."""
    with SimThread(streets(CLIPS, [f"A-01{n + 1:02d}" for n in range(STREETS)], seconds=4)) as sim:
        sim.fault("*", "spread")
        pipe.send(sim.port)
        pipe.recv()


async def measured(port: int, transport: str, cameras: int, seconds: float) -> dict[str, Any]:
    """Record for a while; CPU, frames, loss."""
    with tempfile.TemporaryDirectory(prefix="gwanje-bench-") as folder:
        root = Path(folder)
        clock = Clock(root / "clock.json")
        outward.govern(Reach(loopback=True))
        recorder = Recorder(
            settings=Settings(root / "store", UUID(int=7), bytes(16)), clock=clock, lender=Lender(clock),
            spool=root / "spool", unseal=lambda _: None,
        )  # fmt: skip
        await recorder.start()
        wanted = [
            Source(UUID(int=100 + n), UUID(int=5), n, 1, f"B-{n:04d}",
                   f"rtsp://127.0.0.1:{port}/cam0{n % STREETS + 1}/main", "", {}, True, device={"transport": transport})
            for n in range(1, cameras + 1)
        ]  # fmt: skip
        await recorder.fleet.apply(wanted)
        all_cameras = recorder.fleet.cameras.values()
        while any(not c.recorder.parts for c in all_cameras):
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        wires = recorder.engine._all()
        frames, cpu, began = sum(w.stream.frames for w in wires), time.process_time(), time.monotonic()
        packets = sum(w.stream.packets for w in wires)
        await asyncio.sleep(seconds)
        cpu, passed = time.process_time() - cpu, time.monotonic() - began
        said = {
            "cpu_s_per_camera_minute": round(cpu / passed * 60 / cameras, 4),
            "frames_per_s": round((sum(w.stream.frames for w in wires) - frames) / passed / cameras, 2),
            "packets_per_s": round((sum(w.stream.packets for w in wires) - packets) / passed / cameras, 1),
            "lost": sum(w.stream.lost for w in wires),
            "reordered": sum(w.feed.reordered for w in wires if isinstance(w.feed, Datagrams)),
            "gaps": sum(c.gaps.count for c in all_cameras),
        }
        await recorder.stop()
        return said


def main() -> None:
    """Rounds of TCP and UDP in turns; medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    source = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    source.start()
    port = here.recv()
    rounds: dict[str, list[dict[str, Any]]] = {"tcp": [], "udp": []}
    for _ in range(options.rounds):
        for transport, found in rounds.items():
            found.append(asyncio.run(measured(port, transport, options.cameras, options.seconds)))
            print(transport, json.dumps(found[-1]), flush=True)
    here.send("end")
    source.join(10)
    median = {name: statistics.median(r["cpu_s_per_camera_minute"] for r in found) for name, found in rounds.items()}
    result = {
        "cameras": options.cameras, "seconds": options.seconds, "load": os.getloadavg()[0], "rounds": rounds,
        "median": median, "ratio_udp_to_tcp": round(median["udp"] / median["tcp"], 3),
    }  # fmt: skip
    print(json.dumps({k: v for k, v in result.items() if k != "rounds"}))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
