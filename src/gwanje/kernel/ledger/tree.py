"""Merkle tree (머클 트리): RFC 9162 section 2, as pure functions; vaultd and the sequencer use the same ones.

Hashes are 32 bytes of SHA-256. ``Nodes`` is any function (level, index) -> hash of a complete subtree of
``2**level`` leaves that begins at leaf ``index * 2**level``; level 0 is ``leaf_hash`` of the leaf's bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Nodes = Callable[[int, int], bytes]
EMPTY = hashlib.sha256(b"").digest()
PROOF_MAX = 64


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """Nodes over leaf data held in memory; every complete subtree is hashed once, when first asked for."""
    known: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(leaves[index])
        key = (level, index)
        if key not in known:
            known[key] = node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        return known[key]

    return node


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _range(nodes: Nodes, first: int, size: int) -> bytes:
    """Hash over leaves [first, first + size); ``first`` is a multiple of every complete subtree in it."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, first >> level)
    left = _split(size)
    return node_hash(_range(nodes, first, left), _range(nodes, first + left, size - left))


def root(nodes: Nodes, size: int) -> bytes:
    """Merkle tree hash of the first ``size`` leaves."""
    return EMPTY if size == 0 else _range(nodes, 0, size)


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Audit path of leaf ``index`` in the tree of ``size`` leaves, leaf first; ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in this tree")
    path: list[bytes] = []
    first, count = 0, size
    while count > 1:
        left = _split(count)
        if index - first < left:
            path.append(_range(nodes, first + left, count - left))
            count = left
        else:
            path.append(_range(nodes, first, left))
            first, count = first + left, count - left
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, tree_root: bytes, path: Sequence[bytes]) -> bool:
    """Does the audit path lead from ``leaf`` (a leaf hash) at ``index`` to the root? RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size or len(path) > PROOF_MAX:
        return False
    fn, sn, value = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            value = node_hash(step, value)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = node_hash(value, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and value == tree_root


def consistency(nodes: Nodes, old_size: int, new_size: int) -> list[bytes]:
    """Proof that the tree of ``old_size`` leaves is the beginning of that of ``new_size``; empty from size 0."""
    if not 0 <= old_size <= new_size:
        raise ValueError("a tree only grows")
    if old_size in (0, new_size):
        return []
    path: list[bytes] = []
    first, count, old, whole = 0, new_size, old_size, True
    while old != count:
        left = _split(count)
        if old <= left:
            path.append(_range(nodes, first + left, count - left))
            count = left
        else:
            path.append(_range(nodes, first, left))
            first, count, old, whole = first + left, count - left, old - left, False
    if not whole:
        path.append(_range(nodes, first, count))
    return path[::-1]


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Is the old tree the beginning of the new one? RFC 9162 section 2.1.4.2; from size 0 anything follows."""
    if not 0 <= old_size <= new_size or len(proof) > PROOF_MAX:
        return False
    if old_size == 0:
        return old_root == EMPTY and not proof and (new_size > 0 or new_root == EMPTY)
    if old_size == new_size:
        return old_root == new_root and not proof
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(step, old), node_hash(step, new)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == old_root and new == new_root
