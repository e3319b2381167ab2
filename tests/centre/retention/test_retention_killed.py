"""The duty of destruction killed at every step: nothing is counted twice, nothing is left, one certificate stands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import world

from gwanje.kernel import database


def test_killed_at_every_step(tmp_path):
    with world.centre(tmp_path / "centre") as home:
        first = world.to_next_hour(home)
        for camera in (0, 1):
            world.record(home, 1, camera)
        home.clock.set_offset(home_offset(home) + (30 * 86400 + 3600) * 1_000_000)
        script = Path(__file__).with_name("killed.py")
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "GWANJE_DATA": str(home.root), "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        report = json.loads(done.stdout.splitlines()[-1])
        assert report["points"] == 14
        assert report["ok"]
        assert list(home.store.rglob("*.gws")) == []
        assert list((home.spool / "retention").glob("*")) == []
        with database.connect(home) as app:
            states = app.execute(
                "select epoch, state, parts, segments, samples from retention_destroyedhour"
            ).fetchall()
            certificates = app.execute("select hours, camera_hours, parts from retention_certificate").fetchall()
            kinds = dict(app.execute("select kind, count(*) from ledger_opening group by kind").fetchall())
        assert states == [(first, "certified", 6, 2, 4)]
        assert certificates == [(1, 2, 6)]
        assert kinds["retention.hour.destroyed"] == kinds["retention.certificate.issued"] == 1


def home_offset(home) -> int:
    return json.loads((home.root / "clock.json").read_text())["offset_us"]
