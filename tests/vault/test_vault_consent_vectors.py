"""Golden consents: a verifier written from 0022 alone, with no import of ``attest``, agrees with ours byte for byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel.canonical import decode, encode
from gwanje.vault import attest
from gwanje.vault.attest import Proof
from gwanje.vault.errors import VaultError

GOLDEN = json.loads((Path(__file__).parent / "consent.json").read_text())
CASES = [pytest.param(case, id=f"{case['method']}-{n}") for n, case in enumerate(GOLDEN["proofs"])]


def sha(*pieces: bytes) -> bytes:
    return hashlib.sha256(b"".join(pieces)).digest()


def stranger(sealed: bytes, body: bytes, cose: bytes, origin: str) -> bytes | None:
    """The challenge when a consent verifies, as 0022 says it; None when anything is off."""
    version, kind, digest, method, *_, seed, said, key, material, _mac = decode(sealed)
    if version != 1 or digest != sha(body) or key != sha(cose)[:16]:
        return None
    challenge = sha(b"gwanje/v1/consent\0", kind.encode(), digest, sha(b"gwanje/v1/consent-nonce\0", seed, said))
    fields = decode(cose)
    if method == "key":
        signature, data = material[0], b"gwanje/v1/consent-key\0" + challenge
    else:
        authenticator, client, signature = material
        said_client = json.loads(client)
        wanted = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        fits = (said_client["type"], said_client["challenge"], said_client["origin"]) == (
            "webauthn.get",
            wanted,
            origin,
        )
        framed = said_client.get("crossOrigin") or "topOrigin" in said_client
        host = origin.split("//")[1].split(":", maxsplit=1)[0]
        if not fits or framed or authenticator[:32] != sha(host.encode()) or authenticator[32] & 5 != 5:
            return None
        data = authenticator + sha(client)
    try:
        if fields[1] == 1:
            Ed25519PublicKey.from_public_bytes(fields[-2]).verify(signature, data)
        else:
            point = ec.EllipticCurvePublicNumbers(*(int.from_bytes(fields[n], "big") for n in (-2, -3)), ec.SECP256R1())
            point.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return None
    return challenge


@pytest.mark.parametrize("case", CASES)
def test_a_golden_consent_verifies_here_and_there(case):
    sealed, cose = bytes.fromhex(case["proof"]), bytes.fromhex(case["cose"])
    body, origin = bytes.fromhex(GOLDEN["body"]), GOLDEN["origin"]
    proof = Proof.read(sealed)
    assert attest.verify_consent(proof, cose, origin) in (0, 42)
    assert stranger(sealed, body, cose, origin) == proof.challenge == bytes.fromhex(case["challenge"])
    assert proof.said == sha(bytes.fromhex(GOLDEN["said"]))
    # vaultd's own seal: the bytes are what they were
    mac = hmac.digest(bytes.fromhex(GOLDEN["log_key"]), b"gwanje/v1/consent-mac\0", "sha256")
    assert proof.seal(mac) == sealed
    assert decode(sealed)[-1] == hmac.digest(mac, encode(decode(sealed)[:-1]), "sha256")


@pytest.mark.parametrize("case", CASES)
def test_both_refuse_every_altered_field(case):
    sealed, cose = bytes.fromhex(case["proof"]), bytes.fromhex(case["cose"])
    body, origin = bytes.fromhex(GOLDEN["body"]), GOLDEN["origin"]
    fields = decode(sealed)

    def ours(changed: bytes, at: str = origin) -> bool:
        try:
            attest.verify_consent(Proof.read(changed), cose, at)
        except VaultError:
            return False
        return Proof.read(changed).digest == sha(body)

    assert ours(sealed)
    wrong_material = [bytes([piece[0] ^ 1]) + piece[1:] for piece in fields[11]]
    altered = [(1, "hold"), (2, bytes(32)), (8, bytes(32)), (9, bytes(32)), (10, bytes(16))]
    altered += [
        (11, [*fields[11][:n], wrong, *fields[11][n + 1 :]]) for n, wrong in enumerate(wrong_material)
    ]  # fmt: skip
    for place, value in altered:
        changed = encode([*fields[:place], value, *fields[place + 1 :]])
        refused = False
        try:
            refused = stranger(changed, body, cose, origin) is None
        except ValueError:
            refused = True
        assert refused, place
        assert not ours(changed), place
    assert case["method"] == "key" or not ours(sealed, "https://other.example.kr")
    assert stranger(sealed, body + b"\0", cose, origin) is None


def test_a_signature_counts_by_its_own_method_and_form_only():
    found = {Proof.read(bytes.fromhex(c["proof"])).method: c for c in GOLDEN["proofs"]}
    for method, case in found.items():
        proof, cose = Proof.read(bytes.fromhex(case["proof"])), bytes.fromhex(case["cose"])
        other = "key" if method == "webauthn" else "webauthn"
        for changed in (
            replace(proof, method="spoken"), replace(proof, method=other), replace(proof, material=()),
            replace(proof, material=(*proof.material, b"")), replace(proof, material=proof.material[:-1]),
        ):  # fmt: skip
            with pytest.raises(VaultError) as no:
                attest.verify_consent(changed, cose, GOLDEN["origin"])
            assert no.value.code == "consent_signature"


def test_only_two_forms_of_key_are_keys():
    good = [decode(bytes.fromhex(case["cose"])) for case in GOLDEN["proofs"]]
    for fields in good:
        assert attest.check_cose(encode(fields)) == encode(fields)
        changes = [{1: 3}, {3: -257}, {-1: 4}, {4: 1}, {-2: bytes(31)}, {-2: "x"}, {-4: bytes(32)}]
        for change in [*changes, *([{-3: bytes(32)}] if -3 in fields else [])]:
            with pytest.raises(VaultError) as no:
                attest.check_cose(encode({**fields, **change}))
            assert no.value.code == "key_field", change
