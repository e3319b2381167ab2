"""Real kill -9 of worker, vaultd, PostgreSQL at a dying hour: three rounds of `./dev kills destroy`."""

from __future__ import annotations

from functools import partial

from attack.commands import Attack
from support import ahead

AHEAD = ("kills-destroy", partial(Attack, "destroy", "--rounds", "3", "--seed", "9", folder="kills"))


def test_nothing_is_told_that_opens_and_no_hold_is_lost():
    made = ahead.take(*AHEAD)
    try:
        found = made.figures()
    finally:
        made.end()
    assert found["rounds"] == 3
    assert {name for name in found if name.startswith("killed ")} == {
        "killed worker",
        "killed vaultd",
        "killed postgres",
    }
    assert found["held parts that opened"] == found["destroyed parts that did not"] == 12
