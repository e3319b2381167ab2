"""What tests of the simulator and the player share: short clips made once, a small RTSP client."""

from __future__ import annotations

import itertools
import re
import socket
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from gwanje.media.sim.clips import Clip, streets


def short_streets(folder: Path, count: int = 2, seconds: int = 4) -> list[Clip]:
    """Short streets in a folder of the test run."""
    return streets(folder, [f"A-01{i + 1:02d}" for i in range(count)], seconds=seconds)


def long_street(folder: Path, path: Path, group: int) -> Clip:
    """A camera called ``long`` whose ``group`` pictures hold one key frame: a short street again and again."""
    (short,) = short_streets(folder, 1, 4)
    with av.open(str(short.sub)) as container:
        rate = int(container.streams.video[0].average_rate or 15)
        frames = list(container.decode(video=0))
    options = {"preset": "veryfast", "bf": "0", "g": str(group), "keyint_min": str(group), "sc_threshold": "0",
               "qmax": "40", "profile": "main"}  # fmt: skip
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        for n, frame in enumerate(itertools.islice(itertools.cycle(frames), group)):
            frame.pts, frame.time_base, frame.pict_type = n, Fraction(1, rate), av.video.frame.PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(str(path)) as container:
        keys = [n for n, packet in enumerate(container.demux(video=0)) if packet.size and packet.is_keyframe]
    assert keys == [0]
    return Clip("long", short.label, path, path)


@dataclass
class Rtsp:
    """A blocking RTSP client over TCP that keeps what it was sent."""

    port: int
    path: str
    sock: socket.socket = field(init=False)
    buffer: bytes = b""
    cseq: int = 0
    session: str = ""
    packets: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def __enter__(self) -> Rtsp:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{self.path}"

    def ask(self, method: str, url: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request and its answer."""
        self.cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.cseq}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        while True:
            item = self.next()
            if item[0] == -1:
                break
            self.packets.append(item)
        head, _, body = item[1].partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        found = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in rest)}
        return int(first.split()[1]), found, body

    def next(self) -> tuple[int, bytes]:
        """The next interleaved packet (channel, RTP), or (-1, answer)."""
        while True:
            if self.buffer[:1] == b"$" and len(self.buffer) >= 4:
                size = 4 + int.from_bytes(self.buffer[2:4], "big")
                if len(self.buffer) >= size:
                    item = (self.buffer[1], self.buffer[4:size])
                    self.buffer = self.buffer[size:]
                    return item
            elif b"\r\n\r\n" in self.buffer:
                end = self.buffer.index(b"\r\n\r\n") + 4
                length = re.search(rb"Content-Length: (\d+)", self.buffer[:end])
                end += int(length[1]) if length else 0
                if len(self.buffer) >= end:
                    item = (-1, self.buffer[:end])
                    self.buffer = self.buffer[end:]
                    return item
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data

    def play(self, *, audio: bool = False) -> None:
        """DESCRIBE, SETUP of the wanted tracks, PLAY."""
        assert self.ask("DESCRIBE")[0] == 200
        for track in (0, 1) if audio else (0,):
            status, headers, _ = self.ask(
                "SETUP",
                f"{self.url}/track{track}",
                Transport=f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}",
            )
            assert status == 200
            self.session = headers["session"].split(";")[0]
        assert self.ask("PLAY")[0] == 200

    def video(self, count: int) -> list[bytes]:
        """The next packets of the video channel."""
        out = []
        while len(out) < count:
            channel, packet = self.next()
            if channel == 0:
                out.append(packet)
        return out
