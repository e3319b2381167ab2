"""One running centre and one headless Chromium for the browser tests; a desk is a person at a station."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import support
from story.centre import PASSWORD, Centre, running

CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SLOWER = 3
SHOTS = os.environ.get("GWANJE_SHOTS")


@pytest.fixture(scope="session")
def centre() -> Iterator[Centre]:
    """A demo centre of its own, with every process running."""
    with running(Path(support.folder()) / "browser") as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless, drawing in software."""
    if not Path(CHROMIUM).exists():
        pytest.fail("chromium is missing (apt-get install chromium)")
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@dataclass
class Desk:
    """A signed-in person's page; ``faults`` are errors of scripts, ``strangers`` requests that left this machine."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the centre."""
        self.page.goto(self.base + path)
        return self.page

    def shot(self, name: str) -> None:
        """Keep a screenshot where GWANJE_SHOTS says (docs/img), else nowhere."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png")


Sit = Callable[..., Desk]


def sit_down(chromium: Browser, base: str, account: str, station: str, width: int, height: int) -> Desk:
    """Log in through the page, as a person does, and start the shift."""
    page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(SLOWER * 30_000)
    desk = Desk(page, base)
    page.on("pageerror", lambda error: desk.faults.append(str(error)))
    page.on("console", lambda said: desk.faults.append(said.text) if said.type == "error" else None)
    page.on("request", lambda r: desk.strangers.append(r.url) if _away(r.url) else None)
    desk.open("/login/")
    page.fill("input[name=account]", account)
    page.fill("input[name=password]", PASSWORD)
    page.select_option("select[name=station]", station)
    page.click("main button.primary")
    desk.open("/staff/me/")
    end, start = (page.locator(f'form[action="/staff/shift/{act}/"] button') for act in ("end", "start"))
    if end.count() and page.locator(".notice.warn").count():
        # a test before left this person on shift at another station
        end.first.click()
        page.wait_for_load_state()
    if start.count():
        start.first.click()
        page.wait_for_load_state()
    return desk


def _away(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https", "ws") and urlsplit(url).hostname not in ("localhost", "127.0.0.1")


@pytest.fixture
def sit(centre: Centre, chromium: Browser) -> Iterator[Sit]:
    """``sit("operator", "관제석-1", width=1920, height=1080)`` → a Desk; closed after the test."""
    made: list[Desk] = []

    def desk(account: str, station: str, width: int = 1920, height: int = 1080) -> Desk:
        made.append(sit_down(chromium, centre.base, account, station, width, height))
        return made[-1]

    yield desk
    for one in made:
        one.page.context.close()


def poll(what: str, ask: Callable[[], bool], limit_s: float = 30.0, seen: Callable[[], str] = lambda: "") -> None:
    """Ask until it is so; the strict CSP forbids strings as code, so nothing waits inside the page.

    ``limit_s``: on a machine of two idle cores; a slower one has three times that. ``seen``: what was there instead.
    """
    end = time.monotonic() + SLOWER * limit_s
    while time.monotonic() < end:
        if ask():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {SLOWER * limit_s:.0f} s: {what} {seen()}")


def settled(look: Callable[[], list[str]], still_s: float = 5.0, limit_s: float = 60.0) -> list[str]:
    """What ``look`` answers once it has answered the same for ``still_s``."""
    end, now, since = time.monotonic() + SLOWER * limit_s, look(), time.monotonic()
    while time.monotonic() - since < still_s:
        assert time.monotonic() < end, f"never still: {now}"
        time.sleep(0.2)
        if (then := look()) != now:
            now, since = then, time.monotonic()
    return now
