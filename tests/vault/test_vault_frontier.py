"""Frontiers: after any punctures a second opens if and only if it was never closed, and to the tree's own leaf."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.vault import frontier, tree
from gwanje.vault.errors import VaultError
from gwanje.vault.records import HeldLens, Hold
from gwanje.vault.tree import TICKS, NoKey

ROOT = bytes(range(1, 33))
SLOTS = (0, 1, 2, 3, 1234, 1235, (1 << 20) - 1)
slots = st.sampled_from(SLOTS)


@st.composite
def spans(draw):
    first = draw(st.integers(0, TICKS - 1))
    return draw(slots), first, draw(st.integers(first + 1, TICKS))


def closed_by(done, slot, tick):
    return any(s == slot and a <= tick < b for s, a, b in done)


def punctured(done):
    nodes = bytearray(ROOT)
    for one in done:
        nodes = frontier.puncture(nodes, *one)
    return nodes


@settings(max_examples=40, deadline=None)
@given(st.lists(spans(), min_size=1, max_size=8), st.data())
def test_a_second_opens_if_and_only_if_it_was_never_closed(done, data):
    nodes = punctured(done)
    edges = {t for _, a, b in done for t in (a - 1, a, b - 1, b) if 0 <= t < TICKS}
    ticks = sorted(edges | {0, TICKS - 1, data.draw(st.integers(0, TICKS - 1))})
    for slot in SLOTS:
        for tick in ticks:
            if closed_by(done, slot, tick):
                with pytest.raises(NoKey):
                    frontier.find(nodes, slot, tick)
            else:
                assert frontier.find(nodes, slot, tick) == tree.leaf(ROOT, slot, tick)


@settings(max_examples=40, deadline=None)
@given(st.lists(spans(), min_size=1, max_size=8), st.randoms())
def test_no_node_is_above_a_closed_second_and_the_order_does_not_matter(done, random):
    nodes = punctured(done)
    kept = [(path << 32 - depth, path + 1 << 32 - depth) for depth, path, _ in frontier.items(nodes)]
    assert all(a[1] <= b[0] for a, b in pairwise(kept))
    for slot, first, until in done:
        low, high = frontier.leaves(slot, first, until)
        assert all(b <= low or a >= high for a, b in kept)
    # every leaf is accounted for: what lives and what was closed make the whole tree
    whole = {leaf for one in done for leaf in range(*frontier.leaves(*one))}
    assert sum(b - a for a, b in kept) + len(whole) == 1 << 32
    shuffled = list(done)
    random.shuffle(shuffled)
    assert punctured([*shuffled, shuffled[0]]) == nodes
    # fewest: no two nodes could be one
    known = {(depth, path) for depth, path, _ in frontier.items(nodes)}
    assert not any((depth, path ^ 1) in known for depth, path in known)


@settings(max_examples=40, deadline=None)
@given(st.lists(spans(), max_size=5), st.lists(spans(), min_size=1, max_size=6))
def test_a_cover_opens_exactly_what_was_asked_or_names_what_is_dead(done, wanted):
    nodes = punctured(done)
    asked = []
    for one in sorted(wanted):
        if not asked or asked[-1][0] != one[0] or asked[-1][2] <= one[1]:
            asked.append(one)
    dead = next(((s, t) for s, a, b in asked for t in range(a, b) if closed_by(done, s, t)), None)
    try:
        found = frontier.cover(nodes, asked)
    except NoKey as refused:
        slot, first, until = refused.args
        assert (slot, first) == dead
        assert all(closed_by(done, slot, t) for t in range(first, until))
        return
    assert dead is None
    opened = {leaf for depth, path, _ in found for leaf in range(path << 32 - depth, path + 1 << 32 - depth)}
    assert opened == {leaf for one in asked for leaf in range(*frontier.leaves(*one))}
    assert len(found) <= 22 * len(asked)
    for depth, path, key in found:
        slot, first = path << 32 - depth >> 12, path << 32 - depth & 4095
        assert key == frontier.node(nodes, slot, first, 32 - depth)


@settings(max_examples=20, deadline=None)
@given(st.lists(spans(), max_size=4), slots, st.integers(0, TICKS - 1))
def test_a_spine_of_a_punctured_hour_is_the_root_s_own(done, slot, first):
    past = [(s, a, min(b, first) if s == slot else b) for s, a, b in done if s != slot or a < first]
    assert frontier.spine(punctured(past), slot, first) == tree.spine(ROOT, slot, first)
    nodes = frontier.puncture(punctured(past), slot, TICKS - 1, TICKS)
    with pytest.raises(NoKey):
        frontier.spine(nodes, slot, first)


def test_sizes_edges_and_what_was_closed():
    nodes = frontier.puncture(ROOT, 5, 0, TICKS)
    assert len(nodes) == 20 * frontier.NODE.size
    assert frontier.closed(nodes) == [(5, 0, TICKS)]
    assert len(frontier.cover(ROOT, [(5, 0, TICKS)])) == 1
    two = frontier.puncture(frontier.puncture(nodes, 6, 10, 20), 9, 3000, TICKS)
    assert frontier.closed(two) == [(5, 0, TICKS), (6, 10, 20), (9, 3000, TICKS)]
    assert frontier.closed(ROOT) == []
    for bad in ((1 << 20, 0, 1), (0, 5, 5), (0, -1, 2), (0, 0, TICKS + 1)):
        with pytest.raises(ValueError, match="no range"):
            frontier.puncture(ROOT, *bad)
    with pytest.raises(ValueError, match="overlap"):
        frontier.cover(ROOT, [(1, 5, 9), (1, 8, 10)])


def test_an_hour_has_at_most_4096_nodes():
    sizes = []

    def fill():
        nodes = bytearray(ROOT)
        for slot in range(0, 1 << 20, 1009):
            nodes = frontier.puncture(nodes, slot, 1001, 1002)
            sizes.append(len(nodes) // frontier.NODE.size)

    with pytest.raises(VaultError) as refused:
        fill()
    assert 4050 < sizes[-1] <= 4096
    assert refused.value.code == "limit"


def test_golden_frontier_and_held_nodes():
    golden = json.loads((Path(__file__).parent / "golden.json").read_text())
    root, span = bytes.fromhex(golden["root"]), golden["puncture"]
    nodes = frontier.puncture(root, *span)
    assert nodes.hex() == golden["frontier"]
    lens = HeldLens(UUID(int=1), span[0], 7, golden["epoch"] * 3600 + span[1], golden["epoch"] * 3600 + span[2])
    made = Hold(UUID(int=2), "trial", "g", "c", UUID(int=3), (lens,), bytearray.fromhex(golden["held_nodes"]), 1, ())
    assert [(32 - n.height, n.slot << 12 | n.first, n.key) for n in made.each()] == [
        (depth, path << 32 - depth, key) for depth, path, key in frontier.cover(root, [tuple(span)])
    ]
    assert Hold.of(made.body()) == made
    for tick in range(span[1], span[2]):
        assert made.leaf(7, span[0], golden["epoch"], tick) == tree.leaf(root, span[0], tick)
    for wrong in ((7, span[0], golden["epoch"], span[1] - 1), (7, span[0], golden["epoch"], span[2]),
                  (6, span[0], golden["epoch"], span[1]), (7, span[0] + 1, golden["epoch"], span[1]),
                  (7, span[0], golden["epoch"] + 1, span[1])):  # fmt: skip
        with pytest.raises(NoKey):
            made.leaf(*wrong)
