"""Shared by the tests that need Django, PostgreSQL or vaultd: one temporary data folder a test run, made when asked."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from gwanje.kernel.home import Home
from gwanje.kernel.keys import publish, signing_key
from gwanje.kernel.reach import PRIVATE

PACKS = ["kr_national", "kr_anyang"]
# private ones, and those of documents (RFC 5737) that stand for a public network
NETWORKS = [*PRIVATE, "192.0.2.0/24", "198.51.100.0/24"]


def free_port(span: int = 24, numbers: range = range(20_000, 32_000)) -> int:
    """A port whose next ``span`` neighbours are free as well, at the moment of asking.

    Below those that the system gives to outgoing connections (32768): none of them can take one of ours meanwhile.
    ``numbers``: a run beside this one draws from numbers of its own.
    """
    for _ in range(200):
        port = secrets.choice(numbers[::span])
        if all(_free(port + step) for step in (0, 1, 2, 3, 20)):
            return port
    raise OSError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@cache
def folder() -> Path:
    """The run's temporary folder; ``remove`` deletes it."""
    return Path(tempfile.mkdtemp(prefix="gwt-"))


@cache
def home() -> Home:
    """The run's data folder, with a settable clock and the two packs; no process is started."""
    return Home.create(
        folder() / "home", settable_clock=True, port=free_port(), packs=PACKS, name="시험 통합관제센터", demo=True,
        camera_networks=NETWORKS,
    )  # fmt: skip


@cache
def django() -> Home:
    """Set Django up on ``home`` (at import time of a conftest, so that test modules may import models)."""
    place = home()
    os.environ["GWANJE_DATA"] = str(place.root)
    os.environ["DJANGO_SETTINGS_MODULE"] = "gwanje.apps.web.settings"
    import django as framework
    from django.conf import settings

    framework.setup()
    signing_key(place, "web", create=True)
    publish(place, "web")
    # hashing costs 0.2 s by design; the algorithm stays, its price does not
    settings.PASSWORD_HASHERS = ["support.hashers.Cheap"]
    return place


@contextmanager
def database() -> Iterator[Home]:
    """The run's PostgreSQL with every migration applied; call ``django`` first."""
    from gwanje.apps.postgres import running
    from gwanje.apps.web.schema import bring_up

    with running(home()):
        bring_up()
        yield home()


def slowness() -> float:
    """How many times slower than it should be is this machine now: a bare start of our command line takes a second.

    For promises in seconds: what a machine that is three times slower needs three times longer for is no fault.
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "gwanje.apps.cli", "--help"], capture_output=True, check=True, timeout=120)
    return max(1.0, time.monotonic() - began)


def remove() -> None:
    """Delete the temporary folder, if one was made."""
    if folder.cache_info().currsize:
        shutil.rmtree(folder(), ignore_errors=True)
