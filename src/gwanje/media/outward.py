"""Connecting to cameras (카메라 접속 통제): a name is resolved once, judged, and exactly that address is connected to.

Every connection that a camera's address, a redirect, a playlist or a device's answer can cause goes through here; the
rule is ``kernel.reach``. Until ``govern`` is called the strictest form holds: private networks, no loopback, no files.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gwanje.kernel.reach import Reach, Unreachable

ADDRESSES_MAX = 8
DEPTH_MAX = 32
_held = [Reach()]


def govern(reach: Reach) -> None:
    """What holds in this process from now on (one process serves one centre)."""
    _held[0] = reach


def in_force() -> Reach:
    """What holds."""
    return _held[0]


@dataclass(frozen=True)
class Target:
    """A judged address: socket family and what ``connect`` takes."""

    family: int
    address: tuple[str, int] | tuple[str, int, int, int]

    @property
    def host(self) -> str:
        """The address as text."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The port."""
        return self.address[1]


def _chosen(found: Sequence[tuple[Any, ...]]) -> Target:
    """Of what ``getaddrinfo`` answers (RFC 3493): the first of a few that may be connected to."""
    few = [Target(row[0], row[4]) for row in found[:ADDRESSES_MAX]]
    return few[in_force().choose([(one.host, one.port) for one in few])]


def resolved(host: str, port: int) -> Target:
    """Resolve and judge; blocks. Unreachable, or OSError when there is no such name."""
    return _chosen(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def target(host: str, port: int) -> Target:
    """``resolved`` without blocking the loop."""
    return _chosen(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))


def connect(host: str, port: int, limit_s: float) -> socket.socket:
    """A blocking TCP connection to the judged address; Unreachable or OSError."""
    to = resolved(host, port)
    sock = socket.socket(to.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(limit_s)
        sock.connect(to.address)
    except BaseException:
        sock.close()
        raise
    return sock


class FileRefused(ConnectionError):
    """A file that is not read; the text names no path."""


def open_file(path: str, folder: str) -> BinaryIO:
    """A regular file below ``folder``, opened step by step without following a link; FileRefused.

    Every step is opened relative to the one before, so that nothing can be exchanged between check and use.
    """
    if not folder:
        raise FileRefused("파일은 녹화 대상이 아닙니다 / no folder of files is configured (camera_files)")
    try:
        steps = PurePosixPath(os.path.normpath(path)).relative_to(os.path.normpath(folder)).parts
        at = os.open(os.path.realpath(folder), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (ValueError, OSError):
        raise FileRefused("the file lies outside the configured folder (camera_files)") from None
    try:
        if not steps or len(steps) > DEPTH_MAX:
            raise FileRefused("the file lies outside the configured folder (camera_files)")
        for step in steps[:-1]:
            below = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        # without O_NONBLOCK the opening of a pipe would wait for its writer
        found = os.open(steps[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise FileRefused("it is no regular file")
        return os.fdopen(found, "rb")
    except OSError as error:
        if isinstance(error, FileRefused):
            raise
        linked = error.errno in (errno.ELOOP, errno.ENOTDIR)
        raise FileRefused("a link on its way is not followed" if linked else "the file cannot be opened") from None
    finally:
        os.close(at)


__all__ = ["FileRefused", "Target", "Unreachable", "connect", "govern", "in_force", "open_file", "resolved", "target"]
