"""Pictures over UDP: recorded whole, put in order, from the camera's address only, and never a sound."""

from __future__ import annotations

import asyncio
import itertools
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

import support
from gwanje.kernel.footage import Gap
from gwanje.kernel.sources import Source
from gwanje.media import rtsp
from gwanje.media.drivers import datagrams
from gwanje.media.drivers.datagrams import Datagrams
from gwanje.media.drivers.feeds import Interleaved
from gwanje.media.sim.server import SimServer, SimThread


def over(sim: SimThread, slot: int, **device: Any) -> Source:
    return replace(source(slot, sim.url(f"cam0{slot}", "sub")), device={"transport": "udp", **device})


def gaps(folder: Path, slot: int) -> list[Gap]:
    return [row for row in rows(folder) if isinstance(row, Gap) and row.camera == source(slot, "").camera]


def parts_of(recorder: Any, slot: int) -> int:
    return next(c.recorder.parts for c in recorder.fleet.cameras.values() if c.source.slot == slot)


@pytest.mark.norm("audio.never", "deny")
@pytest.mark.norm("recording.codecs", "allow")
async def test_datagrams_swapped_doubled_and_of_strangers_are_recorded_frame_exact(tmp_path: Path) -> None:
    faults = {1: "", 2: "swap", 3: "twice", 4: "elsewhere", 5: "loss"}
    before = dict(datagrams.STRAYS)
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 5, 4)) as sim:
        for slot, fault in faults.items():
            if fault:
                sim.fault(f"cam0{slot}", fault, 211 if fault == "loss" else 3)
        async with recording(tmp_path, lender, [over(sim, slot) for slot in faults]) as recorder:
            await until(lambda: all(parts_of(recorder, slot) >= 6 for slot in faults), 30)
            feeds = {w.stream.sink.source.slot: w.feed for w in recorder.engine._all()}
            assert all(isinstance(feed, Datagrams) for feed in feeds.values())
            assert feeds[2].reordered > 2
            assert feeds[3].late > 2
            assert feeds[4].foreign == 0 or feeds[4]._adopted
            told = recorder.health()["udp"]
            for name in ("reordered", "late", "foreign"):
                assert told[name] - before[name] >= sum(getattr(feed, name) for feed in feeds.values())
            reports = [r for c in sim.server.clients if c._udp for r in c._udp.reports]
        setups = list(sim.server.setups)
    assert {track for _, track in setups} == {0}
    assert {r[1] for r in reports} <= {201}
    for slot, fault in faults.items():
        (path,) = [p for p in segment_files(tmp_path) if p.parent.name == str(slot)]
        if fault == "loss":
            assert {g.reason for g in gaps(tmp_path, slot)} == {"network"}
            continue
        counters = decoded(opened(path, lender).mp4)
        assert len(counters) > 40, fault
        assert len({(b - a) % 60 for a, b in itertools.pairwise(counters)} - {1}) <= 1, fault
        assert gaps(tmp_path, slot) == [], fault


@pytest.mark.parametrize(("fault", "kind"), [("tcponly", Interleaved), ("udponly", Datagrams)])
async def test_auto_takes_the_transport_that_the_camera_has(fault: str, kind: type) -> None:
    async with SimServer(short_streets(CLIPS, 1, 4)) as server:
        server.fault("cam01", fault)
        feed = await rtsp.play(server.url("cam01"), None, {"transport": "auto"})
        assert type(feed) is kind
        feed.close()
        other = "udp" if fault == "tcponly" else "tcp"
        with pytest.raises(rtsp.RtspRefused, match="461"):
            await rtsp.play(server.url("cam01"), None, {"transport": other})


async def test_a_receiver_report_and_a_keep_alive_go_out_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datagrams, "REPORT_S", 1.0)
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4), session_timeout_s=2) as sim:
        async with recording(tmp_path, lender, [over(sim, 1)]) as recorder:
            await until(lambda: parts_of(recorder, 1) >= 8, 30)
            (client,) = [c for c in sim.server.clients if c._udp]
            (feed,) = [w.feed for w in recorder.engine._all()]
            await until(lambda: client._udp.reports or client._udp.report(b"\x80\xc9\0\1" + bytes(4)), 10)
        reports = [r for r in client._udp.reports if r[1] == 201 and len(r) == 52]
    assert reports
    # an empty one opened the way; then a report on the sender's numbers, and our canonical name
    assert reports[-1][32:34] == b"\x81\xca"
    assert int.from_bytes(reports[-1][8:12], "big") == feed._sender
    assert gaps(tmp_path, 1) == []


def test_ports_are_even_pairs_of_a_bounded_range(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as control:
        monkeypatch.setattr(datagrams, "PORTS", (20_000, 20_006))
        pairs = [datagrams.open_ports(control) for _ in range(4)]
        numbers = [pair.rtp.getsockname() for pair in pairs]
        assert all(host == "127.0.0.1" and port % 2 == 0 for host, port in numbers)
        assert len({port for _, port in numbers}) == 4
        with pytest.raises(ConnectionError, match="no pair"):
            datagrams.open_ports(control)
        for pair in pairs:
            pair.close()


async def test_a_stall_of_datagrams_is_seen_and_the_next_try_records(tmp_path: Path) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with recording(tmp_path, lender, [over(sim, 1)]) as recorder:
            await until(lambda: parts_of(recorder, 1) >= 2)
            sim.fault("cam01", "stall")
            began = asyncio.get_running_loop().time()
            (camera,) = recorder.fleet.cameras.values()
            await until(lambda: camera.gaps.open is not None, 40)
            took = asyncio.get_running_loop().time() - began
            assert took < 7 or took < 7 * support.slowness()
            sim.fault("cam01", "stall", 0)
            before = parts_of(recorder, 1)
            await until(lambda: parts_of(recorder, 1) > before + 1, 12)
    assert [g.reason for g in gaps(tmp_path, 1) if g.ended_us][:1] == ["camera"]
