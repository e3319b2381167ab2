"""Merkle tree of a segment (해시 나무): RFC 9162 section 2.1.1, leaf data = the 32-byte part hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def root(hashes: Sequence[bytes]) -> bytes:
    """The tree's root over the part hashes in their order; SHA-256 of nothing for none."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\0" + data).digest() for data in hashes]
    while len(level) > 1:
        # an odd last node climbs unchanged: the same tree as RFC 9162's split at the largest power of two
        paired = [
            hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() if i + 1 < len(level) else level[i]
            for i in range(0, len(level), 2)
        ]
        level = paired
    return level[0]
