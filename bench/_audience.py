"""500 viewers of one camera while all cameras record: is any part late? Part of ``bench live``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from bench._cameras import make_sub
from bench._clip import clip
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / ".cache" / "bench"
SUB = CLIPS / "counted-360p25-1.mp4"
HERTZ = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ


@contextlib.contextmanager
def child(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A process of this benchmark; ended with it."""
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()


def line(process: subprocess.Popen[str]) -> str:
    """The next line of a child; SystemExit when it has ended."""
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise SystemExit(f"a process of the benchmark ended: {process.args}")
    return said.strip()


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def cameras(folder: Path, count: int) -> Iterator[tuple[int, Path, subprocess.Popen[str]]]:
    """The cameras' port, the file of their send times, their process."""
    main = clip()
    make_sub(SUB)
    times = folder / "times"
    with child("bench._cameras", str(main), str(SUB), str(count), str(times)) as process:
        yield int(line(process)), times, process


def window(recorder: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """The recorder's figures over a window."""
    recorder.send_signal(signal.SIGUSR1)
    before, began = cpu_s(recorder.pid), time.monotonic()
    time.sleep(seconds)
    used, length = cpu_s(recorder.pid) - before, time.monotonic() - began
    recorder.send_signal(signal.SIGUSR2)
    said = json.loads(line(recorder))
    kept = (
        "recording",
        "gaps",
        "gap_rows",
        "viewers",
        "late_ms_max",
        "queue_max",
        "write_ms_max",
        "parts",
        "lost_parts",
    )
    return {"core": round(used / length, 3), **{name: said[name] for name in kept if name in said}}


def measure(folder: Path, count: int, viewers: int, seconds: float) -> dict[str, Any]:
    """Without viewers, then with them, same recorder."""
    home = Home.create(folder / "audience", demo=True, index_progress_seconds=10)
    ceremony.create(home)
    port = free_port()
    with cameras(folder, count) as (source_port, _, _source), vaultd.running(home):
        VaultClient(home, "web").set_class(1, "days", 30, "bench")
        pattern = f"rtsp://127.0.0.1:{source_port}/cam{{}}/main"
        with child("bench._watched", str(home.root), pattern, str(count), str(port)) as recorder:
            assert line(recorder) == "ready"
            time.sleep(2)
            alone = window(recorder, seconds)
            words = [str(home.root), str(port), str(UUID(int=1)), str(viewers), "10"]
            with child("bench._viewers", *words) as hall:
                recorder.send_signal(signal.SIGUSR1)
                assert line(hall) == "joined"
                time.sleep(3)
                recorder.send_signal(signal.SIGUSR2)
                joining = json.loads(line(recorder))["late_ms_max"]
                before = cpu_s(hall.pid)
                watched = window(recorder, seconds)
                drain = round((cpu_s(hall.pid) - before) / seconds, 3)
                hall.terminate()
                seen = json.loads(line(hall))
    return {
        "cameras": count, "viewers": viewers, "alone": alone, "watched": watched, "joining_late_ms_max": joining,
        "seen": seen, "drain_core": drain,
    }  # fmt: skip
