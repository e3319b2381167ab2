"""The client's request of the attempt (파기 검증 호출): a part of ``VaultClient``, for the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

from gwanje.vault.errors import VaultAway

LIMIT_S: Final = 660.0
PAUSE_S: Final = (0.05, 1.0)


@dataclass(frozen=True)
class Tried:
    """What the process counted.

    ``held``: opened by a hold in force only; ``unread``: places of the data folder that vaultd's user may not read.
    """

    tried: int
    opened: int
    held: int
    generation_key_absent: bool
    keystores: int
    keys: int
    contents: int
    unread: tuple[str, ...] = ()


class AttemptCalls:
    """The method of ``VaultClient`` that asks for an attempt."""

    def _call(self, request: dict[str, Any], *, once: bool = False, tail: bytes = b"") -> dict[str, Any]:
        # VaultClient has it: this request stands in a file of its own, not in a client of its own
        raise NotImplementedError

    def attempt(self, hours: Sequence[UUID]) -> Tried:
        """Let a process of vaultd's user try the kept samples of these hours with every key it finds (role worker).

        Waits for its end, at most 11 minutes. Refusals ``attempt_samples``, ``attempt_failed``, ``attempt_unknown``
        (vaultd was started again meanwhile), ``limit``; VaultAway when the limit passes.
        """
        run = self._call({"op": "attempt", "hours": [hour.bytes for hour in hours]})["run"]
        until, pause = monotonic() + LIMIT_S, PAUSE_S[0]
        while monotonic() < until:
            found = self._call({"op": "attempt_state", "run": run})
            if found["done"]:
                said = dict(found["answer"])
                absent, unread = bool(said.pop("generation_key_absent")), tuple(said.pop("unread"))
                return Tried(**said, generation_key_absent=absent, unread=unread)
            sleep(pause)
            pause = min(2 * pause, PAUSE_S[1])
        raise VaultAway("파기 검증이 끝나지 않았습니다 / the attempt did not end in time")
