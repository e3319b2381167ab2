"""Steering as an operator does it: inside the zone, refused outside, two keys for an emergency, home again."""

from __future__ import annotations

import io
import json
import urllib.request

import numpy as np
import pytest
from PIL import Image

from browser.conftest import Sit, poll
from story.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.story]
DOME, CAM = "A-0104", "cam04"


def at(page) -> list[float]:
    """Where the page says the head looks."""
    said = page.locator("gw-ptz").get_attribute("data-at") or ""
    return [float(n) for n in said.split()]


def device(centre: Centre) -> list[float]:
    """Where the simulated dome itself says it looks."""
    with urllib.request.urlopen(f"http://127.0.0.1:{centre.home.port + 21}/status", timeout=5) as answer:
        said = json.load(answer)
    return [round(float(n), 4) for n in said[CAM]["position"]]


def picture(page) -> np.ndarray:
    """The left half of the dome's picture, as the screen shows it: the stick's own words stand on the right."""
    box = page.locator(f"gw-tile:has-text('{DOME}') video").first.bounding_box()
    x, y, w, h = box["x"], box["y"], box["width"], box["height"]
    shot = page.screenshot(clip={"x": x + 0.05 * w, "y": y + 0.25 * h, "width": 0.45 * w, "height": 0.4 * h})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("L"), dtype=np.float32)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures, 0 to 255."""
    return float(np.abs(one - other).mean())


def take_stick(page) -> None:
    """Pick the dome's tile and press P."""
    page.locator(f"gw-tile:has-text('{DOME}')").first.click(position={"x": 60, "y": 60})
    page.keyboard.press("p")
    poll("the head's position", lambda: len(at(page)) == 3, 20)


def test_inside_outside_emergency_and_back(sit: Sit, centre: Centre):
    desk = sit("operator", "관제석-1")
    page = desk.open("/watch/")
    poll("the dome's tile", lambda: page.locator(f"gw-tile:has-text('{DOME}')").count() > 0)
    live = f"gw-tile[data-state=live]:has-text('{DOME}')"
    poll("the dome's picture", lambda: page.locator(live).count() > 0 and picture(page).std() > 5)
    ahead = picture(page)
    page.wait_for_timeout(700)
    same = apart(ahead, picture(page))
    take_stick(page)
    before = at(page)
    page.keyboard.down("ArrowLeft")
    poll("it turns left", lambda: at(page)[0] < before[0] - 0.05, 20)
    page.keyboard.up("ArrowLeft")
    poll("the picture turns with it", lambda: apart(ahead, picture(page)) > 2 * max(same, 2.0), 20)
    assert page.locator("gw-ptz .zone-forbidden").count() == 1
    desk.shot("ptz-inside")

    # the wall of the zone: red edge, the article in words, and the head stays inside
    page.keyboard.down("ArrowUp")
    poll("a refusal", lambda: page.locator("gw-ptz.refused").count() == 1, 30)
    page.keyboard.up("ArrowUp")
    words = page.locator("gw-ptz .ptz-words").inner_text()
    assert "제25조제5항" in words
    assert "제11조제1항" in words
    desk.shot("ptz-refused")
    assert device(centre)[1] <= 0.4001

    # two keys
    page.keyboard.press("e")
    assert page.locator("gw-ptz .ptz-reasons li").count() == 5
    desk.shot("ptz-reasons")
    page.keyboard.press("1")
    poll(
        "the countdown",
        lambda: page.locator("gw-ptz .ptz-clock").count() == 1 and page.locator("gw-ptz.urgent").count() == 1,
    )
    assert page.locator("gw-ptz .ptz-clock").inner_text().startswith(("9:", "10:"))
    page.keyboard.down("ArrowUp")
    poll("it leaves the zone", lambda: device(centre)[1] > 0.45, 20)
    page.keyboard.up("ArrowUp")
    poll("the page says so", lambda: page.locator("gw-ptz").get_attribute("data-inside") == "false")
    desk.shot("ptz-emergency")
    # the words are text: their digits pick no tile, their Delete empties none
    words = page.locator("gw-ptz .ptz-said")
    words.focus()
    page.keyboard.type("2대 3명")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    assert words.input_value() == "2대 3"
    assert page.locator(f"gw-tile[data-picked]:has-text('{DOME}')").count() == 1
    page.locator("gw-ptz .ptz-urgent button").nth(1).click()
    poll("the dome is home", lambda: all(abs(n) < 0.02 for n in device(centre)), 30)
    poll("the emergency is over", lambda: page.locator("gw-ptz.urgent").count() == 0)
    page.keyboard.press("Escape")
    poll("the stick is let go", lambda: page.locator("gw-ptz").count() == 0)
    page.goto(desk.base + "/watch/ptz/")
    row = page.locator("tbody tr").first
    assert "112" in row.inner_text()
    assert DOME in row.inner_text()
    desk.shot("ptz-review")
    assert desk.faults == []
    assert desk.strangers == []


def test_drag_wheel_and_keys_that_belong_to_the_browser(sit: Sit, centre: Centre):
    page = sit("operator", "관제석-1", 1280, 800).open("/watch/")
    take_stick(page)
    box = page.locator("gw-ptz").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.7
    before = at(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["height"] * 0.2, y, steps=4)
    poll("dragging right turns right", lambda: at(page)[0] > before[0] + 0.03, 20)
    page.mouse.up()
    zoom = at(page)[2]
    for _ in range(6):
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(150)
    poll("the wheel goes in", lambda: at(page)[2] > zoom, 10)
    taken = page.evaluate(
        "() => ['F5', 'F11', 'F12', 'w'].map(key => {"
        " const e = new KeyboardEvent('keydown', {key, ctrlKey: key === 'w', bubbles: true, cancelable: true});"
        " document.getElementById('wall').dispatchEvent(e); return e.defaultPrevented; })"
    )
    assert taken == [False, False, False, False]
    # a USB joystick: its first axis turns, and the stick at rest stops
    before = at(page)
    page.evaluate("() => { navigator.getGamepads = () => [{connected: true, axes: [-0.8, 0, 0, 0], buttons: []}]; }")
    poll("the joystick turns left", lambda: at(page)[0] < before[0] - 0.03, 20)
    page.evaluate("() => { navigator.getGamepads = () => []; }")
    page.keyboard.press("Home")
    poll("home", lambda: all(abs(n) < 0.02 for n in device(centre)), 30)
    page.keyboard.press("Escape")


def test_a_tile_too_small_is_enlarged_and_the_reasons_are_all_in_sight(sit: Sit):
    desk = sit("operator", "관제석-1", 390, 844)
    page = desk.open("/watch/")
    poll("the dome's tile", lambda: page.locator(f"gw-tile:has-text('{DOME}')").count() > 0)
    page.locator(f"gw-tile:has-text('{DOME}')").first.click(position={"x": 20, "y": 30})
    page.keyboard.press("p")
    poll("the head's position", lambda: len(at(page)) == 3, 20)
    assert page.locator("gw-wall.enlarged").count() == 1
    page.keyboard.press("e")
    tile = page.locator("gw-ptz").bounding_box()
    last = page.locator("gw-ptz .ptz-reasons li").last.bounding_box()
    assert tile is not None
    assert last is not None
    assert last["y"] + last["height"] <= tile["y"] + tile["height"]
    desk.shot("ptz-390")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    poll("the stick is let go", lambda: page.locator("gw-ptz").count() == 0)
    assert desk.faults == []


def test_a_zone_is_drawn_by_mouse_and_by_number(sit: Sit, centre: Centre):
    desk = sit("manager", "관제석-2")
    page = desk.open("/cameras/?q=A-0111")
    page.locator("tbody a").first.click()
    page.locator("a[href$='/zone/']").click()
    page.wait_for_selector(".zone-editor .zone-map")
    page.click("text=금지 구역 그리기")
    box = page.locator(".zone-editor .zone-map").bounding_box()
    assert box is not None
    for x, y in ((0.6, 0.6), (0.7, 0.6), (0.7, 0.75)):
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.click("text=그리기 끝")
    page.get_by_label("꼭짓점 1 좌우").fill("0.25")
    page.get_by_label("꼭짓점 1 좌우").press("Tab")
    page.get_by_label("이 확대부터 금지").fill("0.2")
    page.get_by_label("이 확대부터 금지").press("Tab")
    desk.shot("zone-editor")
    page.click("text=구역 저장")
    page.wait_for_load_state()
    saved = json.loads(page.locator("#zone-data").inner_text())["zone"]
    assert saved["forbidden"][-1]["polygon"][0][0] == 0.25
    assert saved["forbidden"][-1]["from_zoom"] == 0.2
    # a home that looks at what is forbidden is refused, and the page keeps what was typed
    page.get_by_label("기본 위치 좌우").fill("0.95")
    page.get_by_label("기본 위치 좌우").press("Tab")
    page.click("text=구역 저장")
    assert "기본 위치" in page.locator(".notice.bad").inner_text()
    assert page.get_by_label("기본 위치 좌우").input_value() == "0.95"
    assert desk.faults == [f for f in desk.faults if "422" in f]
