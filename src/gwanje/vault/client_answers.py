"""What vaultd's answers say (금고 응답), read in the client's inbox: copies, and keys that can be overwritten.

Each function takes a frame as it lies in the inbox; VaultRefused when it says no, WireError when it is no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gwanje.kernel import inbox, secret
from gwanje.vault.errors import VaultRefused
from gwanje.vault.tree import Spine


@dataclass(frozen=True)
class Lent:
    """The right spine of one camera's hour from ``first`` on; ``spine()`` makes the recorder's forward-only stack.

    The nodes are whoever's took them: ``wipe`` when the stack stands.
    """

    epoch: int
    first: int
    nodes: list[tuple[int, bytearray]]

    def spine(self) -> Spine:
        """The stack that derives and overwrites."""
        return Spine(self.epoch, self.first, self.nodes)

    def wipe(self) -> None:
        """Overwrite the nodes: as they were lent they open everything since."""
        secret.wipe(*(key for _, key in self.nodes))


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer itself when it is one."""
    if answer.get("ok") is not True:
        code = str(answer.get("error", "internal"))
        raise VaultRefused(code, str(answer.get("message", "")), str(answer.get("detail", "")))
    return answer


def plain(frame: memoryview) -> dict[str, Any]:
    """An answer without secrets."""
    return checked(inbox.message(frame))


def lent(epoch: int) -> Callable[[memoryview], Lent]:
    """Reads the answer to ``lend`` for this hour."""

    def read(frame: memoryview) -> Lent:
        a = checked(inbox.views(frame))
        return Lent(epoch, a["first"], [(height, bytearray(key)) for height, key in a["nodes"]])

    return read


def opened(frame: memoryview) -> list[dict[bytes, bytearray]]:
    """The answer to ``open_ticks``: segment id → 64 bytes, for each second that was asked for."""
    answer = checked(inbox.views(frame))
    return [{segment: bytearray(okm) for segment, okm in second.items()} for second in answer["okm"]]
