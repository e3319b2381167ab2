"""The player as a process: answers, holds no readable memory, ends when asked, and needs no database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from play_rig import BEGAN_S, Centre, Street, centre, page, seal, text, wait_for
from sim_tools import short_streets

from gwanje.kernel.home import Home
from support import free_port

FIRST = BEGAN_S + 60


def _health(port: int) -> dict | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as reply:
            return json.load(reply)
    except OSError:
        return None


@pytest.fixture
def made(tmp_path: Path):
    with centre(tmp_path / "data") as running:
        yield running


async def test_the_process_plays_and_ends(made: Centre, tmp_path: Path) -> None:
    seal(made, Street.of(short_streets(tmp_path, 1, seconds=4)[0].sub), FIRST, 4)
    made.set_time(FIRST + 10)
    port = free_port()
    words = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(made.home.root), "player"]
    log = tmp_path / "player.log"
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env={**os.environ, "GWANJE_PORT": str(port)})
    try:
        wait_for(lambda: process.poll() is not None or _health(port + 2))
        if os.geteuid() != 0:
            # what is not dumpable does not even show its environment to its own user
            with pytest.raises(PermissionError):
                Path(f"/proc/{process.pid}/environ").read_bytes()
        assert "Max core file size        0                    0" in Path(f"/proc/{process.pid}/limits").read_text()
        hello = {"permit": text(made.permit(FIRST + 1, FIRST + 3)), "viewer": made.viewer()}
        async with page(port + 2, hello, origin=f"http://localhost:{port}") as tab:
            await tab.say(type="play", camera=str(made.camera), at=FIRST + 1)
            await tab.until("end")
        assert [value for _, value in tab.decoded()] == list(range(15, 45))
        assert hello["permit"] not in log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert Home(made.home.root).store.exists()
