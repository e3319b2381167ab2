"""When our own process stands still: whose fault it was, where its pictures lie, and that the account stays exact."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import termios
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from packets_rig import RATE, Camera, encode, rtp
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.footage import Gap, Segment
from gwanje.media.account import Account, Day, Span
from gwanje.media.check import Check, spans_of
from gwanje.media.drivers import feeds
from gwanje.media.gaps import GapLog, OpenGaps
from gwanje.media.indexed import Held
from gwanje.media.recorder import Recorder
from gwanje.media.rtp import Receiver
from gwanje.media.segments import LATE_US, CameraRecorder, Standstill
from gwanje.media.sim.server import SimThread
from gwanje.media.stream import Part
from gwanje.vault import segment

STOOD_S, SHORT_S = 2.5, 1.2
US = 1_000_000


def gap_rows(folder: Path) -> list[Gap]:
    """The last state of each gap, oldest first."""
    found = {row.id: row for row in rows(folder) if isinstance(row, Gap)}
    return sorted(found.values(), key=lambda gap: gap.started_us)


def counted(folder: Path, now_us: int) -> tuple[Day, list[Span]]:
    """The day of the one camera by its parts' headers, and each part's stretch."""
    index = {row.segment_id: row for row in rows(folder) if isinstance(row, Segment)}
    exact: dict[bytes, Sequence[Span]] = {}
    each: list[Span] = []
    for path in segment_files(folder):
        with segment.SegmentReader(path) as reader:
            exact[reader.segment_id] = spans_of(reader)
            each += [(p.header.start_us, p.header.start_us + p.header.duration_us) for p in reader.parts]
    (day,) = Account(index.values(), gap_rows(folder), UTC, now_us, exact).days
    report = Check(folder / "store", 2, now_us // US).run(Held(index.values(), gap_rows(folder)))
    assert report.clean, report.problems
    return day, each


async def _more(recorder: Recorder, count: int) -> None:
    (camera,) = recorder.fleet.cameras.values()
    wanted = camera.recorder.parts + count
    await until(lambda: camera.recorder.parts >= wanted, 60)


async def test_reasons_of_silence_and_the_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lender = Roots(midhour(tmp_path))
    clock, write, held_up = lender.clock, os.write, [0.0]

    def slow(handle: int, data: Any) -> int:
        wait, held_up[0] = held_up[0], 0.0
        time.sleep(wait)
        return write(handle, data)

    monkeypatch.setattr(segment.os, "write", slow)
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with recording(tmp_path, lender, [source(1, sim.url("cam01", "sub"))]) as recorder:
            await _more(recorder, 2)
            # a whole second of the wall in which nothing is read, too short for a row
            await asyncio.sleep(0.9 - clock.now_us() % US / US % 0.9)
            time.sleep(SHORT_S)
            await _more(recorder, 3)
            time.sleep(STOOD_S)
            await _more(recorder, 3)
            held_up[0] = STOOD_S
            await _more(recorder, 4)
            sim.fault("cam01", "stall", 1)
            await asyncio.sleep(STOOD_S)
            sim.fault("cam01", "stall", 0)
            await _more(recorder, 2)
            # the connection ends while nobody looks: until then it is our doing, afterwards the network's
            sim.fault("cam01", "close")
            time.sleep(STOOD_S)
            await _more(recorder, 2)
        ended_us = clock.now_us()
    found = gap_rows(tmp_path)
    # a busy machine may stop us once more, and says so itself
    reasons = [gap.reason for gap in found]
    assert [reason for reason in reasons if reason != "overload"] == ["disk", "camera", "network"]
    assert reasons[0] == reasons[reasons.index("network") - 1] == "overload"
    for gap in found:
        assert gap.ended_us is not None
        assert gap.ended_us - gap.started_us >= 1_500_000 or gap.reason == "network"
        assert ("stood still" in gap.detail) == (gap.reason in {"overload", "disk"})
    day, each = counted(tmp_path, ended_us)
    assert day.missing_s == day.overlap_s == 0
    assert day.wall_s == pytest.approx(day.footage_s + day.gap_s + day.slack_s)
    assert day.gap_s + day.slack_s >= SHORT_S + 4 * STOOD_S - 1
    # every picture that was read late is there, once, and no part reaches into a time that had not come
    assert decoded(opened(segment_files(tmp_path)[0], lender).mp4)
    assert max(end for _, end in each) <= ended_us + LATE_US + US // 10


def test_a_part_of_pictures_that_came_late_reaches_no_further_than_its_reading() -> None:
    camera = Camera(Receiver(), [])
    ends: list[tuple[int, int]] = []
    queue = camera.sink.queue

    def noted(part: Part) -> memoryview:
        ends.append((part.duration * 100 // 9, part.until_us - part.start_us))
        return queue(part)

    camera.sink.queue = noted  # type: ignore[method-assign]
    camera.at(0.5)
    sequence = 0
    for number, unit in enumerate(encode(1, 60, group=100)):
        if number == 10:
            # three seconds on, two seconds of pictures wait to be read in one tick
            camera.at(3.5)
        made = rtp(unit, sequence, number * 90_000 // RATE)
        sequence += len(made)
        camera.feed(b"".join(made))
    camera.stream.give_up()
    (before, until_before), (late, until_late) = ends
    assert before == pytest.approx(400_000, abs=1000)
    # the next picture came after three seconds: the header takes the smaller of both
    assert until_before >= 3_000_000
    assert late == pytest.approx(2_000_000, abs=1000)
    assert until_late == pytest.approx(40_000, abs=1000)


def test_what_waits_beyond_a_full_buffer_is_read_in_the_same_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    size, receiver = 4096, Receiver()
    receiver.buffer = bytearray(size)
    receiver.view = memoryview(receiver.buffer)
    monkeypatch.setattr(feeds, "RECEIVE_SIZE", size)
    camera, (ours, its) = Camera(receiver, []), socket.socketpair()
    camera.at(0)
    sequence, sent = 0, b""
    for number, unit in enumerate(encode(2, 40)):
        made = rtp(unit, sequence, number * 90_000 // RATE)
        sequence, sent = sequence + len(made), sent + b"".join(made)
    with ours, its:
        ours.setblocking(False)
        feed: Any = SimpleNamespace(sock=ours)
        its.sendall(sent[: 6 * size])
        for left in (2 * size, 0):
            with contextlib.suppress(BlockingIOError):
                feeds.Interleaved.read(feed, ours.fileno(), camera.stream)
            assert waiting(ours) == left
    assert camera.stream.packets > 6 * size // 1300


def waiting(sock: socket.socket) -> int:
    """Bytes that can be read."""
    return int.from_bytes(fcntl.ioctl(sock, termios.FIONREAD, bytes(4)), "little")


@pytest.mark.parametrize(("later_us", "reason"), [(1_000_000, "overload"), (6_000_000, "network")])
def test_packets_lost_soon_after_a_standstill_are_its_loss(tmp_path: Path, later_us: int, reason: str) -> None:
    put: list[Gap] = []
    gaps = GapLog(UUID(int=1), UUID(int=2), 0, put.append, OpenGaps(tmp_path / "open.json"))
    sealer: Any = SimpleNamespace(cameras=0, stood=deque([Standstill(10 * US, 12 * US, "disk")]))
    recorder = CameraRecorder(sealer, source(1, "rtsp://127.0.0.1/x"), gaps)
    recorder.damaged(3, 12 * US + later_us)
    (row,) = put
    assert (row.reason, row.started_us) == (reason, 12 * US + later_us)


def test_a_silence_is_shared_between_who_caused_it(tmp_path: Path) -> None:
    put: list[Gap] = []
    gaps = GapLog(UUID(int=1), UUID(int=2), 0, put.append, OpenGaps(tmp_path / "open.json"))
    told, untold = Standstill(20 * US, 23 * US, "overload", told=True), Standstill(30 * US, 33 * US, "disk")
    sealer: Any = SimpleNamespace(cameras=0, stood=deque([told, untold]))
    recorder = CameraRecorder(sealer, source(1, "rtsp://127.0.0.1/x"), gaps)
    # every camera has the first one's row already; what follows it is somebody else's
    assert recorder.stood(20 * US, 26 * US) == 23 * US
    assert put == []
    # a camera that was silent long before is not excused by us
    assert recorder.stood(25 * US, 40 * US) == 25 * US
    assert recorder.stood(30 * US - 40_000, 40 * US) == 33 * US
    (row,) = put
    assert (row.reason, row.started_us, row.ended_us) == ("disk", 30 * US - 40_000, 33 * US)
