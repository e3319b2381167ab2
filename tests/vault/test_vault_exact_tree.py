"""The frontier to the second: what is closed is told exactly, at every edge of slots, seconds and the hour."""

from __future__ import annotations

import pytest

from gwanje.vault import frontier
from gwanje.vault.errors import VaultError

ROOT = bytes(range(32))
TOP = (1 << 20) - 1


@pytest.mark.parametrize(
    ("slot", "first", "until"),
    [
        (0, 0, 1),
        (0, 0, 5),
        (0, 1, 2),
        (0, 7, 8),
        (1, 0, 3600),
        (3, 5, 6),
        (7, 3599, 3600),
        (TOP, 0, 3600),
        (TOP, 9, 10),
    ],
)
def test_what_is_closed_is_told_to_the_second(slot, first, until):
    assert frontier.closed(frontier.puncture(ROOT, slot, first, until)) == [(slot, first, until)]


def test_closed_ranges_of_neighbours_are_told_apart():
    nodes = frontier.puncture(frontier.puncture(ROOT, 4, 3590, 3600), 5, 0, 3)
    assert frontier.closed(nodes) == [(4, 3590, 3600), (5, 0, 3)]
    assert frontier.closed(frontier.puncture(nodes, 5, 3, 9)) == [(4, 3590, 3600), (5, 0, 9)]


def test_leaves_that_are_no_seconds_are_never_told_as_closed():
    """An hour's tree has 4,096 leaves a camera and 3,600 seconds."""
    nodes = frontier.packed(list(frontier._walk(ROOT, [(4000, 4003)], inside=False)))
    assert frontier.closed(nodes) == []


def test_nothing_of_a_root_is_closed():
    assert frontier.closed(ROOT) == []


def test_the_limit_of_an_hour_is_4096_nodes_and_not_one_more():
    nodes = [(32, path, ROOT) for path in range(4096)]
    assert len(frontier.packed(nodes)) == 4096 * frontier.NODE.size
    with pytest.raises(VaultError) as over:
        frontier.packed([*nodes, (32, 4096, ROOT)])
    assert over.value.code == "limit"
