"""The inspection inside a real recorder: real RTSP, a real child process, findings in the spool, a sealed thumbnail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rig import CENTRE, CLIPS, WRITER, Roots, midhour, opened, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.findings import DERIVED_STREAM, Finding
from gwanje.kernel.footage import Gap, Segment
from gwanje.kernel.sources import Source
from gwanje.media import derived
from gwanje.media.inspect import inspector as looking
from gwanje.media.recorder import Recorder
from gwanje.media.segments import Settings
from gwanje.media.sim.clips import Clip
from gwanje.media.sim.server import SimThread
from gwanje.vault import parts


@pytest.fixture(scope="session")
def streets() -> list[Clip]:
    return short_streets(CLIPS, 3, 4)


@pytest.fixture
def sim(streets: list[Clip]) -> Iterator[SimThread]:
    with SimThread(streets) as server:
        yield server


@pytest.fixture
def lender(tmp_path: Path) -> Roots:
    return Roots(midhour(tmp_path))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks as fast as key frames come: what a minute's pace would show in half an hour."""
    for name in ("CALM_S", "UNEASY_S", "FIRST_S", "STEP_S"):
        monkeypatch.setattr(looking, name, 0.1)
    monkeypatch.setattr("gwanje.media.inspect.budget.SAVED_LEAST", 60.0)


@contextlib.asynccontextmanager
async def inspecting(folder: Path, lender: Roots, sources: list[Source]) -> AsyncIterator[Recorder]:
    settings = Settings(folder / "store", CENTRE, WRITER, flush_s=1, progress_s=0)
    recorder = Recorder(
        settings=settings, clock=lender.clock, lender=lender, spool=folder / "spool", unseal=lambda _: None,
        inspect=True,
    )  # fmt: skip
    await recorder.start()
    try:
        await recorder.fleet.apply(sources)
        assert recorder.inspector is not None
        await until(lambda: recorder.inspector.looks >= 2)
        yield recorder
    finally:
        await recorder.stop()


def findings(folder: Path) -> dict[object, Finding]:
    """The last state of every finding."""
    return {row.id: row for row in rows(folder) if isinstance(row, Finding)}


def test_a_derived_picture_is_sealed_under_its_own_tick_and_once_only(tmp_path: Path, lender: Roots) -> None:
    clock = lender.clock
    start_us = clock.now_us()
    epoch, tick = divmod(start_us // 1_000_000, 3600)
    camera = source(4, "rtsp://127.0.0.1/x")
    from gwanje.vault import tree

    leaf = tree.leaf(lender.root(1, epoch), 4, tick)
    held = derived.reserve(camera, CENTRE, WRITER, start_us, leaf)
    row = derived.seal(tmp_path / "store", held, b"\xff\xd8 a picture", "image/jpeg", (320, 180))
    with pytest.raises(derived.KeyGone):
        derived.seal(tmp_path / "store", held, b"again", "image/jpeg", (320, 180))
    found = opened(tmp_path / "store" / row.path, lender)
    assert [(h.kind, h.tick, plain) for h, plain in found.parts] == [(parts.DERIVED, tick, b"\xff\xd8 a picture")]
    assert (row.stream, row.first_tick, row.last_tick, row.root) == (DERIVED_STREAM, tick, tick, found.reader.root)
    assert b"a picture" not in (tmp_path / "store" / row.path).read_bytes()


def test_after_a_minute_the_key_is_gone(tmp_path: Path, lender: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    held = derived.reserve(source(4, "rtsp://127.0.0.1/x"), CENTRE, WRITER, lender.clock.now_us(), bytes(32))
    monkeypatch.setattr(held, "until", held.until - derived.KEEP_S)
    with pytest.raises(derived.KeyGone):
        derived.seal(tmp_path / "store", held, b"late", "image/jpeg", (320, 180))
    assert held.key is None
    assert not segment_files(tmp_path)


async def test_a_picture_below_the_standard_opens_a_finding_and_a_met_one_none(
    tmp_path: Path, sim: SimThread, lender: Roots
) -> None:
    low = replace(source(1, sim.url("cam01", "sub")), device={"standard": {"width": 1280, "height": 720, "rate": 15}})
    well = replace(source(2, sim.url("cam02")), device={"standard": {"width": 1280, "height": 720, "rate": 15}})
    async with inspecting(tmp_path, lender, [low, well]):
        await until(lambda: findings(tmp_path))
        await asyncio.sleep(1)
    found = list(findings(tmp_path).values())
    assert [(f.kind, f.camera, f.ended_us) for f in found] == [("standard", low.camera, None)]
    assert (found[0].detail["width"], found[0].detail["least"]["width"]) == (640, 1280.0)


async def test_a_frozen_camera_is_found_with_a_sealed_thumbnail_and_heals(
    tmp_path: Path, streets: list[Clip], lender: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = CLIPS / "still-frozen-24.mp4"
    if not still.exists():
        _still(still)
    with SimThread([replace(streets[0], main=still, sub=still)]) as frozen, SimThread(streets) as live:
        camera = source(1, frozen.url(streets[0].name))
        async with inspecting(tmp_path, lender, [camera]) as recorder:
            await until(lambda: any(f.segment_id for f in findings(tmp_path).values()), 40)
            found = next(f for f in findings(tmp_path).values() if f.segment_id)
            assert found.kind == "frozen"
            await recorder.fleet.apply([replace(camera, main_url=live.url(streets[0].name), version=2)])
            await until(lambda: findings(tmp_path)[found.id].ended_us, 30)
    row = next(r for r in rows(tmp_path) if isinstance(r, Segment) and r.stream == DERIVED_STREAM)
    assert row.segment_id == found.segment_id
    header, picture = opened(tmp_path / "store" / row.path, lender).parts[0]
    assert header.kind == parts.DERIVED
    assert picture.startswith(b"\xff\xd8")
    assert header.start_us == found.picture_us
    # nothing of it lies anywhere in plain
    assert all(picture[:200] not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def _still(path: Path) -> None:
    from itertools import islice, repeat

    from gwanje.media.sim import encode, street

    frame = next(islice(street.frames(1, "A-0001", seconds=20), 1)).copy()
    # long enough for the encoder's rate control to come to rest: a frozen camera's has
    encode.write(repeat(frame, 15 * 24), [(path, street.SUB)])


async def test_a_killed_child_costs_no_recording(tmp_path: Path, sim: SimThread, lender: Roots) -> None:
    async with inspecting(tmp_path, lender, [source(1, sim.url("cam01"))]) as recorder:
        inspector = recorder.inspector
        assert inspector is not None
        before = recorder.sealer.counters.parts
        os.kill(inspector.child.pid, signal.SIGKILL)
        await until(lambda: not inspector.child.ready)
        looks = inspector.looks
        await until(lambda: inspector.child.starts == 2 and inspector.looks > looks)
        assert recorder.sealer.counters.parts > before
        pid = inspector.child.pid
    assert not [row for row in rows(tmp_path) if isinstance(row, Gap)]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_decoder_is_fed_rubbish_and_says_so(tmp_path: Path) -> None:
    child = looking.Child()
    task = asyncio.get_running_loop().create_task(child.run())
    try:
        await until(lambda: child.ready)
        for rubbish in (b"", b"\0" * 64, os.urandom(4096)):
            answer = await child.look(1, rubbish, os.urandom(2048))
            assert answer is not None
            assert answer[0]["unseen"]
        with pytest.raises(ValueError, match="too large"):
            await child.look(1, b"", bytes(6 << 20))
        assert child.starts == 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
