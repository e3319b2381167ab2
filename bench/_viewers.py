"""Viewers for the live benchmark: WebSockets that read and forget; a few of them check every frame.

``python -m bench._viewers HOME PORT CAMERA COUNT CHECKED``: opens ``COUNT`` seats at the recorder, renews their tokens,
until SIGTERM; then prints figures as JSON. Its CPU is not the recorder's.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from uuid import UUID

from gwanje.kernel import base64url, keys
from gwanje.kernel.home import Home
from gwanje.kernel.permit import LiveToken

RENEW_S = 25.0
JOIN_APART_S = 0.01


class Viewer:
    """One seat; ``checked``: its frames are taken apart and their decode times compared."""

    def __init__(self, sock: socket.socket, *, checked: bool) -> None:
        self.sock = sock
        self.checked = checked
        self.buffer = bytearray()
        self.bytes = self.frames = self.holes = self.drops = 0
        self.time = -1
        self.ages: list[float] = []
        self.closed = False


def masked(text: bytes, kind: int = 1) -> bytes:
    """A client's frame (RFC 6455 5.3), its mask all zero: the benchmark's own words are no secret."""
    head = struct.pack(">BB", 0x80 | kind, 0x80 | len(text)) if len(text) < 126 else (
        struct.pack(">BBH", 0x80 | kind, 0xFE, len(text)))  # fmt: skip
    return head + bytes(4) + text


class Hall:
    """All viewers on one selector."""

    def __init__(self, home: Home, port: int, camera: UUID) -> None:
        self.home, self.port, self.camera = home, port, camera
        self.key = keys.signing_key(home, "web")
        self.selector = selectors.DefaultSelector()
        self.viewers: list[Viewer] = []
        self.scratch = bytearray(1 << 20)

    def token(self) -> bytes:
        """A minute's token."""
        token = LiveToken(self.camera, 0, UUID(int=9), "관제석 1", self.home.clock.now_s() + 60)
        return masked(json.dumps({"token": base64url.to_text(token.sign(self.key))}).encode())

    def join(self, *, checked: bool) -> None:
        """One more seat: upgrade, then the token; answers are read later."""
        sock = socket.create_connection(("127.0.0.1", self.port))
        key = base64url.to_text(os.urandom(16)) + "=="
        key = key.replace("-", "+").replace("_", "/")
        lines = [
            "GET /live HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Origin: http://localhost:{self.home.port}",
        ]  # fmt: skip
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + self.token())
        sock.setblocking(False)
        viewer = Viewer(sock, checked=checked)
        self.viewers.append(viewer)
        self.selector.register(sock, selectors.EVENT_READ, viewer)

    def read(self, wait: float) -> None:
        """Drain what is there."""
        for key, _ in self.selector.select(wait):
            viewer: Viewer = key.data
            try:
                count = viewer.sock.recv_into(self.scratch)
            except BlockingIOError:
                continue
            except OSError:
                count = 0
            if not count:
                viewer.closed = True
                self.selector.unregister(viewer.sock)
                continue
            viewer.bytes += count
            if viewer.checked:
                viewer.buffer += memoryview(self.scratch)[:count]
                self._check(viewer)
            elif count < 16 and self.scratch[0] == 0x89:
                viewer.sock.send(masked(bytes(self.scratch[2:count]), 10))

    def _check(self, viewer: Viewer) -> None:
        data = viewer.buffer
        if data[:4] == b"HTTP":
            end = data.find(b"\r\n\r\n")
            if end < 0:
                return
            del data[: end + 4]
        while len(data) >= 2:
            size, head = data[1], 2
            if size == 126:
                size, head = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(data[2:10], "big"), 10
            if len(data) < head + size or (head > 2 and len(data) < head):
                return
            self._message(viewer, data[0], bytes(data[head : head + min(size, 120)]))
            del data[: head + size]

    def _message(self, viewer: Viewer, kind: int, body: bytes) -> None:
        if kind == 0x81:
            said = json.loads(body) if body.endswith(b"}") else {}
            viewer.drops += said.get("frames", 0)
        elif kind == 0x89:
            viewer.sock.send(masked(body, 10))
        elif kind == 0x82 and body[0] == 2:
            viewer.frames += 1
            at = int.from_bytes(body[1:9], "big")
            viewer.ages.append((self.home.clock.now_us() - at) / 1000)
            time_ = int.from_bytes(body[69:77], "big")
            if viewer.time >= 0 and time_ - viewer.time > 3700:
                viewer.holes += 1
            viewer.time = time_


def main() -> int:
    """Join, drain, renew; figures at the end."""
    home, port, camera = Home.find(sys.argv[1]), int(sys.argv[2]), UUID(sys.argv[3])
    count, checked = int(sys.argv[4]), int(sys.argv[5])
    hall = Hall(home, port, camera)
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    renew = joined = time.monotonic()
    while running:
        now = time.monotonic()
        if len(hall.viewers) < count and now >= joined + JOIN_APART_S:
            joined = now
            hall.join(checked=len(hall.viewers) % max(1, count // checked) == 0)
            if len(hall.viewers) == count:
                print("joined", flush=True)
        if now > renew + RENEW_S:
            renew = now
            for viewer in hall.viewers:
                if not viewer.closed:
                    viewer.sock.send(hall.token())
        hall.read(0.01)
    seen = [v for v in hall.viewers if v.checked]
    ages = sorted(age for v in seen for age in v.ages[100:])
    figures = {
        "viewers": len(hall.viewers), "closed": sum(v.closed for v in hall.viewers),
        "bytes": sum(v.bytes for v in hall.viewers), "checked": len(seen), "frames": sum(v.frames for v in seen),
        "holes": sum(v.holes for v in seen), "dropped": sum(v.drops for v in seen),
        "age_ms_p50": round(ages[len(ages) // 2], 1) if ages else None,
        "age_ms_p95": round(ages[int(len(ages) * 0.95)], 1) if ages else None,
        "age_ms_max": round(ages[-1], 1) if ages else None,
    }  # fmt: skip
    print(json.dumps(figures), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
