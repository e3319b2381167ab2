"""Cameras for a benchmark: one clip served as many RTSP cameras, packets spaced as a camera spaces them.

``python -m bench._source CLIP CAMERAS [--burst] [--ppm N]``: prints its port, serves until SIGTERM, then prints its
figures as one line of JSON (USR1 prints them and begins anew). One thread, no transcoding; each camera has a phase of
its own within the frame and within the group of pictures. ``--burst``: one send per frame; ``--ppm``: cameras' clocks
run wrong by up to that much, evenly from slow to fast.
"""

from __future__ import annotations

import argparse
import heapq
import json
import re
import selectors
import signal
import socket
import sys
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from gwanje.media.sim.packets import load

SPACING_S = 0.000112
BEHIND_MAX = 2_000_000
SLEEP_MIN_S = 0.0002
# packets are planned this far ahead, and requests are looked at as often
WINDOW_S = 0.005
LATE_S = 0.002
CLOCK = 90_000


class Client:
    """One viewer: its socket, what could not be sent yet, and its place on the timeline."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.push = sock.send
        self.buffer = b""
        self.waiting = b""
        self.camera = -1
        self.number = 0
        self.sent = 0
        self.step = 0.0
        self.closed = False


class Source:
    """The server: requests by selectors, packets from a list of due times that is planned a few ms ahead."""

    def __init__(self, stream: Any, cameras: int, *, burst: bool, ppm: float) -> None:
        self.stream = stream
        self.cameras = cameras
        self.burst = burst
        self.ppm = ppm
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.frames: list[tuple[float, int, Client]] = []
        self.count = 0
        self.epoch = time.monotonic()
        self.running = True
        self.asked = False
        self._anew()

    def _anew(self) -> None:
        self.dropped = self.packets = self.late = 0
        self.late_max_s = 0.0

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def figures(self) -> dict[str, float]:
        """Since the last call: packets due, how many of them late and by how much at most, and dropped ones."""
        said = {
            "packets": self.packets,
            "late_share": round(self.late / max(1, self.packets), 5),
            "late_ms_max": round(self.late_max_s * 1000, 1),
            "dropped": self.dropped,
            "cpu_s": round(time.process_time(), 2),
        }
        self._anew()
        return said

    def serve(self) -> None:
        """Until ``running`` is False."""
        clock, horizon = time.monotonic, 0.0
        due: list[tuple[float, int, Client, Any]] = []
        at = 0
        while self.running:
            now = clock()
            if now >= horizon:
                horizon = now + WINDOW_S
                del due[:at]
                at = 0
                self._requests()
                if self._plan(due, horizon):
                    due.sort()
            at = self._pass(due, at)
            wait = min(due[at][0] if at < len(due) else horizon, horizon) - clock()
            if wait > 0:
                time.sleep(max(wait, SLEEP_MIN_S))

    def _pass(self, due: list[tuple[float, int, Client, Any]], at: int) -> int:
        """Send what is due; returns the place of the first packet that is not."""
        clock, place, late, worst = time.monotonic, at, 0, self.late_max_s
        for when, _, client, packet in islice(due, at, None):
            over = clock() - when
            if over < 0:
                break
            place += 1
            if over > LATE_S:
                late += 1
                worst = max(worst, over)
            if client.waiting or client.closed:
                self._send(client, packet)
                continue
            try:
                done = client.push(packet)
            except BlockingIOError:
                done = 0
            except OSError:
                self._close(client)
                continue
            if done < len(packet):
                self._later(client, bytes(packet[done:]))
        self.packets += place - at
        self.late += late
        self.late_max_s = worst
        return place

    def _plan(self, due: list[tuple[float, int, Client, Any]], horizon: float) -> bool:
        """Packets of all frames that begin before ``horizon``."""
        frames, pictures, before = self.frames, self.stream.frames, len(due)
        while frames and frames[0][0] < horizon:
            when, order, client = frames[0]
            if client.closed:
                heapq.heappop(frames)
                continue
            frame = pictures[(client.number + client.camera * 7) % len(pictures)]
            stamp = round(client.number * CLOCK / self.stream.rate) & 0xFFFFFFFF
            data = memoryview(frame.patched(client.sent & 0xFFFF, stamp, client.camera + 1))
            client.sent += len(frame.starts)
            if self.burst:
                self.count += 1
                due.append((when, self.count, client, data))
            else:
                for place, (low, high) in enumerate(pairwise((*frame.starts, len(data)))):
                    self.count += 1
                    due.append((when + place * SPACING_S, self.count, client, data[low:high]))
            client.number += 1
            heapq.heapreplace(frames, (when + client.step, order, client))
        return len(due) > before

    def _requests(self) -> None:
        if self.asked:
            self.asked = False
            print(json.dumps(self.figures()), flush=True)
        for key, events in self.selector.select(0):
            self._event(key.data, events)

    def _send(self, client: Client, data: Any) -> None:
        if client.closed:
            return
        if client.waiting:
            if len(client.waiting) > BEHIND_MAX:
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
            self._later(client, bytes(data[done:]))

    def _later(self, client: Client, rest: bytes) -> None:
        client.waiting = rest
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
            self._play(client, int(re.sub(r"\D", "", url.rsplit("/cam", 1)[-1]) or 0))
        elif method == "TEARDOWN":
            self._close(client)

    def _play(self, client: Client, camera: int) -> None:
        """Begin at the camera's own phase of one grid for all, so that frames of all cameras are spread evenly."""
        client.camera = camera
        place = camera % self.cameras / self.cameras
        step = 1 / float(self.stream.rate)
        client.step = step * (1 + (2 * place - 1) * self.ppm / 1e6)
        passed = int((time.monotonic() - self.epoch) / step) + 1
        self.count += 1
        heapq.heappush(self.frames, (self.epoch + (passed + place) * step, self.count, client))

    def _close(self, client: Client) -> None:
        if not client.closed:
            client.closed = True
            self.selector.unregister(client.sock)
            client.sock.close()


def main() -> int:
    """Serve ``CLIP`` as ``CAMERAS`` cameras at rtsp://127.0.0.1:<printed port>/cam<n>."""
    parser = argparse.ArgumentParser(prog="bench._source", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("cameras", type=int)
    parser.add_argument("--burst", action="store_true")
    parser.add_argument("--ppm", type=float, default=0.0)
    args = parser.parse_args()
    source = Source(load(args.clip), args.cameras, burst=args.burst, ppm=args.ppm)

    def stop(*_: object) -> None:
        source.running = False

    def ask(*_: object) -> None:
        source.asked = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGUSR1, ask)
    print(source.port, flush=True)
    source.serve()
    print(json.dumps(source.figures()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
