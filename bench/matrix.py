"""Every transport with every codec, with and without sound beside it: does it record, does it decode, is there a sound.

``./dev bench matrix [--sample N --seed S] [--seconds T] [--json FILE]``: {TCP, UDP, HTTP, file} × {H264, H265, MP4V-ES,
JPEG} × {sound, none} × {simulator, clips}, and a GStreamer RTSP server's streams over TCP and UDP, all at once in one
recorder. A cell says ``records`` with its frames, or why not. Exit 1 when a cell holds sound or does not decode.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import http.server
import io
import itertools
import json
import os
import random
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import av

from bench.transports import Lender
from gwanje.kernel.clock import Clock
from gwanje.kernel.reach import Reach
from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.recorder import Recorder
from gwanje.media.segments import Settings
from gwanje.media.sim.clips import Clip, streets
from gwanje.media.sim.encode import Encoder, Form
from gwanje.media.sim.server import SimThread
from gwanje.vault import parts, tree
from gwanje.vault.segment import SegmentReader
from tools.dev import debian
from tools.dev.shell import Failed

TRANSPORTS, CODECS = ("tcp", "udp", "http", "file"), ("H264", "H265", "MP4V-ES", "JPEG")
SOUNDS, KINDS = (True, False), ("simulator", "clip")
NAMES = {"h264": "H264", "hevc": "H265", "mpeg4": "MP4V-ES", "mjpeg": "JPEG"}
CACHE = Path(__file__).parents[1] / ".cache" / "test-clips"
FRAMES, RATE = 60, 15
GST = Path(__file__).with_name("_gst_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Cell:
    """One combination; ``kind`` gst is the foreign server."""

    transport: str
    codec: str
    sound: bool
    kind: str

    @property
    def name(self) -> str:
        """For tables and folders."""
        return f"{self.transport}-{self.codec}-{'sound' if self.sound else 'none'}-{self.kind}"


def every() -> list[Cell]:
    """All 64."""
    return [Cell(*values) for values in itertools.product(TRANSPORTS, CODECS, SOUNDS, KINDS)]


def originals() -> Path | None:
    """The folder of real clips, if it is here (``GWANJE_CLIPS``)."""
    folder = Path(os.environ.get("GWANJE_CLIPS", ""))
    return folder if os.environ.get("GWANJE_CLIPS") and folder.is_dir() else None


def pictures(kind: str) -> Iterator[av.VideoFrame]:
    """Frames to encode: a street of the simulator, or a real clip."""
    folder = originals()
    file = streets(CACHE, ["A-0101"], seconds=4)[0].sub
    if kind == "clip" and folder is not None:
        file = next(path for path in sorted(folder.iterdir()) if path.name.startswith("traffic"))
    with av.open(str(file)) as container:
        yield from itertools.islice(container.decode(video=0), FRAMES)


def made(folder: Path, codec: str, kind: str) -> Path:
    """A clip of the codec, once."""
    path = folder / f"{kind}-{codec}.mp4"
    if not path.exists():
        with Encoder(path, Form(320, 192, Fraction(RATE), 500, codec)) as encoder:
            for frame in pictures(kind):
                encoder.add(frame)
    return path


def streamable(clip: Path, *, sound: bool) -> Path:
    """The same video in a container that is read from its beginning on, beside a noise or alone."""
    out = clip.with_name(f"{clip.stem}-{'sound' if sound else 'none'}.mkv")
    if out.exists():
        return out
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        noise = target.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
        for number in range(FRAMES if noise else 0):
            frame = av.AudioFrame(format="s16", layout="mono", samples=8000 // RATE)
            frame.planes[0].update(os.urandom(frame.planes[0].buffer_size))
            frame.sample_rate, frame.pts = 8000, number * (8000 // RATE)
            target.mux(noise.encode(frame))
    return out


@contextlib.contextmanager
def over_http(folder: Path) -> Iterator[int]:
    """The folder by HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def handle(self) -> None:
            # a viewer that has seen enough is no error
            with contextlib.suppress(OSError):
                super().handle()

    socketserver.TCPServer.allow_reuse_address = True
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def foreign() -> Iterator[dict[str, Any]]:
    """GStreamer's server, or ``{"why": …}`` when its packages are not here."""
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(GST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line = process.stdout.readline()
    said: dict[str, Any] = json.loads(line) if line else {"why": "gir1.2-gst-rtsp-server-1.0 is not installed"}
    try:
        yield said
    finally:
        with contextlib.suppress(OSError):
            process.stdin.write("\n")
            process.stdin.flush()
        rest = process.stdout.readline()
        said["setups"] = json.loads(rest)["setups"] if rest else []
        process.wait(10)


def source_of(number: int, cell: Cell, folder: Path, ports: dict[str, int]) -> Source:
    """The source of a cell, after its clip was made."""
    driver, device = "pyav", {}
    if cell.kind == "gst":
        driver, device = "rtsp", {"transport": cell.transport}
        url = f"rtsp://127.0.0.1:{ports['gst']}/{cell.codec}"
    elif cell.transport in ("tcp", "udp"):
        driver, device = "rtsp", {"transport": cell.transport}
        url = f"rtsp://127.0.0.1:{ports['sim']}/{cell.codec.lower()}{cell.kind}{int(cell.sound)}/main"
    else:
        clip = made(folder, cell.codec, cell.kind)
        file = clip if cell.transport == "file" and not cell.sound else streamable(clip, sound=cell.sound)
        url = f"file://{file}" if cell.transport == "file" else f"http://127.0.0.1:{ports['http']}/{file.name}"
    camera, agency = UUID(int=1 + number), UUID(int=5)
    return Source(camera, agency, number, 1, cell.name, url, "", {}, True, driver=driver, device=device)


def judged(store: Path, slot: int, lender: Lender) -> dict[str, Any]:
    """What was stored of one camera, decoded to the last frame."""
    codecs, frames, sound = set(), 0, False
    for path in sorted(store.rglob(f"{slot}/*.gws")):
        out: list[bytes] = []
        with SegmentReader(path) as reader:
            header = reader.header
            for part in reader.parts:
                leaf = tree.leaf_below(tree.slot_node(lender.root, header.slot), part.header.tick)
                plain = parts.open_part(parts.okm(leaf, reader.segment_id), reader.segment_id, reader.read(part))
                if part.header.kind != parts.INIT or not out:
                    out.append(plain)
        with av.open(io.BytesIO(b"".join(out)), "r") as container:
            sound = sound or any(s.type != "video" for s in container.streams)
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}
            codecs.add(NAMES.get(stream.codec_context.name, stream.codec_context.name))
            frames += sum(1 for _ in container.decode(stream))
    return {"codecs": sorted(codecs), "frames": frames, "sound": sound}


async def recorded(wanted: list[tuple[Cell, Source]], root: Path, seconds: float) -> dict[str, dict[str, Any]]:
    """All cells in one recorder; what became of each."""
    clock = Clock(root / "clock.json")
    lender = Lender(clock)
    outward.govern(Reach(loopback=True, files="/"))
    recorder = Recorder(
        settings=Settings(root / "store", UUID(int=7), bytes(16), flush_s=1), clock=clock, lender=lender,
        spool=root / "spool", unseal=lambda _: None,
    )  # fmt: skip
    await recorder.start()
    await recorder.fleet.apply([source for _, source in wanted])
    await asyncio.sleep(seconds)
    why = {c.source.slot: c.gaps.open.detail if c.gaps.open else "" for c in recorder.fleet.cameras.values()}
    await recorder.stop()
    found = {}
    for cell, source in wanted:
        said = judged(root / "store", source.slot, lender)
        records = said["frames"] > 0 and said["codecs"] == [cell.codec] and not said["sound"]
        found[cell.name] = {"records": records, **said, "said": why[source.slot]}
    return found


def run(cells: list[Cell], seconds: float, *, gst: bool) -> dict[str, dict[str, Any]]:
    """Make the clips, start the servers, record, decode."""
    with tempfile.TemporaryDirectory(prefix="gwanje-matrix-") as name, contextlib.ExitStack() as stack:
        root = Path(name)
        folder = root / "clips"
        folder.mkdir()
        clips = [
            Clip(f"{c.codec.lower()}{c.kind}{int(c.sound)}", c.name, file, file, audio=c.sound)
            for c in cells
            if c.transport in ("tcp", "udp") and (file := made(folder, c.codec, c.kind))
        ]
        sim = stack.enter_context(SimThread(list({c.name: c for c in clips}.values()))) if clips else None
        ports = {"http": stack.enter_context(over_http(folder)), "sim": sim.port if sim else 0}
        other = stack.enter_context(foreign()) if gst else {}
        ports["gst"] = other.get("port", 0)
        wanted = [*cells, *(Cell(t, c, True, "gst") for t in ("tcp", "udp") for c in other.get("mounts", ()))]
        sources = [(cell, source_of(number, cell, folder, ports)) for number, cell in enumerate(wanted, 1)]
        found = asyncio.run(recorded(sources, root, seconds))
        if sim is not None and {track for _, track in sim.server.setups} - {0}:
            raise SystemExit("a sound track was set up at the simulator")
    if "why" in other:
        found["gst"] = {"records": False, "said": other["why"], "frames": 0, "sound": False, "skipped": True}
    for setup in other.get("setups", ()):
        if not setup.endswith("stream=0"):
            raise SystemExit(f"a sound track was set up at GStreamer: {setup}")
    return found


def main() -> None:
    """The table, and what does not record with its reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cells = every()
    if options.sample:
        cells = random.Random(options.seed).sample(cells, options.sample)
    with contextlib.suppress(Failed):
        # without them the table says so
        debian.need(*debian.GSTREAMER)
    found = run(cells, options.seconds, gst=True)
    for name, said in sorted(found.items()):
        word = "records" if said["records"] else "NO"
        print(f"{name:36} {word:8} {said['frames']:5} {said.get('codecs', '')} {said['said']}")
    good = sum(1 for said in found.values() if said["records"])
    print(json.dumps({"cells": len(found), "records": good, "sound": sum(s["sound"] for s in found.values())}))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(0 if all(s["records"] or s.get("skipped") for s in found.values()) else 1)


if __name__ == "__main__":
    main()
