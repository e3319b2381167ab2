"""Motion JPEG is judged by its bytes: cameras misname the types of their parts, and a name makes no picture."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from web_rig import jpegs

from gwanje.media import outward
from gwanje.media.ingest import web
from gwanje.media.tls import Trust


@contextlib.contextmanager
def sending(parts: list[tuple[str, bytes]]) -> Iterator[str]:
    """A camera that sends these parts (its header's type, its bytes) and closes."""
    body = b"".join(b"--gap\r\n" + kind.encode() + b"\r\n" + data + b"\r\n" for kind, data in parts) + b"--gap--\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(4096)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=gap\r\n\r\n" + body)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"


def read(url: str, count: int) -> list[bytes]:
    response = web.Connection(url, None, Trust()).get()
    found = web.pictures(response, response.headers.get_boundary() or "")
    return [next(found) for _ in range(count)]


@pytest.mark.parametrize("kind", ["Content-Type: text/html\r\n", "Content-Type: audio/basic\r\n", "", "X: y\r\n"])
def test_a_picture_is_taken_whatever_its_part_is_called(kind: str) -> None:
    (picture,) = jpegs(1)
    with sending([(kind, picture), (f"{kind}Content-Length: {len(picture)}\r\n", picture)]) as url:
        first, second = read(url, 2)
    assert first.rstrip(b"\r\n") == picture == second


@pytest.mark.norm("audio.never", "deny")
@pytest.mark.parametrize("data", [b"RIFF\x24\0\0\0WAVEfmt ", b"<html>", b"\xff\xfb\x90sound", b"\xff", b""])
def test_what_is_no_picture_ends_the_stream_whatever_it_is_called(data: bytes) -> None:
    assert outward.in_force().loopback
    with (
        sending([("Content-Type: image/jpeg\r\n", data)]) as url,
        pytest.raises(web.WebRefused, match="no JPEG picture"),
    ):
        read(url, 1)
