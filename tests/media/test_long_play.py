"""Playback of a camera with key frames 20 s apart: a seek enters at the key frame before, inside the Permit only."""

from __future__ import annotations

from pathlib import Path

from play_rig import RATE, Street, centre, page, seal, text
from rig import CLIPS
from sim_tools import long_street
from test_play import FIRST, playing

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
    # 33 s is shown whole, from the key frame of second 20 on
    assert shown[0] == [n % LOOP for n in range(20 * RATE, 40 * RATE)]
    assert shown[1] == [], "the key frame before lies outside the Permit, and none comes inside"
