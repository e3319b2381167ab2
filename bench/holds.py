"""``./dev bench holds [--json FILE]``: what holds, deletions and deaths cost vaultd, in one process on a real disk.

Times of whole acts as vaultd answers them: derivation, the write with its fsyncs, the read-back and, of a hold, the
comparison of every node. The clock is the bench's own; the peer is a write of the same keystore that changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from gwanje.kernel.home import Home
from gwanje.kernel.permit import Approval
from gwanje.vault import ceremony, frontier, held
from gwanje.vault.core import Vault
from gwanje.vault.holds import Closing, Holds, Wanted

HOUR, DAY = 3600, 86400
KEPT_DAYS = 31


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def spread(found: list[float]) -> dict[str, float]:
    """Median, p99 and most of some milliseconds."""
    ordered = sorted(found)
    return {
        "n": len(found), "p50_ms": round(statistics.median(found), 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 3), "max_ms": round(ordered[-1], 3),
    }  # fmt: skip


class Bench:
    """A vault of many cameras with a month of hours."""

    def __init__(self, root: Path, cameras: int) -> None:
        home = Home.create(root, settable_clock=True, demo=True)
        agency = uuid4()
        self.people = [ceremony.NewOfficer(uuid4(), role, agency, "a password of a bench") for role in
                       ("operator", "manager", "chief_officer")]  # fmt: skip
        ceremony.create(home, self.people)
        self.now = home.clock.now_s() // HOUR * HOUR + HOUR
        # this process's own clock alone: the bench lets hours die without waiting for them
        home.clock.now_us = lambda: self.now * 1_000_000  # type: ignore[method-assign]
        home.clock.step_us = lambda: 0  # type: ignore[method-assign]
        store = ceremony.open_keystore(home)
        store.lock()
        self.vault = Vault(home, store)
        self.holds = Holds(self.vault)
        self.vault.set_class(1, "days", KEPT_DAYS, "a bench")
        self.cameras = [uuid4() for _ in range(cameras)]
        self.slots = self.vault.slots(self.cameras)
        self.first = self.now // HOUR - KEPT_DAYS * 24 + 24
        with self.vault.change() as draft:
            for epoch in range(self.first, self.now // HOUR + 1):
                draft.roots[1, epoch] = bytearray(os.urandom(32))

    def said(self) -> list[Approval]:
        """Two officers' consent."""
        return [Approval(p.id, p.role, bytes(32), self.now * 1_000_000) for p in self.people[:2]]

    def nothing(self) -> float:
        """A write that changes nothing: the peer."""

        def write() -> None:
            with self.vault.change():
                pass

        return timed(write)

    def hold(self, cameras: int, hours: int, at: int) -> tuple[float, UUID]:
        """Milliseconds of a hold that begins at this hour."""
        first, id_ = at * HOUR + 17, uuid4()
        spans = tuple((self.cameras[c], self.slots[c], 1, first, first + hours * HOUR) for c in range(cameras))
        wanted = Wanted(id_, "trial", "trial", "case", self.people[2].id, spans, self.now + DAY, bytes(32))
        return timed(lambda: self.holds.hold(wanted, self.said())), id_

    def close(self, number: int) -> float:
        """Milliseconds of one deletion: ten minutes of one camera, each in another place."""
        at = (self.first + 30 + number % 600) * HOUR + number % 2900
        camera = number * 7919 % len(self.cameras)
        wanted = Closing(self.cameras[camera], self.slots[camera], ((1, at, at + 600),), bytes(32))
        return timed(lambda: self.holds.puncture(wanted, self.said()))


def measure(cameras: int, punctures: int, folder: Path) -> dict[str, Any]:
    """Every figure."""
    bench = Bench(folder / "c", cameras)
    vault, recent = bench.vault, bench.now // HOUR - 40
    figures: dict[str, Any] = {"cameras": cameras, "hours": len(vault.state.roots)}
    figures["write_of_nothing"] = spread([bench.nothing() for _ in range(30)])
    figures["hold_5_cameras_2_hours"] = spread([bench.hold(5, 2, recent + n)[0] for n in range(20)])
    spent, id_ = bench.hold(64, 28 * 24, bench.now // HOUR - 29 * 24)
    figures["hold_64_cameras_28_days_ms"] = round(spent, 1)
    figures["write_of_nothing_beside_it"] = spread([bench.nothing() for _ in range(10)])
    figures["its_end_ms"] = round(timed(lambda: bench.holds.end(id_, bytes(32), bench.said())), 1)
    root = bytes(vault.state.roots[1, recent])
    figures["pure_puncture_of_a_root"] = spread(
        [timed(lambda: frontier.puncture(root, 77, 100, 700)) for _ in range(500)]
    )
    figures["puncture"] = spread([bench.close(number) for number in range(punctures)])
    sizes = [len(nodes) // frontier.NODE.size for nodes in vault.state.frontiers.values()]
    figures["nodes_an_hour_after"] = {"hours": len(sizes), "median": statistics.median(sizes), "most": max(sizes)}
    figures["write_of_nothing_after_punctures"] = spread([bench.nothing() for _ in range(20)])
    hour = next(iter(vault.state.frontiers))
    keys = vault.state.frontiers[hour]
    figures["leaf_of_a_frontier"] = spread([timed(partial(frontier.find, keys, 3, n)) for n in range(1000)])
    figures["lend_of_a_frontier"] = spread([timed(lambda: frontier.spine(keys, 3, 1800)) for _ in range(100)])
    figures["standing"] = spread([timed(partial(held.standing, vault.state, *hour)) for _ in range(100)])
    spent, id_ = bench.hold(64, 24, bench.now // HOUR - 26)
    figures["hold_64_cameras_24_hours_ms"] = round(spent, 1)
    hold = vault.state.holds[id_]
    figures["leaf_of_a_hold"] = spread([timed(partial(hold.leaf, 1, 3, recent + 20, n)) for n in range(1000)])
    # a day of every camera dies at once
    bench.now = (bench.first + 24 + KEPT_DAYS * 24) * HOUR - HOUR
    before = len(vault.state.roots) + len(vault.state.frontiers)
    vault.watch_clock()
    spent = timed(vault.destroy_due)
    died = before - len(vault.state.roots) - len(vault.state.frontiers)
    figures["destroyed"] = {"hours": died, "camera_days": died * cameras / 24, "ms": round(spent, 1)}
    vault.close()
    return figures


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./dev bench holds", description=__doc__)
    parser.add_argument("--cameras", type=int, default=10_000)
    parser.add_argument("--punctures", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(args.cameras, args.punctures, Path(folder))
    text = json.dumps({**figures, "load_1min": round(os.getloadavg()[0], 1)}, indent=1) + "\n"
    sys.stdout.write(text)
    if args.json:
        args.json.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
