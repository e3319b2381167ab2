"""``./dev bench leases --cameras 16601 --nodes 50 --json FILE``: what the leases of a large centre cost PostgreSQL.

Times of one statement or pass on the embedded server (fsync on), median of some; rows a second with the fence of the
index beside rows of a centre without leases, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gwanje.apps import postgres
from gwanje.kernel import leases
from gwanje.kernel.database import connect
from gwanje.kernel.footage import Segment, put_segments
from gwanje.kernel.home import Home
from gwanje.kernel.sources import Source, put_source

SQL = Path(leases.__file__).parent / "sql"
EPOCH = 480_000
BATCH = 1000


def measured(work: Callable[[], object], times: int) -> float:
    """Median milliseconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(found), 2)


def prepare(db: psycopg.Connection[Any], cameras: int, nodes: int) -> list[UUID]:
    """Nodes that have lived for a while, cameras with accounts sealed to all of them."""
    made = [UUID(int=100 + number) for number in range(nodes)]
    with db.transaction(), db.cursor() as cursor:
        for number, node in enumerate(made):
            cursor.execute(
                "insert into footage_recorder (id, name, signing_key, sealing_key, url) values (%s, %s, '', '', '')",
                [node, f"n{number}"],
            )
        boxes = {str(node): "A" * 120 for node in made}
        for number in range(cameras):
            camera = UUID(int=100_000 + number)
            put_source(cursor, Source(camera, UUID(int=5), number, 1, f"L-{number}", "rtsp://h/x", "", boxes, True))
    return made


def alive(db: psycopg.Connection[Any], dead: UUID | None = None) -> None:
    """Everybody's heartbeat now, but one's."""
    db.execute(
        "update footage_recorder set alive_until = clock_timestamp() + interval '4 s' where id is distinct from %s",
        [dead],
    )
    if dead:
        db.execute("update footage_recorder set alive_until = now() - interval '1 s' where id = %s", [dead])


def rows(db: psycopg.Connection[Any], fence: int, cameras: int) -> float:
    """Progress rows a second: 1000 files that grow."""
    first = [
        Segment(
            os.urandom(32),
            UUID(int=100_000 + n % cameras),
            UUID(int=5),
            n,
            0,
            1,
            EPOCH,
            0,
            9,
            10,
            1000,
            b"\xff\xff",
            "avc1",
            1,
            1,
            None,
            f"1/{EPOCH}/{n}/0-{n}-0.gws",
            fence,
            bytes(16),
            False,
        )
        for n in range(BATCH)
    ]
    began = time.perf_counter()
    for step in range(1, 6):
        with db.transaction(), db.cursor() as cursor:
            put_segments(cursor, [replace(row, last_tick=9 + 10 * step, parts=10 * step) for row in first])
    return round(5 * BATCH / (time.perf_counter() - began))


def run(cameras: int, nodes: int) -> dict[str, Any]:
    """The whole measurement in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="gwanje-leases-") as folder:
        home = Home.create(Path(folder) / "var")
        with postgres.running(home), connect(home, "owner") as db:
            for topic in ("footage", "footage_hours", "sources", "devices", "fleet", "findings"):
                db.execute((SQL / f"{topic}.sql").read_text())
            db.execute("insert into footage_class values (1, 'days', 30, 'bench', 'bench')")
            made = prepare(db, cameras, nodes)
            without = [rows(db, 1, cameras) for _ in range(3)]
            db.execute("delete from footage_segment")
            return {"cameras": cameras, "nodes": nodes, **_leases(db, made, cameras), "rows_s_without_leases": without}


def _leases(db: psycopg.Connection[Any], made: list[UUID], cameras: int) -> dict[str, Any]:
    time.sleep(leases.STEADY_S)

    def plan() -> int:
        with db.transaction(), db.cursor() as cursor:
            return leases.plan(cursor, made[0])

    def beat() -> None:
        with db.transaction(), db.cursor() as cursor:
            leases.beat(cursor, made[0])

    def held() -> None:
        with db.cursor() as cursor:
            leases.held(cursor, made[1])

    passes: list[tuple[int, int]] = []
    while sum(moved for moved, _ in passes) < cameras:
        alive(db)
        began = time.perf_counter()
        passes.append((plan(), round((time.perf_counter() - began) * 1000)))
    db.execute("analyze")
    found: dict[str, Any] = {"first_plan_moved_and_ms": passes}
    found["heartbeat_ms"] = measured(beat, 50)
    alive(db)
    found["idle_plan_ms"] = measured(plan, 10)
    found["held_ms"] = measured(held, 20)
    times: list[float] = []
    taken: list[int] = []
    for dead in made[-3:]:
        alive(db, dead)
        began = time.perf_counter()
        taken.append(plan())
        times.append((time.perf_counter() - began) * 1000)
    found["takeover"] = {"moved": taken, "ms": [round(value) for value in times]}
    found["rows_s_with_leases"] = [rows(db, 9, cameras) for _ in range(3)]
    return found


def main() -> int:
    """0."""
    parser = argparse.ArgumentParser(prog="bench leases", description=__doc__)
    parser.add_argument("--cameras", type=int, default=16_601)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = run(args.cameras, args.nodes)
    text = json.dumps({**result, "load_1min": os.getloadavg()[0]}, indent=1)
    if args.json:
        args.json.write_text(text + "\n")
    print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
