"""Key tree over time (시간 키 나무): GGM over one hour's root, camera slot first, then the second of the hour.

Path: 20 bits of slot, then 12 bits of tick, most significant first; a child is
``HMAC-SHA-256(node, "gwanje/v1/ggm\\0" ‖ b)``. A node opens the ticks below it and nothing else.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from gwanje.kernel.secret import wipe

SLOT_BITS = 20
TICK_BITS = 12
TICKS = 3600
SLOTS = 1 << SLOT_BITS
EPOCH_S = 3600
KEY_SIZE = 32
_LABEL = (b"gwanje/v1/ggm\0\0", b"gwanje/v1/ggm\0\1")
_WIPED = bytes(KEY_SIZE)


class NoKey(LookupError):
    """The spine holds no key for this tick: it lies in the past, or the lent nodes have run out."""


@dataclass(frozen=True)
class Node:
    """One covering node: ``key`` opens ticks ``first`` … ``first + 2**height - 1`` of one slot and hour."""

    height: int
    first: int
    key: bytes


def child(node: bytes | bytearray, bit: int) -> bytes:
    """The left (0) or right (1) child of a node, 32 bytes."""
    return hmac.digest(node, _LABEL[bit], "sha256")


def epoch_of(unix_s: int) -> int:
    """The UTC hour of a Unix second."""
    return unix_s // EPOCH_S


def tick_of(unix_s: int) -> int:
    """The second of its hour, 0 … 3599."""
    return unix_s % EPOCH_S


def _descend(node: bytes, path: int, bits: int) -> bytes:
    for shift in range(bits - 1, -1, -1):
        node = child(node, path >> shift & 1)
    return node


def slot_node(root: bytes, slot: int) -> bytes:
    """The node that opens one camera's whole hour; ValueError outside 20 bits."""
    if not 0 <= slot < SLOTS:
        raise ValueError(f"slot {slot} is outside 20 bits")
    if len(root) != KEY_SIZE:
        raise ValueError("a root has 32 bytes")
    return _descend(root, slot, SLOT_BITS)


def leaf_below(node: bytes, tick: int) -> bytes:
    """The leaf of one tick below a slot's node; ValueError outside 0 … 3599."""
    if not 0 <= tick < TICKS:
        raise ValueError(f"tick {tick} is outside the hour")
    return _descend(node, tick, TICK_BITS)


def leaf(root: bytes, slot: int, tick: int) -> bytes:
    """The 32-byte leaf key of one camera's second."""
    return leaf_below(slot_node(root, slot), tick)


def cover(root: bytes, slot: int, first: int, until: int) -> list[Node]:
    """The fewest nodes that open exactly ticks [first, until) of a slot, in order of time; at most 22."""
    if not 0 <= first < until <= TICKS:
        raise ValueError(f"ticks [{first}, {until}) are no range of the hour")
    found: list[Node] = []
    walk = [(slot_node(root, slot), TICK_BITS, 0)]
    while walk:
        key, height, low = walk.pop()
        high = low + (1 << height)
        if low >= until or high <= first:
            continue
        if first <= low and high <= until:
            found.append(Node(height, low, key))
            continue
        middle = low + (1 << height - 1)
        walk.append((child(key, 1), height - 1, middle))
        walk.append((child(key, 0), height - 1, low))
    return found


def spine(root: bytes, slot: int, first: int) -> list[tuple[int, bytes]]:
    """The right spine that vaultd lends: [(height, key), …] for ticks first … 3599, **first tick last**."""
    return [(node.height, node.key) for node in reversed(cover(root, slot, first, TICKS))]


def _child(node: bytearray, bit: int) -> bytearray:
    """A child in memory that is overwritten later; what HMAC handed out is overwritten now."""
    made = child(node, bit)
    kept = bytearray(made)
    wipe(made)
    return kept


class Spine:
    """A recorder's lent keys for one camera and hour: forward only, and it overwrites what it leaves.

    ``nodes`` as ``spine`` gives them, copied: whoever gave them overwrites his own.
    """

    __slots__ = ("_leaf", "_next", "_stack", "epoch")

    def __init__(self, epoch: int, first: int, nodes: Iterable[tuple[int, bytes | bytearray]]) -> None:
        self.epoch = epoch
        self._next = first
        self._stack = [(height, bytearray(key)) for height, key in nodes]
        self._leaf = bytearray(KEY_SIZE)
        reach = first + sum(1 << height for height, _ in self._stack)
        if not 0 <= first < TICKS or reach > TICKS or any(len(key) != KEY_SIZE for _, key in self._stack):
            raise ValueError("the nodes are no spine of this hour")

    @property
    def tick(self) -> int:
        """The tick whose leaf ``at`` gave last; ``first - 1`` before the first call."""
        return self._next - 1

    def at(self, tick: int) -> bytearray:
        """The leaf of ``tick``, valid until the next call; NoKey for a tick already left or beyond the nodes."""
        if tick == self._next - 1 and any(self._leaf):
            return self._leaf
        if tick < self._next:
            raise NoKey(f"tick {tick} was left behind")
        while self._stack:
            height, key = self._stack.pop()
            if self._next + (1 << height) <= tick:
                key[:] = _WIPED
                self._next += 1 << height
                continue
            while height:
                height -= 1
                right = self._next + (1 << height)
                if tick < right:
                    self._stack.append((height, _child(key, 1)))
                    bit = 0
                else:
                    self._next, bit = right, 1
                lower = _child(key, bit)
                key[:] = _WIPED
                key = lower
            self._leaf[:] = key
            key[:] = _WIPED
            self._next += 1
            return self._leaf
        raise NoKey(f"no key for tick {tick}: the lent nodes have run out")

    def leave(self, tick: int) -> None:
        """Overwrite the leaf when it is of ``tick`` or before: a camera that fell silent still was seen then."""
        if self._next <= tick + 1:
            self._leaf[:] = _WIPED

    def wipe(self) -> None:
        """Overwrite everything still held; afterwards every tick is NoKey."""
        for _, key in self._stack:
            key[:] = _WIPED
        self._stack.clear()
        self._leaf[:] = _WIPED
