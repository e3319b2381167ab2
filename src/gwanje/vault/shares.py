"""Shares of lending (녹화기별 대여 몫): whose cameras' keys a recorder is lent, and how fast beyond its share.

vaultd does not trust PostgreSQL, so it does not ask it who holds a camera: it knows who was lent which second's keys
first. A camera that moves is a fact of the ledger; a key that asks for more than a fleet's failures explain waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.cose import key_id
from gwanje.vault.errors import VaultError

SPARE: Final = 64
SHARES_AT_ONCE: Final = 3
REFILL_S: Final = 60.0
REFILL_MIN: Final = 2.0
NAMED_MAX: Final = 200
TELL_S: Final = 5.0
ACTIVE_EPOCHS: Final = 2
Fact = Callable[[str, dict[str, Any]], None]


@dataclass
class _Bucket:
    left: float
    at: float


@dataclass
class _Told:
    count: int = 0
    cameras: list[UUID] = field(default_factory=list)

    def add(self, camera: bytes | None) -> None:
        """One more; the first 200 by name."""
        self.count += 1
        if camera is not None and len(self.cameras) < NAMED_MAX:
            self.cameras.append(UUID(bytes=camera))


class Shares:
    """Memory of the present and the next hour. ``cameras``: how many have a slot. Times in monotonic seconds."""

    def __init__(self, cameras: Callable[[], int]) -> None:
        self._cameras = cameras
        self._holder: dict[int, dict[int, bytes]] = {}
        self._active: dict[int, set[bytes]] = {}
        self._buckets: dict[bytes, _Bucket] = {}
        self._taken: dict[tuple[bytes, bytes], _Told] = {}
        self._refused: dict[bytes, _Told] = {}
        self._told_at = float("-inf")

    def share(self) -> float:
        """Cameras a recorder has when all that record share alike."""
        return self._cameras() / max(1, len(set().union(*self._active.values())))

    def take(self, by: bytes, slot: int, epoch: int, camera: bytes | None, now: float) -> None:
        """A recorder asks for a camera's hour; VaultError ``lend_share`` when it has had too many of others lately."""
        for past in [known for known in self._holder if known <= epoch - ACTIVE_EPOCHS]:
            del self._holder[past], self._active[past]
        active = self._active.setdefault(epoch, set())
        holders = self._holder.setdefault(epoch, {})
        before = holders.get(slot)
        if before == by:
            return
        share = self.share()
        room = SHARES_AT_ONCE * share + SPARE
        bucket = self._buckets.setdefault(by, _Bucket(room, now))
        gained = (now - bucket.at) * max(REFILL_MIN, share / REFILL_S)
        bucket.left, bucket.at = min(room, bucket.left + gained), now
        if bucket.left < 1:
            self._refused.setdefault(by, _Told()).add(camera)
            raise VaultError("lend_share", f"{room:.0f} cameras")
        bucket.left -= 1
        holders[slot] = by
        active.add(by)
        if before is not None:
            self._taken.setdefault((by, before), _Told()).add(camera)

    def tell(self, now: float, fact: Fact) -> None:
        """What happened since, at most one fact each 5 s for each pair of recorders."""
        if now - self._told_at < TELL_S or not (self._taken or self._refused):
            return
        self._told_at = now
        taken, self._taken = self._taken, {}
        refused, self._refused = self._refused, {}
        common = {"norms": ["security.internal_control"], "dies": "system"}
        for (by, before), told in taken.items():
            fact("vault.lend.taken", {"recorder": key_id(by).hex(), "from": key_id(before).hex(),
                                      "count": told.count, "cameras": told.cameras, **common})  # fmt: skip
        for by, told in refused.items():
            fact("vault.lend.refused", {"outcome": "refused", "recorder": key_id(by).hex(), "count": told.count,
                                        "cameras": told.cameras, **common})  # fmt: skip
