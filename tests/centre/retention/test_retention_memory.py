"""Sampling a dead hour of many cameras: whole seconds of all of them never stand in memory together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gwanje.centre.retention import trying
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault import merkle, parts
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import TRAILER_MAGIC, SegmentHeader, segment_path

CAMERAS, SECOND, EPOCH = 400, 128 << 10, 497_000
MOST = 50 << 20

# the peak of this process alone: getrusage's also counts what the parent held when it forked
PEAK = """
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
"""
SURVEY = (
    PEAK
    + """
import json, sys
from pathlib import Path
from gwanje.centre.retention import files
from gwanje.kernel.home import Home
home = Home.find(sys.argv[1])
before = peak()
found = files.survey(home, 1, int(sys.argv[2]))
kept = files.keep_samples(home, "hour", files.samples(found, 1, int(sys.argv[2])))
after = peak()
path = files.kept_samples(home, "hour")
print(json.dumps([kept, len(found.hours), found.hours[0].seconds, after - before, str(path)]))
"""
)
TRY = (
    PEAK
    + """
import json, sys
from gwanje.vault import attempt
before = peak()
said = attempt.attempt({"home": sys.argv[1], "files": [sys.argv[2]]})
print(json.dumps([said["tried"], peak() - before]))
"""
)


def _segment(home: Home, slot: int) -> None:
    """Two seconds of 128 KiB that nobody sealed; the bytes between the headers are a hole in the file."""
    header = SegmentHeader.fresh(
        class_=1, epoch=EPOCH, slot=slot, stream=0, fence=1, writer=bytes(16), created_us=EPOCH * 3_600_000_000,
        centre=home.centre,
    )  # fmt: skip
    path = segment_path(home.store, header)
    path.parent.mkdir(parents=True)
    with path.open("wb") as out:
        out.write(header.pack())
        for ordinal in range(2):
            start_us = (EPOCH * 3600 + ordinal) * 1_000_000
            out.write(parts.HEADER.pack(b"GWPT", 1, 1, 1, 1, ordinal, ordinal, start_us, 1_000_000, SECOND, bytes(32)))
            out.seek(SECOND + 16, 1)
        out.write(TRAILER_MAGIC + (2).to_bytes(4, "big") + merkle.root([bytes(32)] * 2))


def _run(script: str, *argv: str) -> list:
    done = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True)
    found: list = json.loads(done.stdout)
    return found


def test_an_hour_of_four_hundred_cameras_costs_less_than_fifty_megabytes(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "centre", port=1, demo=True)
    for slot in range(CAMERAS):
        _segment(home, slot)
    kept, hours, seconds, grown, path = _run(SURVEY, str(home.root), str(EPOCH))
    assert (kept, hours, seconds) == (2 * CAMERAS, CAMERAS, 2)
    assert Path(path).stat().st_size > 2 * CAMERAS * SECOND
    assert grown < MOST, f"{grown >> 20} MB"
    tried, grown = _run(TRY, str(home.root), path)
    assert tried == 2 * CAMERAS
    assert grown < MOST, f"{grown >> 20} MB"


def test_lost_samples_stop_the_certificate_and_not_the_worker(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "centre", port=1, demo=True)
    with pytest.raises(trying.AttemptFailed, match="표본이 없습니다"):
        trying.attempt(VaultClient(home, "worker"), home, [uuid7()])
