"""Cameras made from a folder of clips: each of the six real files is a live tile and a point on the map."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

import support
from browser.conftest import Desk, poll, sit_down
from browser.eyes import counters, states
from story.centre import running

pytestmark = [pytest.mark.browser, pytest.mark.story]
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "video"


def test_six_clips_are_six_tiles_and_six_points(chromium: Browser):
    if not CLIPS.is_dir():
        pytest.skip("the shared data folder is absent")
    with running(Path(support.folder()) / "clips", "--clips", str(CLIPS)) as centre:
        desk: Desk = sit_down(chromium, centre.base, "operator", "관제석-1", 1920, 1080)
        page = desk.open("/watch/")
        poll("six live tiles", lambda: states(page).count("live") == 6, 60)
        seen: list[set[int]] = [set() for _ in range(6)]

        def advancing() -> bool:
            for known, value in zip(seen, counters(page), strict=False):
                known.update({value} - {None})
            return all(len(known) >= 3 for known in seen)

        poll("six counters advance", advancing, 40)
        desk.shot("clips")
        page = desk.open("/watch/map/")
        poll("six points", lambda: page.locator("gw-map").evaluate("m => m.drawn().cameras") == 6)
        desk.shot("clips-map")
        assert desk.faults == []
        assert desk.strangers == []
        page.context.close()
