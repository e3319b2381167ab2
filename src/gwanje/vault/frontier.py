"""What is left of a punctured hour (부분 폐쇄): the key tree without the leaves that a deletion closed.

A frontier is packed ``>BI32s``: depth (1 … 32), the node's first ``depth`` path bits as a number, its key; in order of
the first leaf below, disjoint, and as few nodes as open exactly what still lives. The same punctures in any order give
the same bytes. Where a frontier is asked for, 32 bytes are a whole root: the length tells them apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final

from gwanje.vault.errors import VaultError
from gwanje.vault.tree import KEY_SIZE, SLOTS, TICK_BITS, TICKS, NoKey, child

NODE: Final = Struct(">BI32s")
NODES_MAX: Final = 4096
DEPTH: Final = 32
Keys = bytes | bytearray
Item = tuple[int, int, bytes]
Range = tuple[int, int]


def packed(nodes: Sequence[Item]) -> bytearray:
    """The packed form of (depth, path, key) in order; VaultError ``limit`` past 4,096 nodes an hour."""
    if len(nodes) > NODES_MAX:
        raise VaultError("limit", f"{NODES_MAX} nodes an hour")
    made = bytearray(NODE.size * len(nodes))
    for at, (depth, path, key) in enumerate(nodes):
        NODE.pack_into(made, at * NODE.size, depth, path, key)
    return made


def items(nodes: Keys) -> Iterator[Item]:
    """(depth, path, key) of a frontier, or of a root as its one node of depth 0."""
    if len(nodes) == KEY_SIZE:
        return iter([(0, 0, bytes(nodes))])
    return NODE.iter_unpack(nodes)


def leaves(slot: int, first: int, until: int) -> Range:
    """Ticks [first, until) of a slot as leaf numbers of 32 bits; ValueError outside the hour.

    An hour's end reaches to the 4,096th leaf: the 496 seconds that do not exist go with the last one that does.
    """
    if not 0 <= slot < SLOTS or not 0 <= first < until <= TICKS:
        raise ValueError(f"slot {slot}, ticks [{first}, {until}) are no range of the hour")
    low = slot << TICK_BITS
    return low + first, low + (1 << TICK_BITS if until == TICKS else until)


def _walk(nodes: Keys, ranges: Sequence[Range], *, inside: bool) -> Iterator[Item]:
    """Nodes that open exactly what of ``nodes`` lies inside (or outside) sorted, disjoint ranges; fewest, in order.

    A key that is not asked for is never derived: a puncture does not compute what it closes.
    """
    lows = [low for low, _ in ranges]
    for item in items(nodes):
        stack = [item]
        while stack:
            depth, path, key = stack.pop()
            low = path << DEPTH - depth
            kind = _place(ranges, lows, low, low + (1 << DEPTH - depth))
            if kind == 0:
                for bit in (1, 0):
                    below = (path << 1 | bit) << DEPTH - depth - 1
                    place = _place(ranges, lows, below, below + (1 << DEPTH - depth - 1))
                    if place == 0 or (place > 0) == inside:
                        stack.append((depth + 1, path << 1 | bit, child(key, bit)))
            elif (kind > 0) == inside:
                yield depth, path, key


def _place(ranges: Sequence[Range], lows: Sequence[int], low: int, high: int) -> int:
    """1: all of [low, high) lies in one range; -1: none of it in any; 0: some."""
    at = bisect_right(lows, low) - 1
    if at >= 0 and low < ranges[at][1]:
        return 1 if high <= ranges[at][1] else 0
    return 0 if at + 1 < len(ranges) and ranges[at + 1][0] < high else -1


def puncture(nodes: Keys, slot: int, first: int, until: int) -> bytearray:
    """The frontier without ticks [first, until) of a slot: what intersects is replaced by its co-path.

    ``nodes``: a frontier or a root. What was closed already stays closed. VaultError ``limit`` past 4,096 nodes.
    """
    return packed(list(_walk(nodes, [leaves(slot, first, until)], inside=False)))


def cover(nodes: Keys, ranges: Sequence[tuple[int, int, int]]) -> list[Item]:
    """The fewest nodes that open exactly (slot, first, until) ranges, in order of slot and time.

    ``ranges`` are sorted and disjoint, ticks half open. NoKey names the first second that does not live, as
    ``args`` (slot, first dead tick, its end): nothing is covered by halves.
    """
    wanted = [leaves(*one) for one in ranges]
    if any(one[1] > other[0] for one, other in pairwise(wanted)):
        raise ValueError("the ranges overlap or are not in order")
    return _whole(nodes, wanted)


def _whole(nodes: Keys, wanted: Sequence[Range]) -> list[Item]:
    found = list(_walk(nodes, wanted, inside=True))
    at, left = 0, iter(wanted)
    end = 0
    for depth, path, _ in [*found, (DEPTH, 1 << DEPTH, b"")]:
        low = path << DEPTH - depth
        while at >= end:
            at, end = next(left, (1 << DEPTH, (1 << DEPTH) + 1))
        if low > at:
            slot = at >> TICK_BITS
            dead = min(low, end) - (slot << TICK_BITS)
            raise NoKey(slot, at & (1 << TICK_BITS) - 1, min(dead, TICKS))
        at = path + 1 << DEPTH - depth
    return found


def find(nodes: Keys, slot: int, tick: int) -> bytes:
    """The leaf of one second; NoKey when it was closed. ValueError outside the hour."""
    target, _ = leaves(slot, tick, tick + 1)
    if len(nodes) == KEY_SIZE:
        return down(bytes(nodes), target, DEPTH)
    low, high = 0, len(nodes) // NODE.size
    while low < high:
        middle = (low + high) // 2
        depth, path, _ = NODE.unpack_from(nodes, middle * NODE.size)
        if path << DEPTH - depth <= target:
            low = middle + 1
        else:
            high = middle
    if low:
        depth, path, key = NODE.unpack_from(nodes, (low - 1) * NODE.size)
        if target >> DEPTH - depth == path:
            return down(key, target, DEPTH - depth)
    raise NoKey(slot, tick, tick + 1)


def down(key: bytes, target: int, bits: int) -> bytes:
    """From a node along the last ``bits`` bits of a leaf's number."""
    for shift in range(bits - 1, -1, -1):
        key = child(key, target >> shift & 1)
    return key


def node(nodes: Keys, slot: int, first: int, height: int) -> bytes:
    """The key of one inner node, by the path alone: what a hold's node is compared with. NoKey when none is above."""
    target = (slot << TICK_BITS | first) >> height
    for depth, path, key in items(nodes):
        if depth <= DEPTH - height and target >> DEPTH - height - depth == path:
            return down(key, target, DEPTH - height - depth)
    raise NoKey(slot, first, first + (1 << height))


def spine(nodes: Keys, slot: int, first: int) -> list[tuple[int, bytes]]:
    """The right spine for lending, as ``tree.spine``: [(height, key), …] of ticks first … 3599, **first tick last**.

    NoKey when one of them was closed: an hour that is being recorded is closed in its past only.
    """
    low, _ = leaves(slot, first, TICKS)
    # a lent node opens no second that does not exist: a recorder's stack counts them
    found = _whole(nodes, [(low, (slot << TICK_BITS) + TICKS)])
    return [(DEPTH - depth, key) for depth, _, key in reversed(found)]


def closed(nodes: Keys) -> list[tuple[int, int, int]]:
    """(slot, first, until) of every closed range of a frontier, in order; nothing of a root."""
    found: list[tuple[int, int, int]] = []
    at = 0
    for depth, path, _ in items(nodes):
        found += _pieces(at, path << DEPTH - depth)
        at = path + 1 << DEPTH - depth
    return [*found, *_pieces(at, 1 << DEPTH)]


def _pieces(low: int, high: int) -> Iterator[tuple[int, int, int]]:
    while low < high:
        slot, first = low >> TICK_BITS, low & (1 << TICK_BITS) - 1
        end = min(high, slot + 1 << TICK_BITS)
        if first < TICKS:
            yield slot, first, min(end - (slot << TICK_BITS), TICKS)
        low = end
