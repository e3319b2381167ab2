"""``./dev bench check --rows 500000``: the check's seconds and memory over an index of so many rows in PostgreSQL.

The rows are those of ``--cameras`` cameras in files of five minutes, without the files: each is named as missing
(up to the report's limit), and the account of every day is made. What reading 22 million files costs is another matter:
one ``open`` and the headers of 300 parts each.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from uuid import UUID

from bench._processes import say
from gwanje.apps import postgres
from gwanje.kernel.database import connect
from gwanje.kernel.footage import Gap, Segment
from gwanje.kernel.home import Home
from gwanje.media import check, indexed

FIRST, FILE_S = 495_000, 300
FILES = 3600 // FILE_S
SQL = Path(check.__file__).parents[1] / "kernel" / "sql"


def resident_mb() -> float:
    """What this process holds now."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    raise OSError("no Rss in smaps_rollup")


class Generated:
    """An index of ``cameras`` cameras over ``hours`` hours, made when it is asked for."""

    def __init__(self, cameras: int, hours: int) -> None:
        self.cameras, self._hours = cameras, hours
        self.first = FIRST
        self.now_s = (FIRST + hours) * 3600

    def hours(self) -> Iterator[tuple[int, int]]:
        """All of class 1."""
        yield from ((1, self.first + hour) for hour in range(self._hours))

    def segments(self, class_: int, epoch: int) -> list[Segment]:
        """Twelve rows a camera."""
        made = []
        for camera in range(self.cameras):
            for file in range(FILES):
                number = ((epoch - self.first) * self.cameras + camera) * FILES + file
                first, path = file * FILE_S, f"{class_}/{epoch}/{camera}/{number}-1-0.gws"
                made.append(Segment(
                    number.to_bytes(32, "big"), UUID(int=1 + camera), UUID(int=1), camera, 0, class_, epoch, first,
                    first + FILE_S - 1, FILE_S, 80_000_000, bytes(38), "avc1.64001f", 1920, 1080, bytes(32), path, 1,
                    bytes(16), True,
                ))  # fmt: skip
        return made

    def garbage(self, class_: int, epoch: int) -> dict[bytes, int]:
        """None."""
        return {}

    def dead(self, row: Segment) -> bool:
        """Nothing has been destroyed."""
        return False

    def gaps(self) -> Iterator[Gap]:
        """None."""
        yield from ()

    def destroyed(self) -> Iterator[tuple[UUID, int, int]]:
        """None."""
        yield from ()


def fill(home: Home, made: Generated) -> None:
    """The tables, and the rows by COPY."""
    with connect(home, "owner") as db:
        for name in ("footage", "sources", "devices", "fleet", "findings"):
            db.execute((SQL / f"{name}.sql").read_text())
        db.execute("grant select, insert, update, delete on all tables in schema public to gwanje_app")
        db.execute("alter table footage_segment disable trigger user")
        with db.cursor() as cursor:
            for hour in made.hours():
                with cursor.copy("copy footage_segment (segment_id, camera, agency, slot, stream, class, epoch, "
                                 "first_tick, last_tick, parts, bytes, idr_ticks, codec, width, height, root, path, "
                                 "fence, writer, closed) from stdin") as copy:  # fmt: skip
                    for row in made.segments(*hour):
                        copy.write_row(tuple(vars(row).values()))
        db.execute("analyze footage_segment")


def main() -> int:
    """0 when all rows were accounted for."""
    parser = argparse.ArgumentParser(prog="bench check", description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--cameras", type=int, default=2362)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    made = Generated(args.cameras, max(1, args.rows // (args.cameras * FILES)))
    with tempfile.TemporaryDirectory(prefix="gwanje-check-") as folder:
        home = Home.create(Path(folder) / "var", demo=True)
        with postgres.running(home):
            began = time.perf_counter()
            fill(home, made)
            say(f"filled in {time.perf_counter() - began:.1f} s")
            before, began, cpu = resident_mb(), time.perf_counter(), time.process_time()
            with connect(home) as db, db.cursor() as cursor:
                report = check.Check(home.store, 1, made.now_s, UTC).run(indexed.Stored(cursor))
            took, after = time.perf_counter() - began, resident_mb()
    result = {
        "rows": report.rows, "cameras": report.cameras, "hours": len(list(made.hours())), "seconds": round(took, 2),
        "cpu_s": round(time.process_time() - cpu, 2), "rows_per_s": round(report.rows / took),
        "rss_mb": [round(before, 1), round(after, 1)], "missing_s": report.missing_s, "overlap_s": report.overlap_s,
    }  # fmt: skip
    text = json.dumps(result, indent=1)
    say(text)
    if args.json:
        args.json.write_text(text + "\n")
    return 0 if not report.missing_s and report.rows == len(list(made.hours())) * args.cameras * FILES else 1


if __name__ == "__main__":
    sys.exit(main())
