"""The wall and the map as an operator sees them: live counters that advance, keys, what is refused."""

from __future__ import annotations

import os
import signal

import pytest

from browser.conftest import Sit, poll
from browser.eyes import counters, states
from story.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.story]


def live(page, count: int, limit_s: float = 40) -> None:
    poll(f"{count} live tiles", lambda: states(page).count("live") == count, limit_s)


def advancing(page, count: int) -> None:
    """Every tile's counter is read from the pixels twice and has grown (or the loop began again)."""
    seen: list[set[int]] = [set() for _ in range(count)]

    def look() -> bool:
        for known, value in zip(seen, counters(page), strict=False):
            if value is not None:
                known.add(value)
        return all(len(known) >= 3 for known in seen)

    poll("counters advance in every tile", look, 30)


def test_nine_live_tiles_advance(sit: Sit):
    desk = sit("operator", "관제석-1")
    page = desk.open("/watch/")
    live(page, 9)
    advancing(page, 9)
    desk.shot("wall")
    labels = page.locator(".tile-label").all_inner_texts()
    assert labels[0].startswith("A-0101 ")
    assert desk.faults == []
    assert desk.strangers == []


def test_the_picture_is_less_than_a_second_old(sit: Sit):
    page = sit("operator2", "관제석-3").open("/watch/")
    live(page, 9)

    def behind() -> float:
        """Seconds that the tile in the middle holds back."""
        lag = page.locator("gw-tile video").evaluate_all(
            "videos => videos.map(v => v.buffered.length ? v.buffered.end(v.buffered.length - 1) - v.currentTime : 9)"
        )
        return sorted(lag)[len(lag) // 2]

    held: list[float] = []
    poll("tiles hold less than 0.6 s back", lambda: held.append(behind()) or held[-1] < 0.6, 20)
    assert held[-1] < 0.6


def test_keys_and_grids(sit: Sit):
    desk = sit("operator", "관제석-1")
    page = desk.open("/watch/")
    live(page, 9)
    page.keyboard.press("5")
    assert page.locator("gw-tile[data-picked]").get_attribute("data-index") == "5"
    page.keyboard.press("ArrowRight")
    assert page.locator("gw-tile[data-picked]").get_attribute("data-index") == "6"
    page.keyboard.press("Enter")
    poll("one large tile", lambda: page.locator("gw-tile:visible").count() == 1)
    size = "v => [v.videoWidth, v.videoHeight]"
    poll("the main stream", lambda: page.locator("gw-tile:visible video").evaluate(size) == [1280, 720])
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    poll("page two", lambda: page.locator("#wall-page").inner_text() == "2/2")
    live(page, 3)
    assert states(page).count("idle") == 6
    page.click('[data-grid="4"]')
    assert page.locator("gw-tile").count() == 4
    page.click('[data-grid="16"]')
    live(page, 12)
    assert desk.faults == []


def test_a_recorder_that_dies_comes_back_on_every_tile(sit: Sit, centre: Centre):
    page = sit("operator", "관제석-1").open("/watch/")
    live(page, len(states(page)) - states(page).count("idle"))
    before = states(page).count("live")
    os.kill(centre.pid("recorder"), signal.SIGKILL)
    poll("the tiles notice", lambda: states(page).count("live") < before, 15)
    live(page, before, 40)
    assert before >= 4
    advancing(page, before)


def test_off_duty_nobody_watches(sit: Sit):
    page = sit("upkeep", "관제석-4").open("/watch/")
    assert "실시간 관제를 맡은 직위가 아닙니다" in page.inner_text("main")
    assert page.locator("gw-tile").count() == 0


def test_an_emergency_is_loud_and_counts_down(sit: Sit):
    desk = sit("operator2", "관제석-3")
    page = desk.open("/watch/")
    page.click(".emergency-open summary")
    page.select_option("#em-trigger", index=1)
    page.fill("#em-reason", "시민대로 폭행 신고 접수")
    page.fill("#em-minutes", "2")
    page.click(".emergency-open button.danger")
    page.wait_for_load_state()
    poll(
        "the countdown runs", lambda: page.locator("gw-countdown").inner_text() in ("1:57", "1:56", "1:55", "1:54"), 15
    )
    poll("the feed says so", lambda: "시민대로 폭행" in page.inner_text("gw-feed"), 15)
    desk.shot("emergency")
    page.click(".emergency-on button")
    page.wait_for_load_state()
    assert page.locator(".emergency-on").count() == 0
    assert desk.faults == []


UNABLE = """
const able = MediaSource.isTypeSupported.bind(MediaSource);
MediaSource.isTypeSupported = (type) => !/avc1\\.(4d|64|42c016)/i.test(type) && able(type);
"""


def test_a_seat_that_cannot_decode_gets_the_transcode_and_is_told(sit: Sit):
    """A browser that refuses what the cameras send: each tile falls back, the ninth hears that eight is the limit."""
    desk = sit("operator", "관제석-1")
    desk.page.add_init_script(UNABLE)
    page = desk.open("/watch/")
    live(page, 8, 60)
    badges = page.locator("gw-tile[data-state=live] .tile-badge").all_inner_texts()
    assert badges == ["변환"] * 8
    poll("the ninth is told", lambda: "8대까지" in "".join(page.locator(".tile-note").all_inner_texts()), 20)
    words = page.locator("#seat-words").inner_text()
    assert "H.264 영상을 재생하지 못합니다" in words
    # as many as the wall of this seat has tiles
    assert any(f"기기 {count}대" in words for count in range(9, 13)), words
    advancing(page, 8)
    desk.shot("wall-transcoded")
    page.locator("#seat-codecs summary").click()
    poll("what it can", lambda: "H.264 1080p 못함" in page.inner_text("#seat-abilities"), 10)
    page.click('[data-grid="4"]')
    live(page, 4, 30)
    assert desk.faults == []
