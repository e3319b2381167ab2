"""Drivers of cameras (카메라 드라이버): one Protocol, found by name: ours, then the entry points ``gwanje.drivers``.

A driver turns a source into a feed that the engine reads at its tick. Ours are ``rtsp``, ``pyav`` and ``snapshot``; a
vendor's is one more entry point of a package of its own. Whatever a driver does wrong costs its own camera: an
unknown, unloadable or failing one is a gap row ``camera`` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import re
import socket
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from gwanje.kernel.reach import PORTS
from gwanje.kernel.sources import Source
from gwanje.media import outward
from gwanje.media.auth import Credentials
from gwanje.media.drivers.feeds import Feed

GROUP = "gwanje.drivers"
# ours need no package metadata, and no installed package can take their names
OURS = {
    "rtsp": "gwanje.media.drivers.streams:Rtsp",
    "pyav": "gwanje.media.drivers.children:PyAv",
    "snapshot": "gwanje.media.drivers.children:Snapshot",
}
LOAD_S = 10.0
OPEN_S = 30.0
MAIN, SUB = 0, 1
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class DriverFailed(ConnectionError):
    """No driver of that name, or one that cannot be loaded; the text names no address."""


class SourceEnded(ConnectionError):
    """The source is over (a file came to its end): nothing more will come, so nobody tries again."""


@runtime_checkable
class Driver(Protocol):
    """What every driver is: a class without arguments."""

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """Open stream ``number`` (0 main, 1 sub) within 30 s. Runs in the engine's loop: it waits, never blocks.

        Raises ConnectionError (or any other exception: it costs this camera only) with a text that names no address
        and no account. ``credentials`` are for this connection; they are not kept, logged or passed by argv.
        """


class Judged:
    """A vendor's driver behind our judgement of the address; where it connects after that is its own doing."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """As ``Driver``; Unreachable. A name that nobody knows may be the vendor's own (a serial number)."""
        parts = urlsplit(address(source, number))
        if parts.hostname:
            port = parts.port or PORTS.get(parts.scheme.lower(), 0)
            with contextlib.suppress(socket.gaierror):
                await outward.target(parts.hostname, port)
        return await self._driver.open(source, number, credentials)


_loaded: dict[str, Driver] = {}


def address(source: Source, number: int) -> str:
    """The address of one of a source's streams."""
    return source.main_url if number == MAIN else source.sub_url


async def load(name: str) -> Driver:
    """The driver of that name, made once; DriverFailed says why there is none.

    Imported in a thread: a vendor's package that takes long to import must not hold up other cameras.
    """
    found = _loaded.get(name)
    if found is None:
        try:
            async with asyncio.timeout(LOAD_S):
                found = await asyncio.to_thread(_load, name)
        except TimeoutError:
            raise DriverFailed(f"driver {name}: it does not load in {LOAD_S:.0f} s") from None
        _loaded[name] = found
    return found


def _load(name: str) -> Driver:
    if not _NAME.fullmatch(name):
        raise DriverFailed("a driver's name has at most 32 small letters and digits")
    if name in OURS:
        points = [importlib.metadata.EntryPoint(name, OURS[name], GROUP)]
    else:
        points = list(importlib.metadata.entry_points(group=GROUP, name=name))
    if not points:
        raise DriverFailed(f"no driver is called {name}")
    try:
        made = points[0].load()()
    except Exception as error:
        # a vendor's import may raise anything
        raise DriverFailed(f"driver {name} cannot be loaded: {type(error).__name__}") from error
    if not isinstance(made, Driver):
        raise DriverFailed(f"driver {name} has no open()")
    return made if name in OURS else Judged(made)


def forget() -> None:
    """Look for drivers anew at the next ``load`` (a package was installed)."""
    _loaded.clear()
