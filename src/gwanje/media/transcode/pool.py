"""Transcodes of one recorder (변환 관리): begun for the first viewer, ended 10 s after the last, counted, limited."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from uuid import UUID

from gwanje.media.picture import Picture
from gwanje.media.ring import LiveRing
from gwanje.media.transcode.messages import BEGIN, FRAME, HEAD, MESSAGE_MAX, SIZE

TRANSCODES_MAX = 8
LINGER_S = 10.0
BACKLOG_MAX = 4 << 20
MAIN, SUB = 0, 1
log = logging.getLogger(__name__)


class Busy(Exception):
    """As many transcodes run as may; the message is for the viewer, Korean and English."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.ko = f"변환은 {most}대까지입니다. 다른 변환이 끝나면 이어집니다."
        self.en = f"{most} conversions at most; tried again when another has ended."


class Transcode:
    """One camera's child: fed from a live ring as a viewer of it, its pictures come out in ``ring``."""

    def __init__(self, source: LiveRing, ended: Callable[[Transcode], None]) -> None:
        self.ring = LiveRing()
        self.viewers = 0
        self.timer: asyncio.TimerHandle | None = None
        self._source = source
        self._ended = ended
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: list[bytes] = []
        self._skipping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; whatever ends it, ``ended`` is called once."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End the child."""
        if self._task is not None:
            self._task.cancel()

    def begin(self, picture: Picture, init: bytes, group: list[bytes]) -> None:
        """Viewer of the source's ring."""
        self._skipping = False
        self._put(BEGIN, False, init[9:])
        for number, message in enumerate(group):
            self._put(FRAME, not number, message)

    def frame(self, message: bytes, key: bool) -> None:
        """Viewer of the source's ring: a child that lags gets the next key frame."""
        writer = self._writer
        if writer is not None and writer.transport.get_write_buffer_size() > BACKLOG_MAX:
            self._skipping = True
        elif key:
            self._skipping = False
        if not self._skipping:
            self._put(FRAME, key, message)

    def gone(self) -> None:
        """Viewer of the source's ring: without a source there is nothing to convert, and its viewers come again."""
        self.stop()

    def _put(self, kind: int, key: bool, body: bytes) -> None:
        if self._writer is not None and len(body) <= MESSAGE_MAX:
            self._writer.write(HEAD.pack(len(body), kind, key) + body)

    async def _run(self) -> None:
        ours, theirs = socket.socketpair()
        process = None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gwanje.media.transcode.worker", str(theirs.fileno()), str(os.getpid()),
                pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip
            theirs.close()
            reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=MESSAGE_MAX)
            self._source.join(self)
            await self._read(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            log.warning("a transcode ended: %s", type(error).__name__)
        finally:
            self._source.leave(self)
            theirs.close()
            if self._writer is not None:
                self._writer.close()
            else:
                ours.close()
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
            self._ended(self)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            length, kind, key = HEAD.unpack(await reader.readexactly(HEAD.size))
            if length > MESSAGE_MAX:
                return
            body = await reader.readexactly(length)
            if kind == BEGIN:
                codec, _, init = body[SIZE.size :].partition(b"\0")
                width, height = SIZE.unpack_from(body)
                self.ring.started(Picture(width, height, codec.decode(), 0), init, 0)
            else:
                self.ring.push(body, bool(key))


def _environment() -> dict[str, str]:
    """What a decoder may know of the recorder's surroundings: where Python's packages are."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV")}


class Transcodes:
    """All of a recorder; ``ring_of`` finds a stream's ring, ``lost`` is told whose viewers see nothing more."""

    def __init__(
        self, ring_of: Callable[[UUID, int], LiveRing | None], lost: Callable[[LiveRing], None],
        most: int = TRANSCODES_MAX,
    ) -> None:  # fmt: skip
        self._ring_of = ring_of
        self._lost = lost
        self._most = most
        self._running: dict[UUID, Transcode] = {}

    def __len__(self) -> int:
        return len(self._running)

    def join(self, camera: UUID) -> LiveRing | None:
        """One more viewer: the transcode's ring; None without such a camera, Busy beyond the limit."""
        found = self._running.get(camera)
        if found is None:
            source = self._source(camera)
            if source is None:
                return None
            if len(self._running) >= self._most:
                raise Busy(self._most)
            found = Transcode(source, lambda ended: self._gone(camera, ended))
            self._running[camera] = found
            found.start()
        if found.timer is not None:
            found.timer.cancel()
            found.timer = None
        found.viewers += 1
        return found.ring

    def leave(self, camera: UUID, ring: LiveRing) -> None:
        """One viewer less; 10 s after the last the child ends."""
        found = self._running.get(camera)
        if found is None or found.ring is not ring:
            return
        found.viewers -= 1
        if not found.viewers:
            found.timer = asyncio.get_running_loop().call_later(LINGER_S, found.stop)

    def stop(self) -> None:
        """End all."""
        for found in tuple(self._running.values()):
            found.stop()

    def _source(self, camera: UUID) -> LiveRing | None:
        """The smaller stream where it runs: fewer pixels to decode."""
        sub, main = self._ring_of(camera, SUB), self._ring_of(camera, MAIN)
        return sub if sub is not None and sub.picture is not None else main

    def _gone(self, camera: UUID, ended: Transcode) -> None:
        if self._running.get(camera) is ended:
            del self._running[camera]
        self._lost(ended.ring)
