"""Consents (담당공무원 서명): what waits to be signed, in vaultd's own words, and who signed it, verified here.

The web asks (``pend``), officers read and sign on vaultd's own pages or with ``gwanje officer``, the web fetches the
consents and gives them back with the act. Memory only: an act waits 15 minutes here, its consents live on in the
Approvals. Safe for threads; methods that write wait for a disk.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.base64url import from_text, to_text
from gwanje.kernel.canonical import NotCanonical, encode, nfc
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.permit import Approval
from gwanje.kernel.refusals import report
from gwanje.vault import attest, codes
from gwanje.vault.approvals import KINDS, Act, entries, keys_of, powers
from gwanje.vault.attest import Proof
from gwanje.vault.consent_words import Row, rows
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Code, Officer, OfficerKey

PENDING_MAX: Final = 1000
REGISTRY_MAX: Final = 100
BODY_MAX: Final = 64 * 1024
PENDING_S: Final = 15 * 60
NONCE_S: Final = 5 * 60
NONCES_MAX: Final = 16
TRIES_MAX: Final = 30
SAID_MAX: Final = 256
SAID_TEXT_MAX: Final = 300
BACK_MAX: Final = 500
WEB_KINDS: Final = (*KINDS, "codes")


@dataclass(frozen=True)
class Shown:
    """What an officer reads before signing. ``rows``: vaultd's own words; ``said``: names the centre has for UUIDs (its
    word, bound into the signature); ``asked_at`` Unix s; ``signatures`` so far; ``until`` seconds left."""

    kind: str
    body: Mapping[str, Any]
    rows: tuple[Row, ...]
    said: Mapping[str, str]
    asked_at: int
    left_s: int
    signatures: tuple[Approval, ...]
    back: str


@dataclass
class _Pending:
    act: Act
    rows: tuple[Row, ...]
    said: Mapping[str, str]
    said_digest: bytes
    back: str
    asked_at: int
    until: float
    nonces: dict[UUID, tuple[bytes, float]] = field(default_factory=dict)
    given: list[Approval] = field(default_factory=list)
    tries: int = 0


class Consents:
    """Everything that waits to be signed in one vault."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._pending: dict[bytes, _Pending] = {}
        self._lock = threading.RLock()
        self._guesses = codes.Guesses()

    # --- what waits -----------------------------------------------------------------------------------------------

    def pend(self, kind: str, body: Mapping[str, Any], said: Mapping[str, str] | None = None, back: str = "") -> bytes:
        """Take an act in to be signed; the id (16 bytes, secret) of its page, good for 15 minutes.

        ``said``: UUID or other key → the centre's name for it; ``back``: where the page leads afterwards.
        VaultError ``consent_field`` (something cannot be said in words), ``consent_full``.
        """
        names = {nfc(str(k)): nfc(str(v)) for k, v in (said or {}).items()}
        long = any(len(text) > SAID_TEXT_MAX for pair in names.items() for text in pair)
        if len(names) > SAID_MAX or long or len(back) > BACK_MAX:
            raise VaultError("consent_field", "said")
        try:
            wide = len(encode(dict(body)))
            act = Act(kind, self._asker(kind, body), dict(body))
        except (NotCanonical, KeyError, ValueError, TypeError) as error:
            raise VaultError(
                "consent_field", "person" if isinstance(error, KeyError) else type(error).__name__
            ) from error
        if wide > BODY_MAX:
            raise VaultError("consent_field", f"{wide} bytes")
        lines = rows(kind, act.body, self.vault.clock.zone, self.vault.state.holds)
        made = _Pending(
            act, lines, names, hashlib.sha256(encode(names)).digest(), back, self.vault.clock.now_s(),
            monotonic() + PENDING_S,
        )  # fmt: skip
        with self._lock:
            self._sweep()
            # a web that fills its own thousand must not keep a stolen key from being retired
            own = [p for p in self._pending.values() if (p.act.kind == "registry") == (kind == "registry")]
            if len(own) >= (REGISTRY_MAX if kind == "registry" else PENDING_MAX):
                raise VaultError("consent_full")
            id_ = os.urandom(16)
            self._pending[id_] = made
        return id_

    @staticmethod
    def _asker(kind: str, body: Mapping[str, Any]) -> UUID:
        # a change of the registry is asked by its first signer: nobody stands out
        return UUID(int=0) if kind == "registry" else UUID(bytes=body["person"])

    def _sweep(self) -> None:
        now = monotonic()
        for id_ in [id_ for id_, pending in self._pending.items() if pending.until <= now]:
            del self._pending[id_]

    def _find(self, id_: bytes) -> _Pending:
        pending = self._pending.get(id_)
        if pending is None or pending.until <= monotonic():
            raise VaultError("consent_gone")
        return pending

    def shown(self, id_: bytes) -> Shown:
        """What is signed there; VaultError ``consent_gone``, the same for unknown and ended."""
        with self._lock:
            p = self._find(id_)
            left = max(0, int(p.until - monotonic()))
            return Shown(p.act.kind, p.act.body, p.rows, p.said, p.asked_at, left, tuple(p.given), p.back)

    def consents(self, id_: bytes) -> list[dict[str, Any]]:
        """The Approvals' bodies given so far, the requester's first; ``consent_gone``."""
        with self._lock:
            p = self._find(id_)
            return [a.body() for a in sorted(p.given, key=lambda a: a.person != p.act.person)]

    def take(self, id_: bytes, kind: str) -> tuple[Act, list[Approval]]:
        """The act and its consents, and it waits no longer; ``consent_gone`` also when it is of another kind."""
        with self._lock:
            pending = self._find(id_)
            if pending.act.kind != kind:
                raise VaultError("consent_gone")
            del self._pending[id_]
            return pending.act, list(pending.given)

    # --- before signing -------------------------------------------------------------------------------------------

    def _powers(self, act: Act, person: UUID) -> tuple[str, Officer]:
        state, now = self.vault.state, self.vault.clock.now_s()
        if act.kind in KINDS:
            return powers(state, person, act, now)
        if act.kind == "codes" and person != act.person:
            raise VaultError("consent_role")
        for role in state.rules["approvers" if act.kind == "codes" else "console"]:
            for entry in entries(state, person, now):
                if entry.role == role:
                    return role, entry
        raise VaultError("consent_role")

    def _keys(self, person: UUID, kind: str) -> list[OfficerKey]:
        found = [k for k in keys_of(self.vault.state, person, self.vault.clock.now_s()) if k.kind == kind]
        if not found:
            raise VaultError("consent_key")
        return found

    def _nonce(self, pending: _Pending, person: UUID) -> bytes:
        """A fresh challenge for one person; the one before it is dead."""
        if any(a.person == person for a in pending.given):
            raise VaultError("consent_twice")
        self._powers(pending.act, person)
        if person not in pending.nonces and len(pending.nonces) >= NONCES_MAX:
            raise VaultError("consent_full")
        seed = os.urandom(32)
        pending.nonces[person] = (seed, monotonic() + NONCE_S)
        nonce = attest.nonce_of(seed, pending.said_digest)
        return attest.challenge_of(pending.act.kind, pending.act.digest, nonce)

    def options(self, id_: bytes, person: UUID) -> dict[str, Any]:
        """``publicKey`` of ``navigator.credentials.get`` as JSON values (bytes in base64url), its nonce kept 5 minutes.

        VaultError ``consent_gone``, ``consent_twice``, ``consent_role``, ``consent_key`` (no security key in force).
        """
        with self._lock:
            pending = self._find(id_)
            keys = self._keys(person, "webauthn")
            return {
                "challenge": to_text(self._nonce(pending, person)),
                "rpId": attest.rp_id(sign_origin(self.vault.home)),
                "allowCredentials": [{"type": "public-key", "id": to_text(k.credential)} for k in keys],
                "userVerification": "required",
                "timeout": NONCE_S * 1000,
            }

    def challenge(self, id_: bytes, person: UUID) -> bytes:
        """The 32 bytes that a key of ``gwanje officer`` signs (after ``attest.KEY_LABEL``); refusals as ``options``."""
        with self._lock:
            pending = self._find(id_)
            self._keys(person, "key")
            return self._nonce(pending, person)

    # --- signing --------------------------------------------------------------------------------------------------

    def _try(self, pending: _Pending, person: UUID) -> tuple[bytes, str, UUID | None]:
        """Use up a person's nonce: (seed, role, in whose place); also when what follows fails."""
        pending.tries += 1
        if pending.tries > TRIES_MAX:
            raise VaultError("consent_gone")
        seed, until = pending.nonces.pop(person, (b"", 0.0))
        if until <= monotonic():
            raise VaultError("consent_nonce")
        if any(a.person == person for a in pending.given):
            raise VaultError("consent_twice")
        role, entry = self._powers(pending.act, person)
        return seed, role, entry.id if entry.id != person else None

    def finish(self, id_: bytes, person: UUID, assertion: Mapping[str, Any]) -> Approval:
        """An officer's consent by a security key: ``assertion`` is PublicKeyCredential's JSON (id, rawId, response).

        VaultError ``consent_nonce``, ``consent_key``, ``consent_signature`` (detail says which check),
        ``consent_counter``, and those of ``options``. The nonce is used up by any try.
        """
        with self._lock:
            pending = self._find(id_)
            seed, role, place = self._try(pending, person)
            try:
                response = assertion["response"]
                credential = from_text(assertion["rawId"], 2048)
                names = ("authenticatorData", "clientDataJSON", "signature")
                material = tuple(from_text(response[name], 2 * attest.PROOF_MAX) for name in names)
            except (KeyError, TypeError, ValueError) as error:
                raise VaultError("consent_signature", "malformed") from error
            key = next((k for k in self._keys(person, "webauthn") if k.credential == credential), None)
            if key is None:
                raise VaultError("consent_key")
            proof = self._proof(pending, "webauthn", person, role, place, seed, attest.key_id(key.cose), material)
            counter = attest.verify_consent(proof, key.cose, sign_origin(self.vault.home))
            if (counter or key.counter) and counter <= key.counter:
                self._refused(person, key, counter)
                raise VaultError("consent_counter", f"{counter} <= {key.counter}")
            return self._give(pending, proof, replace(key, counter=counter))

    def finish_key(self, id_: bytes, person: UUID, key_id: bytes, signature: bytes) -> Approval:
        """An officer's consent by a key of ``gwanje officer``: Ed25519 over ``attest.KEY_LABEL`` ‖ ``challenge``."""
        with self._lock:
            pending = self._find(id_)
            seed, role, place = self._try(pending, person)
            key = next((k for k in self._keys(person, "key") if attest.key_id(k.cose) == key_id), None)
            if key is None:
                raise VaultError("consent_key")
            proof = self._proof(pending, "key", person, role, place, seed, key_id, (signature,))
            attest.verify_consent(proof, key.cose, sign_origin(self.vault.home))
            return self._give(pending, proof, key)

    def finish_code(self, id_: bytes, person: UUID, code: str, requester: UUID) -> Approval:
        """The consent of an absent officer (``person``) by a spoken code that the requester types in.

        After the requester's own signature only. VaultError ``signature_missing``, ``code_scope``, ``code_wrong``,
        ``code_locked``, ``code_suspended``, ``consent_role``, ``consent_twice``.
        """
        with self._lock:
            pending, now = self._find(id_), self.vault.clock.now_s()
            act = pending.act
            if not any(a.person == act.person == requester for a in pending.given):
                raise VaultError("signature_missing")
            if any(a.person == person for a in pending.given):
                raise VaultError("consent_twice")
            self._guesses.refuse(requester, monotonic())
            state = self.vault.state
            codes.within(state, act.kind, act.body)
            codes.standing(state, person, now)
            found = codes.find(state, person, code, now)
            if found is None:
                self._wrong(requester, person)
                raise VaultError("code_wrong")
            role, entry = self._powers(act, person)
            place = entry.id if entry.id != person else None
            material = (requester.bytes, codes.name_of(found))
            proof = self._proof(pending, "spoken", person, role, place, os.urandom(32), b"", material)
            return self._give(pending, proof, None, found)

    def _proof(  # noqa: PLR0917 - the record's own order
        self, pending: _Pending, method: str, person: UUID, role: str, place: UUID | None, seed: bytes, key: bytes,
        material: tuple[bytes, ...],
    ) -> Proof:  # fmt: skip
        at_us = self.vault.clock.now_us()
        act = pending.act
        return Proof(
            act.kind, act.digest, method, person, role, place, at_us, seed, pending.said_digest, key, material
        )  # fmt: skip

    # --- what is kept of it ---------------------------------------------------------------------------------------

    def _give(
        self, pending: _Pending, proof: Proof, key: OfficerKey | None, code: Code | None = None
    ) -> Approval:  # fmt: skip
        act, vault, now = pending.act, self.vault, self.vault.clock.now_s()
        sealed = proof.seal(attest.mac_key(vault.state.log_key))
        confirmed = False
        with vault._lock:
            duty = any((d.person, d.digest, d.confirmed) == (proof.person, act.digest, 0) for d in vault.state.duties)
            # a replica writes nothing but its promotion; officers sign that too, and the counter waits
            writes = not (vault.peers.standby and act.kind == "registry")
            if code is not None or (key is not None and writes and (key.counter or duty)):
                with vault.change() as draft:
                    if code is not None:
                        codes.spend(draft, code, act.digest, act.person, now)
                    elif key is not None:
                        _counted(draft.officers, proof.person, key)
                        confirmed = codes.confirm(draft, proof.person, act.digest, now)
        approval = Approval(
            proof.person, proof.role, act.body["decision"], proof.at_us, proof.method, sealed
        )  # fmt: skip
        self._witness(act, proof, sealed)
        if code is not None:
            self._fact("vault.code.used", proof, requester=str(act.person), code=proof.material[1].hex())
        if confirmed:
            self._fact("vault.code.confirmed", proof, requester=str(act.person))
        pending.given.append(approval)
        return approval

    def _witness(self, act: Act, proof: Proof, sealed: bytes) -> None:
        """vaultd's own row with all that a stranger needs; without it the consent is not given out."""
        detail = {
            "outcome": "done", "actor": proof.person, "role": proof.role, "decision": act.body["decision"],
            "kind": act.kind, "digest": act.digest.hex(), "method": proof.method, "proof": sealed,
            "place": proof.place, "norms": ["playback.approval"],
        }  # fmt: skip
        detail["act"] = detail.pop("kind")
        try:
            report(self.vault.home, "vault.consent.given", detail, service="vaultd")
        except (OSError, RuntimeError, ValueError) as error:
            raise VaultError("internal", "the spool of facts does not take the row") from error

    def _fact(self, kind: str, proof: Proof, **more: Any) -> None:
        detail = {"actor": proof.person, "role": proof.role, "digest": proof.digest.hex(), **more}
        self.vault.fact(kind, {**detail, "norms": ["playback.approval"]})

    def _refused(self, person: UUID, key: OfficerKey, counter: int) -> None:
        detail = {"outcome": "refused", "actor": person, "key": attest.key_id(key.cose).hex(), "counter": counter}
        more = {"known": key.counter, "norms": ["playback.approval"], "problem": "counter"}
        self.vault.fact("vault.consent.refused", {**detail, **more})

    def _wrong(self, requester: UUID, person: UUID) -> None:
        locked = self._guesses.wrong(requester, monotonic())
        detail = {"outcome": "refused", "actor": requester, "officer": str(person), "norms": ["playback.approval"]}
        self.vault.fact("vault.code.locked" if locked else "vault.code.refused", detail)

    # --- codes ----------------------------------------------------------------------------------------------------

    def make_codes(self, id_: bytes) -> list[str]:
        """The digits of an officer's new codes, once; after the officer signed the act of kind ``codes``.

        VaultError ``signature_missing``, ``code_delegation``, ``code_suspended``, ``limit``.
        """
        with self._lock:
            act = self._find(id_).act
            if act.kind != "codes" or not self._find(id_).given:
                raise VaultError("signature_missing")
            state, now = self.vault.state, self.vault.clock.now_s()
            approvers = state.rules["approvers"]
            mine = [e for e in entries(state, act.person, now) if e.role in approvers and e.delegation.strip()]
            if not mine:
                raise VaultError("code_delegation")
            codes.standing(state, act.person, now)
            with self.vault.change() as draft:
                digits = codes.make(draft, act.person, int(act.body["count"]), now)
            self.take(id_, "codes")
        detail = {"actor": act.person, "role": mine[0].role, "count": len(digits), "norms": ["playback.approval"]}
        self.vault.fact("vault.code.made", detail)
        return digits

    def lapse(self) -> int:
        """Say aloud, once, that a written confirmation lapsed (서면 확인 미이행); returns how many."""
        now = self.vault.clock.now_s()
        late = [d for d in self.vault.state.duties if not d.confirmed and not d.told and d.due <= now]
        if not late:
            return 0
        with self.vault.change() as draft:
            draft.duties = tuple(replace(d, told=True) if d in late else d for d in draft.duties)
        for duty in late:
            detail = {"outcome": "refused", "actor": duty.person, "digest": duty.digest.hex(), "used": duty.used}
            more = {"requester": str(duty.requester), "norms": ["playback.approval"]}
            self.vault.fact("vault.code.lapsed", {**detail, **more})
        return len(late)


def _counted(officers: dict[tuple[UUID, str], Officer], person: UUID, key: OfficerKey) -> None:
    """Put a key's new counter into a draft's registry."""
    for name, entry in _held(officers, person, key):
        fresh = tuple(key if k.cose == key.cose else k for k in entry.keys)
        officers[name] = replace(entry, keys=fresh)


def _held(
    officers: dict[tuple[UUID, str], Officer], person: UUID, key: OfficerKey
) -> Iterator[tuple[tuple[UUID, str], Officer]]:  # fmt: skip
    for name, entry in list(officers.items()):
        if entry.id == person and any(k.cose == key.cose for k in entry.keys):
            yield name, entry
