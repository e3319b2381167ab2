"""The page in the bundle, from file:// with no network: it unlocks, proves, plays, and says in words what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import evidence_rig as rig
import pytest
from evidence_conftest import Scene
from playwright.sync_api import Browser, Page, sync_playwright

import gwanje_verify
from gwanje_verify import verify as outside

pytestmark = pytest.mark.browser
SLOWER = 3
SHOTS = os.environ.get("GWANJE_SHOTS")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Desk:
    """Somebody's computer without a network; ``asked`` is whatever the page wanted from elsewhere."""

    page: Page
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check(self, bundle: Path, *, secret: str = "", key: str = "") -> list[tuple[str, str]]:
        """Fill in, press, wait for the verdict; (state, Korean) of the lines."""
        page = self.page
        page.set_input_files("#file", str(bundle))
        page.fill("#secret", secret)
        page.fill("#key", key)
        page.click("button")
        page.wait_for_selector("#verdict.proved, #verdict.open, #verdict.wrong")
        rows = page.locator("#lines li")
        return [(row.get_attribute("class") or "", row.locator("span").inner_text()) for row in rows.all()]

    def shot(self, name: str) -> None:
        """Keep a screenshot where GWANJE_SHOTS says."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Desk]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.set_default_timeout(SLOWER * 30_000)
    made = Desk(page)
    page.on("pageerror", lambda error: made.faults.append(str(error)))
    page.on("console", lambda said: made.faults.append(said.text) if said.type == "error" else None)
    page.on("request", lambda r: made.asked.append(r.url) if not r.url.startswith(("file:", "blob:")) else None)
    page.goto(gwanje_verify.PAGE.as_uri())
    yield made
    context.close()


def test_the_page_unlocks_proves_and_plays(scene: Scene, desk: Desk) -> None:
    lines = desk.check(scene.bundle, secret=rig.PASSPHRASE.lower(), key=scene.key.hex())
    report = outside.verify(scene.bundle, key=scene.key, secret=("passphrase", rig.PASSPHRASE.encode()))
    assert [state for state, _ in lines] == [state for _, state, _, _ in report.lines], lines
    assert desk.page.locator("#verdict").get_attribute("class") == "proved"
    assert "시험-1" in desk.page.locator("#about").inner_text()
    video = desk.page.locator("video")
    # the page's policy forbids what waiting for an expression would need: the element tells itself
    video.evaluate("v => new Promise(r => { v.ontimeupdate = () => v.currentTime > 0.5 && r(); v.play(); })")
    assert 9.8 < video.evaluate("v => v.duration") < 10.2
    assert video.evaluate("v => v.videoWidth") > 0
    desk.shot("verify-1280")
    desk.page.set_viewport_size({"width": 390, "height": 844})
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390
    desk.shot("verify-390")
    assert desk.faults == []
    assert desk.asked == []


def test_the_page_says_in_words_what_is_wrong_and_shows_no_picture(scene: Scene, desk: Desk, tmp_path: Path) -> None:
    data = bytearray(scene.bundle.read_bytes())
    data[data.index(b"age-encryption.org/v1\n-> scrypt") + 5000] ^= 1
    changed = tmp_path / "changed.zip"
    changed.write_bytes(data)
    lines = desk.check(changed, secret=rig.PASSPHRASE, key=scene.key.hex())
    assert lines[-1] == ("wrong", "clip-1.mp4.age 파일이 바뀌었습니다")
    assert "이상" in desk.page.locator("#verdict").inner_text()
    assert desk.page.locator("#lines li.wrong strong").inner_text() == "이상"
    assert desk.page.locator("video").count() == 0
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.shot("verify-wrong-390")
    # a wrong passphrase is told as such, and a key that is none before anything is read
    assert desk.check(scene.bundle, secret="another")[-1][0] == "wrong"
    desk.page.fill("#key", "no key")
    desk.page.click("button")
    desk.page.get_by_text("키나 age 비밀키를 읽을 수 없습니다").wait_for()
    assert desk.faults == []


def test_without_a_passphrase_the_page_claims_less(scene: Scene, desk: Desk) -> None:
    lines = desk.check(scene.bundle)
    assert [state for state, _ in lines].count("open") == 2
    assert desk.page.locator("#verdict").get_attribute("class") == "open"
    assert desk.page.locator("video").count() == 0


def test_the_page_may_run_only_what_it_carries() -> None:
    page = gwanje_verify.PAGE.read_text(encoding="utf-8")
    policy = page.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
    assert "@@" not in page
