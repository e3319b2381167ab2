"""``docs/start.md`` is true: its blocks run as they stand, in order, on a fresh pair of data folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import support
from support import ahead

WALK = Path(__file__).with_name("walk.py")
LIMIT_S = 900
pytestmark = pytest.mark.story


class Walk:
    """The walk in its process."""

    def __init__(self) -> None:
        self.folder = Path(support.folder()) / "start"
        self.folder.mkdir()
        self.out = self.folder / "walk.out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(WALK), str(self.folder)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, "PYTHONPATH": str(WALK.parents[1])},
            )  # fmt: skip

    def end(self) -> None:
        """End it and the centre that it has open."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


AHEAD = ("docs", Walk)


def test_every_block_runs_and_prints_what_the_page_says() -> None:
    walk = ahead.take(*AHEAD)
    try:
        code = walk.process.wait(LIMIT_S)
    finally:
        walk.end()
    printed = walk.out.read_text(errors="replace")
    assert code == 0, printed[-6000:]
    count = re.search(r"^blocks (\d+)$", printed, re.MULTILINE)
    assert count, printed
    assert int(count[1]) >= 9
