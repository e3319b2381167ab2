"""Acts and rounds killed at any statement: no duty is lost, none is doubled, nobody is told twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import support
from gwanje.apps.postgres import running
from gwanje.kernel.home import Home


def test_killed_at_statements_of_a_seeded_draw(tmp_path):
    home = Home.create(tmp_path / "centre", settable_clock=True, demo=True, packs=support.PACKS, name="가온시")
    with running(home):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("duties_killed.py")), "5"],
            env={**os.environ, "GWANJE_DATA": str(home.root), "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings"},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    # a draw that killed nobody would show nothing
    assert found["kills"] >= 5
    assert found["closed"] >= 1
    assert found["duties"] == found["subjects"] == found["acts"] + 1
    ledger, events = found["ledger"], found["events"]
    assert ledger["duties.duty.owed"] == found["duties"]
    assert ledger.get("duties.duty.done", 0) + ledger.get("duties.duty.late_done", 0) == found["closed"]
    assert ledger["duties.duty.escalated"] == events["duties.late"] == found["told"]
    assert ledger.get("duties.duty.warned", 0) == events.get("duties.warned", 0)
    assert found["unsaid"] == 0
