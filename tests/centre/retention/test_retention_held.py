"""An hour dies and a hold keeps some of it; the hold ends; seconds are deleted. Real processes, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import world

from gwanje.kernel import database
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.vault import parts
from gwanje.vault.ceremony import NewOfficer
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import SegmentReader

DAY = 86400
PASSWORD = "금고-시험-비밀번호"
OFFICERS = [NewOfficer(uuid4(), role, world.AGENCY, PASSWORD) for role in ("manager", "chief_officer")]


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Two cameras' files of one hour, and a hold of one second of the first: (home, epoch, hold, second, copy)."""
    folder = tmp_path_factory.mktemp("held")
    with world.centre(folder / "centre", OFFICERS) as home:
        epoch = world.to_next_hour(home)
        for camera in (0, 1):
            world.record(home, 1, camera)
        second = first_second(home) + 1
        at(home, epoch * 3600 + 1200)
        hold = make(home, second)
        yield home, epoch, hold, second, world.copy(home, folder / "before")


def at(home, unix_s):
    """Set the centre's clock."""
    world.run(home, "clock", "set", datetime.fromtimestamp(unix_s, UTC).isoformat())


def said(digest):
    """Both officers' consents to a Decision."""
    return [Approval(o.id, o.role, digest, 1) for o in OFFICERS]


def first_second(home):
    """The first Unix second of the first file of camera 0."""
    return min(s["epoch"] * 3600 + s["tick"] for s in world.samples(home.store) if s["slot"] == slot(home, 0))


def slot(home, camera):
    """The slot of a camera."""
    return VaultClient(home, "web").slot(world.CAMERAS[camera])


def make(home, second):
    """Hold one second of camera 0 until day 60."""
    id_ = uuid7()
    VaultClient(home, "web").hold(
        id=id_, kind="investigation", ground="investigation", case="형사과-1", reviewer=OFFICERS[1].id,
        spans=[(world.CAMERAS[0], slot(home, 0), 1, second, second + 1)], ends=second + 60 * DAY, decision=b"h" * 32,
        approvals=said(b"h" * 32),
    )  # fmt: skip
    return id_


def living(home):
    """(slot, Unix second) of every part on the disk that was not overwritten."""
    found = set()
    for path in sorted(home.store.rglob("*.gws")):
        with SegmentReader(path) as reader:
            for part in reader.parts:
                if parts.blanked(reader.segment_id, reader.read(part)) is None:
                    found.add((reader.header.slot, reader.header.epoch * 3600 + part.header.tick))
    return found


KILLED = """
import os, sys, django
django.setup()
from gwanje.centre.common import home
from gwanje.centre.retention import duties, fates, files, rows
owner = {"mark_closed": rows, "carry_out": fates, "keep_samples": files}[sys.argv[1]]
real = getattr(owner, sys.argv[1])
def dies(*args, **kwargs):
    real(*args, **kwargs)
    os._exit(77)
setattr(owner, sys.argv[1], dies)
duties.run(home())
"""


def killed(home, step):
    """One run of the duty that is killed right behind a step; whatever it left, the next one goes on."""
    place = {"GWANJE_DATA": str(home.root), "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings"}
    argv = [sys.executable, "-c", KILLED, step]
    done = subprocess.run(argv, env={**os.environ, **place}, capture_output=True, timeout=120, check=False)
    assert done.returncode == 77, f"{step}: {done.stderr.decode()[-2000:]}"


def certificate(home, number, folder):
    """A certificate as it was issued."""
    world.run(home, "retention", "certificate", number, "--to", str(folder))
    assert (folder / f"{number}.pdf").read_bytes().startswith(b"%PDF-")
    return json.loads((folder / f"{number}.json").read_text())


def test_the_hour_dies_and_the_held_second_stays(held, tmp_path):
    home, epoch, hold, second, _ = held
    assert len(living(home)) > 4
    at(home, epoch * 3600 + 30 * DAY + 5)
    done = world.retention(home)
    assert (done["seen"], done["erased"], done["overdue"], done["acknowledged"]) == (1, 1, 0, 1)
    assert living(home) == {(slot(home, 0), second)}, "exactly the held second is left"
    assert len(list(home.store.rglob("*.gws"))) == 1, "files without a held part are gone"
    with database.connect(home) as app:
        rows = app.execute(
            "select first_tick, last_tick, parts, length(idr_ticks) from footage_segment where destroyed_at is null"
        ).fetchall()
        tick = second - epoch * 3600
        assert rows == [(tick, tick, 1, 1)], "the index speaks of the held second only"
    (number,) = done["certificates"]
    body = certificate(home, number, tmp_path)
    (line,) = [text for text in body["exceptions"] if str(hold) in text]
    assert str(world.CAMERAS[0]) in line
    assert "1초" in line
    assert body["hours"][0]["held"] == [[str(hold), str(world.CAMERAS[0]), slot(home, 0), tick, tick + 1]]
    again = world.retention(home)
    assert (again["seen"], again["erased"], again["certificates"], again["ok"]) == (0, 0, [], True)


def test_what_died_does_not_open_and_the_dead_hours_hold_is_prolonged(held):
    home, _, hold, second, before = held
    everything = world.samples(before / "store")
    dead = [s for s in everything if (s["slot"], s["epoch"] * 3600 + s["tick"]) != (slot(home, 0), second)]
    assert world.attempt(home, dead)["opened"] == 0
    assert world.attempt(home, dead, before / "vault")["opened"] == len(dead), "the control opens all"
    web = VaultClient(home, "web")
    web.prolong_hold(
        id=hold, kind="trial", ends=second + 90 * DAY, ground="trial", case="2026고단1", decision=b"p" * 32,
        approvals=said(b"p" * 32),
    )  # fmt: skip
    done = world.retention(home)
    assert (done["erased"], done["ok"]) == (0, True)
    with database.connect(home) as app:
        (kept,) = app.execute("select held from retention_destroyedhour where held <> '[]'::jsonb").fetchone()
    assert kept[0][5] == second + 90 * DAY, "the new end is known"


def test_the_end_of_the_hold_destroys_the_rest_and_is_certified(held, tmp_path):
    home, _, hold, _, _ = held
    web = VaultClient(home, "web")
    assert web.end_hold(id=hold, decision=b"e" * 32, approvals=said(b"e" * 32)) == 1
    done = world.retention(home)
    assert (done["released"], done["erased"], done["acknowledged"]) == (1, 1, 1)
    assert living(home) == set()
    assert not list(home.store.rglob("*.gws"))
    body = certificate(home, done["certificates"][0], tmp_path)
    (hour,) = body["hours"]
    assert (hour["cause"], hour["reference"], hour["parts"]) == ("hold", str(hold), 1)
    assert VaultClient(home, "worker").released() == []
    with database.connect(home) as app:
        assert app.execute("select count(*) from footage_segment where destroyed_at is null").fetchone() == (0,)
    assert world.retention(home)["erased"] == 0


def test_deleted_seconds_are_overwritten_and_their_neighbours_stay(held, tmp_path):
    home, _, _, _, _ = held
    epoch = world.to_next_hour(home)
    world.record(home, 1, 0)
    world.record(home, 1, 1)
    before = living(home)
    first = min(second for mine, second in before if mine == slot(home, 0))
    at(home, epoch * 3600 + 600)
    done = VaultClient(home, "web").puncture(
        camera=world.CAMERAS[0], slot=slot(home, 0), spans=[(1, first + 1, first + 2)], decision=b"d" * 32,
        approvals=said(b"d" * 32),
    )  # fmt: skip
    assert done.seconds == 1
    for step in ("keep_samples", "mark_closed", "carry_out"):
        killed(home, step)
    run = world.retention(home)
    assert (run["released"], run["erased"], run["parts"], run["ok"]) == (0, 1, 1, True), "noted once, by the killed run"
    assert before - living(home) == {(slot(home, 0), first + 1)}
    body = certificate(home, run["certificates"][0], tmp_path)
    (hour,) = body["hours"]
    assert (hour["cause"], hour["reference"], hour["cameras"][0][2]) == ("puncture", (b"d" * 32).hex(), 1)
    with database.connect(home) as app:
        rows = app.execute(
            "select last_tick - first_tick, idr_ticks from footage_segment where destroyed_at is null "
            "order by camera = %s",
            [world.CAMERAS[0]],
        ).fetchall()
    assert [bytes(bits) for _, bits in rows] == [b"\x07", b"\x05"], (
        "the index forgets the key frame of what was deleted"
    )
    # the hour itself dies in its time, with what is left of it
    at(home, epoch * 3600 + 30 * DAY + 5)
    last = world.retention(home)
    assert (last["erased"], last["parts"], last["ok"]) == (1, 2 * world.PARTS - 1, True)
    assert living(home) == set()
