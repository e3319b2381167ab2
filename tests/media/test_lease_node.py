"""One node of a fleet: who hangs does not renew, who cannot ask goes on, and every move has its gap row or none."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from rig import CLIPS, Roots, midhour, recording, rows, source, until
from sim_tools import short_streets

from gwanje.apps import postgres
from gwanje.kernel import leases
from gwanje.kernel.database import connect
from gwanje.kernel.footage import Gap, Segment
from gwanje.kernel.home import Home
from gwanje.media import recovery, registration
from gwanje.media.leases import LeaseKeeper
from gwanje.media.link import save_sources
from gwanje.media.sim.server import SimServer

SQL = Path(leases.__file__).parent / "sql"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = Home.create(tmp_path_factory.mktemp("node") / "var", fleet=True)
    with postgres.running(made):
        with connect(made, "owner") as db:
            for name in ("footage", "sources", "devices", "fleet"):
                db.execute((SQL / f"{name}.sql").read_text())
            db.execute("grant select, insert, update, delete on all tables in schema public to gwanje_app")
        yield made


def keeper(home, told, *, lives=lambda: True, away=False):
    def reach():
        if away:
            raise psycopg.OperationalError("away")
        return connect(home)

    def changed(found, known):
        told.append((found, known))

    return LeaseKeeper(
        connect=reach, recorder=registration.recorder_id(home), cache=home.spool / "sources.json",
        register=lambda cursor: registration.register(home, cursor), changed=changed, lives=lives,
    )  # fmt: skip


def alive(home):
    with connect(home) as db:
        found = db.execute("select alive_until > clock_timestamp() from footage_recorder").fetchone()
    return bool(found and found[0])


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_node_that_hangs_does_not_renew_and_one_that_ends_says_so(home):
    lives = threading.Event()
    node = keeper(home, [], lives=lives.is_set)
    node.start()
    time.sleep(1)
    assert not alive(home)
    lives.set()
    wait(lambda: alive(home))
    lives.clear()
    wait(lambda: not alive(home), leases.DEADLINE_S + 3)
    lives.set()
    wait(lambda: alive(home))
    node.stop(5)
    assert not alive(home)


def test_while_the_database_is_away_the_last_list_counts(home):
    told = []
    save_sources(home.spool / "sources.json", [source(3, "rtsp://127.0.0.1:1/x")])
    node = keeper(home, told, away=True)
    node.start()
    wait(lambda: told)
    node.stop(5)
    (found, known) = told[0]
    assert [row.slot for row in found] == [3]
    assert known is None
    assert len(told) == 1


async def test_a_camera_that_is_taken_over_begins_with_what_the_index_knows_and_leaves_without_a_gap(tmp_path):
    clock = midhour(tmp_path)
    lender = Roots(clock)
    async with SimServer(short_streets(CLIPS, 1), clock=clock) as sim, recording(tmp_path, lender, []) as recorder:
        recorder.fleet.leased = True
        taken = replace(source(1, sim.url("cam01")), fence=7)
        ended_us = clock.now_us() - 5_000_000
        recorder.fleet.known[taken.camera] = ended_us
        await recorder.fleet.apply([taken])
        await until(lambda: recorder.sealer.counters.parts > 2)
        await recorder.fleet.apply([])
        assert not recorder.fleet.cameras
    found = rows(tmp_path)
    segments = [row for row in found if isinstance(row, Segment)]
    gaps = {row.id: row for row in found if isinstance(row, Gap)}
    assert {row.fence for row in segments} == {7}
    (gap,) = gaps.values()
    assert (gap.reason, gap.started_us, gap.fence) == ("restart", ended_us, 7)
    assert gap.ended_us is not None
    assert segments[-1].closed


async def test_an_outage_that_is_open_when_the_camera_moves_ends_with_this_node(tmp_path):
    lender = Roots(midhour(tmp_path))
    async with recording(tmp_path, lender, [source(1, "rtsp://127.0.0.1:1/none")]) as recorder:
        recorder.fleet.leased = True
        camera = recorder.fleet.cameras[UUID(int=1001)]
        await until(lambda: camera.gaps.open is not None)
        await recorder.fleet.apply([])
    last = [row for row in rows(tmp_path) if isinstance(row, Gap)][-1]
    assert last.reason == "network"
    assert last.ended_us is not None
    assert "not due" not in {row.reason for row in rows(tmp_path) if isinstance(row, Gap)}


async def test_a_node_that_stood_still_says_so_for_every_camera(tmp_path):
    lender = Roots(midhour(tmp_path))
    async with recording(tmp_path, lender, [source(n, "rtsp://127.0.0.1:1/none") for n in (1, 2)]) as recorder:
        recorder.fleet.leased = True
        await asyncio.sleep(0.2)
        time.sleep(3)
        await until(lambda: sum("stood still" in row.detail for row in rows(tmp_path) if isinstance(row, Gap)) == 2)
    found = [row for row in rows(tmp_path) if isinstance(row, Gap) and "stood still" in row.detail]
    assert all(row.ended_us - row.started_us >= 2_500_000 for row in found)


async def test_what_a_node_looks_through_after_its_start_is_not_what_it_writes_now(tmp_path):
    clock = midhour(tmp_path)
    async with (
        SimServer(short_streets(CLIPS, 1), clock=clock) as sim,
        recording(tmp_path, Roots(clock), [source(1, sim.url("cam01"))]) as recorder,
    ):
        await until(lambda: recorder.sealer.counters.parts > 2)
        store, wanted, now_us = tmp_path / "store", source(1, ""), clock.now_us()
        assert recovery.slots_left(store) == {1}
        assert recovery.left_behind(store, wanted, now_us // 10**6, recorder._began_us).rows == ()
        assert len(recovery.left_behind(store, wanted, now_us // 10**6, now_us).rows) == 1
