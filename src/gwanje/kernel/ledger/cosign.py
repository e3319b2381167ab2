"""Cosignatures of outside witnesses (외부 증인 서명): C2SP tlog-cosignature v1, Ed25519, and tlog-witness requests.

Signed: ``cosignature/v1``, ``time <POSIX seconds>``, then the checkpoint's text as the log wrote it. Line:
``— name base64(key id 4 ‖ time u64 ‖ signature 64)``, key id = SHA-256(name ‖ newline ‖ 04 ‖ public key)[:4].
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gwanje.kernel.ledger.note import NOTE_MAX, BadNote, parse

ED25519, COSIGNATURE = 1, 4
NAME_MAX = 200
PROOF_LINES_MAX = 63
REQUEST_MAX = NOTE_MAX + 4096
_DASH = "\N{EM DASH}"


@dataclass(frozen=True)
class VKey:
    """A verifier key: ``name+keyid+base64(type ‖ public key)``. ``kind``: 1 a log's own, 4 a witness's."""

    name: str
    public: bytes
    kind: int

    @property
    def key_id(self) -> bytes:
        """4 bytes that name the key in a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """BadNote when it is malformed or its key id is not of its key."""
        try:
            name, hexed, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            key_id = bytes.fromhex(hexed)
        except (ValueError, binascii.Error) as error:
            raise BadNote("not a verifier key: name+id+base64 is expected") from error
        if len(raw) != 33 or raw[0] not in {ED25519, COSIGNATURE} or not good_name(name):
            raise BadNote("a verifier key of another kind, or a bad name")
        made = cls(name, raw[1:], raw[0])
        if made.key_id != key_id:
            raise BadNote("the verifier key's id is not of its key")
        return made


def good_name(name: str) -> bool:
    """A key name: not empty, no space, no plus."""
    return 0 < len(name) <= NAME_MAX and name.isprintable() and not any(c.isspace() or c == "+" for c in name)


def witness_key(name: str, key: Ed25519PrivateKey) -> VKey:
    """The verifier key of a witness's private key."""
    return VKey(name, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), COSIGNATURE)


def _message(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def cosign(text: str, key: Ed25519PrivateKey, name: str, time_s: int) -> str:
    """The signature line over a checkpoint's text, with its newline."""
    vkey = witness_key(name, key)
    blob = vkey.key_id + time_s.to_bytes(8, "big") + key.sign(_message(text, time_s))
    return f"{_DASH} {name} {base64.b64encode(blob).decode()}\n"


def cosigned_at(note: str, witness: VKey) -> int | None:
    """POSIX seconds at which this witness cosigned the note; None when it did not. BadNote when its line is false."""
    _, text, signatures = parse(note)
    newest: int | None = None
    for name, key_id, blob in signatures:
        if name != witness.name or key_id != witness.key_id:
            continue
        time_s = int.from_bytes(blob[:8], "big")
        if len(blob) != 72 or time_s >= 1 << 63:
            raise BadNote("a cosignature is malformed")
        try:
            Ed25519PublicKey.from_public_bytes(witness.public).verify(blob[8:], _message(text, time_s))
        except (InvalidSignature, ValueError) as error:
            raise BadNote(f"the cosignature of {witness.name} is false") from error
        newest = max(newest or 0, time_s)
    return newest


def with_lines(note: str, lines: Iterable[str]) -> str:
    """The note with more signature lines; a line that stands already is not added."""
    for line in lines:
        if line not in note:
            note += line
    return note


def lines_of(note: str, witness: VKey) -> list[str]:
    """Signature lines in the note that carry this witness's name and key id, each with its newline."""
    _, _, tail = note.rpartition("\n\n")
    wanted = []
    for line in tail.splitlines():
        _, name, encoded = line.split(" ")
        if name == witness.name and base64.b64decode(encoded)[:4] == witness.key_id:
            wanted.append(line + "\n")
    return wanted


def request(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """Body of ``add-checkpoint``: old size, consistency proof, the signed checkpoint."""
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def parse_request(body: bytes) -> tuple[int, list[bytes], str]:
    """(old size, proof, note) of an ``add-checkpoint`` body; BadNote when it is malformed."""
    if len(body) > REQUEST_MAX:
        raise BadNote("the request is too large")
    try:
        head, found, note = body.decode().partition("\n\n")
        first, *steps = head.split("\n")
        word, _, digits = first.partition(" ")
        old = int(digits) if digits.isascii() and digits.isdigit() else -1
        proof = [base64.b64decode(step, validate=True) for step in steps]
    except (ValueError, binascii.Error) as error:
        raise BadNote("the request is malformed") from error
    if not found or word != "old" or str(old) != digits or not 0 <= old < 1 << 63:
        raise BadNote("the request does not begin with its old size")
    if len(proof) > PROOF_LINES_MAX or any(len(step) != 32 for step in proof):
        raise BadNote("a proof has at most 63 hashes of 32 bytes")
    return old, proof, note
