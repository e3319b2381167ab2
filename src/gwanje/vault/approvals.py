"""Who consented to an act (승인 확인): two different officers of the registry, in roles that the rules in force name.

One door for every act that opens, holds or deletes: a Permit, a hold, its prolongation, its end, a puncture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from gwanje.kernel.canonical import encode
from gwanje.kernel.clock import Clock
from gwanje.kernel.permit import Approval
from gwanje.law import upholds
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Officer
from gwanje.vault.state import State

KINDS: Final = ("open", "hold", "prolong", "end", "puncture")
NEVER: Final = ("administrator", "maintenance")


class Registry(Protocol):
    """What this room needs of a vault."""

    clock: Clock

    @property
    def state(self) -> State: ...


@dataclass(frozen=True)
class Act:
    """What is consented to. ``kind`` of ``KINDS``; ``person`` who asks; ``body`` every field that officers were shown.

    ``body`` holds ``decision``, the SHA-256 of the centre's Decision.
    """

    kind: str
    person: UUID
    body: Mapping[str, Any]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical body."""
        return hashlib.sha256(encode(dict(self.body))).digest()


@upholds("playback.approval")
def check(vault: Registry, act: Act, approvals: Sequence[Approval]) -> None:
    """Raise VaultError unless the asking officer and another one consented to exactly this act.

    ``approvals[0]`` is the requester's. Until officers have keys their accounts' word counts, and says ``unsigned``.
    """
    state, now = vault.state, vault.clock.now_s()
    requester, *approvers = approvals
    people = [a.person for a in approvals]
    if not approvers:
        raise VaultError("approver_missing")
    if len(set(people)) != len(people):
        raise VaultError("approver_same")
    if requester.person != act.person:
        raise VaultError("requester")
    for approval in approvals:
        if approval.decision != act.body["decision"]:
            raise VaultError("permit_field", "an approval is of another Decision")
        attested(state, act, approval)
        officer(vault, approval.person, approval.role, now)
    if requester.role not in state.rules["requesters"]:
        raise VaultError("requester_role", requester.role)
    for approval in approvers:
        if approval.role not in state.rules["approvers"]:
            raise VaultError("approver_role", approval.role)


def attested(state: State, act: Act, approval: Approval) -> None:
    """Raise VaultError unless the consent is what the registry asks for: an account's word, or a signature."""
    if approval.method != "unsigned" or approval.signature or state.signing:
        raise VaultError("signature_unavailable", approval.method)


def officer(vault: Registry, person: UUID, role: str, now: int) -> Officer:
    """The entry of a person in a role, in force at Unix second ``now``; VaultError ``officer_unknown``."""
    found = vault.state.officers.get((person, role))
    if found is None or not found.in_force(now) or role in NEVER:
        raise VaultError("officer_unknown", role)
    return found
