"""The map: twelve cameras with view cones, a live card, and every imported place drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.conftest import Sit, poll
from browser.eyes import counters

pytestmark = [pytest.mark.browser, pytest.mark.story]
LIST = Path(__file__).parents[3] / "shared" / "data" / "cctv" / "seoul_gangnam_standard13_cp949.csv"


def drawn(page) -> dict[str, int]:
    return page.locator("gw-map").evaluate("map => map.dataset.idle === 'true' ? map.drawn() : {}")


def test_twelve_cameras_and_a_live_card(sit: Sit):
    desk = sit("operator", "관제석-1")
    page = desk.open("/watch/map/")
    poll("twelve cameras on the map", lambda: drawn(page).get("cameras") == 12)
    desk.shot("map")
    at = page.locator("gw-map").evaluate("map => map.where('A-0101')")
    box = page.locator("gw-map").bounding_box()
    page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    assert "A-0101" in page.locator("#map-card h2").inner_text()
    poll("the card is live", lambda: page.locator("#map-card gw-tile[data-state=live]").count() == 1)
    poll("its counter can be read", lambda: counters(page)[:1] != [None])
    desk.shot("map-card")
    page.keyboard.press("Escape")
    assert page.locator("#map-card").is_hidden()
    assert desk.faults == []
    assert desk.strangers == []


def test_every_accepted_place_draws(sit: Sit):
    if not LIST.exists():
        pytest.skip("the shared data folder is absent")
    desk = sit("manager", "관제석-2")
    page = desk.open("/cameras/import/")
    page.set_input_files("input[type=file]", LIST)
    page.click("main button.primary")
    page.wait_for_load_state()
    desk.shot("import")
    assert "1,880" in page.inner_text(".figures")
    page.click("button[value=confirm]")
    page.wait_for_load_state()
    assert "1,880곳을 더했습니다" in page.inner_text("main")
    page = desk.open("/watch/map/")
    poll("the cameras first", lambda: drawn(page).get("cameras") == 12)
    page.click("#map-fit")
    poll("1,880 places and 12 cameras", lambda: drawn(page) == {"cameras": 12, "places": 1880})
    desk.shot("map-places")
    assert desk.faults == []
