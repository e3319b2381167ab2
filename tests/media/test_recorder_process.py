"""The recorder's process with the real vaultd and the real PostgreSQL: killed, cut off, watched, asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from rig import decoded
from rig_centre import Centre, centre
from websockets.asyncio.client import connect as websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

import support
from gwanje.kernel import ledger
from gwanje.kernel.database import connect
from gwanje.kernel.footage import gaps_of, segments_of
from gwanje.kernel.ledger import tree
from gwanje.kernel.ledger.proofs import Part, prove, verify_part_proof
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all, with_nodes
from gwanje.vault.segment import SegmentReader

__all__ = ["centre"]


@pytest.fixture
def process(centre: Centre) -> Iterator[subprocess.Popen[bytes]]:
    running = centre.recorder()
    try:
        centre.until(lambda: centre.health().get("recording") == 2)
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0


def footage(centre: Centre, camera: UUID) -> tuple[set[int], list[Any]]:
    """Seconds with a part on disk, and the gap rows."""
    seconds: set[int] = set()
    for path in centre.home.store.rglob("*.gws"):
        with SegmentReader(path) as reader:
            assert reader.problem is None
            if path.parent.name == str(centre.cameras.index(camera)):
                seconds |= {reader.header.epoch * 3600 + part.header.tick for part in reader.parts}
    with connect(centre.home) as db, db.cursor() as cursor:
        return seconds, gaps_of(cursor, camera, 0, 0, 1 << 60)


def assert_proved(cursor: Any, db: Any, files: list[Path]) -> None:
    """Every part of every file leads to the ledger's root, with what PostgreSQL has."""
    sequence_all(Sequencer(db, "gwanje/test", None))
    size = ledger.size(cursor)
    root = with_nodes(cursor, lambda nodes: tree.root(nodes, size))
    for path in files:
        with SegmentReader(path) as reader:
            hashes = [hashlib.sha256(reader.read(part)).digest() for part in reader.parts]
            for part in reader.parts:
                wanted = Part(reader.segment_id, hashes, part.header.ordinal)
                proof = prove(cursor, wanted, reader.header.writer, part.header.start_us, size)
                assert verify_part_proof(proof, wanted.segment_id, hashes[wanted.ordinal], size, root)


def test_rows_reach_the_database_and_sigterm_seals_within_three_seconds(centre: Centre) -> None:
    process = centre.recorder()
    centre.until(lambda: centre.health().get("recording") == 2 and centre.health()["database"])
    time.sleep(2.2)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    took = time.monotonic() - began
    assert took < 3 or took < 3 * support.slowness()
    files = list(centre.home.store.rglob("*.gws"))
    assert len(files) == 2
    with connect(centre.home) as db, db.cursor() as cursor:
        for camera in centre.cameras:
            (row,) = segments_of(cursor, camera, 0, 0, 1 << 40)
            with SegmentReader(centre.home.store / row.path) as reader:
                assert (row.closed, row.root, row.parts) == (True, reader.root, len(reader.parts))
                assert row.root is not None
        assert_proved(cursor, db, files)
    assert not list(centre.home.spool.glob("index-*"))
    assert "secret" not in (centre.home.root / "log" / "recorder.log").read_text()
    assert b"secret" not in (centre.home.spool / "sources.json").read_bytes()


def test_killed_twice_loses_at_most_the_part_in_flight_and_says_so(centre: Centre) -> None:
    first = centre.recorder()
    centre.until(lambda: centre.health().get("recording") == 2)
    time.sleep(1.5)
    killed_us = centre.home.clock.now_us()
    first.kill()
    first.wait()
    second = centre.recorder()
    time.sleep(0.7)
    second.kill()
    second.wait()
    third = centre.recorder()
    centre.until(lambda: centre.health().get("recording") == 2 and centre.health()["database"])
    time.sleep(2)
    third.send_signal(signal.SIGTERM)
    assert third.wait(10) == 0
    salts = []
    for path in centre.home.store.rglob("*.gws"):
        with SegmentReader(path) as reader:
            salts.append(reader.header.salt)
            assert reader.problem is None
    assert len(set(salts)) == len(salts)
    for camera in centre.cameras:
        seconds, gaps = footage(centre, camera)
        before = max(s for s in seconds if s * 1_000_000 < killed_us)
        assert killed_us - before * 1_000_000 < 2_600_000
        (gap, *_) = [g for g in gaps if g.reason == "restart" and g.started_us > killed_us - 3_000_000]
        assert gap.ended_us is not None
        assert gap.started_us < killed_us + 100_000 < gap.ended_us
        with connect(centre.home) as db, db.cursor() as cursor:
            paths = {row.path for row in segments_of(cursor, camera, 0, 0, 1 << 40)}
        slot = str(centre.cameras.index(camera))
        stored = [p for p in centre.home.store.rglob("*.gws") if p.parent.name == slot]
        holding = [p for p in stored if p.stat().st_size > 500]
        assert {str(p.relative_to(centre.home.store)) for p in holding} == paths
        with connect(centre.home) as db, db.cursor() as cursor:
            # files that were cut off, too: the next run reads them once
            assert_proved(cursor, db, holding)


def test_the_database_away_loses_no_row(centre: Centre, tmp_path: Path) -> None:
    process = centre.recorder()
    try:
        centre.until(lambda: centre.health().get("recording") == 2 and centre.health()["database"])
        with connect(centre.home, "owner") as db:
            db.execute("alter table footage_segment rename to away")
        parts = centre.health()["parts"]
        centre.until(lambda: not centre.health()["database"] and centre.health()["spool_bytes"] > 500)
        centre.until(lambda: centre.health()["parts"] > parts + 6)
    finally:
        with connect(centre.home, "owner") as db:
            db.execute("alter table if exists away rename to footage_segment")
    centre.until(lambda: centre.health()["database"], 20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with connect(centre.home) as db, db.cursor() as cursor:
        rows = [row for camera in centre.cameras for row in segments_of(cursor, camera, 0, 0, 1 << 40)]
        for row in rows:
            with SegmentReader(centre.home.store / row.path) as reader:
                assert row.parts == len(reader.parts)
        with pytest.raises(psycopg.errors.UniqueViolation):
            cursor.execute("insert into footage_segment select * from footage_segment limit 1")


def test_recording_starts_from_the_cache_while_the_database_is_away(centre: Centre) -> None:
    assert (centre.home.spool / "sources.json").exists()
    with connect(centre.home, "owner") as db:
        db.execute("alter table footage_source rename to gone")
    process = centre.recorder()
    try:
        centre.until(lambda: centre.health().get("recording") == 2)
        assert not centre.health()["database"]
        assert centre.health()["spool_bytes"] > 0
    finally:
        with connect(centre.home, "owner") as db:
            db.execute("alter table gone rename to footage_source")
    centre.until(lambda: centre.health()["database"], 20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_live_needs_a_token_and_shows_the_present(centre: Centre, process: subprocess.Popen[bytes]) -> None:
    address = f"ws://127.0.0.1:{centre.home.port + 1}/live"
    origin = f"http://localhost:{centre.home.port}"
    camera = centre.cameras[0]

    async def watch() -> None:
        async with websocket(address, origin=origin) as tile:
            await tile.send(json.dumps({"token": centre.token(camera)}))
            init = json.loads(await tile.recv())
            assert init["type"] == "init"
            assert (init["width"], init["height"]) == (640, 360)
            messages = [await tile.recv() for _ in range(45)]
        assert [m[0] for m in messages] == [1] + [2] * 44
        arrival = int.from_bytes(messages[-1][1:9], "big")
        assert abs(arrival - centre.home.clock.now_us()) < 500_000
        counters = decoded(b"".join(m[9:] for m in messages))
        assert len(counters) == 44
        assert all((b - a) % 60 == 1 for a, b in itertools.pairwise(counters))

    async def refused(token: str | None, code: int) -> None:
        async with websocket(address, origin=origin) as tile:
            await tile.send(json.dumps({"token": token}) if token else "x")
            with contextlib.suppress(ConnectionClosed):
                async for _ in tile:
                    pass
            assert tile.close_code == code

    async def story() -> None:
        await watch()
        await refused(None, 4403)
        await refused(centre.token(camera, key="player"), 4403)
        await refused(centre.token(camera, seconds=-1), 4401)
        await refused(centre.token(UUID(int=99)), 4403)
        await refused(centre.token(camera, seconds=1), 4401)
        for wrong in ("http://evil.example", None):
            with pytest.raises(InvalidStatus):
                async with websocket(address, origin=wrong):
                    pass

    asyncio.run(story())
    spooled = centre.until(lambda: list((centre.home.spool / "refusals").glob("recorder.jsonl")))
    facts = centre.until(lambda: _kinds(spooled[0], 4))
    assert {f["reason"] for f in facts} >= {"malformed", "forged", "expired", "no such stream"}


def _kinds(path: Path, count: int) -> list[dict[str, Any]]:
    facts = [json.loads(line) for line in path.read_text().splitlines()]
    return facts if len(facts) >= count else []


def test_the_process_is_closed_to_others() -> None:
    said = "import ctypes, resource; from gwanje.apps.hardening import harden; harden(); " \
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "0 (0, 0)"


def test_no_decoder_is_loaded_beside_the_keys() -> None:
    """FFmpeg and what goes with it live in children without keys; here they would also take 30 MB."""
    said = "import sys, gwanje.apps.recorder; print(sorted({'av', 'numpy', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_stopped_by_a_signal_it_names_itself_and_no_camera(centre: Centre) -> None:
    process = centre.recorder()
    try:
        centre.until(lambda: centre.health().get("recording") == 2 and centre.health()["database"], 60)
        parts = centre.health()["parts"]
        centre.until(lambda: centre.health().get("parts", 0) >= parts + 4, 60)
        began_us = centre.home.clock.now_us()
        process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(3)
        finally:
            ended_us = centre.home.clock.now_us()
            process.send_signal(signal.SIGCONT)
        centre.until(lambda: centre.health().get("standstills"), 60)
        parts = centre.health()["parts"]
        centre.until(lambda: centre.health().get("parts", 0) >= parts + 6, 60)
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    for camera in centre.cameras:
        _, gaps = footage(centre, camera)
        met = [g for g in gaps if g.started_us < ended_us and (g.ended_us or ended_us) > began_us + 500_000]
        # a busy machine may stop it once more
        assert {gap.reason for gap in met} == {"overload"}, met
        assert all("stood still" in gap.detail for gap in met)
        assert min(gap.started_us for gap in met) < began_us + 500_000
        assert max(gap.ended_us or 0 for gap in met) >= ended_us
