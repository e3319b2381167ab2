"""Requests of holds and deletions (보존·삭제 요청)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.permit import APPROVALS_MAX, Approval
from gwanje.vault import held
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.holds import Closing, Holds, Longer, Wanted
from gwanje.vault.ops import WEB, WORKER, Answer, Op, Request
from gwanje.vault.records import HELD, Hold, Released

READERS: Final = frozenset(("web", "worker", "checker"))
# a frame has a megabyte: a hold of 512 spans is 30 KB
RELEASED_A_PAGE: Final = 5_000
HOLDS_A_PAGE: Final = 20
HELD_AN_HOUR: Final = 8_000
REPLICAS_S: Final = 2.0


def _approvals(given: Sequence[Any]) -> list[Approval]:
    """The consents; TypeError, KeyError or ValueError when one has another form or no end."""
    if not 1 <= len(given) <= APPROVALS_MAX:
        raise VaultError("approver_missing")
    found = [Approval.of(body) for body in given]
    for one in found:
        texts = all(isinstance(text, str) and len(text) <= 40 for text in (one.role, one.method))
        signed = isinstance(one.signature, bytes) and len(one.signature) <= 4096
        if not texts or not signed or type(one.at_us) is not int or not 0 <= one.at_us < 1 << 63:
            raise VaultError("hold_field", "approval")
    return found


def _texts(r: Request) -> tuple[str, str]:
    if not isinstance(r["ground"], str) or not isinstance(r["case"], str):
        raise TypeError("ground and case are text")
    return r["ground"], r["case"]


def listed(hold: Hold) -> Answer:
    """A hold without its keys."""
    return {
        "id": hold.id.bytes, "kind": hold.kind, "ground": hold.ground, "case": hold.case,
        "reviewer": hold.reviewer.bytes, "ends": hold.ends, "seconds": hold.seconds,
        "nodes": len(hold.nodes) // HELD.size,
        "lenses": [[lens.camera.bytes, *astuple(lens)[1:]] for lens in hold.lenses],
        "acts": [[a.act, a.at_us, a.decision, a.ends] for a in hold.acts],
    }  # fmt: skip


class HoldOps:
    """Requests that keep seconds beyond their hour, or close them before it."""

    def __init__(self, vault: Vault) -> None:
        self.vault, self.holds = vault, Holds(vault)

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {
            "hold": Op(WEB, self._hold),
            "prolong_hold": Op(WEB, self._prolong),
            "end_hold": Op(WEB, self._end),
            "puncture": Op(WEB, self._puncture),
            "holds": Op(READERS, self._list),
            "standing": Op(READERS, self._standing),
            "released": Op(WORKER, self._released),
            "released_ack": Op(WORKER, self._released_ack),
        }

    async def _hold(self, r: Request) -> Answer:
        spans = tuple((UUID(bytes=camera), slot, class_, a, b) for camera, slot, class_, a, b in r["spans"])
        wanted = Wanted(
            UUID(bytes=r["id"]), r["kind"], *_texts(r), UUID(bytes=r["reviewer"]), spans, r["ends"], r["decision"]
        )
        hold, generation = await asyncio.to_thread(self.holds.hold, wanted, _approvals(r["approvals"]))
        # a replica that is away is waited for a little; the hold stands here all the same, and the answer says so
        replicated = await asyncio.to_thread(self.vault.peers.kept, generation, REPLICAS_S)
        made = {"nodes": len(hold.nodes) // HELD.size, "seconds": hold.seconds, "generation": generation}
        return {**made, "replicated": replicated}

    async def _prolong(self, r: Request) -> Answer:
        wanted = Longer(UUID(bytes=r["id"]), r["kind"], r["ends"], *_texts(r), r["decision"])
        _, generation = await asyncio.to_thread(self.holds.prolong, wanted, _approvals(r["approvals"]))
        return {"generation": generation}

    async def _end(self, r: Request) -> Answer:
        said = _approvals(r["approvals"])
        released = await asyncio.to_thread(self.holds.end, UUID(bytes=r["id"]), r["decision"], said)
        return {"lost": sum(item.seconds for item in released)}

    async def _puncture(self, r: Request) -> Answer:
        spans = tuple((class_, a, b) for class_, a, b in r["spans"])
        wanted = Closing(UUID(bytes=r["camera"]), r["slot"], spans, r["decision"])
        done = await asyncio.to_thread(self.holds.puncture, wanted, _approvals(r["approvals"]))
        settled = not done.hours or await asyncio.to_thread(self.vault.peers.wait, done.generation, REPLICAS_S)
        return {
            "hours": done.hours, "seconds": done.seconds, "held": done.held, "generation": done.generation,
            "holds": [id_.bytes for id_ in done.holds], "settled": settled,
        }  # fmt: skip

    async def _list(self, r: Request) -> Answer:
        after = r.get("after", b"")
        found = sorted((h for h in self.vault.state.holds.values() if h.id.bytes > after), key=lambda h: h.id)
        return {"holds": [listed(hold) for hold in found[:HOLDS_A_PAGE]], "more": len(found) > HOLDS_A_PAGE}

    async def _standing(self, r: Request) -> Answer:
        found = held.standing(self.vault.state, int(r["class"]), int(r["epoch"]))
        if len(found.held) > HELD_AN_HOUR:
            raise VaultError("limit", f"{HELD_AN_HOUR} held ranges an hour")
        return found.body()

    async def _released(self, request: Request) -> Answer:
        found = await asyncio.to_thread(self.vault.released)
        return {"released": [list(astuple(item)) for item in found[:RELEASED_A_PAGE]]}

    async def _released_ack(self, r: Request) -> Answer:
        items = [Released(*item) for item in r["released"]]
        return {"count": await asyncio.to_thread(self.vault.acknowledge_released, items)}
