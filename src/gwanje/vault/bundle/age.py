"""Locked files (암호 파일) in the format age v1 (C2SP age-encryption.org/v1), which ordinary tools open.

To X25519 recipients, or under one passphrase (scrypt); ChaCha20-Poly1305 in chunks of 64 KiB, so that nothing of a
clip waits in memory and a cut file does not open. age names no sender: vaultd's signature over the manifest does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gwanje.vault.errors import VaultError

VERSION: Final = b"age-encryption.org/v1\n"
CHUNK: Final = 64 * 1024
# 130 random bits need no slow derivation; 2^15 keeps a telephone's memory and a second's patience
LOG_N: Final = 15
RECIPIENTS_MAX: Final = 16
PASSPHRASE_GROUPS, GROUP = 5, 5
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class Sink(Protocol):
    """Where locked bytes go."""

    def write(self, data: bytes, /) -> object: ...


def new_passphrase() -> str:
    """25 letters in five groups, 125 random bits, none that is misheard as a digit: sent by another channel."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(GROUP)) for _ in range(PASSPHRASE_GROUPS))
    return "-".join(groups)


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def recipient(text: str) -> bytes:
    """The 32 bytes of an ``age1…`` public key (Bech32, BIP 173); VaultError ``bundle_recipient``."""
    word = text.strip()
    prefix, _, data = word.rpartition("1")
    values = [_BECH32.find(letter) for letter in data]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values
    if prefix != "age" or len(values) != 58 or min(values) < 0 or _polymod(expanded) != 1:
        raise VaultError("bundle_recipient")
    number = 0
    for value in values[:-6]:
        number = number << 5 | value
    # 52 values are 260 bits: 32 bytes and four bits that must be zero
    if number & 15:
        raise VaultError("bundle_recipient")
    return (number >> 4).to_bytes(32, "big")


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(key)


def _to_key(file_key: bytes, public: bytes) -> bytes:
    """An X25519 stanza."""
    mine = X25519PrivateKey.generate()
    share = mine.public_key().public_bytes_raw()
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise VaultError("bundle_recipient") from error
    wrap = _hkdf(shared, share + public, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    return b"-> X25519 " + _b64(share) + b"\n" + _b64(body) + b"\n"


def _to_passphrase(file_key: bytes, passphrase: str) -> bytes:
    """An scrypt stanza; it stands alone in a header."""
    salt = os.urandom(16)
    kdf = Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=1 << LOG_N, r=8, p=1)
    body = ChaCha20Poly1305(kdf.derive(passphrase.encode())).encrypt(bytes(12), file_key, None)
    return b"-> scrypt " + _b64(salt) + b" " + str(LOG_N).encode() + b"\n" + _b64(body) + b"\n"


class Locked:
    """Writes one locked file into ``out``: ``write`` plaintext, ``close`` seals the last chunk.

    ``size`` and ``digest`` are of the locked bytes, ``plain_size`` and ``plain_digest`` of what was put in. A fresh
    file key each, so that (key, nonce) is never used twice.
    """

    def __init__(self, out: Sink, *, recipients: Sequence[bytes] = (), passphrase: str = "") -> None:
        if bool(recipients) == bool(passphrase) or len(recipients) > RECIPIENTS_MAX:
            raise VaultError("bundle_recipient", f"a passphrase, or 1 to {RECIPIENTS_MAX} keys")
        self._out, self._hash, self._plain = out, hashlib.sha256(), hashlib.sha256()
        self.size = self.plain_size = 0
        file_key = os.urandom(16)
        stanzas = [_to_key(file_key, key) for key in recipients] or [_to_passphrase(file_key, passphrase)]
        header = VERSION + b"".join(stanzas) + b"---"
        mac = hmac.digest(_hkdf(file_key, b"", b"header"), header, "sha256")
        nonce = os.urandom(16)
        self._cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        self._count, self._buffer = 0, bytearray()
        self._put(header + b" " + _b64(mac) + b"\n" + nonce)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the locked bytes so far."""
        return self._hash.digest()

    @property
    def plain_digest(self) -> bytes:
        """SHA-256 of what was put in so far."""
        return self._plain.digest()

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._hash.update(data)
        self.size += len(data)

    def _chunk(self, data: bytes, *, last: bool) -> None:
        nonce = self._count.to_bytes(11, "big") + bytes((last,))
        self._count += 1
        self._put(self._cipher.encrypt(nonce, data, None))

    def write(self, data: bytes | bytearray) -> None:
        """Lock more plaintext; a full chunk waits until it is known whether it is the last."""
        self._plain.update(data)
        self.plain_size += len(data)
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._chunk(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]

    def close(self) -> None:
        """Seal the last chunk."""
        self._chunk(bytes(self._buffer), last=True)
        self._buffer.clear()
