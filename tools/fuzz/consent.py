"""What officers' signatures are read from, fuzzed: proofs, assertions of security keys, bodies of acts, key files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from gwanje.kernel.base64url import to_text
from gwanje.kernel.canonical import NotCanonical, decode, encode
from gwanje.vault import attest, consent_words
from gwanje.vault.attest import Proof
from gwanje.vault.errors import VaultError

GOLDEN = Path(__file__).parents[2] / "tests" / "vault" / "consent.json"
DECLARED = (VaultError, NotCanonical)
_ZONE = ZoneInfo("Asia/Seoul")
# the first byte of an input says how it is read: a whole proof, one of a proof's three materials, a key, a body,
# a browser's new key
_PROOF, _MATERIAL, _KEY, _BODY, _NEW = b"p", b"012", b"k", b"b", b"n"


class Accepted(AssertionError):
    """Altered bytes were taken for an officer's signature."""


class Reader:
    """Reads one input against the golden consents; everything but they themselves must be refused."""

    def __init__(self) -> None:
        golden = json.loads(GOLDEN.read_text())
        self.origin: str = golden["origin"]
        self.body = bytes.fromhex(golden["body"])
        self.known = {bytes.fromhex(p["proof"]): bytes.fromhex(p["cose"]) for p in golden["proofs"]}
        self.signed = [(Proof.read(sealed), cose) for sealed, cose in self.known.items()]

    def seeds(self) -> list[bytes]:
        """Every golden piece under its first byte."""
        found = [_PROOF + sealed for sealed in self.known] + [_BODY + self.body]
        for proof, cose in self.signed:
            found += [_KEY + cose, _NEW + self._attested(cose)]
            found += [_MATERIAL[n : n + 1] + piece for n, piece in enumerate(proof.material)]
        return found

    def read(self, data: bytes) -> None:
        """Refused with one of ``DECLARED``, or golden."""
        how, rest = data[:1], data[1:]
        if how == _BODY:
            body = decode(rest)
            consent_words.rows("open", body if isinstance(body, dict) else {}, _ZONE)
        elif how == _KEY:
            attest.check_cose(rest)
        elif how == _NEW:
            self._registration(rest)
        elif how and how in _MATERIAL:
            self._assertion(int(how), rest)
        else:
            self._proof(rest)

    def _attested(self, cose: bytes) -> bytes:
        host = hashlib.sha256(attest.rp_id(self.origin).encode()).digest()
        data = host + bytes([69]) + bytes(4) + bytes(16) + b"\0\x20" + bytes(32) + cose
        return encode({"fmt": "none", "attStmt": {}, "authData": data})

    def _registration(self, attested: bytes) -> None:
        client = {"type": "webauthn.create", "challenge": to_text(bytes(32)), "origin": self.origin}
        response = {"clientDataJSON": to_text(json.dumps(client).encode()), "attestationObject": to_text(attested)}
        name = to_text(bytes(32))
        credential = {"id": name, "rawId": name, "type": "public-key", "response": response}
        attest.verify_registration(credential, bytes(32), self.origin)

    def _proof(self, sealed: bytes) -> None:
        proof = Proof.read(sealed)
        for known, cose in self.known.items():
            try:
                attest.verify_consent(proof, cose, self.origin)
            except VaultError:
                continue
            # role, time and the like are under vaultd's HMAC, not under the officer's signature
            if Proof.read(known).challenge != proof.challenge:
                raise Accepted("another challenge")

    def _assertion(self, place: int, piece: bytes) -> None:
        proof, cose = next(item for item in self.signed if item[0].method == "webauthn")
        if piece == proof.material[place]:
            return
        changed = (*proof.material[:place], piece, *proof.material[place + 1 :])
        attest.verify_consent(replace(proof, material=changed), cose, self.origin)
        if place != 2:
            raise Accepted(f"material {place}")
