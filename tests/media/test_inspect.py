"""What the inspection says of pictures: a seeded sample of ./dev bench inspection, hysteresis, budget, spool lines."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from rig import CENTRE, WRITER, source

from bench import _sight as sight
from bench import inspection as bench
from gwanje.kernel.clock import Clock
from gwanje.kernel.findings import Finding
from gwanje.media.fmp4 import ROW
from gwanje.media.inspect.budget import SHARE, Budget
from gwanje.media.inspect.course import Course
from gwanje.media.inspect.figures import measure
from gwanje.media.inspect.inspector import Inspector, below
from gwanje.media.inspect.memory import Memory
from gwanje.media.inspect.open import OpenFindings
from gwanje.media.picture import Picture
from gwanje.media.spool import _line, parse_line
from gwanje.media.stream import Part


def test_each_planted_fault_is_named_and_nothing_planted_opens_nothing() -> None:
    assert bench.controls() == []


def test_a_seeded_hour_of_weather_raises_no_alarm_and_faults_in_it_are_found() -> None:
    counted = bench.run_view("street:7", ["street:7", "street:8"], 90, 1, seed=11)
    assert dict(counted.alarms) == {}
    found = {planted for planted, said in counted.confusion if said}
    assert found == set(sight.FAULTS)


def test_a_view_is_learnt_before_it_is_judged_and_a_lorry_in_front_is_learnt_too() -> None:
    memory = Memory()
    rng = np.random.default_rng(3)
    view = sight.streets(range(2, 3))[0]
    for number in range(39):
        assert not memory.look(measure(sight.look(view, number, sight.Weather(), rng))).learnt
    memory.look(measure(sight.look(view, 40, sight.Weather(), rng)))
    said = memory.look(measure(sight.look(view, 41, sight.Weather(), rng)))
    assert (said.learnt, said.needed, said.kind) == (True, 2, "")


def test_an_unsteady_view_needs_more_looks_in_a_row() -> None:
    memory = Memory()
    for _ in range(100):
        memory._count(False)
    calm = memory._needed()
    for _ in range(40):
        memory._count(True)
    assert (calm, memory._needed()) == (2, 9)


def test_a_finding_opens_at_the_second_look_and_closes_after_two_good_ones() -> None:
    course = Course()
    assert course.heard("covered", 10) == []
    (begun,) = course.heard("covered", 20)
    assert (begun.kind, begun.begins, begun.since_us) == ("covered", True, 10)
    assert course.heard("", 30) == []
    assert course.heard("covered", 40) == []
    assert course.heard("", 50) == []
    (ended,) = course.heard("", 60)
    assert (ended.kind, ended.begins, ended.since_us) == ("covered", False, 50)
    assert not course.uneasy


def test_a_single_bad_look_opens_nothing() -> None:
    course = Course()
    for at in range(0, 100, 2):
        assert course.heard("moved", at) == []
        assert course.heard("", at + 1) == []


def test_a_frozen_picture_wants_three_looks_and_another_kind_replaces_the_open_one() -> None:
    course = Course()
    assert [course.heard("frozen", at) for at in (1, 2)] == [[], []]
    assert course.heard("frozen", 3)[0].begins
    course.heard("black", 4)
    changes = course.heard("black", 5)
    assert [(c.kind, c.begins) for c in changes] == [("frozen", False), ("black", True)]


def test_the_budget_is_five_hundredths_of_a_core_a_hundred_cameras() -> None:
    budget = Budget(0.0)
    budget.spend(budget.left)
    budget.fill(100.0, 100)
    assert budget.left == pytest.approx(100 * 100 * SHARE) == pytest.approx(5.0)
    budget.spend(6.0)
    assert not budget.allows
    budget.fill(200.0, 100)
    assert budget.allows


def test_open_findings_outlive_the_recorder_and_close_once(tmp_path: Path) -> None:
    path = tmp_path / "open.json"
    finding = Finding(UUID(int=1), UUID(int=2), UUID(int=3), "moved", 5, None, {"alike": 0.1}, b"\1" * 32, 6)
    OpenFindings(path).begin(finding)
    again = OpenFindings(path)
    assert again.of(UUID(int=2)) == [finding]
    ended = again.end(UUID(int=2), "moved", 9)
    assert ended is not None
    assert ended.ended_us == 9
    assert again.end(UUID(int=2), "moved", 9) is None
    path.write_text("[{")
    assert OpenFindings(path).of(UUID(int=2)) == []


def test_a_finding_travels_the_spool_and_a_spoilt_one_does_not() -> None:
    finding = Finding(UUID(int=1), UUID(int=2), UUID(int=3), "moved", 5, 9, {"alike": 0.1}, b"\1" * 32, 6)
    line = _line(finding)
    assert parse_line(line) == finding
    for spoilt in ({"kind": "audio"}, {"detail": "text"}, {"detail": {"x": "y" * 3000}}, {"ended_us": 4},
                   {"segment_id": "00"}, {"picture_us": -1}, {"k": "x"}):  # fmt: skip
        with pytest.raises((ValueError, KeyError, TypeError)):
            parse_line(json.dumps({**json.loads(line), **spoilt}).encode())


@pytest.mark.norm("recording.standard", "deny")
@pytest.mark.parametrize(("width", "height", "frames"), [(319, 240, 15), (320, 239, 15), (320, 240, 13)])
def test_a_second_below_the_standard_is_found(width: int, height: int, frames: int) -> None:
    least = {"width": 320, "height": 240, "rate": 15}
    assert below(_second(width, height, frames), least)["least"] == least
    assert below(_second(320, 240, 15), least) == {}
    assert below(_second(width, height, frames), {}) == {}


def _second(width: int, height: int, frames: int) -> Part:
    part = Part()
    part.picture = Picture(width, height, "avc1.42001f", 0)
    part.rows = bytearray(ROW.pack(90_000 // frames, 100, 0) * frames)
    part.reordered, part.duration = False, 90_000
    return part


def test_a_device_clock_that_is_off_twice_is_a_finding_until_it_is_right_twice(tmp_path: Path) -> None:
    camera = source(1, "rtsp://127.0.0.1/x")
    said: list[Finding] = []
    with ThreadPoolExecutor(1) as pool:
        inspector = Inspector(
            clock=Clock(tmp_path / "clock.json"), cameras=lambda: {camera.camera: SimpleNamespace(source=camera)},
            store=tmp_path, centre=CENTRE, writer=WRITER, put=said.append, pool=pool, memory=tmp_path / "open.json",
        )  # fmt: skip
        inspector.budget = Budget(0.0)
        inspector.step(1.0)
        for offset in (4.9, 61.0, 2.0, 61.0, -61.0, 1.0, 1.0):
            inspector.told_clock(camera.camera, offset)
        inspector.told_clock(UUID(int=9), 100.0)
    assert [(f.kind, f.detail, f.ended_us is not None) for f in said] == [
        ("clock", {"offset_s": -61.0}, False), ("clock", {"offset_s": -61.0}, True),
    ]  # fmt: skip
    assert said[0].id == said[1].id
