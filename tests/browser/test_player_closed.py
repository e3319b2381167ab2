"""The player names a second that a deletion closed: a real vaultd, a real player and a real browser, no centre."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import gwanje
from browser.conftest import poll
from gwanje.kernel.permit import Approval
from gwanje.media.play.server import Player
from gwanje.vault.client import AsyncVaultClient, VaultClient
from media.play_rig import BEGAN_S, CLASS, STATION, Centre, Street, centre, seal, text
from media.sim_tools import short_streets

pytestmark = pytest.mark.browser
FIRST, SECONDS = BEGAN_S + 60, 12
SHUT = (FIRST + 4, FIRST + 6)
STATIC = Path(gwanje.__file__).parent / "apps" / "web" / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
SHOTS = os.environ.get("GWANJE_SHOTS")


@contextlib.contextmanager
def player(made: Centre, origin: str) -> Iterator[int]:
    """A player in a thread of its own, for pages of this origin; its port."""
    loop, up = asyncio.new_event_loop(), threading.Event()
    port: list[int] = []
    done = asyncio.Event()

    async def serve() -> None:
        client = AsyncVaultClient(made.home, "player")
        async with Player(made.home, client, port=0, origins=[origin]) as one:
            port.append(one.port)
            up.set()
            await done.wait()
        await client.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(60), "the player did not start"
        yield port[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(60)
        loop.close()


@contextlib.contextmanager
def pages(made: Centre, port: list[int]) -> Iterator[str]:
    """What the web answers here: the page in two languages, its files, Permits; its origin."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = STATIC / self.path.removeprefix("/static/")
            if self.path in ("/ko", "/en"):
                self.answer(page_of(made, port[0], self.path[1:]).encode(), "text/html")
            elif self.path.startswith("/static/") and file.is_file():
                self.answer(file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = {"permit": text(made.permit(FIRST, FIRST + SECONDS)), "viewer": made.viewer()}
            self.answer(json.dumps({**said, "expires": FIRST + 600, "url": play_url(port[0])}).encode(), TYPES[".json"])

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(60)


def play_url(port: int) -> str:
    """The player's socket."""
    return f"ws://127.0.0.1:{port}/play"


def page_of(made: Centre, port: int, language: str) -> str:
    """The player's page with its data, as the centre's template has it."""
    data = {
        "player_url": play_url(port), "permit_url": "/permit", "viewer_url": "/viewer", "first": FIRST,
        "until": FIRST + SECONDS, "cameras": [{"id": str(made.camera), "label": "A-0101 시청 앞"}],
        "person": "김관제(가상)", "station": STATION,
    }  # fmt: skip
    sheets = "".join(f'<link rel="stylesheet" href="/static/css/{name}.css">' for name in ("base", "control", "player"))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">{sheets}</head><body><main class="wide">'
        f'<script id="play-data" type="application/json">{json.dumps(data)}</script><gw-player></gw-player></main>'
        '<script type="module" src="/static/app/player.js"></script></body></html>'
    )


def seen(page: Page) -> list[str]:
    """The page's list of what it does not show."""
    return page.locator(".player-gaps li").all_inner_texts()


def test_a_closed_second_is_said_to_be_closed_and_why(tmp_path: Path, chromium: Browser) -> None:
    street = Street.of(short_streets(tmp_path / "clips", 1, seconds=SECONDS)[0].sub)
    with centre(tmp_path / "data") as made, contextlib.closing(VaultClient(made.home, "web")) as web:
        seal(made, street, FIRST, SECONDS)
        made.set_time(FIRST + 200)
        now = made.home.clock.now_us()
        given = [
            Approval(made.requester, "operator", bytes(32), now),
            Approval(made.approver, "chief_officer", bytes(32), now),
        ]
        web.puncture(
            camera=made.camera, slot=made.slot, spans=[(CLASS, *SHUT)], decision=bytes(32), approvals=given
        )  # fmt: skip
        port: list[int] = []
        with pages(made, port) as origin, player(made, origin) as own:
            port.append(own)
            for language, words in (("ko", ("폐쇄됨", "삭제 요구", "보존을 밝힌 허가")), ("en", ("closed", "hold"))):
                page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
                faults: list[str] = []
                page.on("pageerror", lambda error, faults=faults: faults.append(str(error)))
                page.goto(f"{origin}/{language}")
                poll("the closed seconds are named", lambda page=page: len(seen(page)) == 1, 60)
                for word in words:
                    assert word in seen(page)[0], seen(page)
                assert not any(word in seen(page)[0] for word in ("파기", "estroyed"))
                if language == "ko":
                    page.click('[data-speed="4"]')
                    video = page.locator("gw-player video")
                    poll("it plays on behind them", lambda v=video: v.evaluate("v => v.currentTime") > 6.5, 60)
                for width in (1920, 1280, 390) if SHOTS else ():
                    page.set_viewport_size({"width": width, "height": 900})
                    page.screenshot(path=Path(SHOTS or ".") / f"player-closed-{language}-{width}.png", full_page=True)
                assert faults == []
                page.context.close()
