"""Recorder-minute (녹화기 분 단위 봉인): one ledger row says what a recorder's segments held when a minute ended.

leaf data of a minute's tree = "gwanje/v1/minute\\0" ‖ segment id 32 ‖ parts u32 ‖ root over the first so many part
hashes 32 (RFC 9162; with all parts it is the trailer's). Sizes cannot be read back from a leaf's hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger import tree
from gwanje.kernel.ledger.entry import Entry, append

LABEL = b"gwanje/v1/minute\0"
KIND = "recorder.minute.sealed"
MINUTE_S = 60
SEGMENTS_MAX = 8192
HASH = 32


class Growing:
    """A tree that grows at its right edge (자라는 해시 나무): RFC 9162, leaf by leaf, root at any time."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    def add(self, data: bytes) -> None:
        """One more leaf."""
        value, size = tree.leaf_hash(data), self.size
        while size & 1:
            value, size = tree.node_hash(self._edge.pop(), value), size >> 1
        self._edge.append(value)
        self.size += 1

    def root(self) -> bytes:
        """Root over all leaves so far."""
        if not self._edge:
            return tree.EMPTY
        value = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            value = tree.node_hash(left, value)
        return value


def segment_leaf(segment_id: bytes, parts: int, root: bytes) -> bytes:
    """Leaf hash of one segment in a minute: its first ``parts`` part hashes have this root."""
    return tree.leaf_hash(LABEL + segment_id + parts.to_bytes(4, "big") + root)


@dataclass(frozen=True)
class Minute:
    """What one recorder sealed until a minute's end. ``writer``: 16-byte key id; ``minute_s``: Unix second of its
    beginning, a multiple of 60; ``leaves``: 32-byte leaf hashes, one behind the other, at most 8,192."""

    writer: bytes
    minute_s: int
    leaves: bytes

    def __post_init__(self) -> None:
        count, rest = divmod(len(self.leaves), HASH)
        if len(self.writer) != 16 or rest or not 1 <= count <= SEGMENTS_MAX:
            raise ValueError(f"a minute has 1 to {SEGMENTS_MAX} leaves of 32 bytes and a writer of 16")
        if self.minute_s % MINUTE_S or not 0 <= self.minute_s < 1 << 62:
            raise ValueError("a minute begins at a multiple of 60 seconds")

    @property
    def row(self) -> UUID:
        """The ledger row's identity: the same minute sent twice is one row."""
        digest = hashlib.sha256(LABEL + self.writer + self.minute_s.to_bytes(8, "big") + self.leaves).digest()
        # RFC 9562 version 8, which Python 3.11 cannot name
        value = int.from_bytes(digest[:16], "big") & ~(0xF << 76 | 0x3 << 62)
        return UUID(int=value | 0x8 << 76 | 0x2 << 62)

    @property
    def count(self) -> int:
        """Segments in it."""
        return len(self.leaves) // HASH

    def nodes(self) -> tree.Nodes:
        """Nodes of the minute's tree over its leaf hashes."""
        known: dict[tuple[int, int], bytes] = {}

        def node(level: int, index: int) -> bytes:
            if level == 0:
                return self.leaves[index * HASH : (index + 1) * HASH]
            key = (level, index)
            if key not in known:
                known[key] = tree.node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
            return known[key]

        return node

    def find(self, leaf: bytes) -> int | None:
        """Place of a leaf hash."""
        at = self.leaves.find(leaf)
        while at > 0 and at % HASH:
            at = self.leaves.find(leaf, at + 1)
        return None if at < 0 else at // HASH


def entry(writer: bytes, minute_s: int, count: int, root: bytes) -> Entry:
    """The ledger row of a minute; a verifier builds the same from a proof, so that no opening need travel with it."""
    detail = {"minute": minute_s, "recorder": writer.hex(), "root": root.hex(), "segments": count}
    return Entry(KIND, "done", role="recorder", detail=detail, dies="registry")


def put_minutes(cursor: Cursor, clock: Clock, rows: Sequence[Minute]) -> None:
    """Minutes and their ledger rows in the cursor's transaction; a minute that is there already changes nothing."""
    for minute in rows:
        root = tree.root(minute.nodes(), minute.count)
        row = append(cursor, clock, entry(minute.writer, minute.minute_s, minute.count, root), row=minute.row)
        cursor.execute(
            "insert into footage_minute (row, writer, minute_s, leaves) values (%s, %s, %s, %s) "
            "on conflict (row) do nothing",
            [row, minute.writer, minute.minute_s, minute.leaves],
        )
