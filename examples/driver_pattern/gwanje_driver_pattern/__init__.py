"""A vendor's driver (드라이버 예제): pictures of an SDK become a feed of whole access units.

What a vendor replaces is ``_Sdk``: it calls back, in a thread of its own, with one JPEG picture at a time. The rest is
the whole of what gwanje needs: a class with ``open``, named by the entry point ``gwanje.drivers`` (pyproject.toml).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np

from gwanje.kernel.sources import Source
from gwanje.media.auth import Credentials
from gwanje.media.drivers import address
from gwanje.media.drivers.feeds import Feed, Units, configuration, unit_head

RATE = 10
CLOCK = 90_000
WIDTH, HEIGHT = 320, 192


class Pattern:
    """Addresses are ``pattern://any-name/main``: a bar that wanders, ten pictures a second."""

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """One stream. An SDK that connects does so in ``asyncio.to_thread``; what it raises costs this camera only."""
        if not address(source, number).startswith("pattern://"):
            raise ConnectionError("a pattern's address begins with pattern://")
        ours, theirs = socket.socketpair()
        # an SDK must not wait for ever for a recorder that does not read
        theirs.settimeout(5)
        theirs.sendall(configuration("JPEG"))
        sdk = _Sdk(lambda picture, at: theirs.sendall(unit_head(int(at * CLOCK), len(picture), key=True) + picture))
        sdk.start(theirs)
        return Units(ours, sdk.stop)


class _Sdk:
    """Stands for a vendor's library: makes pictures in a thread and calls back."""

    def __init__(self, told: Callable[[bytes, float], None]) -> None:
        self._told = told
        self._over = threading.Event()

    def start(self, sock: socket.socket) -> None:
        threading.Thread(target=self._run, args=(sock,), name="pattern", daemon=True).start()

    def stop(self) -> None:
        """Called once when gwanje has closed the feed."""
        self._over.set()

    def _run(self, sock: socket.socket) -> None:
        begin = time.monotonic()
        number = 0
        # a feed that was closed is the end of the thread
        with sock, contextlib.suppress(OSError):
            while not self._over.wait(max(0.0, begin + number / RATE - time.monotonic())):
                self._told(_picture(number), time.monotonic())
                number += 1


def _picture(number: int) -> bytes:
    picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    at = number * 8 % WIDTH
    picture[:, at : at + 16] = (240, 200, 40)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuvj420p", Fraction(1, RATE)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
