"""Cameras for a benchmark: one clip served as many RTSP cameras, packets spaced as a camera spaces them.

``python -m bench._source CLIP CAMERAS``: prints its port, serves until SIGTERM. One thread, no transcoding; each
camera has a phase of its own within the frame and within the group of pictures.
"""

from __future__ import annotations

import heapq
import re
import selectors
import signal
import socket
import struct
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from gwanje.media.sim.packets import Frame, Stream, load

WIDTH, HEIGHT, RATE, SECONDS, GROUP = 1920, 1080, 25, 20, 50
BITS = 2_170_000  # what the encoder must be told to end at 2.0 Mbit/s
SPACING_S = 0.000112
BEHIND_MAX = 2_000_000
SLEEP_MIN_S = 0.0002
_NUMBERS = struct.Struct(">HII")


def make_clip(path: Path) -> None:
    """A synthetic 1080p25 street at 2 Mbit/s, key frame every 2 s, no B pictures; made once."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    coarse = rng.integers(60, 190, (HEIGHT // 24 + 1, WIDTH // 24 + 1), dtype=np.uint8)
    still = np.kron(coarse, np.ones((24, 24), np.uint8))[:HEIGHT, :WIDTH].astype(np.int16)
    noise = rng.normal(0, 2, (HEIGHT + 64, WIDTH + 64)).astype(np.int16)
    walkers = rng.integers(40, 220, (14, 160, 60), dtype=np.uint8)
    places = rng.integers((0, 300), (WIDTH - 60, HEIGHT - 170), (14, 2))
    speeds = rng.integers(-7, 8, 14)
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", BITS
        stream.codec_context.gop_size = GROUP
        options = {"preset": "veryfast", "profile": "high", "bf": "0", "maxrate": str(BITS), "bufsize": str(BITS)}
        stream.codec_context.options = {**options, "sc_threshold": "0", "keyint_min": str(GROUP)}
        grey = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        for number in range(RATE * SECONDS):
            x, y = rng.integers(0, 64, 2)
            picture = still + noise[y : y + HEIGHT, x : x + WIDTH]
            for walker, (left, top), speed in zip(walkers, places, speeds, strict=True):
                at = (left + speed * number) % (WIDTH - 60)
                picture[top : top + 160, at : at + 60] = walker
            planes = np.vstack([np.clip(picture, 16, 235).astype(np.uint8), grey])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    part.rename(path)


class Client:
    """One viewer: its socket, what could not be sent yet, and its place on the timeline."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.waiting = b""
        self.camera = -1
        self.number = 0
        self.sent = 0
        self.dropped = 0
        self.closed = False


class Source:
    """The server: requests by selectors, packets by a heap of due times."""

    def __init__(self, stream: Stream, cameras: int) -> None:
        self.stream = stream
        self.cameras = cameras
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.due: list[tuple[float, int, Client, bytes]] = []
        self.frames: list[tuple[float, int, Client]] = []
        self.count = 0
        self.dropped = 0
        self.running = True

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Until ``running`` is False."""
        while self.running:
            now = time.monotonic()
            while self.frames and self.frames[0][0] <= now:
                self._frame(*heapq.heappop(self.frames))
            while self.due and self.due[0][0] <= now:
                _, _, client, packet = heapq.heappop(self.due)
                self._send(client, packet)
            following = min([entry[0][0] for entry in (self.due, self.frames) if entry], default=now + 0.1)
            wait = following - time.monotonic()
            # a selector sleeps a millisecond at least: short pauses are slept without one
            for key, events in self.selector.select(wait if wait > 0.002 else 0):
                self._event(key.data, events)
            wait = following - time.monotonic()
            if 0 < wait <= 0.002:
                time.sleep(max(wait, SLEEP_MIN_S))

    def _frame(self, at: float, _: int, client: Client) -> None:
        if client.closed:
            return
        frames = self.stream.frames
        frame: Frame = frames[(client.number + client.camera * 7) % len(frames)]
        stamp = client.number * (90_000 // RATE) & 0xFFFFFFFF
        data = frame.patched(client.sent & 0xFFFF, stamp, client.camera + 1)
        client.sent += len(frame.starts)
        edges = [*frame.starts, len(data)]
        for index, (low, high) in enumerate(pairwise(edges)):
            self.count += 1
            heapq.heappush(self.due, (at + index * SPACING_S, self.count, client, bytes(data[low:high])))
        client.number += 1
        self.count += 1
        heapq.heappush(self.frames, (at + 1 / RATE, self.count, client))

    def _send(self, client: Client, data: bytes) -> None:
        if client.closed:
            return
        if client.waiting:
            if len(client.waiting) > BEHIND_MAX:
                client.dropped += 1
                self.dropped += 1
                return
            client.waiting += data
            return
        try:
            done = client.sock.send(data)
        except BlockingIOError:
            done = 0
        except OSError:
            self._close(client)
            return
        if done < len(data):
            client.waiting = data[done:]
            self.selector.modify(client.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, client)

    def _event(self, client: Client | None, events: int) -> None:
        if client is None:
            sock, _ = self.listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(sock, selectors.EVENT_READ, Client(sock))
            return
        if events & selectors.EVENT_WRITE and not client.closed:
            data, client.waiting = client.waiting, b""
            self.selector.modify(client.sock, selectors.EVENT_READ, client)
            self._send(client, data)
        if events & selectors.EVENT_READ and not client.closed:
            self._read(client)

    def _read(self, client: Client) -> None:
        try:
            data = client.sock.recv(65536)
        except BlockingIOError:
            return
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
        extra, body = "", b""
        if method == "DESCRIBE":
            lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=bench", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
            body = ("\r\n".join(lines + self.stream.describe()) + "\r\n").encode()
            extra = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
        answer = f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\nSession: 1;timeout=60\r\n{extra}\r\n"
        self._send(client, answer.encode() + body)
        if method == "PLAY" and client.camera < 0:
            client.camera = int(re.sub(r"\D", "", url.rsplit("/cam", 1)[-1]) or 0)
            self.count += 1
            phase = client.camera / max(1, self.cameras) / RATE
            heapq.heappush(self.frames, (time.monotonic() + phase, self.count, client))
        elif method == "TEARDOWN":
            self._close(client)

    def _close(self, client: Client) -> None:
        if not client.closed:
            client.closed = True
            self.selector.unregister(client.sock)
            client.sock.close()


def main() -> int:
    """Serve ``CLIP`` as ``CAMERAS`` cameras at rtsp://127.0.0.1:<printed port>/cam<n>."""
    source = Source(load(Path(sys.argv[1])), int(sys.argv[2]))

    def stop(*_: object) -> None:
        source.running = False

    signal.signal(signal.SIGTERM, stop)
    print(source.port, flush=True)
    source.serve()
    print(source.dropped, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
