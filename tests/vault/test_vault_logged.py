"""A second that is opened has its row first: who, where, what, when; a log that cannot be written opens nothing."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def session(centre, vault, desk):
    """(session token, slot, epoch, tick) of a redeemed Permit for one second."""
    (slot,) = vault.slots([centre.camera])
    now = vault.clock.now_s()
    first, _ = vault.lend(1, slot, now // 3600)
    epoch, tick = now // 3600, min(first, 3590)
    second = epoch * 3600 + tick
    token, *_ = desk.redeem(desk.mint(centre.fields(slot, second, second + 1)), centre.viewer())
    return token, slot, epoch, tick


def opened(desk, session):
    token, slot, epoch, tick = session
    return desk.open_ticks(token, 1, slot, epoch, [(tick, [os.urandom(32)])])


@pytest.mark.norm("playback.logged", "allow")
def test_the_row_says_who_saw_what_where_and_when(centre, vault, desk, session):
    assert len(opened(desk, session)) == 1
    (row,) = vault.open_log.rows(0, 10)
    assert (row.person, row.camera, row.tick) == (centre.requester.id, centre.camera, session[3])
    assert row.station
    assert abs(row.at_us - vault.clock.now_us()) < 60_000_000


@pytest.mark.norm("playback.logged", "deny")
def test_what_cannot_be_logged_is_not_opened(vault, desk, session, monkeypatch):
    def full(row):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(vault.open_log, "append", full)
    with pytest.raises(OSError, match="no space"):
        opened(desk, session)
    assert len(vault.open_log) == 0
