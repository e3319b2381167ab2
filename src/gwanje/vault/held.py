"""Which seconds open, and by what (열리는 구간): of a keystore's content alone, changing nothing.

Ranges are (slot, first tick, end) within one class and hour, half open; lists of them are sorted and disjoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from gwanje.vault import frontier
from gwanje.vault.errors import VaultError
from gwanje.vault.records import HeldLens, Hold, Released
from gwanje.vault.state import State
from gwanje.vault.tree import EPOCH_S, NoKey

RELEASED_MAX: Final = 100_000
Range = tuple[int, int, int]
Hour = tuple[int, int]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Sorted, with what touches or overlaps made one."""
    found: list[Range] = []
    for slot, first, until in sorted(ranges):
        if found and found[-1][0] == slot and first <= found[-1][2]:
            found[-1] = slot, found[-1][1], max(until, found[-1][2])
        else:
            found.append((slot, first, until))
    return found


def without(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """What of ``ranges`` lies in none of ``others``."""
    gone: dict[int, list[Range]] = {}
    for other in merged(others):
        gone.setdefault(other[0], []).append(other)
    found: list[Range] = []
    for slot, first, until in merged(ranges):
        at = first
        for _, low, high in gone.get(slot, ()):
            if high > at and low < until:
                if low > at:
                    found.append((slot, at, low))
                at = max(at, high)
        if at < until:
            found.append((slot, at, until))
    return found


def within(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """What of ``ranges`` lies in one of ``others``."""
    kept = list(ranges)
    return without(kept, without(kept, others))


def seconds(ranges: Iterable[Range]) -> int:
    """Camera-seconds."""
    return sum(until - first for _, first, until in ranges)


def hours_of(lenses: Iterable[HeldLens]) -> dict[Hour, list[Range]]:
    """(class, epoch) → what of the lenses lies there."""
    found: dict[Hour, list[Range]] = {}
    for lens in lenses:
        for epoch in range(lens.first // EPOCH_S, (lens.until - 1) // EPOCH_S + 1):
            start = epoch * EPOCH_S
            piece = (lens.slot, max(lens.first - start, 0), min(lens.until - start, EPOCH_S))
            found.setdefault((lens.class_, epoch), []).append(piece)
    return {hour: merged(pieces) for hour, pieces in found.items()}


def keys(state: State, class_: int, epoch: int) -> bytearray | None:
    """The root or the frontier of an hour; None when it is dead, or never was."""
    root = state.roots.get((class_, epoch))
    return root if root is not None else state.frontiers.get((class_, epoch))


def dead(state: State, hour: Hour, ranges: Sequence[Range]) -> list[Range]:
    """What of ``ranges`` the live tree does not open."""
    known = keys(state, *hour)
    return merged(ranges) if known is None else within(ranges, frontier.closed(known))


def live_leaf(state: State, class_: int, slot: int, epoch: int, tick: int) -> bytes:
    """A second's leaf from the live tree; VaultError ``destroyed``, or ``closed`` in an hour that lives."""
    known = keys(state, class_, epoch)
    if known is None:
        raise VaultError("destroyed", f"class {class_}, epoch {epoch}")
    try:
        return frontier.find(known, slot, tick)
    except NoKey:
        raise VaultError("closed", f"class {class_}, epoch {epoch}, tick {tick}") from None


def in_force(state: State, id_: UUID, now_s: int) -> Hold:
    """A hold that stands and has not ended; VaultError ``hold_unknown``, ``hold_ended``."""
    hold = state.holds.get(id_)
    if hold is None:
        raise VaultError("hold_unknown", str(id_))
    if hold.ends <= now_s:
        raise VaultError("hold_ended", str(id_))
    return hold


def held_leaf(hold: Hold, class_: int, slot: int, epoch: int, tick: int) -> bytes:
    """A second's leaf from one hold's own nodes; VaultError ``outside``, also while its hour lives."""
    try:
        return hold.leaf(class_, slot, epoch, tick)
    except NoKey:
        raise VaultError("outside", f"hold {hold.id}, tick {tick}") from None


def any_leaf(state: State, class_: int, slot: int, epoch: int, tick: int) -> bytes:
    """A second's leaf by whatever opens it, for the vault's own checks; VaultError ``destroyed``."""
    try:
        return live_leaf(state, class_, slot, epoch, tick)
    except VaultError:
        for hold in state.holds.values():
            try:
                return hold.leaf(class_, slot, epoch, tick)
            except NoKey:
                continue
        raise


def covers(hold: Hold, slot: int, first: int, until: int) -> bool:
    """Does a hold have every Unix second [first, until) of a slot, in whatever classes?"""
    spans = [(slot, lens.first, lens.until) for lens in hold.lenses if lens.slot == slot]
    return not without([(slot, first, until)], spans)


def holding(holds: Iterable[Hold], hour: Hour) -> list[tuple[Hold, list[Range]]]:
    """(hold, its ranges) in one class and hour."""
    start, found = hour[1] * EPOCH_S, []
    for hold in holds:
        pieces = [
            (lens.slot, max(lens.first - start, 0), min(lens.until - start, EPOCH_S))
            for lens in hold.lenses
            if lens.class_ == hour[0] and lens.first < start + EPOCH_S and lens.until > start
        ]
        if pieces:
            found.append((hold, merged(pieces)))
    return found


def lost(state: State, lost_by: Mapping[Hour, Sequence[Range]]) -> dict[Hour, int]:
    """Of ranges that lost a key: camera-seconds an hour that neither the live tree nor a hold of ``state`` opens."""
    found: dict[Hour, int] = {}
    # one look over all holds, not one an hour
    first, until = _reach(lost_by)
    near = [h for h in state.holds.values() if any(s.first < until and s.until > first for s in h.lenses)]
    for hour, ranges in lost_by.items():
        gone = dead(state, hour, ranges)
        for _, other in holding(near, hour):
            gone = without(gone, other)
        if gone:
            found[hour] = seconds(gone)
    return found


def _reach(hours: Iterable[Hour]) -> tuple[int, int]:
    epochs = [epoch for _, epoch in hours]
    return (min(epochs) * EPOCH_S, (max(epochs) + 1) * EPOCH_S) if epochs else (0, 0)


def keep(draft: State, made: Iterable[Released]) -> None:
    """Put these on the list of what is to be told; the oldest go first when nobody has asked for years."""
    draft.released = [*draft.released, *made][-RELEASED_MAX:]


def drop(draft: State, gone: Sequence[Hold], generation: int, at_us: int) -> list[Released]:
    """Take ended holds out of a draft; what nothing opens any more, an hour each, goes on its list of the released."""
    made: list[Released] = []
    for hold in gone:
        # one by one: what two of them have is lost with the last, and counted once
        del draft.holds[hold.id]
        for (class_, epoch), count in sorted(lost(draft, hours_of(hold.lenses)).items()):
            made.append(Released(class_, epoch, "hold", hold.id.bytes, count, generation, at_us))
    keep(draft, made)
    return made


@dataclass(frozen=True)
class Standing:
    """What opens of one hour. ``tree``: ``whole``, ``punctured`` or ``dead`` (never made counts as dead).

    ``closed``: (slot, first tick, end) that a puncture took from a punctured tree. ``held``: (hold, slot, first tick,
    end, Unix s of the hold's end). A second opens when the tree lives and it is not closed, or when a hold has it.
    """

    class_: int
    epoch: int
    tree: str
    closed: tuple[Range, ...]
    held: tuple[tuple[UUID, int, int, int, int], ...]

    def opens(self, slot: int, tick: int) -> bool:
        """Does any key open this second?"""
        closed = any(s == slot and a <= tick < b for s, a, b in self.closed)
        return (self.tree != "dead" and not closed) or any(
            s == slot and a <= tick < b for _, s, a, b, _ in self.held
        )  # fmt: skip

    def body(self) -> dict[str, Any]:
        """The map on the wire."""
        held = [[h.bytes, *rest] for h, *rest in self.held]
        return {
            "class": self.class_, "epoch": self.epoch, "tree": self.tree, "closed": [list(c) for c in self.closed],
            "held": held,
        }  # fmt: skip

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Standing:
        """Back from the map."""
        held = tuple((UUID(bytes=h), s, a, b, e) for h, s, a, b, e in body["held"])
        closed = tuple((s, a, b) for s, a, b in body["closed"])
        return cls(body["class"], body["epoch"], body["tree"], closed, held)


def standing(state: State, class_: int, epoch: int) -> Standing:
    """What opens of an hour, by this content."""
    known = keys(state, class_, epoch)
    tree = "dead" if known is None else "whole" if (class_, epoch) in state.roots else "punctured"
    held = [
        (hold.id, *piece, hold.ends)
        for hold, ranges in holding(state.holds.values(), (class_, epoch))
        for piece in ranges
    ]
    return Standing(class_, epoch, tree, tuple(frontier.closed(known)) if known is not None else (), tuple(held))
