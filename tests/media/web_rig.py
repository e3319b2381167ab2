"""Cameras over HTTP for tests: motion JPEG, snapshots, a playlist; Basic or Digest, and ways to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import io
import secrets
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np

from gwanje.media.auth import parse

USER, PASSWORD = "admin", "st:r@et/7"


def jpegs(count: int = 10, width: int = 160, height: int = 96) -> list[bytes]:
    """Pictures with a bar that wanders; each is a whole JPEG."""
    out = []
    for number in range(count):
        picture = np.full((height, width, 3), 90, np.uint8)
        picture[:, number * width // count : (number + 1) * width // count] = 220
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
        encoder.time_base = __import__("fractions").Fraction(1, 25)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
        out.append(b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)]))
    return out


@dataclass
class WebCamera:
    """What the server does: ``folder`` serves files, ``digest`` asks for an account, ``drip`` sends a byte a second,
    ``moved`` is where its redirect leads."""

    folder: Path
    digest: bool = False
    drip: bool = False
    lengths: bool = True
    moved: str = "/mjpeg"
    pictures: list[bytes] = field(default_factory=jpegs)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def lawful(self, method: str, said: str) -> bool:
        p = parse(said).parameters

        def h(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first, second = h(f"{USER}:cam:{PASSWORD}"), h(f"{method}:{p.get('uri')}")
        return p.get("response") == h(f"{first}:{p.get('nonce')}:{p.get('nc')}:{p.get('cnonce')}:auth:{second}")


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, camera: WebCamera) -> None:
        self.camera = camera
        super().__init__(*args, directory=str(camera.folder))

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        camera = self.camera
        camera.asked.append(f"{self.path} {self.headers.get('Authorization', '')}")
        if camera.digest and not camera.lawful("GET", self.headers.get("Authorization", "")):
            self.send_response(401)
            self.send_header("WWW-Authenticate", f'Digest realm="cam", nonce="{secrets.token_hex(8)}", qop="auth"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with contextlib.suppress(OSError):
            if self.path.startswith("/mjpeg"):
                self.motion()
            elif self.path.startswith("/snap"):
                picture = camera.pictures[int(time.monotonic() * 5) % len(camera.pictures)]
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(picture)))
                self.end_headers()
                self.wfile.write(picture)
            elif self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", camera.moved)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                super().do_GET()

    def motion(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=gap")
        self.end_headers()
        for number in range(10_000):
            picture = self.camera.pictures[number % len(self.camera.pictures)]
            length = f"Content-Length: {len(picture)}\r\n" if self.camera.lengths else ""
            data = b"--gap\r\nContent-Type: image/jpeg\r\n" + length.encode() + b"\r\n" + picture + b"\r\n"
            if self.camera.drip:
                for place in range(len(data)):
                    self.wfile.write(data[place : place + 1])
                    time.sleep(1)
            self.wfile.write(data)
            time.sleep(0.04)


@contextlib.contextmanager
def serving(camera: WebCamera) -> Iterator[WebCamera]:
    """The camera on a port of its own."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            Handler(request, client_address, self, camera=camera)

        def handle_error(self, request: Any, client_address: Any) -> None: ...

    socketserver.TCPServer.allow_reuse_address = True
    with Server(("127.0.0.1", 0), Handler) as server:
        camera.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield camera
        finally:
            server.shutdown()


def remuxed(clip: Path, out: Path, **options: str) -> Path:
    """The clip's video, copied into another container (by its name's end)."""
    with av.open(str(clip)) as source, av.open(str(out), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return out


def frames_of(mp4: bytes) -> tuple[str, int]:
    """Codec and number of frames of a file with video only; any decoding error raises."""
    with av.open(io.BytesIO(mp4), "r") as container:
        assert [s.type for s in container.streams] == ["video"]
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        return stream.codec_context.name, sum(1 for _ in container.decode(stream))
