"""``./dev bench record --hold 10m --cameras 500``: so many sealed cameras in one process, deletion running.

The source sends a frame at once (a source of 500 spaced cameras would need a core of its own); the store is a ring of
at most 10 GB, kept there by deleting the oldest files while the recorder writes. What stands at the end is opened and
compared like any other footage; the account of the run comes from the index rows.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import _footage
from bench._clip import clip
from bench._processes import HERTZ, ROOT, Cameras, Ring, Usage, cameras, end, say
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient

SEGMENT_S = 20
LOOK_S = 2.0
READY_MAX_S = 180.0
CAMERA_BYTES_S = 260_000
PROBE_BLOCKS = 64


def minutes_of(text: str) -> float:
    """``10m`` or ``90s`` in minutes; ValueError."""
    number, unit = float(text[:-1]), text[-1:]
    if unit not in ("m", "s"):
        raise ValueError("10m or 90s")
    return number if unit == "m" else number / 60


def _steal() -> float:
    """CPU seconds that the machine's host took from us, summed over cores."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / HERTZ


def disk_mb_s(folder: Path) -> float:
    """What this disk takes, written like a recorder's flush: 4 MB at a time, fdatasync every 32 MB."""
    block, path = os.urandom(4 << 20), folder / "probe"
    began = time.monotonic()
    with path.open("wb", buffering=0) as file:
        for number in range(PROBE_BLOCKS):
            file.write(block)
            if number % 8 == 7:
                os.fdatasync(file.fileno())
    took = time.monotonic() - began
    path.unlink()
    return round(PROBE_BLOCKS * len(block) / took / 1e6, 1)


def watch(
    process: subprocess.Popen[bytes], source: Cameras, ring: Ring, length_s: float, limit: int
) -> list[dict[str, float]]:
    """Look, delete, note what the recorder and, apart from it, the source did; ends early when the recorder does."""
    looks: list[dict[str, float]] = []
    began, before, told = time.monotonic(), Usage.of([process.pid]), 0.0
    first, stands = before, ring.shrink(limit)
    stood = stands + ring.deleted_bytes
    while (passed := time.monotonic() - began) < length_s and process.poll() is None:
        time.sleep(LOOK_S)
        stands = ring.shrink(limit)
        if passed - told >= 30 or not looks:
            now = Usage.of([process.pid])
            used = now.user + now.system - before.user - before.system
            core = round(used / max(1.0, time.monotonic() - began - told), 3)
            sent = source.figures()
            looks.append({"at_s": round(passed), "core": core, "rss_mb": round(now.rss), "store_gb": stands / 1e9,
                          "source_late_share": sent["late_share"], "source_dropped": sent["dropped"],
                          "source_cpu_s": sent["cpu_s"]})  # fmt: skip
            before, told = now, time.monotonic() - began
            late, dropped = sent["late_share"], sent["dropped"]
            say(f"{passed:5.0f} s: {core:.2f} core, {now.rss:.0f} MB, store {stands / 1e9:.2f} GB, "
                f"deleted {ring.deleted}; source {late:.1%} late, {dropped:.0f} dropped")  # fmt: skip
    total = Usage.of([process.pid]) if process.poll() is None else before
    looks.append(
        {
            "cpu_s": round(total.user + total.system - first.user - first.system, 2),
            "steal_s": _steal(),
            "written_mb_s": round((stands + ring.deleted_bytes - stood) / (time.monotonic() - began) / 1e6, 1),
        }
    )
    return looks


def hold(count: int, minutes: float, ring_gb: float) -> dict[str, Any]:
    """The run and its figures."""
    path, limit = clip(), int(ring_gb * 1e9)
    with tempfile.TemporaryDirectory(prefix="gwanje-hold-") as folder:
        home = Home.create(Path(folder) / "var", demo=True, segment_seconds=SEGMENT_S, index_progress_seconds=10)
        ceremony.create(home)
        ring, disk = Ring(home.store, SEGMENT_S), disk_mb_s(Path(folder))
        needed = count * CAMERA_BYTES_S / 1e6
        say(f"the disk takes {disk} MB/s, {count} cameras send {needed:.0f}")
        with cameras(path, count, "--burst") as source, vaultd.running(home):
            VaultClient(home, "web").set_class(1, "days", 30, "hold")
            argv = [sys.executable, "-m", "bench._recording", str(home.root), source.pattern, str(count)]
            process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
            assert process.stdout is not None
            try:
                ready = select.select([process.stdout], [], [], READY_MAX_S)[0] and process.stdout.readline()
                if not ready:
                    raise SystemExit("not every camera recorded: the ceiling lies below, try fewer")
                say(f"{count} cameras record")
                process.send_signal(signal.SIGUSR1)
                source.figures()
                # a fifth less than the limit: what is written between two looks has room
                looks = watch(process, source, ring, minutes * 60, limit - int(count * CAMERA_BYTES_S * 2 * LOOK_S))
                sent = source.figures()
            finally:
                end([process], 60)
            counters = json.loads(process.stdout.read() or b"{}")
        footage = _footage.check(home, count, path, "h264")
    return {
        "disk_mb_s": disk, "needed_mb_s": needed, "written_mb_s": looks[-1]["written_mb_s"],
        "cameras": count, "minutes": minutes, "segment_s": SEGMENT_S, "ring_gb": ring_gb,
        "ring_max_bytes": ring.bytes_max, "deleted_files": ring.deleted, "deleted_bytes": ring.deleted_bytes,
        "cpu_s_per_camera_minute": round(looks[-1]["cpu_s"] / minutes / count, 4), "looks": looks, "source": sent,
        "counters": counters, "gaps": counters.get("gap_rows", -1), "footage": footage,
        "held": counters.get("gap_rows") == 0 and ring.bytes_max <= limit and bool(footage["whole"]),
    }  # fmt: skip
