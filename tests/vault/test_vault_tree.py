"""The tree: spines only lead forward, covers are exact and small, what is left behind is overwritten."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.vault import tree
from gwanje.vault.tree import NoKey, Spine

ROOT = bytes(range(1, 33))
ticks = st.integers(0, 3599)


def reachable(nodes):
    """Every key that the lent nodes can derive, down to the leaves."""
    found, walk = set(), [(height, bytes(key)) for height, key in nodes]
    while walk:
        height, key = walk.pop()
        found.add(key)
        if height:
            walk += [(height - 1, tree.child(key, 0)), (height - 1, tree.child(key, 1))]
    return found


@settings(max_examples=25, deadline=None)
@given(ticks, st.integers(0, (1 << 20) - 1))
def test_a_lent_spine_opens_no_tick_before(first, slot):
    nodes = tree.spine(ROOT, slot, first)
    found = reachable(nodes)
    node = tree.slot_node(ROOT, slot)
    sampled = {0, first - 1, first // 2, *range(max(0, first - 8), first)} - {-1}
    assert not any(tree.leaf_below(node, t) in found for t in sampled if t < first)
    assert all(tree.leaf_below(node, t) in found for t in {first, 3599, (first + 3599) // 2})
    assert len(nodes) <= 22
    spine = Spine(1, first, nodes)
    if first:
        with pytest.raises(NoKey):
            spine.at(first - 1)


def test_every_leaf_of_every_first_tick_is_right():
    node = tree.slot_node(ROOT, 5)
    leaves = [tree.leaf_below(node, t) for t in range(3600)]
    for first in (0, 1, 2047, 2048, 3583, 3599):
        spine = Spine(1, first, tree.spine(ROOT, 5, first))
        assert [bytes(spine.at(t)) for t in range(first, 3600)] == leaves[first:]
        with pytest.raises(NoKey):
            spine.at(3600)


@settings(max_examples=40, deadline=None)
@given(st.lists(ticks, min_size=1, max_size=40, unique=True))
def test_jumps_forward_are_right_and_backward_refused(seen):
    node = tree.slot_node(ROOT, 9)
    spine = Spine(1, 0, tree.spine(ROOT, 9, 0))
    last = -1
    for tick in seen:
        if tick < last:
            with pytest.raises(NoKey):
                spine.at(tick)
        else:
            assert bytes(spine.at(tick)) == tree.leaf_below(node, tick)
            assert bytes(spine.at(tick)) == tree.leaf_below(node, tick)
            last = tick


def test_a_seized_spine_does_not_hold_what_was_left():
    lent = tree.spine(ROOT, 3, 100)
    spine = Spine(1, 100, lent)
    for tick in range(100, 1000):
        spine.at(tick)
    held = reachable([(h, k) for h, k in spine._stack])
    node = tree.slot_node(ROOT, 3)
    assert not any(tree.leaf_below(node, t) in held for t in range(1000))
    assert all(tree.leaf_below(node, t) in held for t in range(1000, 3600))
    spine.wipe()
    assert not spine._stack
    assert bytes(spine._leaf) == bytes(32)
    with pytest.raises(NoKey):
        spine.at(1000)


def test_buffers_are_overwritten_as_the_spine_advances():
    spine = Spine(1, 0, tree.spine(ROOT, 3, 0))
    before = [key for _, key in spine._stack]
    for tick in (0, 1, 2048, 3599):
        spine.at(tick)
    assert all(bytes(key) == bytes(32) for key in before)


@settings(max_examples=60, deadline=None)
@given(ticks, ticks)
def test_covers_are_exact_and_at_most_22_nodes(a, b):
    first, until = min(a, b), max(a, b) + 1
    nodes = tree.cover(ROOT, 77, first, until)
    assert len(nodes) <= 22
    covered = [t for n in nodes for t in range(n.first, n.first + (1 << n.height))]
    assert covered == list(range(first, until))
    node = tree.slot_node(ROOT, 77)
    for n in nodes:
        key = n.key
        for _ in range(n.height):
            key = tree.child(key, 0)
        assert key == tree.leaf_below(node, n.first)


def test_bad_input_is_refused():
    for call in (
        lambda: tree.leaf(ROOT, 1 << 20, 0),
        lambda: tree.leaf(ROOT, 0, 3600),
        lambda: tree.leaf(ROOT[:31], 0, 0),
        lambda: tree.cover(ROOT, 0, 5, 5),
        lambda: Spine(1, 0, [(12, os.urandom(32))]),
        lambda: Spine(1, 0, [(3, b"short")]),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            call()
