"""Short samples of `./dev soak` and `./dev bench record`: hours told by a clock, pictures compared with the clip."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sim_tools import short_streets

from bench import _footage
from bench._day import TAIL_H, simulated
from bench._processes import ROOT, Ring, cameras, end
from bench.soak import offset_ms
from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street of four seconds."""
    return short_streets(tmp_path_factory.mktemp("clips"), 1)[0].main


def test_hours_midnight_and_the_years_end_leave_nothing_out(clip: Path) -> None:
    said = simulated(2.0, 1, clip)
    # the memory of a whole pytest run is not the recorder's
    assert all(kept for name, kept in said["met"].items() if name != "memory"), said
    # 31 December and 1 January in the centre's zone, two outages and an hour that began without a key
    assert (said["days"], said["outages"], said["no_key_rows"]) == (2, 2, 1)
    assert said["account"]["wall_s"] == pytest.approx((2 + TAIL_H) * 3600, abs=3)
    assert said["account"]["gap_s"] > 150
    assert said["check"]["files"] >= 4 * 12


@pytest.fixture(scope="module")
def recorded(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two cameras of the bench's source, recorded for some seconds in files of two seconds."""
    home = Home.create(tmp_path_factory.mktemp("bench") / "var", demo=True, segment_seconds=2)
    ceremony.create(home)
    with cameras(clip, 2) as source, vaultd.running(home):
        VaultClient(home, "web").set_class(1, "days", 30, "test")
        argv = [sys.executable, "-m", "bench._recording", str(home.root), source.pattern, "2"]
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline()) == {"recording": 2}
            process.send_signal(signal.SIGUSR1)
            time.sleep(5)
            assert source.figures()["dropped"] == 0
        finally:
            end([process], 20)
        said = json.loads(process.stdout.read())
        # a machine that stops the recorder for long is named in its rows, and loses no picture of these cameras
        assert set(said["gap_reasons"]) <= {"overload", "disk"}
        assert said["gap_rows"] == sum(rows for rows, _ in said["gap_reasons"].values())
    return home


def test_every_picture_is_the_clips_and_decodes(recorded: Home, clip: Path) -> None:
    found = _footage.check(recorded, 2, clip, "h264")
    assert found["whole"], found
    assert found["pictures"] == found["compared"] == found["frames"] > 100
    assert found["back_ms_max"] < 40


def test_a_camera_that_is_missing_a_picture_or_has_a_strange_one_is_not_whole(recorded: Home, clip: Path) -> None:
    assert not _footage.check(recorded, 3, clip, "h264")["whole"]
    other = short_streets(clip.parent / "other", 2)[1].main
    found = _footage.check(recorded, 2, other, "h264")
    assert found["strange"] == found["pictures"]
    assert not found["whole"]
    files = sorted(recorded.store.rglob("*.gws"), key=lambda p: int(p.name.split("-")[1]))
    of_one = [path for path in files if path.parent == files[0].parent]
    gone = of_one[1].read_bytes()
    of_one[1].unlink()
    try:
        found = _footage.check(recorded, 2, clip, "h264")
    finally:
        of_one[1].write_bytes(gone)
    assert found["jumps"] == 1
    assert not found["whole"]


def test_footage_time_is_the_walls(recorded: Home) -> None:
    roots = ceremony.open_keystore(recorded).load().roots
    newest = max(recorded.store.rglob("*.gws"), key=lambda p: int(p.name.split("-")[1]))
    off = offset_ms(recorded, newest, roots)
    assert off is not None
    assert abs(off) < 1000


def test_the_ring_deletes_the_oldest_and_spares_what_may_still_be_written(recorded: Home) -> None:
    ring = Ring(recorded.store, 2)
    before = sorted(path.name for path in recorded.store.rglob("*.gws"))
    ring.shrink(0)
    assert sorted(path.name for path in recorded.store.rglob("*.gws")) == before
    ring._age_s = 3
    ring.shrink(0)
    left = sorted(path.name for path in recorded.store.rglob("*.gws"))
    assert 0 < len(left) < len(before)
    assert ring.deleted == len(before) - len(left)
    newest = max(int(name.split("-")[1]) for name in before)
    assert all(newest - int(name.split("-")[1]) < 3_000_000 for name in left)
