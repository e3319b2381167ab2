"""What benchmarks share: /proc figures of processes, ending them, the source of cameras, the ring of the store."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HERTZ = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """User and system CPU seconds, resident and proportional memory in MB, of some processes together."""

    user: float = 0.0
    system: float = 0.0
    rss: float = 0.0
    pss: float = 0.0

    @classmethod
    def of(cls, pids: Sequence[int]) -> Usage:
        """Now."""
        total = cls()
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total.user += int(fields[11]) / HERTZ
            total.system += int(fields[12]) / HERTZ
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name == "Rss":
                    total.rss += int(rest.split()[0]) / 1024
                elif name == "Pss":
                    total.pss += int(rest.split()[0]) / 1024
        return total


def say(text: str) -> None:
    """Progress."""
    print(text, flush=True)


def measured(pids: Sequence[int], cameras: int, window_s: float) -> dict[str, float]:
    """CPU over a window and memory at its end, per camera."""
    before, began = Usage.of(pids), time.monotonic()
    time.sleep(window_s)
    after, length = Usage.of(pids), time.monotonic() - began
    scale = 60 / length / cameras
    return {
        "cpu_s_per_camera_minute": round((after.user + after.system - before.user - before.system) * scale, 4),
        "user": round((after.user - before.user) * scale, 4),
        "system": round((after.system - before.system) * scale, 4),
        "rss_mb_per_camera": round(after.rss / cameras, 3),
        "pss_mb_per_camera": round(after.pss / cameras, 3),
        "window_s": round(length, 2),
    }


def orderly() -> None:
    """SIGTERM ends this process like Ctrl-C: what it started ends with it."""

    def leave(*_: object) -> None:
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, leave)


def end(processes: Sequence[subprocess.Popen[Any]], wait_s: float = 10) -> None:
    """SIGTERM, wait, SIGKILL for what is left; only processes of this run."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + wait_s
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Cameras:
    """The running source: its address pattern, and figures since they were asked for last."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self._lines = process.stdout
        self.pattern = f"rtsp://127.0.0.1:{int(self._lines.readline())}/cam{{}}"

    def figures(self) -> dict[str, float]:
        """Packets, late ones, dropped ones."""
        self._process.send_signal(signal.SIGUSR1)
        said: dict[str, float] = json.loads(self._lines.readline())
        return said


@contextlib.contextmanager
def cameras(clip: Path, count: int, *options: str) -> Iterator[Cameras]:
    """Serve a clip as so many cameras (``bench._source``)."""
    argv = [sys.executable, "-m", "bench._source", str(clip), str(count), *options]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield Cameras(process)
    finally:
        end([process])


def store_bytes(store: Path) -> int:
    """Bytes that a store takes on its disk (blocks, not lengths)."""
    total = 0
    for path in store.rglob("*.gws"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_blocks * 512
    return total


class Ring:
    """Keeps a bench store below a limit: the oldest files that nobody writes any more are unlinked."""

    def __init__(self, store: Path, segment_s: int) -> None:
        self._store = store
        self._age_s = segment_s + 15
        self.deleted = 0
        self.deleted_bytes = 0
        self.bytes_max = 0

    def shrink(self, limit: int) -> int:
        """Delete until at most ``limit`` bytes stand or only young files are left; returns what stands."""
        found: list[tuple[int, Path, int]] = []
        for path in self._store.rglob("*.gws"):
            found.append((int(path.name.split("-")[1]), path, path.stat().st_blocks * 512))
        found.sort()
        total = sum(size for _, _, size in found)
        self.bytes_max = max(self.bytes_max, total)
        newest = found[-1][0] if found else 0
        for created, path, size in found:
            if total <= limit or newest - created < self._age_s * 1_000_000:
                break
            path.unlink()
            total -= size
            self.deleted += 1
            self.deleted_bytes += size
        return total
