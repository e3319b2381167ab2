"""The control room by keys alone (키보드만으로): wall, map and zone, and no key that is the browser's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from browser.conftest import Sit, poll

pytestmark = [pytest.mark.browser, pytest.mark.story]
DOME = "A-0104"
# a keydown that a page stops is lost to the browser: reload, full screen, tools, close, another tab, back
TAKEN = """selector => [['F5'], ['F11'], ['F12'], ['w', 'ctrlKey'], ['t', 'ctrlKey'], ['ArrowLeft', 'altKey'], ['Tab']]
  .filter(([key, held]) => {
    const press = new KeyboardEvent('keydown', {key, [held]: true, bubbles: true, cancelable: true});
    document.querySelector(selector).dispatchEvent(press);
    return press.defaultPrevented;
  }).map(([key]) => key)"""
HERE = "() => document.activeElement.id || document.activeElement.className || document.activeElement.localName"


def here(page: Page) -> str:
    """What has the focus: its id, class or name."""
    return str(page.evaluate(HERE))


def test_a_dome_is_steered_and_let_go_by_keys(sit: Sit):
    page = sit("operator", "관제석-1", 1280, 800).open("/watch/")
    assert here(page) == "wall"
    assert page.evaluate(TAKEN, "#wall") == []
    tile = page.locator(f"gw-tile:has-text('{DOME}')").first
    poll("the dome's tile", lambda: tile.count() == 1)
    page.keyboard.press(str(tile.get_attribute("data-index")))
    poll("its button", lambda: tile.locator(".ptz-begin").count() == 1)
    poll("it is picked", lambda: tile.get_attribute("aria-current") == "true")
    tile.locator(".ptz-begin").focus()
    page.keyboard.press("Enter")
    poll("it is steered", lambda: tile.locator("gw-ptz").count() == 1)
    assert page.locator("gw-wall.enlarged").count() <= 1
    # the button is gone; the focus is not lost with it
    assert here(page) == "wall"
    tile.locator(".ptz-side button").last.focus()
    page.keyboard.press("Enter")
    poll("the stick is let go", lambda: page.locator("gw-ptz").count() == 0)
    assert here(page) == "wall"
    # what is typed on a tile is text: no digit picks, Delete empties nothing
    tile.evaluate("t => t.append(document.createElement('input'))")
    tile.locator("input").focus()
    page.keyboard.type("2x3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    assert tile.locator("input").input_value() == "2x"
    assert tile.get_attribute("aria-current") == "true"
    assert DOME in tile.inner_text()


def test_what_opens_over_the_wall_closes_with_escape(sit: Sit):
    page = sit("operator", "관제석-1", 1280, 800).open("/watch/")
    over = page.locator(".emergency-open")
    over.locator("summary").focus()
    page.keyboard.press("Enter")
    assert over.evaluate("d => d.open")
    page.locator("#em-reason").focus()
    page.keyboard.press("Escape")
    assert not over.evaluate("d => d.open")
    assert over.locator("summary").evaluate("s => s === document.activeElement")
    page.keyboard.press("Enter")
    page.locator("#toggle-side").focus()
    assert not over.evaluate("d => d.open"), "the focus went on, so it does not stay over what it went to"


def test_the_map_is_read_by_keys(sit: Sit):
    desk = sit("operator", "관제석-1", 1280, 800)
    page = desk.open("/watch/map/")
    canvas, card = page.locator("gw-map canvas"), page.locator("#map-card")
    poll("twelve cameras", lambda: page.locator("gw-map").get_attribute("data-cameras") == "12")
    assert canvas.get_attribute("aria-label") == "지도"
    canvas.focus()
    page.keyboard.press("]")
    assert "A-0101" in card.locator("h2").inner_text()
    page.keyboard.press("]")
    assert "A-0102" in card.locator("h2").inner_text()
    page.keyboard.press("[")
    page.keyboard.press("[")
    assert "A-0112" in card.locator("h2").inner_text(), "round at the ends"
    desk.shot("map-keys")
    page.keyboard.press("Escape")
    assert card.is_hidden()
    page.keyboard.press("Enter")
    assert "A-0112" in card.locator("h2").inner_text(), "the map stands where it was"
    card.locator("button").focus()
    page.keyboard.press("Enter")
    assert card.is_hidden()
    assert canvas.evaluate("c => c === document.activeElement"), "whoever closes the card goes on from the map"
    assert page.evaluate(TAKEN, "gw-map canvas") == []


def test_a_forbidden_view_is_made_without_a_pointer(sit: Sit):
    page = sit("manager", "관제석-2").open(f"/cameras/?q={DOME}")
    page.locator("tbody a").first.click()
    page.locator("a[href$='/zone/']").click()
    more, corners = page.get_by_role("button", name="네모로 추가"), page.get_by_label("꼭짓점")
    views = page.locator("#zone-fields fieldset:has-text('비추지 않는 곳')")
    more.wait_for()
    before = views.count()
    more.focus()
    page.keyboard.press("Enter")
    assert views.count() == before + 1
    assert page.evaluate("() => document.activeElement.textContent") == "네모로 추가", (
        "the fields are new, the focus is not lost"
    )
    assert corners.count() == 4 * 3, "two numbers and a way out for each corner"
    page.get_by_role("button", name="꼭짓점 추가").focus()
    page.keyboard.press("Enter")
    page.get_by_label("꼭짓점 5 좌우").fill("0.123")
    page.keyboard.press("Tab")
    assert "[0.123," in page.locator("#zone-json").input_value()
    page.get_by_label("꼭짓점 5 지우기").focus()
    page.keyboard.press("Enter")
    assert corners.count() == 4 * 3
    assert here(page) != "body"
