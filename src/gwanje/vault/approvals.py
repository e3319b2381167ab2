"""Who consented to an act (승인 확인): two different officers of the registry, in roles that the rules in force name.

One door for every act that opens, holds or deletes: a Permit, a hold, its prolongation, its end, a puncture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from gwanje.kernel.canonical import encode
from gwanje.kernel.clock import Clock
from gwanje.kernel.home import Home
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.permit import Approval
from gwanje.law import upholds
from gwanje.vault import attest, codes
from gwanje.vault.attest import Proof
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Officer, OfficerKey
from gwanje.vault.state import State

KINDS: Final = ("open", "hold", "prolong", "end", "puncture")
NEVER: Final = ("administrator", "maintenance")
AGE_MAX_S: Final = 96 * 3600
AHEAD_S: Final = 60
OPENS_MAX: Final = 10
USES_MAX: Final = 200_000


class Registry(Protocol):
    """What this room needs of a vault."""

    clock: Clock
    home: Home

    @property
    def state(self) -> State: ...


@dataclass(frozen=True)
class Act:
    """What is consented to. ``kind`` of ``KINDS``; ``person`` who asks; ``body`` every field that officers were shown.

    ``body`` holds ``decision``, the SHA-256 of the centre's Decision, and ``person`` (16 bytes).
    """

    kind: str
    person: UUID
    body: Mapping[str, Any]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical body."""
        return hashlib.sha256(encode(dict(self.body))).digest()


@upholds("playback.approval")
def check(vault: Registry, act: Act, approvals: Sequence[Approval], *, alone: bool = False) -> None:
    """Raise VaultError unless the asking officer and another one consented to exactly this act.

    ``approvals[0]`` is the requester's. Until officers have keys their accounts' word counts, and says ``unsigned``.
    ``alone``: the requester is enough, for an act that opens nothing and closes nothing (provisional hold).
    """
    state, now = vault.state, vault.clock.now_s()
    if not approvals or (len(approvals) < 2 and not alone):
        raise VaultError("approver_missing")
    requester, *approvers = approvals
    people = [a.person for a in approvals]
    if len(set(people)) != len(people):
        raise VaultError("approver_same")
    if requester.person != act.person:
        raise VaultError("requester")
    owners = []
    for approval in approvals:
        if approval.decision != act.body["decision"]:
            raise VaultError("permit_field", "an approval is of another Decision")
        attested(vault, act, approval)
        asks = approval is requester
        owners.append(officer(vault, approval.person, approval.role, now, None if asks else act).id)
    if len(set(owners)) != len(owners):
        # a deputy in the requester's own place would be the requester twice
        raise VaultError("approver_same")
    if requester.role not in state.rules["requesters"]:
        raise VaultError("requester_role", requester.role)
    for approval in approvers:
        if approval.role not in state.rules["approvers"]:
            raise VaultError("approver_role", approval.role)


@upholds("playback.approval")
def attested(vault: Registry, act: Act, approval: Approval) -> None:
    """Raise VaultError unless the consent is what the registry asks for: an account's word, or a signature.

    Once ``signing`` is on: vaultd's own HMAC, the same act, no older than 96 h, a key in force, the signature afresh.
    """
    state, now = vault.state, vault.clock.now_s()
    if approval.method == "unsigned" and not approval.signature:
        if state.signing:
            raise VaultError("signature_missing")
        return
    if approval.method not in attest.METHODS:
        raise VaultError("signature_unavailable", approval.method)
    proof = Proof.open(approval.signature, attest.mac_key(state.log_key))
    said = (proof.person, proof.role, proof.method, proof.at_us)
    if said != (approval.person, approval.role, approval.method, approval.at_us):
        raise VaultError("consent_forged", "the approval says otherwise than its proof")
    if proof.kind != act.kind or proof.digest != act.digest:
        raise VaultError("consent_other")
    if not -AHEAD_S <= now - proof.at_us // 1_000_000 <= AGE_MAX_S:
        raise VaultError("consent_old")
    if state.uses.get(consent_id(approval), (0, 0))[0] >= OPENS_MAX:
        raise VaultError("consent_spent")
    if proof.method == "spoken":
        # its officer may sign nothing else by a word over the telephone, and nobody asks by one
        if approval.person == act.person:
            raise VaultError("code_scope")
        codes.within(state, act.kind, act.body)
        codes.standing(state, approval.person, now)
        return
    key = next((k for k in keys_of(state, approval.person, now) if attest.key_id(k.cose) == proof.key), None)
    if key is None or key.kind != proof.method:
        raise VaultError("consent_key")
    attest.verify_consent(proof, key.cose, sign_origin(vault.home))


def consent_id(approval: Approval) -> bytes:
    """The name of one consent: first 16 bytes of the SHA-256 of its proof."""
    return hashlib.sha256(approval.signature).digest()[:16]


def count(draft: State, approvals: Sequence[Approval], now: int) -> None:
    """A Permit is redeemed: its consents opened once more (``OPENS_MAX`` each); those nobody may use are forgotten."""
    if draft.alarm is None:
        # a clock in doubt forgets nothing
        for id_ in [id_ for id_, (_, until) in draft.uses.items() if until < now]:
            del draft.uses[id_]
    for approval in approvals:
        if approval.signature:
            id_ = consent_id(approval)
            # a clock set back must not revive it: twice its life
            draft.uses[id_] = (draft.uses.get(id_, (0, 0))[0] + 1, approval.at_us // 1_000_000 + 2 * AGE_MAX_S)
    if len(draft.uses) > USES_MAX:
        raise VaultError("limit", f"{USES_MAX} consents")


def entries(state: State, person: UUID, now: int) -> Iterator[Officer]:
    """A person's entries in force at Unix second ``now``, but for roles that never consent."""
    for entry in state.officers.values():
        if entry.id == person and entry.in_force(now) and entry.role not in NEVER:
            yield entry


def keys_of(state: State, person: UUID, now: int) -> list[OfficerKey]:
    """The keys a person may sign with at Unix second ``now``."""
    return [key for entry in entries(state, person, now) for key in entry.keys if key.since <= now]


def officer(vault: Registry, person: UUID, role: str, now: int, act: Act | None = None) -> Officer:
    """The entry in whose power a person acts in a role at Unix second ``now``; VaultError ``officer_unknown``.

    The own entry; with an ``act`` also one that delegates its kind to the person on this day (전결·대결).
    """
    if role not in NEVER:
        for entry in entries(vault.state, person, now):
            if entry.role == role:
                return entry
        delegated = place_of(vault.state, person, role, now, act) if act else None
        if delegated is not None:
            return delegated
    raise VaultError("officer_unknown", role)


def place_of(state: State, person: UUID, role: str, now: int, act: Act) -> Officer | None:
    """The officer in whose place a registered person consents to an act in a role today, None without one.

    Never in the place of who asks: that would be one officer's word twice.
    """
    if not any(entries(state, person, now)):
        return None
    for entry in state.officers.values():
        if entry.role != role or role in NEVER or entry.id == act.person or not entry.in_force(now):
            continue
        for delegate in entry.delegates:
            if delegate.person == person and delegate.since <= now < delegate.until and act.kind in delegate.scope:
                return entry
    return None


def powers(state: State, person: UUID, act: Act, now: int) -> tuple[str, Officer]:
    """The role in which a person signs an act, and the entry whose power that is; VaultError ``consent_role``.

    Who asks signs in an own role of the requesters; anybody else in a role of the approvers, own or delegated.
    """
    asks = person == act.person
    for role in state.rules["requesters" if asks else "approvers"]:
        own = next((entry for entry in entries(state, person, now) if entry.role == role), None)
        found = own or (None if asks else place_of(state, person, role, now, act))
        if found is not None:
            return role, found
    raise VaultError("consent_role")
