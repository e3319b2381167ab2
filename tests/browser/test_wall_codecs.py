"""Cameras of four codecs in a real browser, at a centre opened under another name: what is shown, what is said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import support
from browser.conftest import poll, sit_down
from browser.eyes import counters, states
from gwanje.kernel.home import Home
from gwanje.media.sim import clips
from gwanje.media.sim.server import SimServer
from story.asking import approved
from story.centre import Centre, running

pytestmark = [pytest.mark.browser, pytest.mark.story]
CODECS = ("H265", "MP4V-ES", "JPEG")
SECONDS = 4
CASE = "2026-형제-0002"


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    """Lines of a camera list: H.265 with an H.264 sub-stream, then H.265, MPEG-4 and JPEG on both streams."""
    cache = Path(support.folder()) / "codec-clips"
    plain = clips.streets(cache, ["K-1"], seconds=SECONDS, audio_camera=-1)[0]
    made = [clips.streets(cache, ["K-1"], seconds=SECONDS, audio_camera=-1, codec=codec)[0] for codec in CODECS]
    served = [replace(made[0], sub=plain.sub), *made]
    served = [replace(clip, name=f"cam{n:02d}", label=f"K-{n}") for n, clip in enumerate(served, 1)]
    loop, started, port = asyncio.new_event_loop(), threading.Event(), [0]
    ended = asyncio.Event()

    async def serve() -> None:
        async with SimServer(served, port=0) as server:
            port[0] = server.port
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(20)
    at = f"rtsp://127.0.0.1:{port[0]}"
    yield [f"{c.label},126.9{n},37.39,{at}/{c.name}/main,{at}/{c.name}/sub" for n, c in enumerate(served)]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)


@pytest.fixture(scope="module")
def named(addresses: list[str]) -> Iterator[tuple[Centre, str]]:
    """The centre of those cameras, and the other name under which its pages are opened."""
    root = Path(support.folder()) / "named"
    port = support.free_port()
    base = f"http://gaon.localhost:{port}"
    Home.create(root, port=port, demo=True, origins=[base])
    listed = root.with_suffix(".csv")
    listed.write_text("\n".join(addresses))
    with running(root, "--cameras", str(listed)) as centre:
        yield centre, f"http://gaon.localhost:{centre.home.port}"


def test_each_codec_is_seen_or_said(named: tuple[Centre, str], chromium: Browser):
    desk = sit_down(chromium, named[1], "operator", "관제석-1", 1920, 1080)
    page = desk.open("/watch/")
    poll("four live tiles", lambda: states(page).count("live") == 4, 60)
    seen: list[set[int]] = [set() for _ in range(4)]

    def advancing() -> bool:
        for known, value in zip(seen, counters(page), strict=False):
            known.update({value} - {None})
        return all(len(known) >= 3 for known in seen)

    poll("four counters advance", advancing, 30)
    badge = page.locator("gw-tile[data-state=live] .tile-badge")
    assert [b if shown else "" for b, shown in badge.evaluate_all("all => all.map(b => [b.textContent, !b.hidden])")] \
        == ["", "변환", "변환", "변환"]  # fmt: skip
    words = page.locator("#seat-words").inner_text()
    assert all(name in words for name in ("H.265", "MPEG-4", "MJPEG")), words
    assert "기기 3대" in words
    # the first camera's main stream is H.265: large, it is shown by its sub-stream and says so
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    large = page.locator("gw-tile:visible")
    poll("it says sub", lambda: large.locator(".tile-badge").inner_text() == "보조", 20)
    poll("it is live", lambda: large.get_attribute("data-state") == "live", 20)
    assert desk.faults == []
    page.context.close()


def test_stored_video_that_the_browser_cannot_play_is_said(named: tuple[Centre, str], chromium: Browser):
    centre, base = named
    numbers = {c["number"]: c["id"] for c in centre.sign_in("police", "열람실-1").get("/api/cameras/").json["items"]}
    # what is asked for need not play: the page has to name the codec
    path = approved(centre, [numbers[name] for name in ("K-2", "K-3", "K-4")], 5, CASE)
    desk = sit_down(chromium, base, "police", "열람실-1", 1280, 900)
    page = desk.open(path)
    for number, name in enumerate(("H.265", "MPEG-4", "MJPEG")):
        if number:
            page.select_option("gw-player select", index=number)
        said = f"{name} 영상을 재생하지 못합니다"
        poll(said, lambda said=said: said in page.inner_text(".player-note"), 20)
        assert "재생하는 브라우저가 있는 열람실" in page.inner_text(".player-note")
    assert desk.faults == []
    page.context.close()
