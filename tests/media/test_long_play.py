"""Playback of a camera with key frames 20 s apart: a seek enters at the key frame before, inside the Permit only."""

from __future__ import annotations

from pathlib import Path

import pytest
from play_rig import RATE, Street, centre, page, seal, text
from rig import CLIPS
from sim_tools import long_street
from test_play import FIRST, opened_ticks, playing

from gwanje.media.play.viewing import BURST_S, Pace

GROUP_S, LOOP = 20, 60


async def test_a_seek_into_a_group_of_twenty_seconds(tmp_path: Path) -> None:
    street = Street.of(long_street(CLIPS, tmp_path / "long.mp4", GROUP_S * RATE).main)
    with centre(tmp_path / "centre") as made:
        seal(made, street, FIRST, 2 * GROUP_S, group_s=GROUP_S)
        made.set_time(FIRST + 120)
        shown = []
        for first, at in ((FIRST, FIRST + 33), (FIRST + 25, FIRST + 30)):
            permit = {"permit": text(made.permit(first, FIRST + 40)), "viewer": made.viewer()}
            async with playing(made) as player, page(player.port, permit) as tab:
                await tab.say(type="play", speed=4, camera=str(made.camera), at=at)
                await tab.until("end")
            shown.append([number for _, number in tab.decoded()] if tab.fragments else [])
        before = len(opened_ticks(made))
        permit = {"permit": text(made.permit(FIRST, FIRST + 40)), "viewer": made.viewer()}
        async with playing(made) as player, page(player.port, permit) as tab:
            await tab.say(type="play", camera=str(made.camera), at=FIRST + 33)
            with pytest.raises(TimeoutError):
                await tab.drain(2.5)
        logged = opened_ticks(made)[before:]
    # 33 s is shown whole, from the key frame of second 20 on
    assert shown[0] == [n % LOOP for n in range(20 * RATE, 40 * RATE)]
    assert shown[1] == [], "the key frame before lies outside the Permit, and none comes inside"
    # a page that asks for nothing gets the thirteen seconds before the picture, which nobody watches, and its three
    seconds = list(range(FIRST + 20, FIRST + 36))
    assert [start // 1_000_000 for start, _ in tab.fragments] == seconds
    assert logged == [second % 3600 for second in seconds]


async def test_seconds_before_the_picture_are_no_way_round_the_pace() -> None:
    """They need no credit, but they count with the orders: twelve at once, then six a second; none while it stands."""
    pace = Pace()
    pace.begin(1)
    taken = sum(pace.now(lead=True) for _ in range(100))
    assert taken == BURST_S
    assert not pace.now(), "what is watched has the same limit"
    pace.pause()
    assert not pace.now(lead=True)
