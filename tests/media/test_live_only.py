"""A camera that may not be kept, in a real recorder: it is seen live, and not one byte of it is sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rig import CLIPS, Roots, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.footage import Gap, Segment
from gwanje.media.sim.server import SimThread


@pytest.fixture
def sim() -> Iterator[SimThread]:
    with SimThread(short_streets(CLIPS, 3, 4)) as server:
        yield server


@pytest.mark.norm("recording.live_only", "deny")
async def test_live_only_is_seen_and_never_sealed(tmp_path: Path, sim: SimThread) -> None:
    lender = Roots(midhour(tmp_path))
    # its class would lend a key: only the word in the source keeps the recorder from it
    never = replace(source(1, sim.url("cam01"), sim.url("cam01", "sub")), device={"live_only": True})
    kept = source(2, sim.url("cam02"))
    async with recording(tmp_path, lender, [never, kept], segment_s=3) as recorder:
        await until(lambda: recorder.ring_of(never.camera, 0).frames > 20 and recorder.sealer.counters.parts >= 3)
        await until(lambda: len(segment_files(tmp_path)) >= 1)
        await recorder.fleet.apply([kept])
    assert {slot for _, slot, _ in lender.asked} == {2}
    assert {opened(p, lender).reader.header.slot for p in segment_files(tmp_path)} == {2}
    told = [row for row in rows(tmp_path) if isinstance(row, Segment | Gap)]
    assert {row.camera for row in told} == {kept.camera}


@pytest.mark.norm("recording.live_only", "allow")
async def test_a_class_that_is_kept_is_recorded_again(tmp_path: Path, sim: SimThread) -> None:
    lender = Roots(midhour(tmp_path))
    camera = source(1, sim.url("cam01"))
    async with recording(tmp_path, lender, [replace(camera, device={"live_only": True})]) as recorder:
        await until(lambda: recorder.ring_of(camera.camera, 0).frames > 5)
        assert recorder.sealer.counters.parts == 0
        await recorder.fleet.apply([replace(camera, version=2)])
        await until(lambda: recorder.sealer.counters.parts >= 2)
    assert {opened(p, lender).reader.header.slot for p in segment_files(tmp_path)} == {1}


async def test_a_running_camera_that_may_not_be_kept_any_more_keeps_no_key(tmp_path: Path, sim: SimThread) -> None:
    lender = Roots(midhour(tmp_path))
    camera, other = source(1, sim.url("cam01")), source(2, sim.url("cam02"))
    async with recording(tmp_path, lender, [camera, other], segment_s=3) as recorder:
        await until(lambda: recorder.sealer.counters.parts >= 4)
        epoch, keys = recorder.clock.now_s() // 3600, recorder.fleet.keys
        held = keys.spine(1, 1, epoch)
        assert held is not None
        asked = len(lender.asked)
        await recorder.fleet.apply([replace(camera, version=2, device={"live_only": True}), other])
        assert keys.spine(1, 1, epoch) is None, "the lent key was overwritten"
        assert keys.spine(1, 2, epoch) is not None
        keys.step()
        await until(lambda: recorder.ring_of(camera.camera, 0).frames > 5)
        assert [slot for _, slot, _ in lender.asked[asked:] if slot == 1] == [], "none is asked for again"
    assert opened(next(p for p in segment_files(tmp_path) if opened(p, lender).reader.header.slot == 1), lender)
