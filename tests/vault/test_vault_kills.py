"""A sample of ``./dev kills vault``: ended at the steps of holds, deletions and deaths; and the looks can see."""

from __future__ import annotations

import pytest

from gwanje.vault import covering, holds, records
from tools.kills import vault as kills


@pytest.mark.parametrize("seed", [11])
def test_nothing_answered_is_lost_and_nothing_dead_opens(tmp_path, seed):
    found = kills.kill(30, seed, tmp_path)
    assert found["kills"] == 30
    assert (found["faults"], found["control_opens"]) == (0, True)
    assert len(found["by_step"]) >= 6


def test_a_closing_that_spares_a_second_is_seen(tmp_path, monkeypatch):
    real = holds.frontier.puncture
    monkeypatch.setattr(holds.frontier, "puncture", lambda n, slot, a, b: real(n, slot, a, max(a + 1, b - 1)))
    with pytest.raises(kills.Fault, match=r"lost apart|opens|halves"):
        kills.kill(200, 51, tmp_path)


def test_a_hold_that_is_written_by_halves_is_seen(tmp_path, monkeypatch):
    real = holds.covering

    def halves(*given):
        found = real(*given)
        return covering.Covering(found.nodes[: records.HELD.size], found.keys, ())

    monkeypatch.setattr(holds, "covering", halves)
    with pytest.raises(kills.Fault, match="is lost"):
        kills.kill(200, 51, tmp_path)
