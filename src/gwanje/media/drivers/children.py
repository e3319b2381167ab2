"""Drivers ``pyav`` and ``snapshot`` (별도 프로세스 드라이버): the recorder's side of its reading children.

Children are started on demand and hold at most 25 streams each. One that says nothing for 8 s, or whose threads do not
end when their streams are given up, is killed by its id and its streams come back in another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.auth import Credentials
from gwanje.media.drivers import address
from gwanje.media.drivers.feeds import STALL_S, Feed, Units
from gwanje.media.ingest.order import PYAV, SNAPSHOT, Order
from gwanje.media.offspring import environment

STREAMS_MAX = 25
SILENT_S = 8.0
STUCK_S = 20.0
FIRST_S = 12.0
STARTING_S = 15.0
SEND_BUFFER = 1 << 20
REPORT_MAX = 16 * 1024
REPORTS_MAX = 32
log = logging.getLogger(__name__)


class Child:
    """One reading process: its control socket, the streams it has, when it was heard last."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setblocking(False)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gwanje.media.ingest", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self.streams: set[int] = set()
        self.given_up: dict[int, float] = {}
        self.heard = time.monotonic() + STARTING_S - SILENT_S

    def reports(self, now: float) -> bool:
        """Read the heartbeats; False when the process has gone."""
        for _ in range(REPORTS_MAX):
            try:
                data = self.control.recv(REPORT_MAX)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self.heard = now
            alive = set(json.loads(data)["streams"])
            self.given_up = {number: at for number, at in self.given_up.items() if number in alive}
        return True

    def healthy(self, now: float) -> bool:
        """Heard lately, and its threads end when they are told to."""
        return now - self.heard < SILENT_S and all(now - at < STUCK_S for at in self.given_up.values())

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.control.close()


class Pool:
    """The children of one event loop."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._numbers = itertools.count(1)
        self._watching: asyncio.Task[None] | None = None
        self.killed = 0

    def open(self, kind: str, url: str, source: Source, account: Credentials | None) -> Units:
        """Start reading in a child that has room; OSError when no process can be started."""
        child = self._room()
        number = next(self._numbers)
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SEND_BUFFER)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        user, password = (account.user, account.password) if account else ("", "")
        with theirs:
            try:
                reach = outward.in_force().as_json()
                Order(number, kind, url, user, password, source.device, reach).send(child.control, theirs)
            except OSError:
                ours.close()
                self._drop(child)
                raise
        child.streams.add(number)

        def ended() -> None:
            child.streams.discard(number)
            child.given_up[number] = time.monotonic()

        stall = STALL_S
        if kind == SNAPSHOT:
            stall += 2 * float(source.device.get("interval", 1.0))
        return Units(ours, ended, stall_s=stall)

    def _room(self) -> Child:
        now = time.monotonic()
        for child in self.children:
            if len(child.streams) + len(child.given_up) < STREAMS_MAX and child.healthy(now):
                return child
        child = Child()
        self.children.append(child)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        return child

    async def _watch(self) -> None:
        while self.children:
            await asyncio.sleep(1)
            now = time.monotonic()
            for child in list(self.children):
                if not child.reports(now):
                    self._drop(child)
                elif now - child.heard > SILENT_S or (not child.healthy(now) and not child.streams):
                    log.warning("a reading process does not answer: it is ended with %d streams", len(child.streams))
                    self.killed += 1
                    self._drop(child)

    def _drop(self, child: Child) -> None:
        child.kill()
        with contextlib.suppress(ValueError):
            self.children.remove(child)
        # it was killed or has ended: this only takes its number off the system's list
        asyncio.get_running_loop().run_in_executor(None, child.process.wait)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()


def pool() -> Pool:
    """The running loop's children."""
    return _pools.setdefault(asyncio.get_running_loop(), Pool())


async def _first(feed: Units) -> None:
    """Wait for the child's first message; TimeoutError when none comes."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    handle = feed.sock.fileno()
    loop.add_reader(handle, wake)
    try:
        async with asyncio.timeout(FIRST_S):
            await ready
    finally:
        loop.remove_reader(handle)


async def _open(kind: str, source: Source, number: int, credentials: Credentials | None) -> Feed:
    url = address(source, number)
    if urlsplit(url).username is not None:
        raise ConnectionError("an address names no account: it is sealed apart")
    feed = pool().open(kind, url, source, credentials)
    try:
        await _first(feed)
    except BaseException:
        feed.close()
        raise
    return feed


class PyAv:
    """HTTP(S)-MJPEG, HLS, RTMP, progressive HTTP and files."""

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """As ``gwanje.media.drivers.Driver``."""
        return await _open(PYAV, source, number, credentials)


class Snapshot:
    """A picture at each ``device["interval"]`` (0.2 to 10 s, default 1): the last resort."""

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """As ``gwanje.media.drivers.Driver``."""
        return await _open(SNAPSHOT, source, number, credentials)
