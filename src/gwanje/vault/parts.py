"""Sealed parts (밀봉 영상 조각): what one camera sent in one second, under that second's leaf, to the byte.

``part = header 64 ‖ ciphertext ‖ tag 16``. The packet path calls ``seal_into``: one key derivation per
(leaf, segment), one AEAD object per tick, ciphertext straight into the caller's buffer.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from gwanje.kernel.secret import overlay, wipe
from gwanje.vault.ciphers import AES_256_GCM, TAG_SIZE, Buffer, aead
from gwanje.vault.errors import PartRefused, SegmentBroken

MAGIC: Final = b"GWPT"
VERSION: Final = 1
HEADER: Final = Struct(">4sBBBBIIQII32s")
HEADER_SIZE: Final = 64
OVERHEAD: Final = HEADER_SIZE + TAG_SIZE
VIDEO, INIT, DERIVED = 1, 2, 3
KINDS: Final = (VIDEO, INIT, DERIVED)
FLAG_IDR: Final = 1
PART_MAX: Final = 64 << 20
ORDINAL_MAX: Final = 1 << 32
MARK_SIZE: Final = 48
_LABEL: Final = b"gwanje/v1/part\0"
_BLANK: Final = b"gwanje/v1/blank\0"
_NONCE: Final = Struct(">B3xQ")
assert HEADER.size == HEADER_SIZE
assert _NONCE.size == 12


def okm(leaf: Buffer, segment_id: bytes) -> bytes:
    """64 bytes for one (leaf, segment): key = [:32], commitment = [32:]. Knowing it opens no other second."""
    return hmac.digest(leaf, _LABEL + segment_id, "sha512")


def nonce(kind: int, ordinal: int) -> bytes:
    """12 bytes: kind, three zero bytes, ordinal as u64; unique within a segment, and so is the key per segment."""
    return _NONCE.pack(kind, ordinal)


@dataclass(frozen=True)
class PartHeader:
    """The 64 bytes before a part's ciphertext. ``start_us`` Unix µs, ``duration_us`` µs, ``length`` without tag."""

    cipher: int
    kind: int
    flags: int
    tick: int
    ordinal: int
    start_us: int
    duration_us: int
    length: int
    commitment: bytes

    @property
    def idr(self) -> bool:
        """Does the part begin with a key frame?"""
        return bool(self.flags & FLAG_IDR)

    @property
    def size(self) -> int:
        """Bytes of the whole part on disk."""
        return OVERHEAD + self.length

    def pack(self) -> bytes:
        """The 64 header bytes."""
        return HEADER.pack(
            MAGIC,
            VERSION,
            self.cipher,
            self.kind,
            self.flags,
            self.tick,
            self.ordinal,
            self.start_us,
            self.duration_us,
            self.length,
            self.commitment,
        )

    @classmethod
    def unpack(cls, data: Buffer) -> PartHeader:
        """Read and check 64 bytes; SegmentBroken when a field has no legal value."""
        if len(data) < HEADER_SIZE:
            raise SegmentBroken("part_magic", "fewer than 64 bytes")
        magic, version, *fields = HEADER.unpack_from(data)
        if magic != MAGIC or version != VERSION:
            raise SegmentBroken("part_magic")
        header = cls(*fields)
        legal = (
            header.kind in KINDS
            and header.flags & ~FLAG_IDR == 0
            and header.tick < 3600
            and header.length <= PART_MAX
            and header.cipher in (1, 2)
        )
        if not legal:
            raise SegmentBroken("part_field", f"ordinal {header.ordinal}")
        return header


class PartKey:
    """One (leaf, segment)'s key, used for every part of that tick in that segment; made once per tick."""

    __slots__ = ("aead", "cipher", "commitment")

    def __init__(self, material: Buffer, cipher: int = AES_256_GCM) -> None:
        view = memoryview(material)
        self.cipher = cipher
        self.aead = aead(cipher, view[:32])
        self.commitment = bytes(view[32:64])

    @classmethod
    def of(cls, leaf: Buffer, segment_id: bytes, cipher: int = AES_256_GCM) -> PartKey:
        """Derive from a leaf (about 8 µs, AEAD object included): the key stays in the AEAD object only.

        The library overwrites its key schedule when the object goes.
        """
        material = okm(leaf, segment_id)
        made = cls(material, cipher)
        wipe(material)
        overlay()
        return made


def seal_into(  # noqa: PLR0917 - keywords cost on the packet path
    out: memoryview,
    key: PartKey,
    segment_id: bytes,
    kind: int,
    flags: int,
    tick: int,
    ordinal: int,
    start_us: int,
    duration_us: int,
    plaintext: Buffer,
) -> int:
    """Write header ‖ ciphertext ‖ tag at the beginning of ``out``; returns the bytes written (80 + plaintext).

    The caller never gives one (key, kind, ordinal) twice: ``segment.SegmentWriter`` counts for it.
    """
    length = len(plaintext)
    end = OVERHEAD + length
    if length > PART_MAX or len(out) < end:
        raise PartRefused("part_limit", f"{length} bytes")
    HEADER.pack_into(
        out, 0, MAGIC, VERSION, key.cipher, kind, flags, tick, ordinal, start_us, duration_us, length, key.commitment
    )
    associated = segment_id + out[:HEADER_SIZE]
    key.aead.encrypt_into(_NONCE.pack(kind, ordinal), plaintext, associated, out[HEADER_SIZE:end])
    return end


def open_part(material: Buffer, segment_id: bytes, part: Buffer) -> bytes:
    """The plaintext of ``header ‖ ciphertext ‖ tag``; the commitment is checked before the cipher is touched.

    Raises PartRefused (``commitment``, ``tag``) or SegmentBroken.
    """
    header = PartHeader.unpack(part)
    if len(part) != header.size:
        raise SegmentBroken("part_field", "length")
    key, view = memoryview(material), memoryview(part)
    if not hmac.compare_digest(header.commitment, key[32:64]):
        raise PartRefused("commitment")
    associated = segment_id + view[:HEADER_SIZE]
    try:
        cipher = aead(header.cipher, key[:32])
        return cipher.decrypt(nonce(header.kind, header.ordinal), view[HEADER_SIZE:], associated)
    except InvalidTag as error:
        raise PartRefused("tag") from error


def part_hash(part: Buffer) -> bytes:
    """SHA-256 over header ‖ ciphertext ‖ tag: what the Merkle tree and the ledger keep when the key is gone."""
    return hashlib.sha256(part).digest()


def mark(segment_id: bytes, header: bytes, digest: bytes) -> bytes:
    """48 bytes that stand where an overwritten part's ciphertext was: its hash, and 16 bytes that say whose it is."""
    return digest + hashlib.sha256(_BLANK + segment_id + header + digest).digest()[:16]


def blanked(segment_id: bytes, part: Buffer) -> bytes | None:
    """The kept hash of a part whose ciphertext was overwritten (폐쇄된 조각); None of a part that stands.

    Empty bytes: one shorter than a mark, overwritten whole. Whether its second may be dead is vaultd's to say: a mark
    proves nothing by itself.
    """
    view = memoryview(part)
    header, body = bytes(view[:HEADER_SIZE]), bytes(view[HEADER_SIZE:])
    if len(body) < MARK_SIZE:
        return None if any(body) else b""
    digest = body[:32]
    whole = body[:MARK_SIZE] == mark(segment_id, header, digest) and not any(body[MARK_SIZE:])
    return digest if whole else None


def kept_hash(segment_id: bytes, part: Buffer) -> bytes:
    """The part's hash, also when nothing but it is left; empty bytes when that is gone, too."""
    kept = blanked(segment_id, part)
    return part_hash(part) if kept is None else kept
