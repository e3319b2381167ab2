"""Requests of the attempt (파기 검증 요청): vaultd starts the process that tries, the worker never sees a key file.

The process is `gwanje.vault.attempt`, a program of its own that only reads and shares no step with what destroyed;
vaultd gives it the names of samples the worker has kept in ``spool/retention`` and passes on what it counts. One at a
time, niced, ended after ten minutes; vaultd's own answers never wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.home import Home
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import WORKER, Answer, Op, Request

LIMIT_S: Final = 600.0
HOURS_MAX: Final = 5000
BYTES_MAX: Final = 2 << 30
LINE_MAX: Final = 64 << 10
SAID_MAX: Final = 400
FIGURES: Final = ("tried", "opened", "held", "generation_key_absent", "keystores", "keys", "contents")


@dataclass
class Run:
    """One attempt: ``tried`` grows while it runs; then ``answer``, or ``why`` there is none."""

    id: bytes = field(default_factory=lambda: os.urandom(16))
    tried: int = 0
    answer: dict[str, Any] | None = None
    why: str = ""
    task: asyncio.Task[None] | None = None


class AttemptOps:
    """``attempt`` begins a run over samples of hours, ``attempt_state`` says how far it is."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._run = Run()

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {"attempt": Op(WORKER, self._begin), "attempt_state": Op(WORKER, self._state)}

    async def _begin(self, r: Request) -> Answer:
        """A new run ends the one before it: one worker asks, and an older question of it is nobody's."""
        names = [UUID(bytes=hour) for hour in r["hours"]]
        if not 0 < len(names) <= HOURS_MAX:
            raise VaultError("limit", f"1..{HOURS_MAX} hours an attempt")
        paths = [self.home.spool / "retention" / f"{name}.jsonl" for name in names]
        if await asyncio.to_thread(_size, paths) > BYTES_MAX:
            raise VaultError("limit", f"{BYTES_MAX} bytes of samples an attempt")
        await self._end()
        run = self._run = Run()
        run.task = asyncio.create_task(self._try(run, paths))
        return {"run": run.id}

    async def _state(self, r: Request) -> Answer:
        run = self._run
        if r["run"] != run.id or run.task is None:
            raise VaultError("attempt_unknown")
        if run.why:
            raise VaultError("attempt_failed", run.why)
        return {"done": run.answer is not None, "tried": run.tried, "answer": run.answer or {}}

    async def _end(self) -> None:
        if (task := self._run.task) is not None and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _try(self, run: Run, paths: list[Path]) -> None:
        argv = [sys.executable, "-m", "gwanje.vault.attempt"]
        pipe = asyncio.subprocess.PIPE
        request = {"home": str(self.home.root), "files": [str(path) for path in paths], "progress": True}
        try:
            child = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, limit=LINE_MAX)
        except OSError as error:
            run.why = f"{type(error).__name__}"
            return
        try:
            await asyncio.wait_for(_follow(child, json.dumps(request).encode(), run), LIMIT_S)
        except (TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            run.why = f"{type(error).__name__}: {error}"[:SAID_MAX]
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _follow(child: asyncio.subprocess.Process, request: bytes, run: Run) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdin.write(request)
    await child.stdin.drain()
    child.stdin.close()
    last: dict[str, Any] = {}
    while line := await child.stdout.readline():
        last = json.loads(line)
        run.tried = int(last["tried"])
    said = (await child.stderr.read(LINE_MAX)).decode(errors="replace").strip()
    if await child.wait() != 0:
        raise ValueError(said[-SAID_MAX:] or f"exit {child.returncode}")
    unread = [str(name) for name in last["unread"]][:100]
    run.answer = {**{name: int(last[name]) for name in FIGURES}, "unread": unread}


def _size(paths: list[Path]) -> int:
    """Bytes of the samples; VaultError ``attempt_samples`` for what is no plain file of this folder."""
    total = 0
    for path in paths:
        try:
            about = path.lstat()
        except OSError as error:
            raise VaultError("attempt_samples", f"{path.stem}: {type(error).__name__}") from error
        if not stat.S_ISREG(about.st_mode):
            raise VaultError("attempt_samples", path.stem)
        total += about.st_size
    return total
