"""``./dev bench leases --cameras 16601 --nodes 50 --json FILE``: what the leases of a large centre cost PostgreSQL.

Times of one statement or pass on the embedded server (fsync on), median of some. Rows a second of three kinds, in
turns in the same run: with the fence's trigger taken off, with it but no lease (a centre of one recorder), with leases.
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
# after every lease that is taken here: no row is older than its lease
EPOCH = 600_000
BATCH = 1000
TURNS = 5


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
                "insert into footage_recorder (id, name, signing_key, sealing_key, url, alive_since) "
                "values (%s, %s, '', '', '', clock_timestamp() - interval '1 h')",
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
    """Progress rows a second: 1000 files that begin and then grow four times."""
    first = []
    for n in range(BATCH):
        camera, path = UUID(int=100_000 + n % cameras), f"1/{EPOCH}/{n}/0-{n}-0.gws"
        row = Segment(
            os.urandom(32), camera, UUID(int=5), n, 0, 1, EPOCH, 0, 9, 10, 1000, b"\xff\xff", "avc1", 1, 1, None, path,
            fence, bytes(16), False,
        )  # fmt: skip
        first.append(row)
    began = time.perf_counter()
    for step in range(1, 6):
        with db.transaction(), db.cursor() as cursor:
            put_segments(cursor, [replace(row, last_tick=9 + 10 * step, parts=10 * step) for row in first])
    took = time.perf_counter() - began
    db.execute("delete from footage_segment where not closed")
    return round(5 * BATCH / took)


def unfenced(db: psycopg.Connection[Any], cameras: int) -> float:
    """``rows`` without the trigger: what the fence of the index costs beside it."""
    db.execute("alter table footage_segment disable trigger footage_segment_fenced")
    try:
        return rows(db, 1, cameras)
    finally:
        db.execute("alter table footage_segment enable trigger footage_segment_fenced")


def run(cameras: int, nodes: int) -> dict[str, Any]:
    """The whole measurement in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="gwanje-leases-") as folder:
        home = Home.create(Path(folder) / "var")
        with postgres.running(home), connect(home, "owner") as db:
            for topic in ("footage", "footage_hours", "sources", "devices", "fleet", "findings"):
                db.execute((SQL / f"{topic}.sql").read_text())
            db.execute("insert into footage_class values (1, 'days', 30, 'bench', 'bench')")
            made = prepare(db, cameras, nodes)
            archive(db, cameras)
            rates: dict[str, list[float]] = {"no_trigger": [], "no_leases": [], "leases": []}
            for _ in range(TURNS):
                rates["no_trigger"].append(unfenced(db, cameras))
                rates["no_leases"].append(rows(db, 1, cameras))
            found = _leases(db, made, cameras)
            for _ in range(TURNS):
                rates["no_trigger"].append(unfenced(db, cameras))
                rates["leases"].append(rows(db, 9, cameras))
            medians = {name: statistics.median(values) for name, values in rates.items()}
            return {"cameras": cameras, "nodes": nodes, **found, "rows_s": rates, "rows_s_median": medians}


def archive(db: psycopg.Connection[Any], cameras: int) -> None:
    """An hour of closed rows of every camera, twelve files each: the index that new rows go into."""
    db.execute(
        "insert into footage_segment select sha256((c || '-' || f)::bytea), "
        "('00000000-0000-0000-0000-' || lpad(to_hex(100000 + c), 12, '0'))::uuid, "
        "'00000000-0000-0000-0000-000000000005', c, 0, 1, %s, f * 300, f * 300 + 299, 300, 75000000, "
        "decode(repeat('ff', 38), 'hex'), 'avc1', 1920, 1080, null, c || '/' || f, 1, '', true "
        "from generate_series(0, %s) c, generate_series(0, 11) f",
        [EPOCH - 1, cameras - 1],
    )
    db.execute("analyze")


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
        moved = plan()
        if not moved:
            raise RuntimeError(f"a pass moved nothing, {sum(moved for moved, _ in passes)} of {cameras} had")
        passes.append((moved, round((time.perf_counter() - began) * 1000)))
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
