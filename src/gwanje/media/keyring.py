"""Lent keys (기록용 키): spines from vaultd for the cameras that record, the next hour's shortly before it begins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from gwanje.kernel import secret
from gwanje.kernel.footage import EPOCH_S
from gwanje.vault.client import VaultRefused
from gwanje.vault.tree import Spine

AHEAD_S = 110
# parts of a second are sealed within a second or two, after a standstill somewhat later; then its leaf goes,
# though no later picture has come
LEAVE_S = 10
SPREAD_S = 40
AT_ONCE = 8
RETRY_S = 1.0
NO_KEY = (VaultRefused, OSError, TimeoutError, ValueError)
log = logging.getLogger(__name__)


class Lent(Protocol):
    """What ``lend`` answers: first tick, and the nodes with the first tick last."""

    @property
    def first(self) -> int: ...
    @property
    def nodes(self) -> Iterable[tuple[int, bytes | bytearray]]: ...


class Lender(Protocol):
    """vaultd's client, or a stand-in of the same shape in tests."""

    def lend(self, class_: int, slot: int, epoch: int) -> Awaitable[Lent]: ...


class KeyRing:
    """Spines by (class, slot, epoch). Nothing here opens a second that has passed."""

    def __init__(self, lender: Lender, now_s: Callable[[], int]) -> None:
        self._lender = lender
        self._now_s = now_s
        self._spines: dict[tuple[int, int, int], Spine] = {}
        self._wanted: dict[int, int] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._asking: set[tuple[int, int, int]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        self.lent = 0

    def want(self, slot: int, class_: int) -> None:
        """A camera records under this class from now on."""
        self._wanted[slot] = class_

    def forget(self, slot: int) -> None:
        """A camera records no more: its keys are overwritten."""
        self._wanted.pop(slot, None)
        for key in [key for key in self._spines if key[1] == slot]:
            self._spines.pop(key).wipe()

    def spine(self, class_: int, slot: int, epoch: int) -> Spine | None:
        """The lent spine, or None: then nothing may be stored."""
        return self._spines.get((class_, slot, epoch))

    async def acquire(self, slot: int, class_: int) -> None:
        """Ask for the present hour's spine now; one of NO_KEY when it is not to be had."""
        await self._ask((class_, slot, self._now_s() // EPOCH_S))

    async def run(self) -> None:
        """Keep every wanted camera in keys; ends by cancellation."""
        while True:
            self.step()
            await asyncio.sleep(RETRY_S)

    def step(self) -> None:
        """Ask for what is missing, drop what is past."""
        now = self._now_s()
        epoch, left = now // EPOCH_S, EPOCH_S - now % EPOCH_S
        for key in [key for key in self._spines if key[2] < epoch]:
            # parts of the old hour's last second are sealed within a second or two
            if now % EPOCH_S > 5 or key[2] < epoch - 1:
                self._spines.pop(key).wipe()
        for (_, _, hour), spine in self._spines.items():
            if hour == epoch:
                spine.leave(now % EPOCH_S - LEAVE_S)
        for slot, class_ in self._wanted.items():
            self._begin((class_, slot, epoch))
            # lending the next hour is spread over its last two minutes
            if left <= AHEAD_S - slot % SPREAD_S:
                self._begin((class_, slot, epoch + 1))

    def _begin(self, key: tuple[int, int, int]) -> None:
        if key in self._spines or key in self._asking:
            return
        self._asking.add(key)
        task = asyncio.get_running_loop().create_task(self._quietly(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, key: tuple[int, int, int]) -> None:
        try:
            async with self._gate:
                await self._ask(key)
        except NO_KEY as error:
            self.failures += 1
            if self.failures.bit_count() == 1:
                log.warning("no key for slot %d, hour %d (%d times): %s", key[1], key[2], self.failures, error)
        finally:
            self._asking.discard(key)

    async def _ask(self, key: tuple[int, int, int]) -> None:
        if key in self._spines:
            return
        class_, slot, epoch = key
        lent = await self._lender.lend(class_, slot, epoch)
        spine = Spine(epoch, lent.first, lent.nodes)
        # as they were lent they open everything since
        secret.wipe(*(node for _, node in lent.nodes if isinstance(node, bytearray)))
        if key in self._spines:
            # asked for twice at once: the one that is in use goes on
            spine.wipe()
            return
        self._spines[key] = spine
        self.lent += 1

    def close(self) -> None:
        """Overwrite every key."""
        for spine in self._spines.values():
            spine.wipe()
        self._spines.clear()
