"""Cameras with two streams for the live benchmark: one send per frame, and a log of when each frame's last byte left.

``python -m bench._cameras MAIN SUB CAMERAS TIMES``: prints its port, serves ``/cam<n>/main`` and ``/cam<n>/sub`` until
SIGTERM. ``TIMES`` is a file of doubles, one row of 500 per camera: Unix time at which frame ``n % 500`` of its
sub-stream was sent. Every PLAY begins with frame 0 at a key frame.
"""

from __future__ import annotations

import heapq
import mmap
import re
import selectors
import signal
import socket
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from gwanje.kernel.clock import Clock
from gwanje.media.sim import counter
from gwanje.media.sim.packets import Stream, load

RATE, GROUP, FRAMES = 25, 50, 500
WIDTH, HEIGHT, BITS = 640, 360, 400_000
BEHIND_MAX = 4_000_000


def make_sub(path: Path) -> None:
    """A 640x360 sub-stream clip of 20 s with the frame's number burnt in; made once."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(2)
    ground = rng.integers(70, 180, (HEIGHT // 12, WIDTH // 16, 3), dtype=np.uint8).repeat(12, 0).repeat(16, 1)
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", BITS
        stream.codec_context.gop_size = GROUP
        stream.codec_context.options = {
            "preset": "veryfast", "profile": "main", "bf": "0", "sc_threshold": "0", "keyint_min": str(GROUP),
        }  # fmt: skip
        for number in range(FRAMES):
            picture = ground.copy()
            left = number * 5 % (WIDTH - 40)
            picture[120:240, left : left + 40] = (200, 60, 40)
            picture += rng.integers(0, 6, picture.shape, dtype=np.uint8)
            counter.draw(picture, number)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    part.rename(path)


class Client:
    """One recorder's connection: its socket, what is unsent, its camera, stream and frame number."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.waiting = bytearray()
        self.camera, self.sub, self.number, self.sent = -1, False, 0, 0


class Source:
    """Requests by a selector, frames by a heap of due times."""

    def __init__(self, main: Stream, sub: Stream, cameras: int, times: memoryview) -> None:
        self.streams = (main, sub)
        self.cameras = cameras
        self.times = times
        self.clock = Clock()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.due: list[tuple[float, int, Client]] = []
        self.count = self.dropped = self.plays = 0
        self.late_ms_max = 0.0
        self.running = True

    def serve(self) -> None:
        """Until ``running`` is False."""
        while self.running:
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                at, _, client = heapq.heappop(self.due)
                self.late_ms_max = max(self.late_ms_max, (now - at) * 1000)
                self._frame(at, client)
            wait = min(0.05, self.due[0][0] - time.monotonic()) if self.due else 0.05
            for key, _ in self.selector.select(max(0, wait)):
                self._event(key.data)

    def _frame(self, at: float, client: Client) -> None:
        if client.camera < 0:
            return
        frames = self.streams[client.sub].frames
        frame = frames[(client.number + client.camera * GROUP) % len(frames)]
        data = frame.patched(client.sent & 0xFFFF, client.number * 3600 & 0xFFFFFFFF, client.camera + 1)
        client.sent += len(frame.starts)
        if len(client.waiting) < BEHIND_MAX:
            client.waiting += data
        else:
            self.dropped += 1
        self._flush(client)
        if client.sub and client.camera >= 0:
            self.times[client.camera * FRAMES + client.number % FRAMES] = self.clock.now_us() / 1e6
        client.number += 1
        self.count += 1
        heapq.heappush(self.due, (at + 1 / RATE, self.count, client))

    def _flush(self, client: Client) -> None:
        try:
            del client.waiting[: client.sock.send(client.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._close(client)

    def _event(self, client: Client | None) -> None:
        if client is None:
            sock, _ = self.listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(sock, selectors.EVENT_READ, Client(sock))
            return
        try:
            data = client.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._close(client)
            return
        client.buffer += data
        while client.buffer:
            if client.buffer[:1] == b"$":
                size = 4 + int.from_bytes(client.buffer[2:4], "big")
                if len(client.buffer) < max(4, size):
                    return
                client.buffer = client.buffer[size:]
                continue
            head, end, rest = client.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            client.buffer = rest
            self._answer(client, head.decode("latin-1"))

    def _answer(self, client: Client, head: str) -> None:
        method, url, _ = head.split("\r\n", maxsplit=1)[0].split(" ", 2)
        number = re.search(r"cseq: *(\d+)", head, re.IGNORECASE)
        sub = "/sub" in url
        extra, body = "", b""
        if method == "DESCRIBE":
            lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=bench", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
            body = ("\r\n".join(lines + self.streams[sub].describe()) + "\r\n").encode()
            extra = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
        answer = f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\nSession: 1;timeout=60\r\n{extra}\r\n"
        client.waiting += answer.encode() + body
        self._flush(client)
        if method == "PLAY" and client.camera < 0:
            found = re.search(r"/cam(\d+)", url)
            client.camera, client.sub = int(found[1]) if found else 0, sub
            self.plays += 1
            self.count += 1
            # groups and frames of the cameras are spread as a city's are
            phase = (client.camera * 7 % GROUP) / RATE + client.camera / max(1, self.cameras) / RATE
            heapq.heappush(self.due, (time.monotonic() + phase, self.count, client))
        elif method == "TEARDOWN":
            self._close(client)

    def _close(self, client: Client) -> None:
        client.camera = -1
        if client.sock.fileno() >= 0:
            self.selector.unregister(client.sock)
            client.sock.close()


def times_file(path: Path, cameras: int) -> memoryview:
    """The shared table of send times; made when missing."""
    size = cameras * FRAMES * 8
    if not path.exists():
        path.write_bytes(bytes(size))
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), size)).cast("d")


def main() -> int:
    """Serve until SIGTERM; then one line of JSON-like figures."""
    big, small = load(Path(sys.argv[1])), load(Path(sys.argv[2]))
    assert len(small.frames) == FRAMES
    assert small.rate == Fraction(RATE)
    cameras = int(sys.argv[3])
    source = Source(big, small, cameras, times_file(Path(sys.argv[4]), cameras))

    def stop(*_: object) -> None:
        source.running = False

    signal.signal(signal.SIGTERM, stop)
    print(source.listener.getsockname()[1], flush=True)
    source.serve()
    print(f"{source.dropped} {source.plays} {source.late_ms_max:.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
