"""Officers' keys in the registry (담당공무원 서명키 등록·해제·대결): tickets for security keys, and changes of a draft.

The first three officers' keys switch ``signing`` on, for ever. A registry that could no longer sign is refused: who
ends, retires or renames must leave enough officers with keys.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel.base64url import to_text
from gwanje.kernel.canonical import decode, nfc
from gwanje.kernel.hosts import sign_origin
from gwanje.vault import attest, codes
from gwanje.vault.approvals import KINDS, NEVER
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.records import KEY_KINDS, Delegation, Officer, OfficerKey
from gwanje.vault.state import State

FIRST_KEYS: Final = 3
QUORUM: Final = 2
KEYS_MAX: Final = 5
DELEGATES_MAX: Final = 8
DELEGATED_S_MAX: Final = 366 * 86_400
LABEL_MAX: Final = 100
TICKETS_MAX: Final = 100
TICKET_S: Final = 15 * 60
POSSESSION: Final = b"gwanje/v1/officer-key\0"
_NEVER_S: Final = 1 << 40


def quorum(state: State) -> int:
    """How many officers sign a change of the registry (a rule; two without one)."""
    return int(state.rules.get("quorum", QUORUM))


def signers(state: State, now: int) -> set[UUID]:
    """Who could sign a change of the registry at Unix second ``now``: a console role in force and a key in force."""
    return {
        entry.id
        for entry in state.officers.values()
        if entry.role in state.rules["console"]
        and entry.in_force(now)
        and any(
            key.since <= now for other in state.officers.values() if other.id == entry.id and other.in_force(now)
            for key in other.keys
        )
    }  # fmt: skip


def enough(draft: State, now: int) -> None:
    """VaultError ``key_last`` when a draft that signs would be left with fewer signers than its quorum."""
    if draft.signing and len(signers(draft, now)) < quorum(draft):
        raise VaultError("key_last")


def entry_of(state: State, fields: Mapping[str, Any]) -> Officer:
    """The entry that ``person`` (16 bytes) and ``role`` name; VaultError ``officer_unknown``."""
    try:
        found = state.officers.get((UUID(bytes=fields["person"]), str(fields["role"])))
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError("officer_unknown") from error
    if found is None or found.role in NEVER:
        raise VaultError("officer_unknown", str(fields["role"])[:40])
    return found


def key_of(fields: Mapping[str, Any]) -> OfficerKey:
    """An OfficerKey from the fields kind, cose, credential, counter, since, label, possession; ``key_field``."""
    try:
        key = OfficerKey(
            str(fields["kind"]), attest.check_cose(bytes(fields["cose"])), bytes(fields.get("credential", b"")),
            int(fields.get("counter", 0)), int(fields.get("since", 0)), nfc(str(fields.get("label", ""))),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError("key_field", type(error).__name__) from error
    numbers = 0 <= key.counter < 1 << 32 and 0 <= key.since < _NEVER_S
    named = (key.kind == "webauthn") == bool(key.credential) and len(key.credential) <= 1024
    if key.kind not in KEY_KINDS or not numbers or not named or len(key.label) > LABEL_MAX:
        raise VaultError("key_field", key.kind[:20])
    if key.kind == "key":
        _possessed(UUID(bytes=fields["person"]), key.cose, fields.get("possession", b""))
    return key


def _possessed(person: UUID, cose: bytes, signature: Any) -> None:
    """A key of ``gwanje officer`` is registered by whoever has it: it signed its own registration."""
    try:
        Ed25519PublicKey.from_public_bytes(decode(cose)[-2]).verify(signature, POSSESSION + person.bytes + cose)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise VaultError("key_field", "possession") from error


def add(draft: State, fields: Mapping[str, Any], now: int) -> tuple[Officer, OfficerKey, bool]:
    """Put a key into a draft: (entry, key, whether ``signing`` went on with it).

    While signing is on the key counts ``cooling_s`` later at the earliest; one for the day of transfer (인사이동)
    carries its ``since`` in the future.
    """
    entry, key = entry_of(draft, fields), key_of(fields)
    if any(k.cose == key.cose for o in draft.officers.values() for k in o.keys):
        raise VaultError("key_known")
    if len(entry.keys) >= KEYS_MAX:
        raise VaultError("limit", f"{KEYS_MAX} keys an officer")
    if draft.signing:
        key = replace(key, since=max(key.since, now + int(draft.rules.get("cooling_s", 0))))
    draft.officers[entry.id, entry.role] = replace(entry, keys=(*entry.keys, key))
    people = {o.id for o in draft.officers.values() if o.in_force(now) and any(k.since <= now for k in o.keys)}
    on = not draft.signing and len(people) >= FIRST_KEYS and len(signers(draft, now)) >= quorum(draft)
    draft.signing = draft.signing or on
    return draft.officers[entry.id, entry.role], key, on


def retire(draft: State, fields: Mapping[str, Any], now: int) -> tuple[Officer, OfficerKey]:
    """Take a lost or copied key out of a draft (분실·복제 키 해제), and the spoken codes that it may have made.

    ``key_unknown``, ``key_last``.
    """
    entry = entry_of(draft, fields)
    key = next((k for k in entry.keys if attest.key_id(k.cose) == fields.get("key")), None)
    if key is None:
        raise VaultError("key_unknown")
    draft.officers[entry.id, entry.role] = replace(entry, keys=tuple(k for k in entry.keys if k != key))
    codes.void(draft, entry.id)
    enough(draft, now)
    return entry, key


def delegate(draft: State, fields: Mapping[str, Any], now: int) -> Officer:
    """Name who may consent in an officer's place, from when until when and to what (전결·대결), in a draft.

    Fields person and role (whose power), to (16 bytes), since, until (Unix s), scope (kinds of acts). An ``until`` that
    has come ends what stood. ``delegation_field``.
    """
    entry = entry_of(draft, fields)
    try:
        scope = tuple(sorted({str(kind) for kind in fields["scope"]}))
        made = Delegation(UUID(bytes=fields["to"]), int(fields["since"]), int(fields["until"]), scope)
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError("delegation_field", type(error).__name__) from error
    known = any(person == made.person and role not in NEVER for person, role in draft.officers)
    length = 0 < made.until - made.since <= DELEGATED_S_MAX
    if not known or made.person == entry.id or not length or not scope or not set(scope) <= set(KINDS):
        raise VaultError("delegation_field")
    kept = tuple(d for d in entry.delegates if d.person != made.person and d.until > now)
    if made.until > now:
        kept = (*kept, made)
    if len(kept) > DELEGATES_MAX:
        raise VaultError("limit", f"{DELEGATES_MAX} delegates")
    draft.officers[entry.id, entry.role] = replace(entry, delegates=kept)
    return draft.officers[entry.id, entry.role]


@dataclass
class Ticket:
    """A registration under way: whose key, and the key once the browser has made it."""

    person: UUID
    role: str
    label: str
    until: float
    challenge: bytes = b""
    made: OfficerKey | None = None


class Tickets:
    """Security keys on their way into the registry: the console makes a ticket, the officer's browser makes the key on
    vaultd's own page, and two officers put it in by its fingerprint. Memory only, 15 minutes; safe for threads."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._tickets: dict[bytes, Ticket] = {}
        self._lock = threading.Lock()

    def make(self, person: UUID, role: str, label: str = "") -> bytes:
        """A ticket (16 bytes, secret) of ``/register/<ticket in hex>``; ``officer_unknown``, ``consent_full``."""
        entry_of(self.vault.state, {"person": person.bytes, "role": role})
        if len(label) > LABEL_MAX or (label and not label.isprintable()):
            raise VaultError("key_field", "label")
        with self._lock:
            now = monotonic()
            self._tickets = {id_: t for id_, t in self._tickets.items() if now < t.until}
            if len(self._tickets) >= TICKETS_MAX:
                raise VaultError("consent_full")
            id_ = os.urandom(16)
            self._tickets[id_] = Ticket(person, role, nfc(label), now + TICKET_S)
        return id_

    def shown(self, ticket: bytes) -> Ticket:
        """Whose key is made there; ``ticket_gone``, the same for unknown and ended."""
        found = self._tickets.get(ticket)
        if found is None or found.until <= monotonic():
            raise VaultError("ticket_gone")
        return found

    def options(self, ticket: bytes) -> dict[str, Any]:
        """``publicKey`` of ``navigator.credentials.create`` as JSON values, bytes in base64url."""
        with self._lock:
            found = self.shown(ticket)
            if found.made is not None:
                raise VaultError("ticket_gone")
            found.challenge = os.urandom(32)
            known = [k for o in self.vault.state.officers.values() if o.id == found.person for k in o.keys]
            return {
                "challenge": to_text(found.challenge),
                "rp": {"id": attest.rp_id(sign_origin(self.vault.home)), "name": "관제 gwanje"},
                "user": {
                    "id": to_text(found.person.bytes), "name": str(found.person), "displayName": str(found.person),
                },
                "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-8, -7)],
                "excludeCredentials": [
                    {"type": "public-key", "id": to_text(k.credential)} for k in known if k.credential
                ],
                "authenticatorSelection": {"userVerification": "required", "residentKey": "discouraged"},
                "attestation": "none",
                "timeout": 300_000,
            }  # fmt: skip

    def finish(self, ticket: bytes, credential: Mapping[str, Any]) -> bytes:
        """Take the browser's new key (PublicKeyCredential's JSON) as the ticket's; returns its fingerprint, 16 bytes.

        It counts for nothing until officers have put it into the registry. ``ticket_gone``, ``consent_nonce``,
        ``consent_signature`` (detail says which check), ``key_field``.
        """
        with self._lock:
            found = self.shown(ticket)
            challenge, found.challenge = found.challenge, b""
            if not challenge or found.made is not None:
                raise VaultError("consent_nonce")
            found.made = self._verified(found, challenge, credential)
            return attest.key_id(found.made.cose)

    def _verified(self, ticket: Ticket, challenge: bytes, credential: Mapping[str, Any]) -> OfficerKey:
        origin = sign_origin(self.vault.home)
        cose, name, counter = attest.verify_registration(credential, challenge, origin)
        return OfficerKey("webauthn", cose, name, counter, 0, ticket.label)

    def fields(self, ticket: bytes) -> dict[str, Any]:
        """The made key as ``key_add`` takes it; ``ticket_gone`` while there is none."""
        found = self.shown(ticket)
        if found.made is None:
            raise VaultError("ticket_gone")
        key = found.made
        return {
            "person": found.person.bytes, "role": found.role, "kind": key.kind, "cose": key.cose,
            "credential": key.credential, "counter": key.counter, "since": key.since, "label": key.label,
        }  # fmt: skip
