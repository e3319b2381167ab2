"""`gwanje restore`: yesterday's PostgreSQL, today's keystore; real database files put back, the vault untouched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import support
from support import ahead

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 600


class Story:
    """The process that tells it."""

    def __init__(self) -> None:
        self._json, log = support.folder() / "restore.json", support.folder() / "restore.log"
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
        argv = [sys.executable, str(Path(__file__).with_name("restore_story.py"))]
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [*argv, str(support.folder() / "restore"), str(self._json)],
                env={**os.environ, "PYTHONPATH": path, "GWANJE_TESTING": "1"}, stdout=out, stderr=out,
            )  # fmt: skip

    def told(self) -> dict:
        """What it found; AssertionError with its last words when it failed."""
        code = self._process.wait(LIMIT_S)
        assert code == 0, self._log.read_text(errors="replace")[-3000:]
        return json.loads(self._json.read_text())

    def end(self) -> None:
        """Stop it and what it started."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)


AHEAD = ("restore", Story)


@pytest.fixture(scope="module")
def told():
    story = ahead.take(*AHEAD)
    try:
        yield story.told()
    finally:
        story.end()


def test_the_ledger_goes_on_from_the_head_that_vaultd_signed(told):
    first = told["first"]
    assert first["ledger"] == "taken back"
    assert first["rows_found"] == told["backup"]
    assert (first["rows_pending"], first["head"]) == (7, told["head"])
    assert first["rows_taken_back"] == told["head"] - told["backup"] > 300
    # the seven were committed before the backup: what they said is not lost
    assert len(first["openings_lost"]) == first["rows_taken_back"] - 7
    # new rows follow, and vaultd signs them: its head did not move back
    assert told["size"] > told["head"]


def test_the_worker_numbers_nothing_before_it(told):
    assert told["guard"] == [False, True]


def test_dead_hours_are_dead_again_and_the_living_are_left(told):
    assert told["first"]["hours_marked"] == [f"1/{told['dead']}"]
    assert told["run"]["ok"]
    assert told["standing"] == 0
    assert told["run"]["overdue"] == 0


def test_the_vault_is_not_touched(told):
    assert told["before"]["keystore.gwk"]
    assert told["before"] == told["after"]


def test_it_may_run_again_and_leaves_its_report(told):
    again = told["again"]
    assert (again["ledger"], again["rows_taken_back"], again["hours_marked"]) == ("whole", 0, [])
    assert len(told["files"]) == 2


def test_what_cannot_be_continued_is_said_and_not_covered_up(told):
    assert told["forked"]["ledger"].startswith("broken: ")
    assert "gone another way" in told["forked"]["ledger"]
    assert told["forked"]["rows_taken_back"] == 0
    assert "no published ledger" in told["unpublished"]["ledger"]
    assert told["unpublished"]["hours_marked"] == told["first"]["hours_marked"]
