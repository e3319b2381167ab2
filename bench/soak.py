"""``./dev soak --minutes 60 --cameras 20``: the real recorder for an hour, or ``--simulated 24h`` of it in minutes.

Real: footage time against the wall clock (< 40 ms, cameras' crystals wrong by up to 30 ppm), memory flat within 5 %,
the store shrinks when the oldest files are deleted and no handle keeps them, nothing is missing in the account.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench._clip import clip
from bench._processes import ROOT, Ring, Usage, cameras, end, orderly, say, store_bytes
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony, parts, tree
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import SegmentReader

PPM = 30
LOOK_S = 10.0
STALL_S = 3.0
DRIFT_PARTS, DRIFT_BLOCK = 60, 10
DRIFT_MAX_MS = 40.0
FLAT = 1.05
# where the decode time of the first picture stands in a part: moof 8, mfhd 16, traf 8, tfhd 16, tfdt 12 + 8
TIME_AT = 60


def offset_ms(home: Home, path: Path, roots: dict[tuple[int, int], bytearray], least: int = 1) -> float | None:
    """Arrival (wall) less footage time over a file's last parts, ms; None while it has fewer than ``least``.

    The earliest of every ten parts, since arrival is known to a tick; the median of these, since a process that is
    kept off its core in mid-tick takes what came meanwhile for earlier than it was.
    """
    found: list[float] = []
    with SegmentReader(path) as reader:
        root = roots.get((reader.header.class_, reader.header.epoch))
        if root is None:
            return None
        node = tree.slot_node(bytes(root), reader.header.slot)
        for part in reader.parts[-DRIFT_PARTS:]:
            if part.header.kind != parts.VIDEO:
                continue
            okm = parts.okm(tree.leaf_below(node, part.header.tick), reader.segment_id)
            data = parts.open_part(okm, reader.segment_id, reader.read(part))
            media_us = int.from_bytes(data[TIME_AT : TIME_AT + 8], "big") * 100 / 9
            found.append((part.header.start_us - media_us) / 1000)
    if len(found) < least:
        return None
    blocks = [found[i : i + DRIFT_BLOCK] for i in range(0, len(found), DRIFT_BLOCK)]
    return statistics.median(min(block) for block in blocks) if blocks else None


class Watch:
    """What is looked at while it records."""

    def __init__(self, home: Home, pid: int, ring: Ring) -> None:
        self.home = home
        self.pid = pid
        self.ring = ring
        self.memory: list[tuple[float, float]] = []
        self.store: list[int] = []
        self.deleted_open = 0
        self.offsets: dict[str, list[float]] = {}
        self.looks: list[dict[str, float]] = []
        self.began = time.monotonic()

    def look(self, limit: int) -> None:
        """Memory, store, and handles on files that were deleted."""
        self.memory.append((time.monotonic() - self.began, Usage.of([self.pid]).rss))
        self.ring.shrink(limit)
        self.store.append(store_bytes(self.home.store))
        for handle in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                self.deleted_open += os.readlink(handle).endswith(".gws (deleted)")
            except FileNotFoundError:
                continue

    def drift(self, sent: dict[str, float]) -> None:
        """One figure per camera from its newest file; ``sent``: what the source did since the last look.

        Arrival is all that a recorder knows of the wall's time: a source that sends late looks like drift, so its
        lateness and the machine's load stand beside each look.
        """
        files: dict[str, list[Path]] = {}
        for path in sorted(self.home.store.rglob("*.gws"), key=lambda p: int(p.name.split("-")[1])):
            files.setdefault(path.parent.name, []).append(path)
        roots = ceremony.open_keystore(self.home).load().roots
        worst = 0.0
        for slot, paths in files.items():
            # the first parts of a file say how late one tick was, not how the clock goes: then the file before
            found = offset_ms(self.home, paths[-1], roots, DRIFT_BLOCK if len(paths) > 1 else 1)
            if found is None and len(paths) > 1:
                found = offset_ms(self.home, paths[-2], roots)
            if found is not None:
                self.offsets.setdefault(slot, []).append(found)
                worst = max(worst, abs(found))
        self.looks.append({"at_s": round(time.monotonic() - self.began), "drift_ms": round(worst, 1), **sent,
                           "load_1min": round(os.getloadavg()[0], 1)})  # fmt: skip

    def sent(self) -> dict[str, float]:
        """What the source did in the whole run."""
        packets = sum(look["packets"] for look in self.looks)
        late = sum(look["late_share"] * look["packets"] for look in self.looks)
        return {"packets": packets, "late_share": round(late / max(1, packets), 5),
                "late_ms_max": max((look["late_ms_max"] for look in self.looks), default=0.0),
                "dropped": sum(look["dropped"] for look in self.looks)}  # fmt: skip

    def drift_ms(self) -> float:
        """The largest distance of any camera's footage time from the wall clock, at any look."""
        return max((abs(x) for seen in self.offsets.values() for x in seen), default=0.0)

    def moved_ms(self) -> float:
        """How far any camera's distance changed since its first look."""
        return max((abs(x - seen[0]) for seen in self.offsets.values() for x in seen), default=0.0)

    def flat(self) -> tuple[float, float, float]:
        """Median MB of a sixth of the run after one third, of the last sixth, and their ratio."""
        length = self.memory[-1][0]
        early = [mb for at, mb in self.memory if length / 3 <= at < length / 2]
        late = [mb for at, mb in self.memory if at >= length * 5 / 6]
        return statistics.median(early), statistics.median(late), statistics.median(late) / statistics.median(early)


def account(home: Home, wanted: int) -> dict[str, Any]:
    """Footage and gap rows of the whole run against the wall clock, from the rows that the recorder spooled."""
    from gwanje.kernel.footage import Gap, Segment
    from gwanje.media.account import account as counted
    from gwanje.media.spool import read_rows

    rows: dict[bytes, Segment] = {}
    gaps: dict[Any, Gap] = {}
    for path in sorted(home.spool.glob("index-*.jsonl")):
        for row in read_rows(path):
            if isinstance(row, Segment):
                rows[row.segment_id] = row
            elif isinstance(row, Gap):
                gaps[row.id] = row
    days = counted(rows.values(), list(gaps.values()), home.clock.zone, home.clock.now_us())
    figures = {name: round(sum(getattr(day, name) for day in days), 3)
               for name in ("wall_s", "footage_s", "gap_s", "missing_s", "overlap_s")}  # fmt: skip
    cameras_seen = len({row.camera for row in rows.values()})
    return {"cameras": cameras_seen, "whole": cameras_seen == wanted and not figures["missing_s"], **figures,
            "reasons": sorted({gap.reason for gap in gaps.values()})}  # fmt: skip


def stall(process: subprocess.Popen[bytes]) -> None:
    """Keep the recorder off its core."""
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(STALL_S)
    finally:
        process.send_signal(signal.SIGCONT)


def record(  # noqa: PLR0917 - a run's figures
    home: Home, count: int, length_s: float, ring_gb: float, segment_s: int, stalls_s: float = 0.0
) -> dict[str, Any]:
    """Record for so long; figures of the run. ``stalls_s``: the recorder is stopped for 3 s that often."""
    with cameras(clip(), count, "--ppm", str(PPM)) as source, vaultd.running(home):
        VaultClient(home, "web").set_class(1, "days", 30, "soak")
        argv = [sys.executable, "-m", "bench._recording", str(home.root), source.pattern, str(count)]
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
        watch = Watch(home, process.pid, Ring(home.store, segment_s))
        limit, stalls, next_stall = int(ring_gb * 1e9), 0, stalls_s + time.monotonic()
        try:
            time.sleep(min(20.0, length_s / 6))
            process.send_signal(signal.SIGUSR1)
            next_drift = time.monotonic()
            before_cut = 0
            while (passed := time.monotonic() - watch.began) < length_s and process.poll() is None:
                halved = passed > length_s * 2 / 3
                if halved and not before_cut:
                    before_cut = watch.store[-1]
                watch.look(limit // 2 if halved else limit)
                if time.monotonic() >= next_drift:
                    next_drift = time.monotonic() + min(60.0, length_s / 8)
                    watch.drift(source.figures())
                    say(f"{passed:6.0f} s: {watch.memory[-1][1]:.1f} MB, store {watch.store[-1] / 1e9:.2f} GB, "
                        f"drift {watch.drift_ms():.1f} ms, deleted {watch.ring.deleted}")  # fmt: skip
                if stalls_s and time.monotonic() >= next_stall:
                    next_stall, stalls = time.monotonic() + stalls_s, stalls + 1
                    stall(process)
                time.sleep(min(LOOK_S, length_s / 40))
            died = process.poll()
            watch.drift(source.figures())
        finally:
            end([process], 30)
        assert process.stdout is not None
        said = process.stdout.read()
    early, late, flat = watch.flat()
    after_cut = watch.store[-1]
    return {
        "cameras": count, "minutes": round(length_s / 60, 2), "segment_s": segment_s, "ppm": PPM, "exit_early": died,
        "drift_ms_max": round(watch.drift_ms(), 1), "moved_ms_max": round(watch.moved_ms(), 1),
        "drift_looks": sum(map(len, watch.offsets.values())), "drift_each": watch.looks,
        "memory_mb": [round(early, 1), round(late, 1)], "memory_ratio": round(flat, 4), "stalls": stalls,
        "memory_each_mb": [round(mb, 1) for _, mb in watch.memory[:: max(1, len(watch.memory) // 30)]],
        "store": {
            "written_bytes": watch.ring.deleted_bytes + after_cut, "limit_gb": ring_gb, "max_bytes": max(watch.store),
            "before_cut": before_cut, "after_cut": after_cut, "deleted_files": watch.ring.deleted,
            "handles_on_deleted_files": watch.deleted_open,
        },
        "source": watch.sent(), "counters": json.loads(said.splitlines()[-1]) if said.strip() else None,
    }  # fmt: skip


def real(count: int, minutes: float, ring_gb: float, stalls_s: float = 0.0) -> dict[str, Any]:
    """The real run in a temporary folder, judged."""
    length_s = minutes * 60
    segment_s = int(max(4, min(300, length_s / 12)))
    with tempfile.TemporaryDirectory(prefix="gwanje-soak-") as folder:
        home = Home.create(Path(folder) / "var", demo=True, index_progress_seconds=10, segment_seconds=segment_s)
        ceremony.create(home)
        result = record(home, count, length_s, ring_gb, segment_s, stalls_s)
        result["account"] = account(home, count)
    shrunk = result["store"]["after_cut"] < 0.75 * result["store"]["before_cut"]
    result["met"] = {
        "drift": result["drift_ms_max"] < DRIFT_MAX_MS,
        "memory": result["memory_ratio"] <= FLAT,
        "store": shrunk and not result["store"]["handles_on_deleted_files"],
        "account": result["account"]["whole"] and result["exit_early"] is None,
    }
    return result


def main() -> int:
    """0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--ring-gb", type=float, default=6.0, help="the store is kept below this; halved at two thirds")
    parser.add_argument("--simulated", metavar="HOURS", help="24h: on the settable clock instead")
    parser.add_argument("--stalls", type=float, default=0.0, metavar="S", help="stop the recorder for 3 s every S s")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    orderly()
    if args.simulated:
        from bench._day import simulated

        result = simulated(float(args.simulated.rstrip("h")), args.cameras)
    else:
        result = real(args.cameras, args.minutes, args.ring_gb, args.stalls)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    say(text)
    return 0 if all(result["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
