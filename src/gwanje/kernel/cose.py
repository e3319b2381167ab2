"""Signed messages (서명): COSE_Sign1 with Ed25519, RFC 9052 section 4, over canonical bytes.

Every type of message has its own ``kind`` as external data, so that one never passes for another.
"""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gwanje.kernel.canonical import NotCanonical, decode, encode

EDDSA = -8
SIZE_MAX = 64 * 1024


class BadSignature(ValueError):
    """The message is malformed, of another kind, or not signed by the key expected."""


def key_id(public: bytes) -> bytes:
    """First 16 bytes of SHA-256 over the 32-byte Ed25519 public key."""
    return hashlib.sha256(public).digest()[:16]


def public_bytes(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """The 32-byte public key."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _covered(protected: bytes, kind: str, payload: bytes) -> bytes:
    return encode(["Signature1", protected, f"gwanje/v1/{kind}".encode(), payload])


def sign(kind: str, body: dict[Any, Any], key: Ed25519PrivateKey) -> bytes:
    """Canonical bytes of [protected, {}, payload, signature] for ``body``."""
    protected = encode({1: EDDSA, 4: key_id(public_bytes(key))})
    payload = encode(body)
    return encode([protected, {}, payload, key.sign(_covered(protected, kind, payload))])


def open_signed(kind: str, message: bytes, public: bytes) -> dict[Any, Any]:
    """The body of a signed message; BadSignature when anything about it is off."""
    if len(message) > SIZE_MAX:
        raise BadSignature("the message is too large")
    try:
        protected, unprotected, payload, signature = decode(message)
        header = decode(protected)
        if header != {1: EDDSA, 4: key_id(public)} or unprotected != {}:
            raise BadSignature("another key or algorithm")
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _covered(protected, kind, payload))
        body = decode(payload)
    except (NotCanonical, InvalidSignature, TypeError, ValueError) as error:
        raise BadSignature(f"not a {kind} signed by this key") from error
    if not isinstance(body, dict):
        raise BadSignature("the payload is not a map")
    return body
