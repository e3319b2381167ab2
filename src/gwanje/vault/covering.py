"""A hold's keys (보존 키): covering nodes of live seconds, derived twice by two ways, and what they must open.

Pure: of a keystore's content. What is derived here counts only if the hours' keys are still the same when it is
written (``current``): an hour that died or was punctured meanwhile has other bytes, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gwanje.vault import frontier, held
from gwanje.vault.errors import VaultError
from gwanje.vault.records import HELD, HeldLens, Hold
from gwanje.vault.state import State
from gwanje.vault.tree import EPOCH_S, TICK_BITS, TICKS, NoKey

Leaf = tuple[tuple[int, int, int, int], bytes]


@dataclass(frozen=True)
class Covering:
    """``nodes`` packed as a hold keeps them; ``keys`` they came from, by hour; ``leaves``: (class, slot, epoch, tick)
    of the first, middle and last second of each lens, from the tree itself."""

    nodes: bytearray
    keys: dict[held.Hour, bytearray]
    leaves: tuple[Leaf, ...]

    @property
    def count(self) -> int:
        """Nodes."""
        return len(self.nodes) // HELD.size

    def current(self, state: State) -> bool:
        """Are the hours' keys those of this content?"""
        return all(held.keys(state, *hour) is keys for hour, keys in self.keys.items())

    def is_of(self, hold: Hold) -> bool:
        """Has a hold that was read back these nodes, and do they open what the tree opens?"""
        return hold.nodes == self.nodes and all(_opens(hold, *one) for one in self.leaves)


def _opens(hold: Hold, where: tuple[int, int, int, int], leaf: bytes) -> bool:
    try:
        return hold.leaf(*where) == leaf
    except NoKey:
        return False


def dead(state: State, lenses: Sequence[HeldLens]) -> list[tuple[held.Hour, held.Range]]:
    """What of the lenses the live tree does not open, hour by hour."""
    hours = held.hours_of(lenses)
    return [(hour, piece) for hour, ranges in sorted(hours.items()) for piece in held.dead(state, hour, ranges)]


def covering(state: State, lenses: Sequence[HeldLens], room: int) -> Covering:
    """The nodes of live seconds; VaultError ``limit`` past ``room`` nodes, ``hold_unproved`` when two ways differ.

    NoKey or a wrong key when an hour dies meanwhile: ``current`` says so afterwards.
    """
    packed: list[bytes] = []
    keys: dict[held.Hour, bytearray] = {}
    for hour, ranges in sorted(held.hours_of(lenses).items()):
        known = held.keys(state, *hour)
        if known is None:
            raise NoKey(*ranges[0])
        keys[hour] = known
        # a node wholly behind the hour's end opens no second that exists
        found = [item for item in frontier.cover(known, ranges) if _place(item)[1] < TICKS]
        if len(packed) + len(found) > room:
            raise VaultError("limit", f"{room} nodes more in all holds")
        _twice(known, ranges, found)
        for depth, path, key in found:
            slot, first = _place((depth, path, key))
            packed.append(HELD.pack(*hour, slot, frontier.DEPTH - depth, first, key))
    return Covering(bytearray().join(packed), keys, tuple(_leaves(state, lenses)))


def _place(item: frontier.Item) -> tuple[int, int]:
    """(slot, first tick) of a node within one slot."""
    low = item[1] << frontier.DEPTH - item[0]
    return low >> TICK_BITS, low & (1 << TICK_BITS) - 1


def _twice(keys: bytearray, ranges: Sequence[held.Range], found: Sequence[frontier.Item]) -> None:
    """Each node by its path alone is the same key, and together they open these seconds and no others."""
    opened: list[held.Range] = []
    for depth, path, key in found:
        height, (slot, first) = frontier.DEPTH - depth, _place((depth, path, key))
        if frontier.node(keys, slot, first, height) != key:
            raise VaultError("hold_unproved", f"slot {slot}, tick {first}")
        opened.append((slot, first, min(first + (1 << height), TICKS)))
    if held.merged(opened) != held.merged(ranges):
        raise VaultError("hold_unproved", "other seconds than were asked for")


def _leaves(state: State, lenses: Sequence[HeldLens]) -> list[Leaf]:
    found = []
    for lens in lenses:
        for second in sorted({lens.first, (lens.first + lens.until) // 2, lens.until - 1}):
            where = lens.class_, lens.slot, second // EPOCH_S, second % EPOCH_S
            found.append((where, held.live_leaf(state, *where)))
    return found
