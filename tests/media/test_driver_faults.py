"""What the outside does to a recorder: a store that is read-only, gone or slow, a year that ends, a camera's clock."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Gap
from gwanje.media.sim.server import SimThread
from gwanje.vault import segment


def gaps(folder: Path) -> list[Gap]:
    return list({row.id: row for row in rows(folder) if isinstance(row, Gap)}.values())


def parts_of(recorder: Any) -> int:
    return sum(c.recorder.parts for c in recorder.fleet.cameras.values())


def refusing(number: int) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EROFS])
async def test_a_store_that_takes_no_file_is_a_gap_and_recording_goes_on_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4)) as sim, monkeypatch.context() as ill:
        ill.setattr(segment.SegmentWriter, "create", refusing(number))
        async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
            (camera,) = recorder.fleet.cameras.values()
            await until(lambda: camera.gaps.open is not None and camera.gaps.open.reason == "disk", 10)
            # pictures go live all the while
            seen = camera.rings[0].frames
            await until(lambda: camera.rings[0].frames > seen + 5, 5)
            ill.undo()
            await until(lambda: parts_of(recorder) >= 3, 10)
    (gap,) = gaps(tmp_path)
    assert (gap.reason, gap.detail) == ("disk", os.strerror(number))
    assert gap.ended_us is not None
    for path in segment_files(tmp_path):
        assert opened(path, lender).reader.torn == 0


async def test_a_store_that_is_taken_away_is_made_again_and_nothing_else_stops(tmp_path: Path) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))], segment_s=2) as recorder:
            await until(lambda: parts_of(recorder) >= 2)
            shutil.rmtree(tmp_path / "store")
            before = parts_of(recorder)
            await until(lambda: parts_of(recorder) >= before + 4, 15)
    assert segment_files(tmp_path)
    counters = [c for path in segment_files(tmp_path)[-1:] for c in decoded(opened(path, lender).mp4)]
    assert None not in counters


async def test_a_disk_that_takes_a_third_of_a_second_a_write_loses_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    slow = [False]

    def slowly(handle: int, data: bytes) -> int:
        if slow[0] and len(data) > 4096:
            time.sleep(0.3)
        return write(handle, data)

    monkeypatch.setattr(segment.os, "write", slowly)
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
            await until(lambda: parts_of(recorder) >= 2)
            slow[0] = True
            before = parts_of(recorder)
            await until(lambda: parts_of(recorder) >= before + 2, 20)
            slow[0] = False
    (path,) = segment_files(tmp_path)
    counters = decoded(opened(path, lender).mp4)
    assert all((b - a) % 60 == 1 for a, b in itertools.pairwise(counters))
    assert gaps(tmp_path) == []


@pytest.mark.parametrize("moment", ["2026-12-31T15:00:00"])
async def test_a_years_end_loses_no_second(tmp_path: Path, moment: str) -> None:
    clock = Clock(tmp_path / "clock.json")
    wanted = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) - 3
    clock.set_offset((wanted - clock.now_s()) * 1_000_000)
    lender = Roots(clock)
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
            await until(lambda: parts_of(recorder) >= 5, 20)
    found = [opened(path, lender) for path in segment_files(tmp_path)]
    seconds = sorted({f.reader.header.epoch * 3600 + header.tick for f in found for header, _ in f.parts})
    assert len({f.reader.header.epoch for f in found}) == 2
    assert seconds[0] < wanted + 3 <= seconds[-1]
    assert seconds == list(range(seconds[0], seconds[-1] + 1))
    assert gaps(tmp_path) == []


async def test_a_cameras_clock_may_jump_both_ways_over_udp(tmp_path: Path) -> None:
    from dataclasses import replace

    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        wanted = replace(source(1, sim.url("cam01", "sub")), device={"transport": "udp"})
        async with recording(tmp_path, lender, [wanted]) as recorder:
            for jump in (3600, -7200):
                before = parts_of(recorder)
                await until(lambda before=before: parts_of(recorder) >= before + 2)
                sim.fault("cam01", "jump", jump)
            before = parts_of(recorder)
            await until(lambda: parts_of(recorder) >= before + 2)
    assert len(segment_files(tmp_path)) == 3
    counters = [c for path in segment_files(tmp_path) for c in decoded(opened(path, lender).mp4)]
    assert None not in counters
