"""The tree of the ledger against RFC 9162: known roots, every proof at every size, every changed proof refused."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.ledger import tree
from gwanje.kernel.ledger.verify import Tree

# the leaves and roots of the Certificate Transparency reference tests
LEAVES = [
    bytes.fromhex(h)
    for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_of_the_reference_vectors():
    nodes = tree.nodes_of(LEAVES)
    assert tree.root(nodes, 0) == hashlib.sha256(b"").digest()
    other = Tree()
    for size, wanted in enumerate(ROOTS, 1):
        assert tree.root(nodes, size).hex() == wanted
        other.add(tree.leaf_hash(LEAVES[size - 1]))
        assert other.root().hex() == wanted


def test_every_inclusion_and_consistency_proof_up_to_40():
    leaves = [b"%d" % i for i in range(40)]
    nodes = tree.nodes_of(leaves)
    roots = [tree.root(nodes, size) for size in range(41)]
    for size in range(1, 41):
        for index in range(size):
            path = tree.inclusion(nodes, index, size)
            assert tree.verify_inclusion(tree.leaf_hash(leaves[index]), index, size, roots[size], path)
            assert not tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, roots[size], path)
        for old in range(size + 1):
            proof = tree.consistency(nodes, old, size)
            assert tree.verify_consistency(old, roots[old], size, roots[size], proof)
            if old:
                assert not tree.verify_consistency(old, roots[old - 1], size, roots[size], proof)
                assert not tree.verify_consistency(old, roots[old], size, hashlib.sha256(b"x").digest(), proof)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 300), st.data())
def test_a_changed_proof_is_refused(size, data):
    nodes = tree.nodes_of([b"%d" % i for i in range(size)])
    old = data.draw(st.integers(1, size - 1))
    proof = tree.consistency(nodes, old, size)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    bad = bytearray(proof[at])
    bad[bit // 8] ^= 1 << bit % 8
    changed = [*proof[:at], bytes(bad), *proof[at + 1 :]]
    old_root, new_root = tree.root(nodes, old), tree.root(nodes, size)
    assert tree.verify_consistency(old, old_root, size, new_root, proof)
    assert not tree.verify_consistency(old, old_root, size, new_root, changed)
    assert not tree.verify_consistency(old, old_root, size, new_root, proof[:-1])
    assert not tree.verify_consistency(old, old_root, size, new_root, [*proof, proof[0]])


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 200), st.data())
def test_a_forked_tree_has_no_proof(size, data):
    leaves = [b"%d" % i for i in range(size + 5)]
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    fork = tree.nodes_of([b"forged" if i == changed else leaf for i, leaf in enumerate(leaves)])
    honest = tree.nodes_of(leaves)
    for proof in (tree.consistency(fork, old, size + 5), tree.consistency(honest, old, size + 5)):
        assert not tree.verify_consistency(old, tree.root(honest, old), size + 5, tree.root(fork, size + 5), proof)


def test_limits():
    nodes = tree.nodes_of([b"a", b"b"])
    with pytest.raises(ValueError, match="not in this tree"):
        tree.inclusion(nodes, 2, 2)
    with pytest.raises(ValueError, match="only grows"):
        tree.consistency(nodes, 2, 1)
    assert not tree.verify_consistency(2, tree.root(nodes, 2), 1, tree.root(nodes, 1), [])
    assert not tree.verify_inclusion(tree.leaf_hash(b"a"), 0, 2, tree.root(nodes, 2), [b"\0" * 32] * 65)
