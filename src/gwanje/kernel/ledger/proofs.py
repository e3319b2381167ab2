"""Proof of one part (영상 한 조각의 증명): part → segment → recorder-minute → ledger, at most 2,048 bytes.

Bytes (big-endian): "GWPP" ‖ 01 ‖ ordinal u32 ‖ parts u32 ‖ place u32 ‖ segments u32 ‖ writer 16 ‖ minute u64 ‖
row 16 ‖ time µs u64 ‖ salt 32 ‖ index u64 ‖ size u64 ‖ three lengths u8 ‖ the three RFC 9162 audit paths, leaf first.
Part tree: leaf data = part hash. Minute tree: ``ledger.minutes``. Ledger leaf: 01 ‖ row ‖ time ‖ HMAC-SHA-256(salt,
"gwanje/v1/leaf\\0" ‖ opening), the opening being built anew from writer, minute, segments and the minute's root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from struct import Struct
from uuid import UUID

from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger import minutes, tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.kernel.ledger.minutes import HASH, Minute
from gwanje.kernel.ledger.sequence import with_nodes

PROOF_MAX = 2048
_HEAD = Struct(">4sBIIII16sQ16sQ32sQQBBB")
_MAGIC, _VERSION = b"GWPP", 1
LATE_S = 1200


class BadProof(ValueError):
    """The proof is malformed, or does not lead from this part to this root."""


class NoProof(LookupError):
    """No recorder-minute holds this part yet, or its ledger row has no index, or its opening has died."""


@dataclass(frozen=True)
class Sealed:
    """A minute and where it stands in the ledger: row's time in Unix µs, the opening's salt, leaf index."""

    minute: Minute
    row: UUID
    at_us: int
    salt: bytes
    index: int


@dataclass(frozen=True)
class Part:
    """A part of a segment: the segment's id, its part hashes from ordinal 0 on (32 bytes each), which one is meant."""

    segment_id: bytes
    hashes: Sequence[bytes]
    ordinal: int


@dataclass(frozen=True)
class Proved:
    """What a verified proof says. ``minute_s``, ``at_us``: sealed by the recorder's minute, in the ledger since."""

    ordinal: int
    parts: int
    writer: bytes
    minute_s: int
    row: UUID
    at_us: int
    index: int
    size: int


def part_proof(part: Part, sealed: Sealed, size: int, nodes: tree.Nodes) -> bytes:
    """The proof of a part in the ledger of ``size`` leaves; NoProof when that minute does not hold it.

    ``nodes``: of the ledger.
    """
    minute = sealed.minute
    parts, place = _place(part, minute)
    inner = tree.inclusion(tree.nodes_of(part.hashes[:parts]), part.ordinal, parts)
    middle = tree.inclusion(minute.nodes(), place, minute.count)
    outer = tree.inclusion(nodes, sealed.index, size)
    head = _HEAD.pack(
        _MAGIC, _VERSION, part.ordinal, parts, place, minute.count, minute.writer, minute.minute_s,
        sealed.row.bytes, sealed.at_us, sealed.salt, sealed.index, size, len(inner), len(middle), len(outer),
    )  # fmt: skip
    proof = head + b"".join((*inner, *middle, *outer))
    if len(proof) > PROOF_MAX:
        raise NoProof(f"the proof would have {len(proof)} bytes, the limit is {PROOF_MAX}")
    return proof


def _place(part: Part, minute: Minute) -> tuple[int, int]:
    """(how many parts the minute's leaf of this segment covers, the leaf's place); the fewest that cover ours."""
    grown = minutes.Growing()
    for value in part.hashes:
        grown.add(value)
        if grown.size > part.ordinal:
            place = minute.find(minutes.segment_leaf(part.segment_id, grown.size, grown.root()))
            if place is not None:
                return grown.size, place
    raise NoProof("이 분의 봉인에 이 조각이 없습니다 / this minute does not hold the part")


def _climb(value: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """Root that an audit path leads to (RFC 9162 section 2.1.3.2); BadProof when its length is wrong."""
    fn, sn = index, count - 1
    for step in path:
        if sn == 0:
            raise BadProof("an audit path is too long")
        if fn & 1 or fn == sn:
            value = tree.node_hash(step, value)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = tree.node_hash(value, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise BadProof("an audit path is too short")
    return value


def verify_part_proof(proof: bytes, segment_id: bytes, part_hash: bytes, size: int, root: bytes) -> Proved:
    """What is proved of the part, against a checkpoint's size and root; BadProof otherwise.

    ``part_hash``: SHA-256(part header ‖ ciphertext ‖ tag).
    """
    if not _HEAD.size <= len(proof) <= PROOF_MAX or len(segment_id) != HASH or len(part_hash) != HASH:
        raise BadProof("a length is wrong")
    (magic, version, ordinal, parts, place, count, writer, minute_s, row, at_us, salt, index, of, a, b, c) = (
        _HEAD.unpack_from(proof)
    )
    steps = [proof[at : at + HASH] for at in range(_HEAD.size, len(proof), HASH)]
    if (magic, version) != (_MAGIC, _VERSION) or len(proof) != _HEAD.size + HASH * (a + b + c):
        raise BadProof("not a proof of version 1")
    if of != size or ordinal >= parts or place >= count or index >= size or minute_s % minutes.MINUTE_S:
        raise BadProof("a place lies outside its tree, or the proof is for another checkpoint")
    segment = minutes.segment_leaf(segment_id, parts, _climb(tree.leaf_hash(part_hash), ordinal, parts, steps[:a]))
    minute_root = _climb(segment, place, count, steps[a : a + b])
    opening = opening_bytes(minutes.entry(writer, minute_s, count, minute_root))
    leaf = tree.leaf_hash(leaf_bytes(UUID(bytes=row), at_us, salt, opening))
    if _climb(leaf, index, size, steps[a + b :]) != root:
        raise BadProof("the proof does not lead to the checkpoint's root")
    return Proved(ordinal, parts, writer, minute_s, UUID(bytes=row), at_us, index, size)


def prove(cursor: Cursor, part: Part, writer: bytes, start_us: int, size: int) -> bytes:
    """The proof from what PostgreSQL has; ``start_us``: the part's start, ``size``: of a signed checkpoint.

    ``writer``: as in the segment's header. NoProof when no minute holds it within that checkpoint. Reads at most 20
    minutes of the recorder; for a file that was finished later (after a crash) PostgreSQL looks through the rest.
    """
    first = start_us // 1_000_000 // minutes.MINUTE_S * minutes.MINUTE_S
    whole = minutes.Growing()
    for value in part.hashes:
        whole.add(value)
    last = minutes.segment_leaf(part.segment_id, whole.size, whole.root())
    asked: tuple[tuple[str, int | bytes], ...] = (
        ("m.minute_s < %s", first + LATE_S),
        ("position(%s::bytea in m.leaves) > 0", last),
    )
    for where, limit in asked:
        cursor.execute(
            "select m.writer, m.minute_s, m.leaves, l.row, l.leaf, o.salt, l.idx from footage_minute m "
            "join ledger_leaf l on l.row = m.row join ledger_opening o on o.row = m.row "
            f"where m.writer = %s and m.minute_s >= %s and l.idx < %s and {where} order by m.minute_s, l.idx limit 100",
            [writer, first, size, limit],
        )
        for found, minute_s, leaves, row, leaf, salt, index in cursor.fetchall():
            minute = Minute(bytes(found), int(minute_s), bytes(leaves))
            sealed = Sealed(minute, row, int.from_bytes(bytes(leaf)[17:25], "big"), bytes(salt), int(index))
            try:
                _place(part, minute)
            except NoProof:
                continue
            return with_nodes(cursor, partial(part_proof, part, sealed, size))
    raise NoProof("이 조각을 봉인한 분이 아직 대장에 없습니다 / no recorder-minute in the ledger holds this part yet")
