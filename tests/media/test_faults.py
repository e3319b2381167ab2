"""Outages: each is seen in time, stands in a gap row with its reason, and costs no other camera anything."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig import CLIPS, Roots, Spine, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Gap, Segment
from gwanje.media import engine, fleet
from gwanje.media.keyring import KeyRing
from gwanje.media.recorder import Recorder
from gwanje.media.sim.server import SimThread
from gwanje.vault import segment, tree
from gwanje.vault.segment import SegmentReader
from gwanje.vault.tree import NoKey


@pytest.fixture(scope="module")
def cameras() -> Iterator[SimThread]:
    with SimThread(short_streets(CLIPS, 5, 4)) as server:
        yield server


@pytest.fixture
def sim(cameras: SimThread) -> Iterator[SimThread]:
    yield cameras
    for number in range(1, 6):
        for fault in ("stall", "loss", "spread", "midgop", "nosets"):
            cameras.fault(f"cam0{number}", fault, 0)


@pytest.fixture
def lender(tmp_path: Path) -> Roots:
    return Roots(midhour(tmp_path))


def gaps(folder: Path, slot: int) -> list[Gap]:
    """The last state of each gap of a camera."""
    found = {row.id: row for row in rows(folder) if isinstance(row, Gap) and row.camera.int == 1000 + slot}
    return list(found.values())


def parts_of(recorder: Recorder, slot: int) -> int:
    (camera,) = [c for c in recorder.fleet.cameras.values() if c.source.slot == slot]
    return camera.recorder.parts


def seconds_of(folder: Path, slot: int, lender: Roots) -> list[int]:
    found = []
    for path in segment_files(folder):
        if path.parent.name == str(slot):
            one = opened(path, lender)
            found += [one.reader.header.epoch * 3600 + header.tick for header, _ in one.parts]
    return found


async def a_stall_is_seen_within_six_seconds_and_a_close_at_once(
    tmp_path: Path, sim: SimThread, lender: Roots
) -> Callable[[], None]:
    wanted = [source(n, sim.url(f"cam0{n}", "sub")) for n in (1, 2, 3)]
    async with recording(tmp_path, lender, wanted) as recorder:
        await until(lambda: all(parts_of(recorder, n) >= 2 for n in (1, 2, 3)))
        sim.fault("cam01", "stall", 1)
        sim.fault("cam03", "close")
        began = lender.clock.now_us()
        (camera,) = [c for c in recorder.fleet.cameras.values() if c.source.slot == 1]
        await until(lambda: camera.gaps.open is not None, 8)
        assert lender.clock.now_us() - began < 6_500_000
        others = parts_of(recorder, 2)
        sim.fault("cam01", "stall", 0)
        await until(lambda: camera.gaps.open is None)
        await until(lambda: parts_of(recorder, 2) > others)

    def verify() -> None:
        (gap,) = gaps(tmp_path, 1)
        assert (gap.reason, gap.detail) == ("camera", "no pictures for 5 seconds")
        assert gap.ended_us is not None
        assert gap.started_us <= began + 1_000_000 < gap.ended_us
        assert gaps(tmp_path, 2) == []
        ticks = sorted(set(seconds_of(tmp_path, 2, lender)))
        assert ticks == list(range(ticks[0], ticks[-1] + 1))
        (gap,) = gaps(tmp_path, 3)
        assert gap.reason == "network"
        assert gap.ended_us is not None
        assert 0 < gap.ended_us - gap.started_us < 5_000_000
        closed = [path for path in segment_files(tmp_path) if path.parent.name == "3"]
        assert len(closed) == 2
        for path in closed:
            assert decoded(opened(path, lender).mp4)

    return verify


DIFFICULT = {1: ("loss", 97), 2: ("spread", 1), 3: ("midgop", 1), 4: ("nosets", 1), 5: ("jump", 7200)}
WHILE_PLAYING = ("loss", "jump")


async def difficult_cameras_are_recorded_and_decode(
    tmp_path: Path, sim: SimThread, lender: Roots
) -> Callable[[], None]:
    for slot, (fault, value) in DIFFICULT.items():
        if fault not in WHILE_PLAYING:
            sim.fault(f"cam0{slot}", fault, value)
    wanted = [source(slot, sim.url(f"cam0{slot}", "sub")) for slot in DIFFICULT]
    async with recording(tmp_path, lender, wanted) as recorder:
        await until(lambda: all(parts_of(recorder, slot) >= 2 for slot in DIFFICULT))
        for slot, (fault, value) in DIFFICULT.items():
            if fault in WHILE_PLAYING:
                sim.fault(f"cam0{slot}", fault, value)
        await until(lambda: all(parts_of(recorder, slot) >= 7 for slot in DIFFICULT))

    def verify() -> None:
        for slot, (fault, _) in DIFFICULT.items():
            files = [path for path in segment_files(tmp_path) if path.parent.name == str(slot)]
            assert len(files) == (2 if fault == "jump" else 1), fault
            if fault == "loss":
                assert [g.reason for g in gaps(tmp_path, slot)] == ["network"]
                assert "packets lost" in gaps(tmp_path, slot)[0].detail
            else:
                counters = [c for path in files for c in decoded(opened(path, lender).mp4)]
                assert None not in counters, fault
                assert len(counters) > 40, fault

    return verify


async def test_without_a_key_nothing_is_stored_but_pictures_go_live(
    tmp_path: Path, sim: SimThread, lender: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "KEY_WAIT_S", 0.1)
    lender.away = True
    wanted = source(1, sim.url("cam01", "sub"))
    async with recording(tmp_path, lender, [wanted]) as recorder:
        ring = recorder.fleet.cameras[wanted.camera].rings[0]
        await until(lambda: ring.frames > 40)
        assert segment_files(tmp_path) == []
        lender.away = False
        await until(lambda: parts_of(recorder, 1) >= 3)
    (gap,) = [g for g in gaps(tmp_path, 1) if g.reason == "no key"]
    assert gap.ended_us is not None
    (path,) = segment_files(tmp_path)
    assert decoded(opened(path, lender).mp4)


async def test_a_key_that_begins_later_than_the_file_moves_the_rows_first_second(
    tmp_path: Path, sim: SimThread, lender: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lent while vaultd came back: the parts of a second that the key does not open are in no row either."""
    lend = lender.lend

    async def later(class_: int, slot: int, epoch: int) -> Spine:
        first = (await lend(class_, slot, epoch)).first + 2
        return Spine(first, tree.spine(lender.root(class_, epoch), slot, first))

    monkeypatch.setattr(lender, "lend", later)
    wanted = source(1, sim.url("cam01", "sub"))
    async with recording(tmp_path, lender, [wanted]) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 2)
    assert [g.reason for g in gaps(tmp_path, 1)] == ["no key"]
    (path,) = segment_files(tmp_path)
    with SegmentReader(path) as reader:
        first = reader.parts[0].header.tick
    told = {row.first_tick for row in rows(tmp_path) if isinstance(row, Segment)}
    assert told == {first}


async def the_hour_changes_with_the_next_hours_key_and_a_new_file(
    tmp_path: Path, sim: SimThread, lender: Roots
) -> Callable[[], None]:
    clock = lender.clock
    left = 3600 - clock.now_s() % 3600
    clock.set_offset(clock._offset_us + (left - 3) * 1_000_000)
    lender = Roots(clock)
    async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 10, 20)

    def verify() -> None:
        hours = {opened(p, lender).reader.header.epoch for p in segment_files(tmp_path)}
        assert len(hours) == 2
        assert {epoch for _, _, epoch in lender.asked} == hours
        ticks = sorted(set(seconds_of(tmp_path, 1, lender)))
        assert ticks == list(range(ticks[0], ticks[-1] + 1))
        assert gaps(tmp_path, 1) == []

    return verify


async def a_clock_that_goes_back_keeps_ticks_monotone_and_says_so(
    tmp_path: Path, sim: SimThread, lender: Roots
) -> Callable[[], None]:
    clock = lender.clock
    async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 2)
        stored = parts_of(recorder, 1)
        clock.set_offset(clock._offset_us - 3_000_000)
        await until(lambda: any(g.reason == "clock" for g in gaps(tmp_path, 1)), 12)
        assert parts_of(recorder, 1) > stored + 2

    def verify() -> None:
        (path,) = segment_files(tmp_path)
        found = opened(path, lender)
        ticks = [header.tick for header, _ in found.parts]
        assert ticks == sorted(ticks)
        counters = decoded(found.mp4)
        assert all((b - a) % 60 == 1 for a, b in itertools.pairwise(counters))
        (gap,) = gaps(tmp_path, 1)
        # what passed between the step and the next tick is already caught up
        assert any(f"went back by {n} s" in gap.detail for n in (1, 2, 3)), gap.detail

    return verify


async def test_keys_are_overwritten_and_never_reach_back() -> None:
    lender = Roots(Clock())
    now = [lender.clock.now_s()]
    ring = KeyRing(lender, lambda: now[0])
    await ring.acquire(3, 1)
    spine = ring.spine(1, 3, now[0] // 3600)
    assert spine is not None
    tick = now[0] % 3600
    leaf = spine.at(tick)
    assert any(leaf)
    with pytest.raises(NoKey):
        spine.at(max(0, tick - 1) if tick else -1)
    ring.forget(3)
    assert not any(leaf)
    assert ring.spine(1, 3, now[0] // 3600) is None


async def test_a_full_disk_is_a_gap_and_the_file_ends_at_its_last_whole_part(
    tmp_path: Path, sim: SimThread, lender: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [False]
    write = os.write

    def limited(handle: int, data: bytes) -> int:
        if full[0] and len(data) > 4096:
            write(handle, bytes(data[:1000]))
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(segment.os, "write", limited)
    async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 2)
        full[0] = True
        (camera,) = recorder.fleet.cameras.values()
        await until(lambda: camera.gaps.open is not None)
        await asyncio.sleep(1.5)
        full[0] = False
        await until(lambda: parts_of(recorder, 1) >= 5)
    (gap,) = gaps(tmp_path, 1)
    assert gap.reason == "disk"
    assert "space" in gap.detail
    for path in segment_files(tmp_path):
        assert opened(path, lender).reader.torn == 0


async def test_one_cameras_failure_stays_its_own(
    tmp_path: Path, sim: SimThread, lender: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = engine.Stream.feed
    victim: list[object] = []

    def failing(stream: engine.Stream, count: int) -> None:
        if victim and stream is victim[0]:
            raise TypeError("planted")
        feed(stream, count)

    monkeypatch.setattr(engine.Stream, "feed", failing)
    wanted = [source(n, sim.url(f"cam0{n}", "sub")) for n in (1, 2)]
    async with recording(tmp_path, lender, wanted) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 2 and parts_of(recorder, 2) >= 2)
        wires = [w for w in recorder.engine._wires.values() if w.stream.sink.source.slot == 1]
        victim.append(wires[0].stream)
        others = parts_of(recorder, 2)
        await until(lambda: parts_of(recorder, 2) >= others + 4)
    assert [g.reason for g in gaps(tmp_path, 1)][:1] == ["camera"]
    assert gaps(tmp_path, 2) == []


async def sources_come_change_and_go(tmp_path: Path, sim: SimThread, lender: Roots) -> Callable[[], None]:
    first = source(1, sim.url("cam01", "sub"))
    async with recording(tmp_path, lender, [first]) as recorder:
        await until(lambda: parts_of(recorder, 1) >= 2)
        await recorder.fleet.apply(
            [source(1, sim.url("cam01", "sub"), class_=2, version=2), source(2, sim.url("cam02", "sub"))]
        )
        await until(lambda: parts_of(recorder, 1) >= 2 and parts_of(recorder, 2) >= 2)
        await recorder.fleet.apply([source(2, sim.url("cam02", "sub"))])
        await until(lambda: parts_of(recorder, 2) >= 4)

    def verify() -> None:
        classes = {opened(p, lender).reader.header.class_ for p in segment_files(tmp_path) if p.parent.name == "1"}
        assert classes == {1, 2}
        assert gaps(tmp_path, 1)[-1].reason == "not due"
        last = {row.segment_id: row for row in rows(tmp_path) if isinstance(row, Segment)}
        assert all(row.closed and row.root for row in last.values())
        assert len(last) == len(segment_files(tmp_path)) == 3

    return verify


STORIES = (
    a_stall_is_seen_within_six_seconds_and_a_close_at_once,
    difficult_cameras_are_recorded_and_decode,
    the_hour_changes_with_the_next_hours_key_and_a_new_file,
    a_clock_that_goes_back_keeps_ticks_monotone_and_says_so,
    sources_come_change_and_go,
)


async def test_outages_side_by_side(tmp_path: Path) -> None:
    """Five recorders at once, each with cameras of its own; what they stored is looked at when all have ended."""
    clips = short_streets(CLIPS, 5, 4)
    with contextlib.ExitStack() as stack:
        running = []
        for story in STORIES:
            folder = tmp_path / story.__name__
            folder.mkdir()
            sim = stack.enter_context(SimThread(clips))
            running.append(story(folder, sim, Roots(midhour(folder))))
        checks = await asyncio.gather(*running, return_exceptions=True)
    failures = [check for check in checks if isinstance(check, BaseException)]
    for check in checks:
        if not isinstance(check, BaseException):
            try:
                check()
            except AssertionError as error:
                failures.append(error)
    if failures:
        raise BaseExceptionGroup("outages", failures)
