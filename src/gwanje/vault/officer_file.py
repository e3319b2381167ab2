"""An officer's key in a file (봉인된 서명키): Ed25519 under a passphrase, argon2id; for a centre without tokens.

``GWOFF\\0\\1\\n`` ‖ canonical map: person, cose, salt 16, t, m (KiB), p, nonce 12, sealed. ``sealed`` = AES-256-GCM
over the 32 secret bytes, associated data = the map without it. RFC 9106, second recommended option (64 MiB, 3 passes).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gwanje.kernel.canonical import NotCanonical, decode, encode, nfc
from gwanje.kernel.cose import public_bytes
from gwanje.vault import attest
from gwanje.vault.errors import VaultError
from gwanje.vault.officer_keys import POSSESSION

MAGIC: Final = b"GWOFF\0\1\n"
SIZE_MAX: Final = 4096
PASSPHRASE_MIN: Final = 12
_COST: Final = {"t": 3, "m": 64 * 1024, "p": 1}
_COST_MAX: Final = {"t": 16, "m": 1 << 20, "p": 8}


@dataclass(frozen=True)
class SealedKey:
    """A key file as it lies there: whose, which public key, everything but the secret."""

    person: UUID
    cose: bytes
    fields: dict[str, Any]

    @property
    def key_id(self) -> bytes:
        """The fingerprint, 16 bytes."""
        return attest.key_id(self.cose)


def _sealing(passphrase: str, fields: dict[str, Any]) -> AESGCM:
    secret = nfc(passphrase).encode()
    cost = {"time_cost": fields["t"], "memory_cost": fields["m"], "parallelism": fields["p"]}
    return AESGCM(hash_secret_raw(secret, fields["salt"], hash_len=32, type=Type.ID, **cost))


def make(path: Path, person: UUID, passphrase: str) -> SealedKey:
    """A new key in a new file (mode 0600); FileExistsError, VaultError ``officer_passphrase`` when it is too short."""
    if not PASSPHRASE_MIN <= len(passphrase) <= 256:
        raise VaultError("officer_passphrase")
    key = Ed25519PrivateKey.generate()
    cose = attest.ed25519_cose(public_bytes(key))
    fields: dict[str, Any] = {
        "person": person.bytes, "cose": cose, "salt": os.urandom(16), "nonce": os.urandom(12), **_COST,
    }  # fmt: skip
    secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    sealed = _sealing(passphrase, fields).encrypt(fields["nonce"], secret, encode(fields))
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(MAGIC + encode({**fields, "sealed": sealed}))
        out.flush()
        os.fsync(out.fileno())
    return SealedKey(person, cose, {**fields, "sealed": sealed})


def read(path: Path) -> SealedKey:
    """What a key file says without its passphrase; VaultError ``officer_file``."""
    try:
        data = path.read_bytes()[: SIZE_MAX + 1]
        fields = decode(data[len(MAGIC) :]) if data.startswith(MAGIC) and len(data) <= SIZE_MAX else {}
        costs = all(0 < fields[name] <= most for name, most in _COST_MAX.items())
        named = len(fields["salt"]) == 16 and len(fields["nonce"]) == 12 and isinstance(fields["sealed"], bytes)
        if not costs or not named:
            raise VaultError("officer_file", "field")
        return SealedKey(UUID(bytes=fields["person"]), attest.check_cose(fields["cose"]), fields)
    except (OSError, NotCanonical, KeyError, TypeError, ValueError) as error:
        raise VaultError("officer_file", type(error).__name__) from error


def _opened(sealed: SealedKey, passphrase: str) -> Ed25519PrivateKey:
    fields = {name: value for name, value in sealed.fields.items() if name != "sealed"}
    try:
        secret = _sealing(passphrase, fields).decrypt(fields["nonce"], sealed.fields["sealed"], encode(fields))
    except InvalidTag:
        raise VaultError("officer_passphrase_wrong") from None
    return Ed25519PrivateKey.from_private_bytes(secret)


def sign(sealed: SealedKey, passphrase: str, challenge: bytes) -> bytes:
    """Sign vaultd's challenge of 32 bytes; VaultError ``officer_passphrase_wrong``."""
    return _opened(sealed, passphrase).sign(attest.KEY_LABEL + challenge)


def possession(sealed: SealedKey, passphrase: str) -> bytes:
    """What the key signs when it is registered: it is there, and it is this person's."""
    return _opened(sealed, passphrase).sign(POSSESSION + sealed.person.bytes + sealed.cose)
