"""Sealed secrets (비밀 봉인): camera passwords sealed to a recorder's X25519 key with HPKE, RFC 9180."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gwanje.vault.errors import VaultError

SECRET_MAX: Final = 4096
_LABEL: Final = b"gwanje/v1/sealed\0"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal_to(recorder_public: bytes, secret: bytes, context: bytes) -> bytes:
    """Seal up to 4096 bytes to a 32-byte X25519 public key; ``context`` (camera id) must be said again to open."""
    if not 0 < len(secret) <= SECRET_MAX:
        raise VaultError("secret_limit", f"{len(secret)} bytes")
    public = X25519PublicKey.from_public_bytes(recorder_public)
    return _SUITE.encrypt(secret, public, _LABEL + context)


def unseal(private: X25519PrivateKey, sealed: bytes, context: bytes) -> bytes:
    """Open what ``seal_to`` made; VaultError ``sealed_refused`` for another key, another context or changed bytes."""
    if not 0 < len(sealed) <= SECRET_MAX + 256:
        raise VaultError("sealed_refused", "length")
    try:
        return _SUITE.decrypt(sealed, private, _LABEL + context)
    except (InvalidTag, ValueError) as error:
        raise VaultError("sealed_refused") from error
