"""A vault with a clock of our own and an hour that was lent: what tests of holds and deletions stand on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from conftest_vault import REFERENCE, Centre, opened

from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.vault.core import Vault
from gwanje.vault.holds import Closing, Holds, Longer, Wanted

DAY_S = 86400


@dataclass
class Rig:
    """Class 1 dies after 30 days, class 2 after 5; ``start`` is the first second of the lent hour."""

    centre: Centre
    vault: Vault
    start: int
    cameras: list[UUID]
    slots: list[int]
    holds: Holds
    now: list[int] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        return self.start // 3600

    def at(self, second: int) -> None:
        self.now[0] = second

    def lend(self, *classes: int, hours: int = 1) -> None:
        for hour in range(hours):
            self.at(self.start + 3600 * hour)
            for class_ in classes or (1,):
                self.vault.lend(class_, self.slots[0], self.epoch + hour)
        self.at(self.start + 3600 * hours + 600)

    def said(self, decision: bytes, *people: Any) -> list[Approval]:
        chosen = people or (self.centre.requester, self.centre.approver)
        return [Approval(o.id, o.role, decision, self.now[0] * 1_000_000) for o in chosen]

    def span(self, camera: int = 0, first: int = 60, until: int = 120, class_: int = 1) -> tuple:
        return self.cameras[camera], self.slots[camera], class_, self.start + first, self.start + until

    def wanted(self, *spans: tuple, **changes: Any) -> Wanted:
        fields: dict[str, Any] = {
            "id": uuid7(), "kind": "investigation", "ground": "investigation", "case": "형사과-1234",
            "reviewer": self.centre.second.id, "spans": spans or (self.span(),), "ends": self.now[0] + 60 * DAY_S,
            "decision": digest("hold"),
        }  # fmt: skip
        return Wanted(**{**fields, **changes})

    def hold(self, *spans: tuple, **changes: Any) -> UUID:
        wanted = self.wanted(*spans, **changes)
        self.holds.hold(wanted, self.said(wanted.decision))
        return wanted.id

    def longer(self, id_: UUID, **changes: Any) -> Longer:
        fields: dict[str, Any] = {
            "id": id_, "kind": "trial", "ends": self.now[0] + 100 * DAY_S, "ground": "trial", "case": "2026가합1",
            "decision": digest("longer"),
        }  # fmt: skip
        return Longer(**{**fields, **changes})

    def end(self, id_: UUID) -> list:
        return self.holds.end(id_, digest("end"), self.said(digest("end")))

    def close(self, camera: int = 0, first: int = 60, until: int = 120, class_: int = 1) -> Any:
        span = (class_, self.start + first, self.start + until)
        wanted = Closing(self.cameras[camera], self.slots[camera], (span,), digest("close"))
        return self.holds.puncture(wanted, self.said(wanted.decision))

    def leaf(self, tick: int, hold: UUID | None = None, camera: int = 0, class_: int = 1) -> bytes:
        return self.vault.leaf(class_, self.slots[camera], self.epoch, tick, hold)

    def die(self) -> list:
        """Let the lent hours of class 1 die."""
        self.at(self.start + 30 * DAY_S + 3 * 3600)
        return self.vault.destroy_due()

    def reopened(self) -> Rig:
        """The same folder in a new process's eyes, with the same clock."""
        self.vault.close()
        return rig_of(self.centre, self.start, self.now, self.cameras)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def rig_of(centre: Centre, start: int, now: list[int], cameras: list[UUID]) -> Rig:
    centre.home.clock.now_us = lambda: now[0] * 1_000_000  # type: ignore[method-assign]
    centre.home.clock.step_us = lambda: 0  # type: ignore[method-assign]
    vault = opened(centre.home)
    return Rig(centre, vault, start, cameras, vault.slots(cameras), Holds(vault), now)


def made(centre: Centre, cameras: int = 3) -> Rig:
    """A fresh vault; the clock stands still until it is moved."""
    start = centre.home.clock.now_s() // 3600 * 3600 + 3600
    rig = rig_of(centre, start, [start], [centre.camera, *(uuid7() for _ in range(cameras - 1))])
    rig.vault.set_class(1, "days", 30, REFERENCE)
    rig.vault.set_class(2, "days", 5, REFERENCE)
    return rig
