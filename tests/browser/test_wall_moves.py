"""A wall whose camera moves: to a recorder that was registered after the page was opened, and back again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from browser.conftest import Sit, poll, settled
from browser.eyes import counters, states
from gwanje.kernel.database import connect
from gwanje.kernel.ids import uuid7
from gwanje.media.link import cached_sources, save_sources
from story.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.story]
SECOND = Path(__file__).with_name("second_recorder.py")


def viewers(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return int(json.load(answer)["viewers"])


class Second:
    """The second recorder and its rows in the register."""

    def __init__(self, centre: Centre, folder: Path, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.centre, self.folder, self.process = centre, folder, process
        self.port = int(process.stdout.readline())
        self.id = uuid7()

    def record(self, *cameras: UUID) -> None:
        """Record these and no others from now on."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        known = cached_sources(self.centre.home.spool / "sources.json")
        save_sources(self.folder / "sources.json", [source for source in known if source.camera in cameras])
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "read\n"

    def register(self) -> None:
        """As its own registration would, but never the recorder seen last."""
        with connect(self.centre.home, "owner") as db:
            db.execute(
                "insert into footage_recorder (id, name, signing_key, sealing_key, url) "
                "values (%s, 'second', %s, %s, %s)",
                [self.id, os.urandom(32), os.urandom(32), f"ws://localhost:{self.port}/live"],
            )

    def lease(self, camera: UUID) -> None:
        with connect(self.centre.home, "owner") as db:
            db.execute("insert into footage_lease (camera, recorder, fence) values (%s, %s, 1)", [camera, self.id])

    def give_back(self) -> None:
        with connect(self.centre.home, "owner") as db:
            db.execute("delete from footage_lease where recorder = %s", [self.id])


@contextmanager
def second(centre: Centre, folder: Path) -> Iterator[Second]:
    (folder / "spool").mkdir()
    words = [sys.executable, str(SECOND), str(centre.home.root), str(folder)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    made = None
    try:
        made = Second(centre, folder, process)
        yield made
    finally:
        process.kill()
        process.wait(10)
        if made is not None:
            made.give_back()
            with connect(centre.home, "owner") as db:
                db.execute("delete from footage_recorder where id = %s", [made.id])


def test_tiles_follow_a_camera_to_a_recorder_registered_later_and_back(sit: Sit, centre: Centre, tmp_path: Path):
    desk = sit("operator", "관제석-1")
    page = desk.open("/watch/")
    poll("live tiles", lambda: states(page).count("live") >= 4, 60)
    # a tile that came to life after the count would make "all of them" one too many for good
    steady = settled(lambda: states(page))
    count = steady.count("live")
    tile = page.locator("gw-tile[data-state=live]").last
    camera, place = UUID(tile.evaluate("tile => tile.shown")), int(tile.get_attribute("data-index") or 0) - 1
    badge = page.locator("gw-tile .tile-badge").nth(place)
    with second(centre, tmp_path) as other:
        other.record(camera)
        other.register()
        other.lease(camera)
        os.kill(centre.pid("recorder"), signal.SIGKILL)
        poll("one tile is at the second recorder", lambda: viewers(other.port) == 1, 60)
        poll("and lives", lambda: states(page)[place] == "live", 30)
        assert badge.inner_text() == "녹화기 전환"
        poll("the others are back", lambda: states(page) == steady, 60, lambda: f"{steady} -> {states(page)}")
        seen: set[int | None] = set()
        poll("its pictures go on", lambda: len(seen.add(counters(page)[place]) or seen - {None}) >= 3, 30)
        assert viewers(other.port) == 1
        # the second one gives it back: nobody waits for a silence
        other.give_back()
        other.record()
        poll("the tile has left", lambda: viewers(other.port) == 0, 30)
        poll("and lives at the first", lambda: states(page)[place] == "live", 30)
        poll("all of them are there", lambda: viewers(centre.home.port + 1) == count, 30, lambda: str(states(page)))
    assert not [said for said in desk.faults if "Content Security Policy" in said]
