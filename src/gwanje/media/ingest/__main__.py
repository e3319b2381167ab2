"""The child process (수신 프로세스): ``python -m gwanje.media.ingest HANDLE PARENT``; orders in, video out."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import av.logging

from gwanje.kernel.reach import Reach
from gwanje.media import outward
from gwanje.media.auth import Credentials
from gwanje.media.drivers.feeds import configuration, end, unit_head
from gwanje.media.ingest import demux, web
from gwanje.media.ingest.opener import Opener
from gwanje.media.ingest.order import SNAPSHOT, Order, receive
from gwanje.media.offspring import confine
from gwanje.media.tls import trust_of

HEARTBEAT_S = 1.0
IDLE_S = 10.0
SEND_S = 6.0
INTERVAL_S = (0.2, 10.0)
CLOCK = 90_000


class Reader(threading.Thread):
    """One stream: reads until its source or its recorder ends."""

    def __init__(self, order: Order, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self.order = order
        self.sock = sock
        self.web: web.Connection | Opener | None = None
        sock.settimeout(SEND_S)

    @property
    def unwanted(self) -> bool:
        """Has the recorder closed its end?"""
        poll = select.poll()
        poll.register(self.sock, 0)
        return bool(poll.poll(0))

    def run(self) -> None:
        """Send what comes; the last message says why it ended."""
        try:
            for message in self._messages():
                self.sock.sendall(message)
        except Exception as error:
            # whatever a source does ends this stream only; an error's text from FFmpeg was taken apart before
            text = str(error) if isinstance(error, ConnectionError) else type(error).__name__
            with contextlib.suppress(OSError):
                self.sock.sendall(end(text))
        finally:
            if self.web is not None:
                self.web.close()
            self.sock.close()

    def _messages(self) -> Iterator[bytes]:
        order = self.order
        if urlsplit(order.url).scheme in ("http", "https") and not order.url.lower().split("?")[0].endswith(
            (".m3u8", ".mp4", ".ts", ".mkv", ".flv", ".avi")
        ):
            yield from self._web(order)
        elif order.kind == SNAPSHOT:
            raise demux.NotVideo("a snapshot has an address of http:// or https://")
        else:
            yield from self._demuxed(order)

    def _demuxed(self, order: Order) -> Iterator[bytes]:
        self.web = opener = Opener(order.url, _account(order), trust_of(order.device))
        yield from demux.access_units(order, opener)

    def _web(self, order: Order) -> Iterator[bytes]:
        self.web = connection = web.Connection(order.url, _account(order), trust_of(order.device))
        yield configuration("JPEG")
        if order.kind == SNAPSHOT:
            yield from self._snapshots(connection, order)
            return
        response = connection.get()
        kind = response.headers.get_content_type()
        if kind.startswith("multipart/"):
            boundary = response.headers.get_boundary() or ""
            for picture in web.pictures(response, boundary):
                yield _picture(picture)
        elif kind.startswith("video/") or "mpegurl" in kind or kind == "application/octet-stream":
            connection.close()
            yield from self._demuxed(order)
        else:
            raise web.WebRefused("the camera answers with something else than a stream of pictures")

    def _snapshots(self, connection: web.Connection, order: Order) -> Iterator[bytes]:
        said = order.device.get("interval", 1.0)
        interval = min(max(float(said), INTERVAL_S[0]), INTERVAL_S[1])
        due = time.monotonic()
        while True:
            yield _picture(web.one_picture(connection.get()))
            due = max(due + interval, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


def _account(order: Order) -> Credentials | None:
    return Credentials(order.user, order.password) if order.user else None


def _picture(picture: bytes) -> bytes:
    return unit_head(int(time.monotonic() * CLOCK), len(picture), key=True) + picture


def serve(control: socket.socket) -> None:
    """Take orders until the recorder goes, or nothing is left to do for ten seconds."""
    control.settimeout(HEARTBEAT_S)
    readers: dict[int, Reader] = {}
    idle_since = beat = time.monotonic()
    while True:
        try:
            received = receive(control)
            if received is None:
                return
            order, sock = received
            outward.govern(Reach.from_json(order.reach))
            readers[order.id] = reader = Reader(order, sock)
            reader.start()
        except TimeoutError:
            pass
        now = time.monotonic()
        if now - beat < HEARTBEAT_S / 2:
            continue
        beat = now
        readers = {number: reader for number, reader in readers.items() if reader.is_alive()}
        unwanted = [number for number, reader in readers.items() if reader.sock.fileno() >= 0 and reader.unwanted]
        for number in unwanted:
            connection = readers[number].web
            if connection is not None:
                connection.abort()
        idle_since = now if readers else idle_since
        if now - idle_since > IDLE_S:
            return
        control.send(json.dumps({"streams": sorted(readers), "unwanted": unwanted}).encode())


def main() -> None:
    """Entry of the process: the control socket's number and the recorder's process id."""
    confine(int(sys.argv[2]))
    av.logging.set_level(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    with contextlib.suppress(OSError):
        serve(control)
    # threads may sit in FFmpeg: they are not waited for, and nothing of theirs is on a disk
    os._exit(0)


if __name__ == "__main__":
    main()
