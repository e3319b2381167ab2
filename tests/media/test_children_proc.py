"""Children that hold pictures and accounts: no program of the recorder's account looks in, no core, no file open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROBE = Path(__file__).with_name("children_probe.py")


def test_no_program_of_the_same_account_looks_into_a_media_child() -> None:
    done = subprocess.run([sys.executable, str(PROBE)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    # the control: the same look into a process that hides nothing
    assert {"environ", "mem", "maps", "fd"} <= set(said["seen"].pop("plain"))
    assert said["seen"] == {"inspect": [], "ingest": [], "transcode": []}
    said["cores"].pop("plain")
    assert set(map(tuple, said["cores"].values())) == {("0", "0")}
    # sockets only: what they decode has no way to a disk but a file of their own
    assert said["files"] == {"plain": [], "inspect": [], "ingest": [], "transcode": []}
