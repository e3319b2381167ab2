"""Bundles of an attacker (위조 묶음): whole ones made in memory, and each class of manipulation as strong as can be.

The attacker stands in one of three places: ``holder`` has the bundle and its part keys; ``insider`` signs manifests
with vaultd's own key, too; ``thief`` has the ledger's key besides. Formats are made by the product's own writers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gwanje.kernel import cose
from gwanje.kernel.ledger import cosign, minutes, note, proofs, tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.media import fmp4
from gwanje.vault import merkle, parts
from gwanje.vault.bundle import archive, clip, manifest
from gwanje.vault.bundle.age import Locked
from gwanje.vault.bundle.container import Container, about_digest
from gwanje.vault.segment import SegmentHeader

ORIGIN, WITNESS = "gwanje.test/tamper", "witness.test/1"
CENTRE, CAMERA = UUID(int=7), UUID(int=8)
SLOT, BEGAN_S = 3, 1_795_176_600
EPOCH = BEGAN_S // 3600
INIT = b"\0\0\0\x10ftypiso5\0\0\0\0" + b"\0\0\0\x08moov"
ABOUT = {"ground": "investigation", "case": "2026-1", "station": "1", "norms": ["n"], "issued": 1, "officers": []}


def _key(random_: random.Random) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(random_.randbytes(32))


class Keys:
    """Keys of the centre, of its outside witness, of a recipient, and of a stranger."""

    def __init__(self, seed: int) -> None:
        chosen = random.Random(seed)
        self.permit, self.log, self.witness, self.stranger = (_key(chosen) for _ in range(4))
        self.identity = chosen.randbytes(32)
        self.recipient = X25519PrivateKey.from_private_bytes(self.identity).public_key().public_bytes_raw()
        self.vkey = cosign.witness_key(WITNESS, self.witness)


@dataclass(frozen=True)
class Piece:
    """One part as the attacker has it: its segment, header fields, plaintext, key."""

    segment: SegmentHeader
    header: parts.PartHeader
    plain: bytes
    okm: bytes

    def sealed(self) -> bytes:
        """The sealed part, with whatever the fields are now."""
        out = bytearray(parts.OVERHEAD + len(self.plain))
        h, key = self.header, parts.PartKey(self.okm)
        parts.seal_into(
            memoryview(out), key, self.segment.segment_id, h.kind, h.flags, h.tick, h.ordinal, h.start_us,
            h.duration_us, self.plain,
        )  # fmt: skip
        return bytes(out)

    def with_plain(self, plain: bytes) -> Piece:
        """The same part around another picture."""
        return dataclasses.replace(self, plain=plain)

    def moved(self, seconds: int) -> Piece:
        """The same part, said to be of another second."""
        h = self.header
        header = dataclasses.replace(h, tick=h.tick + seconds, start_us=h.start_us + seconds * 1_000_000)
        return dataclasses.replace(self, header=header)


def fragment(random_: random.Random, second: int, *, sei: bool = True) -> bytes:
    """moof and mdat of four access units of an H.264 camera: SEI (its signature, as ONVIF has it) before each slice."""
    frames = []
    for _ in range(4):
        signature = b"\x06\x05" + random_.randbytes(40)
        slice_ = b"\x65" + random_.randbytes(random_.randrange(200, 900))
        nals = (signature, slice_) if sei else (slice_,)
        frames.append(b"".join(struct.pack(">I", len(n)) + n for n in nals))
    rows = b"".join(struct.pack(">III", 22_500, len(f), fmp4.SYNC if i == 0 else fmp4.NON_SYNC)
                    for i, f in enumerate(frames))  # fmt: skip
    body = b"".join(frames)
    buffer = bytearray(fmp4.HEAD_MAX + len(rows)) + body
    at = len(buffer) - len(body)
    begin = fmp4.put_head(buffer, at, rows, 1, second * 90_000, len(body), False)
    return bytes(buffer[begin:])


def without_sei(plain: bytes) -> bytes:
    """The same fragment with every SEI unit taken out and the sizes made right again."""
    at = plain.index(b"mdat") + 4
    frames, here = [], at
    while here < len(plain):
        sei = int.from_bytes(plain[here : here + 4], "big")
        here += 4 + sei
        size = 4 + int.from_bytes(plain[here : here + 4], "big")
        frames.append(plain[here : here + size])
        here += size
    rows = b"".join(struct.pack(">III", 22_500, len(f), fmp4.SYNC if i == 0 else fmp4.NON_SYNC)
                    for i, f in enumerate(frames))  # fmt: skip
    body = b"".join(frames)
    buffer = bytearray(fmp4.HEAD_MAX + len(rows)) + body
    end = len(buffer) - len(body)
    time = clip.begins(plain)
    begin = fmp4.put_head(buffer, end, rows, 1, time, len(body), False)
    return bytes(buffer[begin:])


@dataclass
class Case:
    """Everything a bundle is made of, open to change; ``build`` makes the file."""

    keys: Keys
    pieces: list[Piece]
    leaves: list[bytes]
    sealed: proofs.Sealed
    all_hashes: list[bytes]
    first: int
    until: int
    note: str = ""
    old_note: str = ""
    size: int = 0
    root: bytes = b""
    proofs: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    film: Callable[[bytes], bytes] = bytes
    base_shift: int = 0
    signer: Ed25519PrivateKey | None = None
    said_key: bytes = b""
    log_key: bytes = b""
    salt: bytes = b""

    def prove(self) -> None:
        """Hashes and proofs of the pieces as they are, against the leaves as they are."""
        self.hashes = [parts.part_hash(piece.sealed()) for piece in self.pieces]
        nodes = tree.nodes_of(self.leaves)
        self.size, self.root = len(self.leaves), tree.root(nodes, len(self.leaves))
        self.proofs = []
        for piece in self.pieces:
            meant = proofs.Part(piece.segment.segment_id, self.all_hashes, piece.header.ordinal)
            self.proofs.append(proofs.part_proof(meant, self.sealed, self.size, nodes))

    def sign_note(self, key: Ed25519PrivateKey, *, witnessed: bool = True) -> None:
        """A checkpoint over the leaves, by this key, cosigned by the witness or not."""
        self.note = note.sign(note.Checkpoint(ORIGIN, self.size, self.root), key)
        if witnessed:
            text = note.parse(self.note)[1]
            self.note = cosign.with_lines(self.note, [cosign.cosign(text, self.keys.witness, WITNESS, self.until)])

    def build(self) -> bytes:
        """The bundle's bytes."""
        boxes: dict[str, bytes] = {"README.txt": b"tamper\n"}
        raw = io.BytesIO()
        lock = Locked(raw, recipients=[self.keys.recipient])
        container = Container(lock, ABOUT, self.salt)
        for piece in self.pieces:
            container.part(piece.segment.pack(), piece.header.tick, piece.okm, piece.sealed())
        container.close()
        boxes["sealed.age"] = raw.getvalue()
        entry, boxes["clip-1.mp4.age"] = self._clip()
        out = bytearray(b"GWPRF\0\1\n")
        for piece, digest, proof in zip(self.pieces, self.hashes, self.proofs, strict=True):
            out += digest + piece.segment.segment_id + len(proof).to_bytes(2, "big") + proof
        boxes["proofs.bin"], boxes["checkpoint.txt"] = bytes(out), self.note.encode()
        body = self._manifest(entry)
        boxes["manifest.json"] = manifest.readable(body)
        body["files"] = {name: [len(d), hashlib.sha256(d).digest()] for name, d in sorted(boxes.items())}
        boxes["manifest.cose"] = cose.sign(manifest.KIND, body, self.signer or self.keys.permit)
        return boxed(boxes)

    def _clip(self) -> tuple[dict[str, object], bytes]:
        video = [n for n, piece in enumerate(self.pieces) if piece.header.kind == parts.VIDEO]
        raw = io.BytesIO()
        lock = Locked(raw, recipients=[self.keys.recipient])
        base = clip.begins(self.pieces[video[0]].plain)
        lock.write(INIT)
        for n in video:
            lock.write(self.film(clip.shifted(self.pieces[n].plain, min(base, clip.begins(self.pieces[n].plain)))))
        lock.close()
        entry = {
            "name": "clip-1.mp4.age", "size": lock.plain_size, "sha256": lock.plain_digest, "from": video[0],
            "until": video[-1] + 1, "base": base + self.base_shift,
        }  # fmt: skip
        return entry, raw.getvalue()

    def _manifest(self, entry: dict[str, object]) -> dict[str, object]:
        seconds = {piece.segment.epoch * 3600 + piece.header.tick for piece in self.pieces}
        missing: list[list[int]] = []
        for second in range(self.first, self.until):
            if second not in seconds:
                if missing and missing[-1][1] == second:
                    missing[-1][1] = second + 1
                else:
                    missing.append([second, second + 1])
        public = cose.public_bytes(self.signer or self.keys.permit)
        return {
            "v": 1, "kind": manifest.ORIGINAL, "mask": None, "id": bytes(16), "centre": CENTRE.bytes,
            "permit": bytes(16), "decision": bytes(32), "about": about_digest(ABOUT, self.salt), "key": public,
            "camera": CAMERA.bytes, "slot": SLOT, "stream": 0, "first": self.first, "until": self.until,
            "made": self.until * 1_000_000, "parts": len(self.pieces), "parts_root": merkle.root(self.hashes),
            "checkpoint_key": self.log_key or cose.public_bytes(self.keys.log), "checkpoint": [self.size, self.root],
            "clips": [entry], "files": {}, "missing": missing,
        }  # fmt: skip


def boxed(boxes: dict[str, bytes]) -> bytes:
    """The ZIP."""
    out = io.BytesIO()
    archive.write(out, [(name, io.BytesIO(data)) for name, data in boxes.items()])
    return out.getvalue()


def boxes_of(data: bytes) -> dict[str, bytes]:
    """Name → bytes of a bundle's members, by the standard library."""
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        return {name: box.read(name) for name in box.namelist()}


def segment(random_: random.Random, slot: int, first: int) -> SegmentHeader:
    """A segment's header."""
    return SegmentHeader(
        1, EPOCH, slot, 0, random_.randbytes(16), 1, b"w" * 16, first * 1_000_000, CENTRE,
        hashlib.sha256(INIT).digest(),
    )  # fmt: skip


def piece(random_: random.Random, head: SegmentHeader, place: tuple[int, int, int], okm: bytes) -> Piece:
    """A part of one second; ``place``: kind, ordinal, second."""
    kind, ordinal, second = place
    plain = INIT if kind == parts.INIT else fragment(random_, second)
    flags = parts.FLAG_IDR if kind == parts.VIDEO else 0
    header = parts.PartHeader(
        1, kind, flags, second % 3600, ordinal, second * 1_000_000 + ordinal, 0, len(plain), okm[32:]
    )
    return Piece(head, header, plain, okm)


def seal_minute(case: Case) -> None:
    """Put the segment's minute, as the pieces' hashes are now, into the leaves at its place."""
    head, grown = case.pieces[0].segment, minutes.Growing()
    for value in case.all_hashes:
        grown.add(value)
    leaf = minutes.segment_leaf(head.segment_id, grown.size, grown.root())
    others = [hashlib.sha256(case.salt + bytes([n])).digest() for n in range(3)]
    minute = minutes.Minute(head.writer, case.first // 60 * 60, b"".join((*others[:1], leaf, *others[1:])))
    opening = opening_bytes(minutes.entry(head.writer, minute.minute_s, minute.count, tree.root(minute.nodes(), 4)))
    sealed = dataclasses.replace(case.sealed, minute=minute, row=minute.row)
    case.sealed = sealed
    case.leaves[sealed.index] = leaf_bytes(sealed.row, sealed.at_us, sealed.salt, opening)


def clean(random_: random.Random, keys: Keys) -> Case:
    """A whole and true bundle: two to six seconds of one camera, in a ledger of 8 to 80 rows."""
    seconds, first = random_.randrange(2, 7), BEGAN_S + random_.randrange(30)
    head = segment(random_, SLOT, first)
    pieces: list[Piece] = []
    for second in range(first, first + seconds):
        okm = parts.okm(random_.randbytes(32), head.segment_id)
        for kind in (parts.INIT, parts.VIDEO):
            pieces.append(piece(random_, head, (kind, len(pieces), second), okm))
    before = random_.randrange(4, 40)
    leaves = [random_.randbytes(57) for _ in range(before + random_.randrange(4, 40))]
    empty = minutes.Minute(b"w" * 16, 0, bytes(32))
    at_us = (first + 61) * 1_000_000
    sealed = proofs.Sealed(empty, UUID(int=0), at_us, random_.randbytes(32), before)
    case = Case(keys, pieces, leaves, sealed, [], first, first + seconds, salt=random_.randbytes(32))
    case.all_hashes = [parts.part_hash(each.sealed()) for each in pieces]
    old = tree.nodes_of(leaves)
    case.old_note = note.sign(note.Checkpoint(ORIGIN, before, tree.root(old, before)), keys.log)
    seal_minute(case)
    case.prove()
    case.sign_note(keys.log)
    return case
