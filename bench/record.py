"""``./dev bench record --cameras 25 --json FILE``: our recorder against one ffmpeg process per camera, same run.

CPU-seconds per camera-minute of the recorders' own processes (/proc/PID/stat), resident and proportional memory
(/proc/PID/smaps_rollup), on the same spaced 1080p25 2 Mbit/s source; afterwards every camera's sealed footage is
opened with the keystore's roots and decoded. Ours seals, hashes, indexes and fsyncs; the peer writes plain files.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from bench._source import SECONDS, make_clip
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony, parts, tree
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import SegmentReader

ROOT = Path(__file__).parents[1]
CLIP = ROOT / ".cache" / "bench" / "street-1080p25-2M-2.mp4"
HERTZ = os.sysconf("SC_CLK_TCK")
PEER_APART_S = 0.2
DECODE_S = 12


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
        "rss_mb_per_camera": round(after.rss / cameras, 2),
        "pss_mb_per_camera": round(after.pss / cameras, 2),
        "window_s": round(length, 2),
    }


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


def ours(home: Home, pattern: str, cameras: int, window_s: float) -> dict[str, Any]:
    """Run and measure our recorder."""
    argv = [sys.executable, "-m", "bench._recording", str(home.root), pattern, str(cameras)]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        time.sleep(6 + 0.06 * cameras)
        if process.poll() is not None:
            raise SystemExit("the recorder ended before the measurement")
        process.send_signal(signal.SIGUSR1)
        figures: dict[str, Any] = measured([process.pid], cameras, window_s)
    finally:
        end([process], 20)
    assert process.stdout is not None
    figures["counters"] = json.loads(process.stdout.read())
    figures["processes"] = 1
    return figures


def peers(folder: Path, pattern: str, cameras: int, window_s: float) -> dict[str, Any]:
    """Run and measure one ``ffmpeg -c copy -f segment`` per camera."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise SystemExit("ffmpeg is missing: apt-get install ffmpeg")
    running: list[subprocess.Popen[Any]] = []
    try:
        for number in range(cameras):
            argv = [ffmpeg, "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "5000000"]
            argv += ["-i", pattern.format(number), "-c:v", "copy", "-an", "-f", "segment", "-segment_time", "10"]
            argv += ["-segment_format", "mp4", "-reset_timestamps", "1", str(folder / f"{number}_%03d.mp4")]
            running.append(subprocess.Popen(argv, stderr=subprocess.DEVNULL))
            time.sleep(PEER_APART_S)
        time.sleep(5)
        alive = [p.pid for p in running if p.poll() is None]
        if not alive:
            raise SystemExit("no peer process lives")
        figures: dict[str, Any] = measured(alive, len(alive), window_s)
        figures["processes"] = len(alive)
        figures["died"] = cameras - sum(p.poll() is None for p in running)
    finally:
        end(running)
    figures["bytes"] = sum(p.stat().st_size for p in folder.glob("*.mp4"))
    return figures


def decode(home: Home, cameras: int) -> dict[str, Any]:
    """Open every camera's files with the keystore's roots, check all parts, decode the first seconds of each."""
    roots = ceremony.open_keystore(home).load().roots
    done: dict[str, Any] = {"cameras": 0, "files": 0, "parts": 0, "frames": 0, "expected": 0, "errors": 0}
    by_slot: dict[str, list[Path]] = {}
    for path in sorted(home.store.rglob("*.gws"), key=lambda p: p.name):
        by_slot.setdefault(path.parent.name, []).append(path)
    for paths in by_slot.values():
        plain: list[bytes] = []
        wanted = 0
        for path in paths:
            with SegmentReader(path) as reader:
                done["files"] += 1
                node = tree.slot_node(roots[reader.header.class_, reader.header.epoch], reader.header.slot)
                first = reader.parts[0].header.tick
                for part in reader.parts:
                    okm = parts.okm(tree.leaf_below(node, part.header.tick), reader.segment_id)
                    data = parts.open_part(okm, reader.segment_id, reader.read(part))
                    done["parts"] += 1
                    if path is paths[0] and part.header.tick < first + DECODE_S:
                        if part.header.kind == parts.VIDEO or not plain:
                            plain.append(data)
                        if part.header.kind == parts.VIDEO:
                            wanted += int.from_bytes(data[80:84], "big")
        done["expected"] += wanted
        done["cameras"] += 1
        try:
            with av.open(io.BytesIO(b"".join(plain)), "r") as container:
                stream = container.streams.video[0]
                stream.codec_context.options = {"err_detect": "explode"}
                for frame in container.decode(stream):
                    done["frames"] += 1
                    done["errors"] += frame.is_corrupt
        except av.FFmpegError as error:
            say(f"decode: {error}")
            done["errors"] += 1
    done["whole"] = done["cameras"] == cameras and done["frames"] == done["expected"] > 0 and not done["errors"]
    return done


def run(cameras: int, window_s: float) -> dict[str, Any]:
    """The whole benchmark in a temporary folder."""
    say(f"clip {CLIP.name}{'' if CLIP.exists() else ' is being made'}")
    make_clip(CLIP)
    with tempfile.TemporaryDirectory(prefix="gwanje-bench-") as folder:
        home = Home.create(Path(folder) / "var", demo=True, index_progress_seconds=10)
        ceremony.create(home)
        plain = Path(folder) / "peer"
        plain.mkdir()
        argv = [sys.executable, "-m", "bench._source", str(CLIP), str(cameras)]
        source = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert source.stdout is not None
            port = int(source.stdout.readline())
            pattern = f"rtsp://127.0.0.1:{port}/cam{{}}"
            with vaultd.running(home):
                VaultClient(home, "web").set_class(1, "days", 30, "bench")
                say(f"ours: {cameras} cameras, {window_s:.0f} s")
                own = ours(home, pattern, cameras, window_s)
            say(f"peer: {cameras} ffmpeg processes, {window_s:.0f} s")
            peer = peers(plain, pattern, cameras, window_s)
        finally:
            end([source])
        dropped = int(source.stdout.read() or 0)
        say("decoding every camera")
        footage = decode(home, cameras)
    return {
        "cameras": cameras,
        "source": "1080p25 H.264, key frame every 2 s, packets 112 µs apart, RTSP over TCP on loopback",
        "source_mbit_s": round(CLIP.stat().st_size * 8 / SECONDS / 1e6, 2),
        "keys": "vaultd",
        "ours": own,
        "peer": {"command": "ffmpeg -c:v copy -an -f segment", **peer},
        # ours over the peer's: smaller is better
        "ratio": {
            "cpu": round(own["cpu_s_per_camera_minute"] / peer["cpu_s_per_camera_minute"], 3),
            "memory": round(own["rss_mb_per_camera"] / peer["rss_mb_per_camera"], 3),
            "memory_pss": round(own["pss_mb_per_camera"] / peer["pss_mb_per_camera"], 3),
        },
        "decoded": footage,
        "source_dropped_packets": dropped,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_1min": os.getloadavg()[0],
    }


def main() -> int:
    """0 when every camera's footage decodes without an error."""
    parser = argparse.ArgumentParser(prog="bench record", description=__doc__)
    parser.add_argument("--cameras", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each measurement")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not 1 <= args.cameras <= 400:
        parser.error("1 to 400 cameras")
    began = time.monotonic()
    result = run(args.cameras, args.seconds)
    result["took_s"] = round(time.monotonic() - began, 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    say(text)
    return 0 if result["decoded"]["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
