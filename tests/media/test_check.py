"""The check in three levels: clean after real recording; every planted fault is named."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig_centre import Centre, centre

from gwanje.kernel.database import connect
from gwanje.kernel.footage import Segment, put_segments
from gwanje.media import check
from gwanje.vault import parts
from gwanje.vault.client import VaultClient
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter

__all__ = ["centre"]
KINDS = [b"vide", b"soun", b"text", b"meta"]


def box(name: bytes, *body: bytes) -> bytes:
    data = b"".join(body)
    return (8 + len(data)).to_bytes(4, "big") + name + data


def init_of(*handlers: bytes) -> bytes:
    """An init segment whose tracks have these handlers."""
    traks = []
    for number, handler in enumerate(handlers, 1):
        header = box(b"tkhd", bytes(12), number.to_bytes(4, "big"), bytes(68))
        traks.append(box(b"trak", header, box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13)))))
    return box(b"ftyp", b"iso5", bytes(4)) + box(b"moov", *traks)


def fragment_of(track: int) -> bytes:
    header = box(b"tfhd", bytes(4), track.to_bytes(4, "big"))
    return box(b"moof", box(b"traf", header)) + box(b"mdat", b"\0" * 100)


@pytest.fixture(scope="module")
def recorded(centre: Centre) -> Centre:
    """Some seconds of two cameras, one start killed in between."""

    def filled() -> int:
        """Files with footage of some seconds on the disk."""
        found = 0
        for path in check.segment_paths(centre.home.store):
            # one that has just been made may have no header yet
            with contextlib.suppress(SegmentBroken, OSError), SegmentReader(path) as reader:
                found += len(reader.parts) >= 4
        return found

    first = centre.recorder()
    centre.until(lambda: centre.health().get("recording") == 2)
    centre.until(lambda: filled() == 2)
    first.kill()
    first.wait()
    time.sleep(3)
    second = centre.recorder()
    centre.until(lambda: centre.health().get("recording") == 2 and centre.health()["database"])
    centre.until(lambda: filled() == 4)
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    return centre


def checked(centre: Centre, *options: str) -> tuple[int, dict[str, Any]]:
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(centre.home.root), "check", "--json", *options]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


class Plant:
    """Seals a segment of its own with keys lent to the recorder, and indexes it."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.made: list[Path] = []
        self.ids: list[bytes] = []

    def segment(self, init: bytes, fragments: list[bytes]) -> Path:
        home = self.centre.home
        now = home.clock.now_s()
        lent = VaultClient(home, "recorder").lend(1, 0, now // 3600)
        second = (now // 3600) * 3600 + lent.first
        header = SegmentHeader.fresh(
            class_=1, epoch=now // 3600, slot=0, stream=0, fence=1, writer=bytes(16), centre=home.centre,
            created_us=second * 1_000_000, init=init,
        )  # fmt: skip
        writer = SegmentWriter.create(home.store, header)
        writer.key(lent.first, lent.spine().at(lent.first))
        out = memoryview(bytearray(4 << 20))
        writer.write(out[: writer.seal_into(out, parts.INIT, 0, second * 1_000_000, 0, init)])
        for data in fragments:
            writer.write(out[: writer.seal_into(out, parts.VIDEO, 1, second * 1_000_000, 1_000_000, data)])
        root = writer.finish()
        self.made.append(writer.path)
        self.ids.append(writer.segment_id)
        # a camera of its own: on a busy machine the recorder's last second is longer ago than may pass without a word
        row = Segment(
            writer.segment_id, UUID(int=9000 + len(self.made)), UUID(int=5), 0, 0, 1, header.epoch, lent.first,
            lent.first,
            writer.parts, writer.size, b"\1", "avc1.64001f", 1280, 720, root,
            str(writer.path.relative_to(home.store)), 1, bytes(16), True,
        )  # fmt: skip
        with connect(home) as db, db.cursor() as cursor:
            put_segments(cursor, [row])
        return writer.path

    def remove(self) -> None:
        for path in self.made:
            path.unlink(missing_ok=True)
        with connect(self.centre.home) as db:
            for segment in self.ids:
                db.execute("delete from footage_segment where segment_id = %s", [segment])
        self.made.clear()
        self.ids.clear()


@pytest.fixture
def plant(recorded: Centre) -> Iterator[Plant]:
    made = Plant(recorded)
    yield made
    made.remove()


def test_a_second_of_several_megabytes_is_verified_and_its_audio_seen(recorded: Centre, plant: Plant) -> None:
    large = box(b"free", bytes(3 << 20))
    plant.segment(init_of(b"vide"), [fragment_of(1) + large])
    code, report = checked(recorded, "--level", "3")
    assert (code, report["problems"], report["too_large"]) == (0, [], 0)
    plant.segment(init_of(b"vide", b"soun"), [fragment_of(2) + large])
    code, report = checked(recorded, "--level", "3")
    assert code == 1
    assert report["too_large"] == 0


def test_after_a_kill_all_three_levels_are_clean(recorded: Centre) -> None:
    code, report = checked(recorded, "--level", "3")
    assert (code, report["problems"]) == (0, [])
    assert report["files"] == report["rows"] == 4
    assert report["without_trailer"] == 2
    assert report["verified"] == report["parts"] > 8
    assert report["cameras"] == 2
    assert report["gaps"] >= 2
    code, report = checked(recorded, "--sample", "3")
    assert (code, report["verified"]) == (0, 3)


@pytest.mark.norm("audio.never", "deny")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from([b"vide", b"soun", b"text", b"meta"]), min_size=1, max_size=3),
    used=st.integers(1, 4),
)
def test_a_planted_audio_track_turns_the_check_red(plant: Plant, kinds: list[bytes], used: int) -> None:
    home = plant.centre.home
    path = plant.segment(init_of(*kinds), [fragment_of(used)])
    try:
        run = check.Check(home.store, 3, home.clock.now_s())
        with SegmentReader(path) as reader:
            run._ask_file(VaultClient(home, "checker"), reader, None)
        report = run.report
    finally:
        plant.remove()
    lawful = set(kinds) == {b"vide"} and used <= len(kinds)
    assert report.clean == lawful, (kinds, used, report.problems)
    if b"soun" in kinds:
        assert any("audio" in text for text in report.problems)


@pytest.mark.norm("audio.never", "deny")
def test_the_command_goes_red_for_audio(plant: Plant) -> None:
    path = plant.segment(init_of(b"vide", b"soun"), [fragment_of(1), fragment_of(2)])
    code, report = checked(plant.centre, "--level", "3")
    assert code == 1
    assert any(path.name in text and "audio" in text for text in report["problems"])


def test_signatures_of_cameras_that_do_not_sign_are_none(recorded: Centre) -> None:
    code, report = checked(recorded, "--signatures")
    assert (code, report["problems"], report["signatures"]) == (0, [], [])
    assert set(report["signed_s"]) == {"none"}
    assert report["signed_s"]["none"] > 2


def test_changed_missing_and_foreign_files_are_named(recorded: Centre) -> None:
    home = recorded.home
    path = max(check.segment_paths(home.store), key=lambda p: p.stat().st_size)
    whole = path.read_bytes()
    for change, level, said in (
        (whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "2", "Merkle"),
        (whole[: len(whole) // 2], "1", "parts"),
        (whole[:200] + b"XXXX" + whole[204:], "3", "not authentic"),
    ):
        path.write_bytes(change)
        code, report = checked(recorded, "--level", level)
        assert code == 1
        assert any(said in text for text in report["problems"]), report["problems"]
    path.write_bytes(whole)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    code, report = checked(recorded, "--level", "1")
    assert any("gone" in text for text in report["problems"])
    copy = path.with_name(f"0-1-{uuid4().hex[:8]}.gws")
    aside.rename(path)
    copy.write_bytes(whole)
    code, report = checked(recorded, "--level", "1")
    assert any("twice" in text for text in report["problems"])
    copy.unlink()
    assert checked(recorded, "--level", "3")[0] == 0


def test_a_second_nobody_accounts_for_is_named(recorded: Centre) -> None:
    with connect(recorded.home) as db:
        rows = db.execute("delete from footage_gap where reason = 'restart' returning *").fetchall()
        try:
            code, report = checked(recorded, "--level", "1")
        finally:
            with db.cursor() as cursor:
                cursor.executemany("insert into footage_gap values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)", rows)
    # the downtime of a killed recorder is longer than the two seconds that pass without a word
    assert code == 1, report
    assert any("neither footage nor a gap row" in text for text in report["problems"])


def test_a_torn_tail_is_counted_and_cut_only_on_demand(recorded: Centre) -> None:
    home = recorded.home
    path = max(check.segment_paths(home.store), key=lambda p: p.stat().st_size)
    whole = path.read_bytes()
    torn = whole[:-40] + whole[128 : 128 + 50]
    path.write_bytes(torn)
    name = str(path.relative_to(home.store))
    with connect(home) as db:
        (root,) = db.execute("select root from footage_segment where path = %s", [name]).fetchone()
        db.execute("update footage_segment set root = null where path = %s", [name])
        try:
            assert check.repair(home.store, lambda _: None) == 0
            os.utime(path, (time.time() - 700, time.time() - 700))
            code, report = checked(recorded, "--level", "2")
            assert (code, report["torn"], report["torn_bytes"]) == (0, 1, 50), report["problems"]
            code, report = checked(recorded, "--level", "2", "--repair")
            assert (code, report["repaired"], report["torn"]) == (0, 1, 0)
            assert path.read_bytes() == whole[:-40]
        finally:
            path.write_bytes(whole)
            db.execute("update footage_segment set root = %s where path = %s", [root, name])
