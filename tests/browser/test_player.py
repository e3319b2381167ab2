"""The player's page: an approved request plays its range and nothing else, under the viewer's name."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from browser.conftest import Sit, poll
from browser.eyes import counters
from story.asking import approved
from story.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.story]


@pytest.fixture(scope="module")
def request_page(centre: Centre) -> str:
    """An approved request for 20 recorded seconds of two cameras; its path."""
    cameras = centre.sign_in("police", "열람실-1").get("/api/cameras/").json["items"][:2]
    return approved(centre, [camera["id"] for camera in cameras], 20, "2026-형제-0001")


def shown(page) -> float:
    """Seconds of the day that stand beside the controls."""
    found = re.search(r"(\d+):(\d+):(\d+)$", page.inner_text(".player-clock"))
    return sum(int(part) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else -1


def test_an_approved_range_plays_seeks_and_ends(sit: Sit, request_page: str):
    desk = sit("police", "열람실-1", 1280, 900)
    page = desk.open(request_page)
    # the marks lie over the picture; the counter is read without them, they are read as text
    marks = page.locator(".player-marks span").first.inner_text()
    assert "열람실-1" in marks
    assert "2026-형제-0001" in marks
    poll("the picture moves", lambda: page.locator("gw-player video").evaluate("v => v.currentTime") > 1)
    desk.shot("player")
    page.locator(".player-marks").evaluate("m => { m.style.visibility = 'hidden' }")
    seen: set[int] = set()
    poll(
        "the counter advances", lambda: seen.update(c for c in counters(page, "gw-player video") if c) or len(seen) > 2
    )
    start = shown(page)
    line = page.locator("gw-timeline").bounding_box()
    page.mouse.click(line["x"] + line["width"] * 0.75, line["y"] + 24)
    poll("it has sought", lambda: shown(page) > start + 6)
    page.click('[data-speed="4"]')
    poll("the end", lambda: "구간의 끝" in page.inner_text(".player-note"), 40)
    first, last = page.locator("gw-timeline").evaluate(
        "t => [t.getAttribute('aria-valuemin'), t.getAttribute('aria-valuemax')]"
    )
    assert int(last) - int(first) <= 22
    assert page.locator("gw-player video").evaluate("v => v.currentTime") <= int(last) - int(first) + 0.2
    assert re.search(r"\d+:\d\d", page.inner_text(".player-left"))
    page.locator("gw-timeline").press("Home")
    poll("the beginning, by a key", lambda: shown(page) <= start)
    assert desk.faults == []
    assert desk.strangers == []


def test_another_camera_of_the_same_permission(sit: Sit, request_page: str):
    desk = sit("police", "열람실-1", 1280, 900)
    page = desk.open(request_page)
    poll("the picture moves", lambda: page.locator("gw-player video").evaluate("v => v.currentTime") > 0.5)
    page.select_option("gw-player select", index=1)
    video = page.locator("gw-player video")
    poll("the other picture moves", lambda: video.evaluate("v => v.readyState >= 2 && !v.paused && v.currentTime > 1"))
    assert desk.faults == []


def test_a_player_that_dies_is_found_again_in_the_same_session(sit: Sit, request_page: str, centre: Centre):
    desk = sit("police", "열람실-1", 1280, 900)
    page = desk.open(request_page)
    video = page.locator("gw-player video")
    poll("the picture moves", lambda: video.evaluate("v => v.currentTime") > 0.5)
    poll("it counts down", lambda: bool(re.search(r"\d+", page.inner_text(".player-left"))))
    left = page.inner_text(".player-left")
    os.kill(centre.pid("player"), signal.SIGKILL)
    poll("it says so", lambda: "다시 잇는 중" in page.inner_text(".player-note"), 10)
    poll("the session goes on", lambda: not page.locator(".player-note").is_visible(), 30)
    before = video.evaluate("v => v.currentTime")
    poll("the picture moves on", lambda: video.evaluate("v => v.currentTime") > before + 0.5)
    assert int(re.findall(r"\d+", page.inner_text(".player-left"))[0]) <= int(re.findall(r"\d+", left)[0])


def test_an_ordinary_seat_does_not_open_it(sit: Sit, request_page: str):
    page = sit("operator", "관제석-1").open(request_page)
    assert page.locator("gw-player").count() == 0


def test_a_machine_with_a_wrong_clock_counts_down_the_centres_minutes(sit: Sit, request_page: str):
    desk = sit("police", "열람실-1", 1280, 900)
    desk.page.add_init_script("const own = Date.now; Date.now = () => own.call(Date) + 86_400_000;")
    page = desk.open(request_page)
    poll("it counts down", lambda: bool(re.search(r"\d+:\d\d", page.inner_text(".player-left"))))
    minutes = int(re.findall(r"\d+", page.inner_text(".player-left"))[0])
    assert 25 <= minutes <= 30
    tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 9 * 3600 + 86_400))
    assert tomorrow not in page.locator(".player-marks span").first.inner_text()
