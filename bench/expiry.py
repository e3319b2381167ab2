"""``./dev bench expiry [--rounds N] [--json FILE]``: from the legal instant of expiry to the key's death on the disk.

A real centre: PostgreSQL, vaultd, the worker, and one replica in a process of its own. The keystore has the slots of a
large city's cameras in five classes and every hour that they keep. Each round the centre's clock comes near the end of
an hour while a recorder's requests for the next hour arrive at their usual pace (all cameras within 120 s); then the
hour ends, one hour of each class is due, and the sealed files of both places are read until they hold the key no more
and their token has no earlier generation. What is told is the centre's clock at that reading, less the legal instant.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench._processes import say
from gwanje.kernel import database
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault import ceremony
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused
from gwanje.vault.core import AHEAD_S
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import FILE, content_of, read
from gwanje.vault.records import RetentionClass
from gwanje.vault.token import open_token
from tools.attack.stage import (
    ARTICLE,
    HOUR,
    Stage,
    acknowledged,
    end_cleanly,
    environment,
    replica,
    stage,
    start_vaultd,
)

DAYS = {1: 30, 2: 7, 3: 14, 4: 60, 5: 90}
LEAD_S, WAIT_S = 6.0, 180.0
POLL_S = 0.02
Key = tuple[int, int]


class Place:
    """One place's sealed file, read as often as it changes."""

    def __init__(self, home: Home) -> None:
        self.file, self._token = home.vault / FILE, open_token(home)
        self._seen: tuple[int, int] = (0, 0)
        self.size = 0

    def roots(self) -> set[Key] | None:
        """Keys of the newest content once no earlier generation key is left; None: not changed, or not whole yet."""
        try:
            stat = self.file.stat()
            if (stat.st_ino, stat.st_mtime_ns) == self._seen:
                return None
            generation, content = content_of(self.file.read_bytes(), self._token)
            if self._token.generations() != [generation]:
                return None
        except (VaultError, OSError):
            # it is just being replaced
            return None
        self._seen, self.size = (stat.st_ino, stat.st_mtime_ns), stat.st_size
        return set(read(content).roots)


@dataclass
class Lender:
    """A recorder's requests, evenly: each camera once within the 120 s before an hour."""

    home: Home
    slots: list[int]
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, epoch: int) -> None:
        """Until ``stop``: keys of hour ``epoch``, one camera after the other."""
        client, pause = VaultClient(self.home, "recorder"), AHEAD_S / len(self.slots)
        began, count = time.monotonic(), 0
        while not self._stop.is_set():
            slot = self.slots[len(self.took_ms) * 7919 % len(self.slots)]
            at = time.monotonic()
            try:
                client.lend(class_of(slot), slot, epoch)
            except (VaultRefused, VaultAway):
                self.refused += 1
            self.took_ms.append((time.monotonic() - at) * 1000)
            count += 1
            self._stop.wait(max(0.0, began + count * pause - time.monotonic()))
        client.close()

    @contextlib.contextmanager
    def beside(self, epoch: int) -> Iterator[None]:
        """While the block runs."""
        self._stop.clear()
        thread = threading.Thread(target=self.run, args=(epoch,))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def class_of(slot: int) -> int:
    """The class in which a camera is recorded."""
    return slot % len(DAYS) + 1


def fill(centre: Stage, cameras: int) -> list[int]:
    """Slots, classes and every hour that they keep, written as one content while vaultd is down."""
    home = centre.home
    assert centre.vaultd is not None
    centre.vaultd.terminate()
    centre.vaultd.wait()
    store = ceremony.open_keystore(home)
    store.lock()
    store.load()
    now = home.clock.now_s() // HOUR
    with store.change() as draft:
        while draft.next_slot < cameras:
            draft.slots[uuid7().bytes] = draft.next_slot
            draft.next_slot += 1
        for number, days in DAYS.items():
            draft.classes[number] = RetentionClass(number, "days", days, ARTICLE)
            for epoch in range(now - days * 24 + 1, now + 1):
                draft.roots[number, epoch] = bytearray(os.urandom(32))
        slots = sorted(draft.slots.values())
    store.unlock()
    with database.connect(home) as app:
        for number, days in DAYS.items():
            row = [number, "days", days, ARTICLE, f"{days}일"]
            app.execute("insert into footage_class values (%s, %s, %s, %s, %s) on conflict do nothing", row)
    centre.vaultd = start_vaultd(home)
    return slots


def one_round(centre: Stage, places: dict[str, Place], lender: Lender) -> dict[str, list[float]]:
    """Seconds from the hour's end to the death of each key that was due, a place."""
    clock = centre.home.clock
    boundary = clock.now_s() // HOUR + 1
    centre.to(boundary * HOUR - LEAD_S)
    due = {(number, boundary - days * 24) for number, days in DAYS.items()}
    waiting = {name: set(due) for name in places}
    found: dict[str, list[float]] = {name: [] for name in places}
    until = time.monotonic() + LEAD_S + WAIT_S
    with lender.beside(boundary):
        while any(waiting.values()):
            for name, place in places.items():
                roots = place.roots()
                if roots is None:
                    continue
                after = clock.now_us() / 1e6 - boundary * HOUR
                gone = waiting[name] - roots
                if gone and after < 0:
                    raise RuntimeError(f"{gone} died {-after:.1f} s before its time")
                found[name] += [round(after, 3)] * len(gone)
                waiting[name] -= gone
            if time.monotonic() > until:
                raise RuntimeError(f"not dead after {WAIT_S} s: {waiting}")
            time.sleep(POLL_S)
    return found


def spread(values: list[float]) -> dict[str, Any]:
    """Of some figures: how many, median, p99, most."""
    ordered = sorted(values)
    at = {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    return {"n": len(ordered), **{k: round(v, 3) for k, v in at.items()}, "max": round(ordered[-1], 3)}


def begin_worker(home: Home) -> subprocess.Popen[bytes]:
    """The worker as the centre starts it."""

    with (home.root / "log" / "worker.log").open("ab") as out:
        argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "worker"]
        return subprocess.Popen(argv, env=environment(home), stdout=out, stderr=out)


def measure(folder: Path, cameras: int, rounds: int) -> dict[str, Any]:
    """Every figure."""
    with stage(folder / "centre", 1) as centre:
        slots = fill(centre, cameras)
        with replica(centre, folder / "replica") as far:
            worker = begin_worker(centre.home)
            places = {"centre": Place(centre.home), "replica": Place(far)}
            lender = Lender(centre.home, slots)
            deaths: dict[str, list[float]] = {name: [] for name in places}
            try:
                for number in range(rounds):
                    for name, values in one_round(centre, places, lender).items():
                        deaths[name] += values
                    say(f"hour {number + 1}: centre {deaths['centre'][-1]} s, replica {deaths['replica'][-1]} s")
                alive = worker.poll() is None
            finally:
                worker.terminate()
                worker.wait(30)
                assert centre.vaultd is not None
            acknowledged(centre)
            size = places["centre"].size
        centre.vaultd.terminate()
        centre.vaultd.wait()
    return {
        "cameras": cameras, "classes_days": DAYS, "hours_ended": rounds, "keystore_bytes": size,
        "death_after_expiry_s": {name: spread(values) for name, values in deaths.items()},
        "lend_ms": spread(lender.took_ms), "lends_refused": lender.refused, "worker_alive": alive,
    }  # fmt: skip


def main() -> int:
    """0 when every key died within a minute of its time, at both places."""
    parser = argparse.ArgumentParser(prog="./dev bench expiry", description=__doc__)
    parser.add_argument("--cameras", type=int, default=16_601)
    parser.add_argument("--rounds", type=int, default=24, help="hours that end, five keys each")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    end_cleanly()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="gwanje-expiry-") as folder:
        figures = {**measure(Path(folder), given.cameras, given.rounds), "load_1min": round(load, 1)}
    text = json.dumps(figures, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text)
    late = max(found["p99"] for found in figures["death_after_expiry_s"].values())
    return 0 if late <= 60 and figures["worker_alive"] else 1


if __name__ == "__main__":
    sys.exit(main())
