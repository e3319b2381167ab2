"""What an officer signed (서명 증빙): the bytes a consent leaves behind, and how anybody checks them; pure functions.

Layout and order of the checks stand in docs/design/0022-officers.md, so that a verifier can be written from it alone.
WebAuthn Level 3 section 7.2, RFC 9052/9053 (COSE), RFC 8032 (Ed25519).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel.base64url import from_text, to_text
from gwanje.kernel.canonical import NotCanonical, decode, encode
from gwanje.vault.errors import VaultError

LABEL: Final = b"gwanje/v1/consent\0"
KEY_LABEL: Final = b"gwanje/v1/consent-key\0"
_NONCE_LABEL: Final = b"gwanje/v1/consent-nonce\0"
_MAC_LABEL: Final = b"gwanje/v1/consent-mac\0"
METHODS: Final = ("webauthn", "key", "spoken")
PROOF_MAX: Final = 4096
_OKP, _EC2 = {1: 1, 3: -8, -1: 6}, {1: 2, 3: -7, -1: 1}


def nonce_of(seed: bytes, said: bytes) -> bytes:
    """The nonce of 32 bytes: vaultd's random seed, and SHA-256 of what the centre said beside the body."""
    return hashlib.sha256(_NONCE_LABEL + seed + said).digest()


def challenge_of(kind: str, digest: bytes, nonce: bytes) -> bytes:
    """What is signed, 32 bytes: SHA-256(label ‖ kind ‖ SHA-256(body) ‖ nonce)."""
    return hashlib.sha256(LABEL + kind.encode() + digest + nonce).digest()


def mac_key(log_key: bytes) -> bytes:
    """vaultd's own key over consents, from the open-log's."""
    return hmac.digest(log_key, _MAC_LABEL, "sha256")


def key_id(cose: bytes) -> bytes:
    """First 16 bytes of SHA-256 over the COSE_Key: how a key is named and read aloud."""
    return hashlib.sha256(cose).digest()[:16]


def ed25519_cose(public: bytes) -> bytes:
    """COSE_Key of a 32-byte Ed25519 public key."""
    return encode({**_OKP, -2: public})


def check_cose(cose: bytes) -> bytes:
    """The same bytes when they are a canonical Ed25519 or ES256 COSE_Key with a point on the curve; ``key_field``."""
    try:
        fields = decode(cose)
        x = fields[-2]
        if fields == {**_OKP, -2: x} and len(x) == 32:
            Ed25519PublicKey.from_public_bytes(x)
            return cose
        y = fields[-3]
        if fields == {**_EC2, -2: x, -3: y} and len(x) == len(y) == 32:
            numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
            numbers.public_key()
            return cose
    except (NotCanonical, ValueError, TypeError, KeyError, IndexError) as error:
        raise VaultError("key_field", type(error).__name__) from error
    raise VaultError("key_field", "neither Ed25519 nor ES256")


@dataclass(frozen=True)
class Proof:
    """A consent as it is kept: everything a stranger needs but the officer's public key.

    ``digest`` SHA-256 of the body; ``place`` whose power it is when by delegation; ``at_us`` Unix µs; ``seed`` and
    ``said`` make the nonce; ``key`` names the officer's key. ``material``: webauthn: authenticatorData,
    clientDataJSON, signature; key: signature; spoken: requester (16 bytes), name of the code (16 bytes).
    """

    kind: str
    digest: bytes
    method: str
    person: UUID
    role: str
    place: UUID | None
    at_us: int
    seed: bytes
    said: bytes
    key: bytes
    material: tuple[bytes, ...]

    def body(self) -> list[Any]:
        """The canonical list, version 1."""
        place = self.place.bytes if self.place else b""
        return [
            1, self.kind, self.digest, self.method, self.person.bytes, self.role, place, self.at_us,
            self.seed, self.said, self.key, list(self.material),
        ]  # fmt: skip

    @property
    def challenge(self) -> bytes:
        """What the officer's key signed."""
        return challenge_of(self.kind, self.digest, nonce_of(self.seed, self.said))

    def seal(self, key: bytes) -> bytes:
        """The bytes that stand in an Approval: the list with vaultd's HMAC; ``consent_field`` over 4096."""
        sealed = encode([*self.body(), hmac.digest(key, encode(self.body()), "sha256")])
        if len(sealed) > PROOF_MAX:
            raise VaultError("consent_field", f"{len(sealed)} bytes")
        return sealed

    @classmethod
    def read(cls, sealed: bytes) -> Proof:
        """Back from an Approval's bytes, the HMAC not looked at: what a stranger does. ``consent_forged``."""
        try:
            version, kind, digest, method, person, role, place, at_us, seed, said, key, material, _ = decode(sealed)
            texts = all(isinstance(text, str) for text in (kind, method, role)) and type(at_us) is int
            pieces = all(isinstance(piece, bytes) for piece in (digest, person, place, seed, said, key, *material))
            if version != 1 or not texts or not pieces or method not in METHODS:
                raise VaultError("consent_forged", "version, method or type")
            where = UUID(bytes=place) if place else None
            return cls(
                kind, digest, method, UUID(bytes=person), role, where, at_us, seed, said, key, tuple(material)
            )  # fmt: skip
        except (NotCanonical, ValueError, TypeError) as error:
            raise VaultError("consent_forged", type(error).__name__) from error

    @classmethod
    def open(cls, sealed: bytes, key: bytes) -> Proof:
        """The same when vaultd's HMAC over it holds; ``consent_forged``."""
        proof = cls.read(sealed)
        if not hmac.compare_digest(proof.seal(key), sealed):
            raise VaultError("consent_forged")
        return proof


def verify_consent(proof: Proof, cose: bytes, origin: str) -> int:
    """Check an officer's signature afresh and return the authenticator's counter (0 for ``gwanje officer``).

    ``cose``: the public key that ``proof.key`` names; ``origin`` of vaultd's pages. VaultError ``consent_key``,
    ``consent_signature`` (detail says which check). A spoken consent has no signature: ``consent_signature``.
    """
    if key_id(cose) != proof.key:
        raise VaultError("consent_key")
    if proof.method == "key" and len(proof.material) == 1:
        try:
            public = Ed25519PublicKey.from_public_bytes(decode(check_cose(cose))[-2])
            public.verify(proof.material[0], KEY_LABEL + proof.challenge)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise VaultError("consent_signature", "Ed25519") from error
        return 0
    if proof.method == "webauthn" and len(proof.material) == 3:
        return _assertion(proof, check_cose(cose), origin)
    raise VaultError("consent_signature", proof.method)


def _assertion(proof: Proof, cose: bytes, origin: str) -> int:
    # the library costs 19 MB and a quarter of a second: a vault whose officers have no tokens never pays
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    authenticator, client, signature = proof.material
    _same_frame(client)
    # the library asks for a credential id, which plays no part: the key was chosen by ``proof.key``
    name = to_text(proof.key)
    response = {
        "clientDataJSON": to_text(client), "authenticatorData": to_text(authenticator), "signature": to_text(signature),
    }  # fmt: skip
    try:
        done = verify_authentication_response(
            credential={"id": name, "rawId": name, "type": "public-key", "response": response},
            expected_challenge=proof.challenge,
            expected_rp_id=rp_id(origin),
            expected_origin=origin,
            credential_public_key=cose,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, RecursionError) as error:
        raise VaultError("consent_signature", str(error)[:200]) from error
    return int(done.new_sign_count)


def verify_registration(credential: Mapping[str, Any], challenge: bytes, origin: str) -> tuple[bytes, bytes, int]:
    """(COSE_Key, credential id, counter) of a browser's new key, WebAuthn 7.1; ``consent_signature``, ``key_field``.

    Only what was asked for is read: attestation ``none``. Statements of makers bring certificates, and parsers of them
    that a process with keys should not run on a stranger's bytes.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import parse_attestation_object
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.parse_cbor import parse_cbor

    try:
        response = credential["response"]
        client, attested = (from_text(response[n], 2 * PROOF_MAX) for n in ("clientDataJSON", "attestationObject"))
        _same_frame(client)
        if parse_attestation_object(attested).fmt != "none":
            raise VaultError("consent_signature", "attestation was not asked for")
        done = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id(origin),
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier.EDDSA, COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        # the library gives the map back in the authenticator's order
        cose = encode(parse_cbor(done.credential_public_key))
    except (WebAuthnException, NotCanonical, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise VaultError("consent_signature", str(error)[:200]) from error
    return check_cose(cose), done.credential_id, done.sign_count


def _same_frame(client: bytes) -> None:
    """Refuse a signature given inside another site's frame (WebAuthn 5.8.1): the library does not look."""
    try:
        said = json.loads(client)
        framed = said.get("crossOrigin") is True or "topOrigin" in said
    except (ValueError, AttributeError, RecursionError) as error:
        raise VaultError("consent_signature", "clientDataJSON") from error
    if framed:
        raise VaultError("consent_signature", "in another site's frame")


def rp_id(origin: str) -> str:
    """The host of an origin, WebAuthn's rpId."""
    return origin.split("://", 1)[1].split(":", 1)[0]
