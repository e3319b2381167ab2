"""Part → segment → recorder-minute → ledger: what a minute says, and what a proof of one part needs."""

import hashlib
import os
import random
from uuid import uuid4

import pytest

from gwanje.kernel import ledger
from gwanje.kernel.ledger import minutes, proofs, tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.kernel.ledger.minutes import Growing, Minute
from gwanje.kernel.ledger.proofs import BadProof, NoProof, Part, Sealed, part_proof, verify_part_proof
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all
from gwanje.vault import merkle

WRITER = bytes(range(16))
MINUTE_S = 1_800_000_000


def some(count, seed):
    rng = random.Random(seed)
    return [rng.randbytes(32) for _ in range(count)]


def minute_of(segments, shown):
    """A minute that shows the first ``shown`` parts of each segment."""
    leaves = [minutes.segment_leaf(name, shown, merkle.root(hashes[:shown])) for name, hashes in segments]
    return Minute(WRITER, MINUTE_S, b"".join(leaves))


def in_ledger(minute, index, size, seed=1):
    """(sealed, nodes) of a ledger in memory whose leaf ``index`` is the minute's row."""
    row, at_us, salt = uuid4(), MINUTE_S * 1_000_000 + 61_000_000, os.urandom(32)
    root = tree.root(minute.nodes(), minute.count)
    opening = opening_bytes(minutes.entry(WRITER, MINUTE_S, minute.count, root))
    leaves = some(size, seed)
    leaves[index] = leaf_bytes(row, at_us, salt, opening)
    return Sealed(minute, row, at_us, salt, index), tree.nodes_of(leaves)


def test_a_growing_tree_has_the_trailers_root_at_every_size():
    grown, hashes = Growing(), some(70, 3)
    assert grown.root() == merkle.root([])
    for count, value in enumerate(hashes, 1):
        grown.add(value)
        assert grown.root() == merkle.root(hashes[:count]) == tree.root(tree.nodes_of(hashes), count)


def test_every_part_of_a_minute_is_proved_and_no_other():
    segments = [(os.urandom(32), some(40, n)) for n in range(5)]
    sealed, nodes = in_ledger(minute_of(segments, 33), 6, 11)
    root = tree.root(nodes, 11)
    name, hashes = segments[3]
    for ordinal in range(33):
        proof = part_proof(Part(name, hashes, ordinal), sealed, 11, nodes)
        said = verify_part_proof(proof, name, hashes[ordinal], 11, root)
        assert (said.ordinal, said.parts, said.minute_s, said.index) == (ordinal, 33, MINUTE_S, 6)
        assert said.writer == WRITER
        assert said.row == sealed.row
        for other in (hashes[ordinal + 1], segments[2][1][ordinal]):
            with pytest.raises(BadProof):
                verify_part_proof(proof, name, other, 11, root)
        with pytest.raises(BadProof):
            verify_part_proof(proof, segments[0][0], hashes[ordinal], 11, root)
    with pytest.raises(NoProof):
        part_proof(Part(name, hashes, 33), sealed, 11, nodes)


def test_every_changed_bit_of_a_proof_is_seen():
    segments = [(os.urandom(32), some(9, n)) for n in range(3)]
    sealed, nodes = in_ledger(minute_of(segments, 7), 2, 6)
    root = tree.root(nodes, 6)
    name, hashes = segments[1]
    proof = part_proof(Part(name, hashes, 4), sealed, 6, nodes)
    for bit in range(len(proof) * 8):
        bad = bytearray(proof)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadProof):
            verify_part_proof(bytes(bad), name, hashes[4], 6, root)
    for bad in (proof[:-1], proof[:-32], proof + b"\0", proof + bytes(32), b"", proof[:50]):
        with pytest.raises(BadProof):
            verify_part_proof(bad, name, hashes[4], 6, root)


def test_a_proof_fits_in_two_kilobytes_at_a_trillion_leaves():
    # 512 cameras, 300 seconds of two parts, and a ledger of 1.6e12 rows: its path is 41 hashes, whatever they are
    segments = [(hashlib.sha256(bytes([n % 256, n // 256])).digest(), some(600, 5)) for n in range(512)]
    minute, size = minute_of(segments, 600), 1_600_000_000_000
    sealed = Sealed(minute, uuid4(), MINUTE_S * 1_000_000, os.urandom(32), 77)
    opening = opening_bytes(minutes.entry(WRITER, MINUTE_S, minute.count, tree.root(minute.nodes(), minute.count)))
    own = tree.leaf_hash(leaf_bytes(sealed.row, sealed.at_us, sealed.salt, opening))

    def nodes(level, index):
        """A ledger of which only our leaf is real; everything else is one hash a node."""
        if index != 77 >> level:
            return hashlib.sha256(b"%d %d" % (level, index)).digest()
        return own if level == 0 else tree.node_hash(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))

    name, hashes = segments[300]
    proof = part_proof(Part(name, hashes, 599), sealed, size, nodes)
    verify_part_proof(proof, name, hashes[599], size, tree.root(nodes, size))
    assert len(proof) <= proofs.PROOF_MAX == 2048


def test_a_minute_is_written_once_and_proves_from_postgresql(server, app):
    segments = [(os.urandom(32), some(50, n + 9)) for n in range(4)]
    early, late = minute_of(segments, 20), Minute(WRITER, MINUTE_S + 60, minute_of(segments, 50).leaves)
    for _ in range(2):
        with app.transaction(), app.cursor() as cursor:
            minutes.put_minutes(cursor, server.clock, [early, late])
    count = app.execute("select count(*) from ledger_opening where kind = %s", [minutes.KIND]).fetchone()[0]
    assert count == 2
    name, hashes = segments[2]
    start_us = (MINUTE_S + 30) * 1_000_000
    with app.cursor() as cursor:
        with pytest.raises(NoProof):
            proofs.prove(cursor, Part(name, hashes, 30), WRITER, start_us, ledger.size(cursor))
        sequence_all(Sequencer(app, "gwanje/test", None))
        size = ledger.size(cursor)
        leaves = [bytes(x) for (x,) in app.execute("select leaf from ledger_leaf order by idx").fetchall()]
        root = tree.root(tree.nodes_of(leaves), size)
        for ordinal, minute_s in ((0, MINUTE_S), (19, MINUTE_S), (20, MINUTE_S + 60), (49, MINUTE_S + 60)):
            proof = proofs.prove(cursor, Part(name, hashes, ordinal), WRITER, start_us, size)
            assert verify_part_proof(proof, name, hashes[ordinal], size, root).minute_s == minute_s
        with pytest.raises(NoProof):
            proofs.prove(cursor, Part(name, hashes, 0), bytes(16), start_us, size)


def test_a_file_that_a_crash_left_open_is_proved_by_a_later_minute(server, app):
    name, hashes = os.urandom(32), some(12, 77)
    later = Minute(WRITER, MINUTE_S + 86_400, minutes.segment_leaf(name, 12, merkle.root(hashes)))
    with app.transaction(), app.cursor() as cursor:
        minutes.put_minutes(cursor, server.clock, [later])
    sequence_all(Sequencer(app, "gwanje/test", None))
    with app.cursor() as cursor:
        size = ledger.size(cursor)
        proof = proofs.prove(cursor, Part(name, hashes, 3), WRITER, MINUTE_S * 1_000_000, size)
    assert len(proof) < 2048


@pytest.mark.parametrize(
    "wrong",
    [
        {"writer": bytes(15)},
        {"minute_s": 61},
        {"minute_s": -60},
        {"leaves": b""},
        {"leaves": bytes(33)},
        {"leaves": bytes(32 * 8193)},
    ],
)
def test_a_minute_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="minute"):
        Minute(**{"writer": WRITER, "minute_s": 60, "leaves": bytes(32), **wrong})
