"""Old disks, old files, old replicas and old pushes: refused each time; without a replica the same image opens."""

from __future__ import annotations

from functools import partial

import pytest

from attack.commands import Attack
from support import ahead

ROUNDS = 15
AHEAD = ("attack-rollback", partial(Attack, "rollback", "--rounds", str(ROUNDS), "--seed", "4"))


@pytest.fixture(scope="module")
def figures():
    made = ahead.take(*AHEAD)
    try:
        yield made.figures()
    finally:
        made.end()


def test_every_old_thing_is_refused_and_none_opens(figures):
    assert (figures["rounds"], figures["refused"], figures["opened"], figures["taken"]) == (ROUNDS, ROUNDS, 0, 0)
    assert len(figures["ways"]) == 5, "the seed leaves no way out"


def test_the_same_images_open_where_no_replica_knows_better(figures):
    assert figures["control_opened"] == figures["control"] > 0
