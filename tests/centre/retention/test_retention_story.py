"""Thirty-one days on: only what is due dies, it stays dead, and a certificate says so. Real processes throughout."""

import hashlib
import io
import json
import shutil
import time
from uuid import uuid4

import pikepdf
import pytest
import world

from gwanje.kernel import database
from gwanje.kernel.canonical import decode
from gwanje.vault.segment import SegmentReader


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A centre with three hours of class 1 and one of class 2; what was there is copied before anything dies."""
    folder = tmp_path_factory.mktemp("story")
    with world.centre(folder / "centre") as home:
        first = world.to_next_hour(home)
        world.record(home, 1, 0)
        world.record(home, 1, 1, finish=False)
        garbage(home, world.record(home, 1, 1, indexed=False))
        world.record(home, 2, 0)
        second = world.to_next_hour(home)
        garbage(home, world.record(home, 1, 0))
        yield home, first, second, world.copy(home, folder / "before")


def garbage(home, path):
    """Note a file as one whose seconds another recorder has."""
    with SegmentReader(path) as reader, database.connect(home) as app:
        header = reader.header
        app.execute(
            "insert into footage_garbage (segment_id, camera, agency, class, epoch, first_tick, last_tick, path, "
            "fence, reason) values (%s, %s, %s, %s, %s, 0, 9, %s, 1, 'late')",
            [reader.segment_id, uuid4(), uuid4(), header.class_, header.epoch, str(path.relative_to(home.store))],
        )


def set_clock(home, unix_s):
    from datetime import UTC, datetime

    world.run(home, "clock", "set", datetime.fromtimestamp(unix_s, UTC).isoformat())


def test_thirty_days_on(story, tmp_path):
    home, first, second, before = story
    everything = world.samples(before / "store")
    assert len(everything) == 5 * world.PARTS
    due = [s for s in everything if s["class"] == 1 and s["epoch"] == first]
    assert world.attempt(home, everything)["opened"] == len(everything), "the control: today all of it opens"

    set_clock(home, first * 3600 + 30 * 86400 - 60)
    early = world.retention(home)
    assert (early["seen"], early["erased"], early["certificates"]) == (0, 0, [])

    set_clock(home, first * 3600 + 30 * 86400 + 5)
    done = world.retention(home)
    assert (done["seen"], done["erased"], done["files"]) == (1, 1, 3)
    assert (done["parts"], done["camera_hours"], done["acknowledged"]) == (3 * world.PARTS, 2, 1)
    assert done["ok"]
    (number,) = done["certificates"]

    # with the files from before and everything that is on the disk now, nothing destroyed opens, the rest does
    assert world.attempt(home, due)["opened"] == 0
    assert world.attempt(home, everything)["opened"] == len(everything) - len(due)
    # the attempt has teeth: with keystore and generation key from before it opens 100 %
    assert world.attempt(home, due, before / "vault")["opened"] == len(due)

    left = {(s["class"], s["epoch"]) for s in world.samples(home.store)}
    assert left == {(1, second), (2, first)}
    assert not (home.store / "1" / str(first)).exists()
    assert list((home.spool / "retention").glob("*")) == []
    _the_index_forgets_motion(home, first)
    _the_certificate_holds(home, number, tmp_path)

    again = world.retention(home)
    assert (again["seen"], again["erased"], again["certificates"]) == (0, 0, [])


def _the_index_forgets_motion(home, first):
    with database.connect(home) as app:
        rows = app.execute(
            "select parts, bytes, idr_ticks, destroyed_at is not null from footage_segment where class = 1 "
            "and epoch = %s", [first],
        ).fetchall()  # fmt: skip
        assert [(p, b, bytes(i), d) for p, b, i, d in rows] == [(0, 0, b"", True)] * 2
        assert app.execute("select count(*) from footage_segment where destroyed_at is null").fetchone()[0] == 2
        # what a lost lease left behind is gone with its hour, file and row; the younger hour's stands
        assert app.execute("select epoch > %s from footage_garbage", [first]).fetchall() == [(True,)]
        kinds = dict(app.execute("select kind, count(*) from ledger_opening group by kind").fetchall())
    assert kinds["retention.hour.destroyed"] == 1
    assert kinds["retention.certificate.issued"] == 1


def _the_certificate_holds(home, number, tmp_path):
    world.run(home, "retention", "certificate", number, "--to", str(tmp_path))
    body = (tmp_path / f"{number}.cbor").read_bytes()
    said, plain = json.loads((tmp_path / f"{number}.json").read_text()), decode(body)
    with database.connect(home) as app:
        (sha256,) = app.execute("select sha256 from retention_certificate where number = %s", [number]).fetchone()
    assert hashlib.sha256(body).hexdigest() == sha256
    assert plain["level"] == said["level"] == "L1"
    assert said["level_text"][1] == "key deleted; medium remanence not excluded"
    assert (plain["attempt"]["tried"], plain["attempt"]["opened"]) == (4, 0)
    assert plain["attempt"]["generation_key_absent"] is True
    assert [o["state"] for o in plain["officers"]] == ["unsigned", "unsigned"]
    assert any(key.endswith(":31(1)") for key in plain["articles"])
    (hour,) = plain["hours"]
    assert (len(hour["cameras"]), hour["segments"], len(hour["root"])) == (2, 3, 32)
    pdf = (tmp_path / f"{number}.pdf").read_bytes()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        metadata = document.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "B")
        assert metadata["dc:title"] == "영상정보 파기 확인서"
        fonts = [f for page in document.pages for f in page.Resources.Font.values()]
        assert fonts
        # embedded, whatever its outlines are (TrueType 2, CFF 3)
        assert all({"/FontFile2", "/FontFile3"} & set(f.DescendantFonts[0].FontDescriptor.keys()) for f in fonts)


def test_a_restored_index_and_a_late_file_go_again(story):
    home, first, _, before = story
    path = next((before / "store" / "1" / str(first)).rglob("*.gws"))
    back = home.store / path.relative_to(before / "store")
    back.parent.mkdir(parents=True)
    back.write_bytes(path.read_bytes())
    with database.connect(home) as app:
        app.execute("update footage_segment set destroyed_at = null where class = 1 and epoch = %s", [first])
    done = world.retention(home)
    assert (done["seen"], done["erased"], done["files"]) == (0, 1, 1)
    assert len(done["certificates"]) == 1
    assert not back.exists()
    assert done["overdue"] == 0


def test_a_key_that_is_still_there_stops_the_certificate(story):
    home, _, second, before = story
    # somebody kept the old keystore and its generation key under other names: no certificate while they lie there
    set_clock(home, second * 3600 + 30 * 86400 + 5)
    hidden = home.vault / "hidden"
    shutil.copytree(before / "vault", hidden)
    try:
        refused = world.retention(home, code=1)
    finally:
        shutil.rmtree(hidden)
    assert refused["certificates"] == []
    assert "opened" in refused["refused"]
    assert refused["erased"] == 1
    with database.connect(home) as app:
        kinds = app.execute("select kind, severity from event").fetchall()
        assert ("retention.certificate.refused", 3) in kinds
    done = world.retention(home)
    assert len(done["certificates"]) == 1
    assert done["camera_hours"] == 1


def test_a_clock_set_back_stops_everything_and_alarms(story):
    home, _, second, _ = story
    world.record(home, 2, 1)
    set_clock(home, second * 3600 + 20 * 86400)
    time.sleep(2.5)
    found = world.retention(home, code=1)
    assert found["alarm"]
    assert (found["seen"], found["erased"]) == (0, 0)
    with database.connect(home) as app:
        assert app.execute("select count(*) from event where kind = 'retention.clock.alarmed'").fetchone()[0] == 1
