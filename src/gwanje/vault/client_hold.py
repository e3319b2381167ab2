"""Calls of holds and deletions (보존·삭제 호출): a part of ``VaultClient``, for the web, the worker and the checker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any
from uuid import UUID

from gwanje.kernel.permit import Approval
from gwanje.vault.held import Standing
from gwanje.vault.records import HeldLens, Released

__all__ = ["HeldHold", "HoldAct", "HoldCalls", "HoldMade", "Punctured", "Released", "Span", "Standing"]

# (camera, slot, class, first, until): Unix seconds, half open
Span = tuple[UUID, int, int, int, int]


@dataclass(frozen=True)
class HoldMade:
    """A hold that stands: covering nodes, camera-seconds, the keystore's generation that has it.

    ``replicated``: enough replicas had it before the answer; else it stands on vaultd's machine alone for now.
    """

    nodes: int
    seconds: int
    generation: int
    replicated: bool


@dataclass(frozen=True)
class Punctured:
    """What a deletion did.

    ``hours`` keystore hours changed; ``seconds`` camera-seconds closed now; ``held`` of the asked ones that a hold
    still has, ``holds`` which: they are closed and die with the hold; ``generation`` the last that held what was
    closed, its key destroyed. ``settled``: in every replica's token, too; else nobody may be told yet that it is
    gone, and ``released()`` tells it when it is.
    """

    hours: int
    seconds: int
    held: int
    generation: int
    holds: tuple[UUID, ...]
    settled: bool


@dataclass(frozen=True)
class HoldAct:
    """Something done to a hold: ``made`` or ``prolonged``, Unix µs, SHA-256 of the Decision, the end it set."""

    act: str
    at_us: int
    decision: bytes
    ends: int


@dataclass(frozen=True)
class HeldHold:
    """A hold as vaultd has it, without keys; ``ends`` Unix s, ``seconds`` camera-seconds."""

    id: UUID
    kind: str
    ground: str
    case: str
    reviewer: UUID
    ends: int
    seconds: int
    nodes: int
    lenses: tuple[HeldLens, ...]
    acts: tuple[HoldAct, ...]


def _held(body: dict[str, Any]) -> HeldHold:
    return HeldHold(
        UUID(bytes=body["id"]), body["kind"], body["ground"], body["case"], UUID(bytes=body["reviewer"]),
        body["ends"], body["seconds"], body["nodes"],
        tuple(HeldLens(UUID(bytes=camera), *rest) for camera, *rest in body["lenses"]),
        tuple(HoldAct(*act) for act in body["acts"]),
    )  # fmt: skip


def _said(approvals: Iterable[Approval]) -> list[dict[str, Any]]:
    return [approval.body() for approval in approvals]


class HoldCalls:
    """One method per request. ``approvals[0]`` is the requester's; every refusal is VaultRefused with its code."""

    def _call(self, request: dict[str, Any], *, once: bool = False, tail: bytes = b"") -> dict[str, Any]:
        # VaultClient has it: these requests stand in a file of their own, not in a client of their own
        raise NotImplementedError

    def hold(
        self,
        *,
        id: UUID,
        kind: str,
        ground: str,
        case: str,
        reviewer: UUID,
        spans: Sequence[Span],
        ends: int,
        decision: bytes,
        approvals: Iterable[Approval],
    ) -> HoldMade:
        """Keep live seconds beyond their hour (role web). ``kind`` of ``records.HOLD_KINDS``; a ``provisional`` one
        ends within 10 days and needs the requester alone. The same request again is answered again.

        ``hold_dead`` refuses the whole; its detail names ``camera first until`` of what is dead, comma-separated.
        """
        body = {
            "op": "hold", "id": id.bytes, "kind": kind, "ground": ground, "case": case, "reviewer": reviewer.bytes,
            "spans": [[camera.bytes, *rest] for camera, *rest in spans], "ends": ends, "decision": decision,
            "approvals": _said(approvals),
        }  # fmt: skip
        a = self._call(body)
        return HoldMade(a["nodes"], a["seconds"], a["generation"], a["replicated"])

    def prolong_hold(
        self,
        *,
        id: UUID,
        kind: str,
        ends: int,
        ground: str,
        case: str,
        decision: bytes,
        approvals: Iterable[Approval],
    ) -> int:
        """Move a hold's end (role web): the same keys, also when their hour is dead; returns the generation.

        ``kind``: the hold's own, or what the decision makes of a provisional one; never ``provisional``.
        """
        body = {
            "op": "prolong_hold", "id": id.bytes, "kind": kind, "ends": ends, "ground": ground, "case": case,
            "decision": decision, "approvals": _said(approvals),
        }  # fmt: skip
        return int(self._call(body)["generation"])

    def end_hold(self, *, id: UUID, decision: bytes, approvals: Iterable[Approval]) -> int:
        """End a hold before its time (role web); returns how many camera-seconds nothing opens any more."""
        body = {"op": "end_hold", "id": id.bytes, "decision": decision, "approvals": _said(approvals)}
        return int(self._call(body)["lost"])

    def puncture(
        self,
        *,
        camera: UUID,
        slot: int,
        spans: Sequence[tuple[int, int, int]],
        decision: bytes,
        approvals: Iterable[Approval],
    ) -> Punctured:
        """Close (class, first, until) seconds of one camera, at most 24 h, none of the last two minutes (role web).

        Seconds that are dead already are no error; the same request again closes nothing more.
        """
        body = {
            "op": "puncture", "camera": camera.bytes, "slot": slot, "spans": [list(span) for span in spans],
            "decision": decision, "approvals": _said(approvals),
        }  # fmt: skip
        a = self._call(body)
        ids = tuple(UUID(bytes=id_) for id_ in a["holds"])
        return Punctured(a["hours"], a["seconds"], a["held"], a["generation"], ids, a["settled"])

    def holds(self) -> list[HeldHold]:
        """Every hold that stands (roles web, worker, checker)."""
        return list(self._holds())

    def _holds(self) -> Iterator[HeldHold]:
        after, more = b"", True
        while more:
            a = self._call({"op": "holds", "after": after})
            yield from map(_held, a["holds"])
            more, after = bool(a["more"]) and bool(a["holds"]), a["holds"][-1]["id"] if a["holds"] else after

    def standing(self, class_: int, epoch: int) -> Standing:
        """Which seconds of an hour open, and by what (roles web, worker, checker)."""
        return Standing.of(self._call({"op": "standing", "class": class_, "epoch": epoch}))

    def released(self) -> list[Released]:
        """Seconds that died apart from their hour and stand on no certificate yet (role worker; 5,000 a call)."""
        return [Released(*item) for item in self._call({"op": "released"})["released"]]

    def released_ack(self, items: Iterable[Released]) -> int:
        """These stand on a certificate: vaultd need not tell again."""
        return int(self._call({"op": "released_ack", "released": [list(astuple(i)) for i in items]})["count"])
