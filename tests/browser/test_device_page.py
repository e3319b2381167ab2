"""A device asked from its page: who has the task is said, it can be cancelled, and its answer drops nothing typed."""

from __future__ import annotations

import urllib.request

import pytest

from browser.conftest import Sit, poll
from story.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.story]
NUMBER, CAM = "A-0105", "cam05"


def hang(centre: Centre, value: int) -> None:
    """Let the simulated device answer nothing, or answer again."""
    where = f"http://127.0.0.1:{centre.home.port + 21}/fault?camera={CAM}&name=hang&value={value}"
    urllib.request.urlopen(where, timeout=5).read()


def test_a_silent_device_is_waited_for_cancelled_and_asked_again(sit: Sit, centre: Centre):
    desk = sit("manager", "관제석-2", 1280, 900)
    page = desk.open(f"/cameras/?q={NUMBER}")
    page.locator("tbody a").first.click()
    page.locator("a[href$='/device/']").click()
    hang(centre, 1)
    try:
        page.click("button[value=probe]")
        words = page.locator("#task-wait .task-words")
        poll("the recorder has it", lambda: "기기에 묻고" in words.inner_text(), 40)
        page.click("button[value=cancel]")
        page.wait_for_load_state()
        assert page.locator("#task-wait").count() == 0
        assert "사람이 취소했습니다" in page.locator("main").inner_text()
    finally:
        hang(centre, 0)
    page.click("button[value=probe]")
    page.fill("input[name=reason]", "사유를 적는 중")
    poll("the answer", lambda: page.locator("#task-wait button:has-text('보기')").count() == 1, 60)
    assert page.input_value("input[name=reason]") == "사유를 적는 중", "what is being typed stays"
    page.click("#task-wait button")
    page.wait_for_selector("text=SIM-FIXED")
    assert page.locator("input[name=sub]:checked").get_attribute("value") == "sub", "the sub-stream in use stays chosen"
    desk.shot("device")
    # what is refused stays on the page as it was typed
    page.fill("#onvif", "ftp://10.0.0.1/x")
    page.click("button[value=address]")
    page.wait_for_selector(".notice[role=alert]")
    assert page.input_value("#onvif") == "ftp://10.0.0.1/x"
    assert desk.faults == [f for f in desk.faults if "422" in f]
