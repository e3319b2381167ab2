"""``./dev bench record --cameras 200 --json FILE``: our recorder against one ffmpeg process per camera, same run.

CPU-seconds per camera-minute of the recorders' own processes (/proc/PID/stat), resident and proportional memory
(/proc/PID/smaps_rollup), on the same spaced 1080p25 2 Mbit/s source; below both the floor: a process that only reads
the sockets. Ours seals, hashes, indexes, fsyncs and keeps the live ring; the peer writes plain files. Afterwards every
camera's sealed footage is opened with the keystore's roots, compared with the clip picture by picture, and decoded.
``--codec h265|mpeg4|mjpeg``: the same with another codec. ``--hold 10m``: see ``bench._hold``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av

from bench import _footage
from bench._clip import CODECS, SECONDS, clip
from bench._hold import hold, minutes_of
from bench._processes import ROOT, Cameras, cameras, end, measured, orderly, say
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient

PEER_APART_S = 0.2
PEERS_MAX, PEERS_MIN = 100, 50
SETTLE_S = 5.0
READY_MAX_S = 120.0
FLOOR_S = 15.0


def ready(process: subprocess.Popen[bytes]) -> None:
    """Wait until the recorder says that every camera records."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], READY_MAX_S)[0] or not process.stdout.readline():
        raise SystemExit(f"not every camera recorded within {READY_MAX_S:.0f} s")


def ours(home: Home, source: Cameras, count: int, window_s: float) -> dict[str, Any]:
    """Run and measure our recorder."""
    argv = [sys.executable, "-m", "bench._recording", str(home.root), source.pattern, str(count)]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        ready(process)
        time.sleep(SETTLE_S)
        process.send_signal(signal.SIGUSR1)
        source.figures()
        figures: dict[str, Any] = measured([process.pid], count, window_s)
        figures["source"] = source.figures()
    finally:
        end([process], 20)
    assert process.stdout is not None
    figures["counters"] = json.loads(process.stdout.read())
    figures["processes"] = 1
    return figures


def floor(source: Cameras, count: int) -> dict[str, Any]:
    """The same sockets read and forgotten."""
    argv = [sys.executable, "-m", "bench._drain", source.pattern, str(count)]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        time.sleep(3 + 0.02 * count)
        if process.poll() is not None:
            raise SystemExit("the floor's process ended before its measurement")
        return measured([process.pid], count, FLOOR_S)
    finally:
        end([process])


def peers(folder: Path, source: Cameras, count: int, window_s: float) -> dict[str, Any]:
    """Run and measure one ``ffmpeg -c copy -f segment`` per camera."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise SystemExit("ffmpeg is missing: apt-get install ffmpeg")
    folder.mkdir()
    running: list[subprocess.Popen[Any]] = []
    try:
        for number in range(count):
            argv = [ffmpeg, "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "5000000"]
            argv += ["-i", source.pattern.format(number), "-c:v", "copy", "-an", "-f", "segment"]
            argv += ["-segment_time", "10", "-segment_format", "mp4", "-reset_timestamps", "1"]
            running.append(subprocess.Popen([*argv, str(folder / f"{number}_%03d.mp4")], stderr=subprocess.DEVNULL))
            time.sleep(PEER_APART_S)
        time.sleep(SETTLE_S)
        source.figures()
        alive = [p.pid for p in running if p.poll() is None]
        if not alive:
            raise SystemExit("no peer process lives")
        figures: dict[str, Any] = measured(alive, len(alive), window_s)
        figures["source"] = source.figures()
        figures["processes"] = len(alive)
        figures["died"] = count - sum(p.poll() is None for p in running)
    finally:
        end(running)
    figures["bytes"] = sum(p.stat().st_size for p in folder.glob("*.mp4"))
    shutil.rmtree(folder)
    return figures


def peers_without_loss(folder: Path, source: Cameras, wanted: int, window_s: float) -> dict[str, Any]:
    """As many as run without a dead process or a packet dropped: ``wanted``, else half, never less than 50."""
    tried: list[dict[str, Any]] = []
    while True:
        say(f"peer: {wanted} ffmpeg processes, {window_s:.0f} s")
        figures = peers(folder / f"peer-{wanted}", source, wanted, window_s)
        if not (figures["died"] or figures["source"]["dropped"]) or wanted <= PEERS_MIN:
            return {**figures, "tried_before": tried}
        tried.append({"processes": wanted, "died": figures["died"], "dropped": figures["source"]["dropped"]})
        wanted = max(PEERS_MIN, wanted // 2)


def run(count: int, window_s: float, codec: str, wanted: int) -> dict[str, Any]:
    """The whole benchmark in a temporary folder."""
    path = clip(codec)
    with tempfile.TemporaryDirectory(prefix="gwanje-bench-") as folder:
        home = Home.create(Path(folder) / "var", demo=True, index_progress_seconds=10)
        ceremony.create(home)
        with cameras(path, count) as source:
            with vaultd.running(home):
                VaultClient(home, "web").set_class(1, "days", 30, "bench")
                say(f"ours: {count} cameras, {window_s:.0f} s")
                own = ours(home, source, count, window_s)
            say(f"floor: {count} sockets read and forgotten, {FLOOR_S:.0f} s")
            lowest = floor(source, count)
            peer = peers_without_loss(Path(folder), source, wanted, window_s)
        say("opening, comparing and decoding every camera")
        footage = _footage.check(home, count, path, codec)
    return {
        "cameras": count,
        "source": f"1080p25 {codec}, key frame every 2 s, packets 112 µs apart, RTSP over TCP on loopback",
        "source_mbit_s": round(path.stat().st_size * 8 / SECONDS / 1e6, 2),
        "keys": "vaultd",
        "ours": own,
        "peer": {"command": "ffmpeg -c:v copy -an -f segment", **peer},
        "floor": {"command": "recv_into and nothing else", **lowest},
        # ours over the peer's: smaller is better
        "ratio": {
            "cpu": round(own["cpu_s_per_camera_minute"] / peer["cpu_s_per_camera_minute"], 3),
            "memory": round(own["rss_mb_per_camera"] / peer["rss_mb_per_camera"], 4),
            "memory_pss": round(own["pss_mb_per_camera"] / peer["pss_mb_per_camera"], 4),
            "cpu_over_floor": round(own["cpu_s_per_camera_minute"] / lowest["cpu_s_per_camera_minute"], 2),
        },
        "footage": footage,
        "gaps": own["counters"]["gap_rows"],
    }


def main() -> int:
    """0 when no gap was made and every camera's footage is whole."""
    parser = argparse.ArgumentParser(prog="bench record", description=__doc__)
    parser.add_argument("--cameras", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each measurement")
    parser.add_argument("--codec", choices=sorted(CODECS), default="h264")
    parser.add_argument("--peers", type=int, help=f"ffmpeg processes; default: as cameras, {PEERS_MAX} at most")
    parser.add_argument("--hold", metavar="10m", help="hold so many cameras so long on a ring of --ring-gb")
    parser.add_argument("--ring-gb", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    orderly()
    if not 1 <= args.cameras <= 1000:
        parser.error("1 to 1000 cameras")
    av.logging.set_level(av.logging.ERROR)
    began = time.monotonic()
    if args.hold:
        result = hold(args.cameras, minutes_of(args.hold), args.ring_gb)
    else:
        result = run(args.cameras, args.seconds, args.codec, args.peers or min(args.cameras, PEERS_MAX))
    result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    result["load_1min"] = round(os.getloadavg()[0], 2)
    result["took_s"] = round(time.monotonic() - began, 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    say(text)
    return 0 if result["footage"]["whole"] and not result["gaps"] else 1


if __name__ == "__main__":
    sys.exit(main())
