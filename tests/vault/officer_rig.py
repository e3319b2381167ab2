"""Officers who sign in tests: a security key in software (real CBOR, real signatures), a vault that asks for them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from conftest_vault import DECISION, Centre
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel.base64url import from_text, to_text
from gwanje.kernel.canonical import encode
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.vault import approvals, attest, officer_keys
from gwanje.vault.approvals import Act
from gwanje.vault.consent import Consents
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError

UP, UV, AT = 1, 4, 64


class SecurityKey:
    """An authenticator: ES256 or EdDSA, with a counter; its faults are the tests'."""

    def __init__(self, origin: str, alg: int = -7, counter: int = 0) -> None:
        self.origin, self.alg, self.counter = origin, alg, counter
        self.credential = os.urandom(32)
        if alg == -7:
            self._ec = ec.generate_private_key(ec.SECP256R1())
            point = self._ec.public_key().public_numbers()
            self.cose = encode({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        else:
            self._ed = Ed25519PrivateKey.generate()
            self.cose = attest.ed25519_cose(public_bytes(self._ed))

    def sign(self, data: bytes) -> bytes:
        return self._ec.sign(data, ec.ECDSA(hashes.SHA256())) if self.alg == -7 else self._ed.sign(data)

    def _client(self, kind: str, challenge: str, origin: str | None, **more: Any) -> bytes:
        said = {"type": f"webauthn.{kind}", "challenge": challenge, "origin": origin or self.origin, **more}
        return json.dumps({"crossOrigin": False, **said}).encode()

    def _data(self, rp: str | None, flags: int, tail: bytes = b"") -> bytes:
        named = hashlib.sha256((rp or attest.rp_id(self.origin)).encode()).digest()
        return named + bytes([flags]) + self.counter.to_bytes(4, "big") + tail

    def get(
        self, options: dict, *, origin: str | None = None, rp: str | None = None, flags: int = UP | UV,
        challenge: str | None = None, step: int = 1, kind: str = "get", **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """What ``navigator.credentials.get`` answers."""
        if self.counter:
            self.counter += step
        client = self._client(kind, challenge or options["challenge"], origin, **more)
        data = self._data(rp, flags)
        response = {
            "clientDataJSON": to_text(client), "authenticatorData": to_text(data),
            "signature": to_text(self.sign(data + hashlib.sha256(client).digest())),
        }  # fmt: skip
        return self._credential(response)

    def create(
        self, options: dict, *, origin: str | None = None, flags: int = UP | UV | AT, challenge: str | None = None,
        fmt: str = "none", **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """What ``navigator.credentials.create`` answers, attestation none."""
        tail = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self.cose
        attested = encode({"fmt": fmt, "attStmt": {}, "authData": self._data(options["rp"]["id"], flags, tail)})
        client = self._client("create", challenge or options["challenge"], origin, **more)
        return self._credential({"clientDataJSON": to_text(client), "attestationObject": to_text(attested)})

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = to_text(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def fields(self, person: UUID, role: str, **more: Any) -> dict[str, Any]:
        """As ``key_add`` takes it."""
        made = {"person": person.bytes, "role": role, "kind": "webauthn", "cose": self.cose}
        return {**made, "credential": self.credential, "counter": self.counter, **more}


class SealedKey:
    """A key of ``gwanje officer``, opened."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.cose = attest.ed25519_cose(public_bytes(self.private))
        self.id = attest.key_id(self.cose)

    def fields(self, person: UUID, role: str, **more: Any) -> dict[str, Any]:
        proof = self.private.sign(officer_keys.POSSESSION + person.bytes + self.cose)
        return {
            "person": person.bytes, "role": role, "kind": "key", "cose": self.cose, "possession": proof, **more,
        }  # fmt: skip

    def sign(self, challenge: bytes) -> bytes:
        return self.private.sign(attest.KEY_LABEL + challenge)


@dataclass
class Officers:
    """A centre whose requester, manager and chief have keys, so that signing is on."""

    centre: Centre
    vault: Vault
    consents: Consents
    keys: dict[UUID, Any] = field(default_factory=dict)

    def body(self, slot: int = 0, **changes: Any) -> dict[str, Any]:
        """What is shown before stored video opens."""
        now = self.vault.clock.now_s()
        fields: dict[str, Any] = {
            "decision": DECISION, "norms": ["playback.ground"], "cameras": [[self.centre.camera.bytes, slot, 0]],
            "first": now - 60, "until": now - 50, "person": self.centre.requester.id.bytes, "action": "view",
            "ground": "investigation", "case": "형사과-1234", "hold": None,
        }  # fmt: skip
        return {**fields, **changes}

    def sign(self, id_: bytes, person: UUID, **faults: Any) -> Approval:
        key = self.keys[person]
        if isinstance(key, SealedKey):
            return self.consents.finish_key(id_, person, key.id, key.sign(self.consents.challenge(id_, person)))
        return self.consents.finish(id_, person, key.get(self.consents.options(id_, person), **faults))

    def signed(self, body: dict[str, Any], *people: UUID, kind: str = "open") -> list[Approval]:
        """Consents of these (requester and manager without any) to one act."""
        id_ = self.consents.pend(kind, body)
        for person in people or (self.centre.requester.id, self.centre.approver.id):
            self.sign(id_, person)
        return [Approval.of(a) for a in self.consents.consents(id_)]


def officers(centre: Centre, vault: Vault) -> Officers:
    """Give three officers their keys: ES256, EdDSA with a counter, and a sealed key."""
    origin = sign_origin(centre.home)
    made = Officers(centre, vault, Consents(vault))
    keys = [SecurityKey(origin), SecurityKey(origin, -8, counter=5), SealedKey()]
    with vault.change() as draft:
        for person, key in zip((centre.requester, centre.approver, centre.second), keys, strict=True):
            officer_keys.add(draft, key.fields(person.id, person.role), vault.clock.now_s())
            made.keys[person.id] = key
    return made


def bytes_of(text: str) -> bytes:
    return from_text(text, 8192)


def refused(call: Any) -> VaultError:
    """The refusal of a call, in two languages."""
    with pytest.raises(VaultError) as found:
        call()
    assert " / " in str(found.value)
    return found.value


def code(call: Any) -> str:
    return refused(call).code


def check(scene: Officers, body: dict[str, Any], given: list[Approval], kind: str = "open") -> None:
    approvals.check(scene.vault, Act(kind, scene.centre.requester.id, body), given)


def moved(scene: Officers, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Set this process's clock on by so much."""
    now = scene.vault.clock.now_us() + seconds * 1_000_000
    monkeypatch.setattr(scene.vault.clock, "now_us", lambda: now)


def lent(centre: Centre, vault: Vault) -> Officers:
    """Officers with keys, and a camera that has been lent its keys."""
    vault.slots([centre.camera])
    vault.lend(1, 0, vault.clock.now_s() // 3600)
    return officers(centre, vault)


def body_of_hold(scene: Officers) -> dict[str, Any]:
    """An act of kind ``hold`` as officers are shown it."""
    now, person = scene.vault.clock.now_s(), scene.centre.requester.id.bytes
    return {
        "decision": DECISION, "person": person, "id": uuid7().bytes, "kind": "investigation", "ground": "수사",
        "case": "1", "reviewer": person, "spans": [[scene.centre.camera.bytes, 0, 1, now - 60, now]], "ends": now + 9,
    }  # fmt: skip
