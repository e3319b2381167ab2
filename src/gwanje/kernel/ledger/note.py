"""Checkpoint (검증 지점): C2SP tlog-checkpoint in a C2SP signed note, Ed25519.

Text: origin, size, root in base64, each with its newline; an empty line; one signature line a key
``— name base64(key hash 4 ‖ signature 64)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOTE_MAX = 16 * 1024
_SIGNATURE = "\N{EM DASH} "


class BadNote(ValueError):
    """The note is malformed or its signature is not of the key expected."""


@dataclass(frozen=True)
class Checkpoint:
    """What a note says: the log's origin, its size in leaves, the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text, with its last newline."""
        if not self.origin or any(c.isspace() or c == "+" for c in self.origin) or len(self.root) != 32:
            raise BadNote("an origin has no space and no plus, a root has 32 bytes")
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_hash(name: str, public: bytes) -> bytes:
    """First 4 bytes of SHA-256(name ‖ newline ‖ 01 ‖ public key)."""
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The whole note; the key's name is the origin."""
    text = checkpoint.text()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = key_hash(checkpoint.origin, public) + key.sign(text.encode())
    return f"{text}\n{_SIGNATURE}{checkpoint.origin} {base64.b64encode(blob).decode()}\n"


def parse(note: str) -> tuple[Checkpoint, str, list[tuple[str, bytes, bytes]]]:
    """(checkpoint, signed text, [(key name, key hash, signature)]); nothing is verified yet."""
    if len(note) > NOTE_MAX or "\n\n" not in note or not note.endswith("\n"):
        raise BadNote("not a signed note")
    at = note.rindex("\n\n")
    text, tail = note[: at + 1], note[at + 2 :]
    try:
        origin, size, encoded = text.split("\n")[:3]
        root = base64.b64decode(encoded, validate=True)
        signatures = []
        for line in tail.splitlines():
            mark, name, blob64 = line.split(" ")
            blob = base64.b64decode(blob64, validate=True)
            if mark != _SIGNATURE.strip() or len(blob) < 5:
                raise BadNote("a signature line is malformed")
            signatures.append((name, blob[:4], blob[4:]))
        if len(root) != 32 or str(int(size)) != size or int(size) < 0:
            raise BadNote("size or root is malformed")
    except (ValueError, binascii.Error) as error:
        raise BadNote("the note is malformed") from error
    return Checkpoint(origin, int(size), root), text, signatures


def verify(note: str, public: bytes, origin: str | None = None) -> Checkpoint:
    """The checkpoint, if ``public`` (32 bytes) signed it under its origin; BadNote otherwise."""
    checkpoint, text, signatures = parse(note)
    if origin is not None and checkpoint.origin != origin:
        raise BadNote("the note is of another log")
    wanted = key_hash(checkpoint.origin, public)
    for name, mark, signature in signatures:
        if name == checkpoint.origin and mark == wanted:
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
            except (InvalidSignature, ValueError) as error:
                raise BadNote("the signature is false") from error
            return checkpoint
    raise BadNote("no signature of this key")
