"""The inspection's child seen from the recorder (점검 프로세스 관리): started, asked, bounded in time, started again.

A child that dies or hangs costs the looks that were under way and what it had learnt, and nothing of the recording.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from typing import Any

from gwanje.media.inspect.messages import ANSWER_MAX, FORGET, LENGTH, LOOK, Ended, ask, parse_answer
from gwanje.media.offspring import environment

ANSWER_LIMIT_S = 10.0
RESTART_S = (1.0, 60.0)
log = logging.getLogger(__name__)


class Child:
    """One child; ``run`` keeps it alive, ``look`` asks. In the event loop's thread only."""

    def __init__(self) -> None:
        self.ready = False
        self.starts = 0
        self.pid = 0
        self._writer: asyncio.StreamWriter | None = None
        self._asked: deque[tuple[int, asyncio.Future[tuple[dict[str, Any], bytes] | None]]] = deque()

    async def run(self) -> None:
        """Start it again and again, with growing pauses; ends by cancellation, and the child with it."""
        pause = RESTART_S[0]
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._life()
            except (Ended, OSError, TimeoutError) as error:
                log.warning("the inspection's child ended (%s); recording goes on", type(error).__name__)
            pause = RESTART_S[0] if loop.time() - began > RESTART_S[1] else min(pause * 2, RESTART_S[1])
            await asyncio.sleep(pause)

    async def _life(self) -> None:
        ours, theirs = socket.socketpair()
        argv = [sys.executable, "-m", "gwanje.media.inspect.child", str(theirs.fileno()), str(os.getpid())]
        try:
            process = await asyncio.to_thread(
                subprocess.Popen, argv, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, close_fds=True,
                env=environment(),
            )  # fmt: skip
        finally:
            theirs.close()
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self.ready, self.pid = True, process.pid
            self.starts += 1
            while True:
                await self._answer(reader)
        finally:
            self.ready = False
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        while self._asked:
            _, future = self._asked.popleft()
            if not future.done():
                future.set_result(None)

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        head = await self._bytes(reader, LENGTH.size)
        length = LENGTH.unpack(head)[0]
        if not 4 <= length <= ANSWER_MAX or not self._asked:
            raise Ended("an answer nobody asked for")
        found = parse_answer(await self._bytes(reader, length))
        _, future = self._asked.popleft()
        if not future.done():
            future.set_result(found)

    async def _bytes(self, reader: asyncio.StreamReader, count: int) -> bytes:
        waiting = asyncio.ensure_future(reader.readexactly(count))
        try:
            while not waiting.done():
                # a child that was asked and is silent hangs; one that was not asked may be silent for ever
                limit = ANSWER_LIMIT_S if self._asked else 1.0
                done, _ = await asyncio.wait([waiting], timeout=limit)
                if not done and self._asked and self._waited() > ANSWER_LIMIT_S:
                    raise TimeoutError("no answer")
            return waiting.result()
        except asyncio.IncompleteReadError as error:
            raise Ended("closed") from error
        finally:
            waiting.cancel()

    def _waited(self) -> float:
        return asyncio.get_running_loop().time() - self._asked[0][0] / 1000

    async def look(self, camera: int, init: bytes, sample: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Figures and thumbnail (maybe empty), or None when the child is away; ValueError for a too large picture."""
        writer = self._writer
        if writer is None or not self.ready:
            return None
        message = ask(LOOK, camera, init, sample)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[dict[str, Any], bytes] | None] = loop.create_future()
        self._asked.append((round(loop.time() * 1000), future))
        try:
            writer.write(message)
            await writer.drain()
        except OSError:
            # the reader's side sees the end too, and answers what is open
            log.debug("the inspection's child closed its socket")
        return await future

    def forget(self, camera: int) -> None:
        """The camera's view is learnt anew."""
        if self._writer is not None and self.ready:
            self._writer.write(ask(FORGET, camera))
