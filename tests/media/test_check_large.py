"""The check of a large index: memory follows the hour, not the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from uuid import UUID

import pytest

from bench.check import Generated, resident_mb
from gwanje.kernel.footage import Gap, Segment
from gwanje.media.check import Check
from gwanje.media.indexed import Held

HOUR = 495_000


def row(number: int, class_: int, first: int, seconds: int) -> Segment:
    name = f"{class_}/{HOUR}/0/{number}-1-0.gws"
    return Segment(
        bytes([number]) * 32, UUID(int=1), UUID(int=2), 0, 0, class_, HOUR, first, first + seconds - 1, seconds, 100,
        b"\1", "avc1.64001f", 1920, 1080, None, name, 1, bytes(16), True,
    )  # fmt: skip


def test_half_a_million_rows_take_no_more_memory_than_a_tenth_of_them(tmp_path: Path) -> None:
    few = Generated(cameras=100, hours=42)
    Check(tmp_path, 1, few.now_s, UTC).run(few)
    before = resident_mb()
    many = Generated(cameras=100, hours=420)
    report = Check(tmp_path, 1, many.now_s, UTC).run(many)
    assert (report.rows, report.cameras) == (504_000, 100)
    assert (report.missing_s, report.overlap_s) == (0.0, 0.0)
    assert report.seconds == 504_000 * 300
    # held at once, so many rows take some 500 MB
    assert resident_mb() - before < 40
    # no file stands there: each row is named, up to the limit of a report
    assert len(report.problems) == 1000


def test_a_planted_hole_in_a_large_index_is_found(tmp_path: Path) -> None:
    class Holed(Generated):
        def segments(self, class_: int, epoch: int) -> list[Segment]:
            rows = super().segments(class_, epoch)
            return rows[:7] + rows[8:] if epoch == self.first + 5 else rows

    holed = Holed(cameras=2, hours=10)
    report = Check(tmp_path, 1, holed.now_s, UTC).run(holed)
    assert (report.rows, report.missing_s) == (239, 300.0)


@pytest.mark.parametrize("twice", [False, True])
def test_a_class_that_changes_within_an_hour_is_no_overlap(tmp_path: Path, *, twice: bool) -> None:
    rows = [row(1, 1, 0, 300), row(2, 2, 300, 300), row(3, 1, 600, 300)]
    if twice:
        rows.append(row(4, 2, 100, 50))
    report = Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(Held(rows))
    assert (report.missing_s, report.overlap_s) == (0.0, 50.0 if twice else 0.0)


def test_the_spool_is_newer_than_the_database_about_a_gap(tmp_path: Path) -> None:
    first = (HOUR * 3600 + 300) * 1_000_000
    gap = Gap(UUID(int=7), UUID(int=1), UUID(int=2), 0, "network", first, None)
    ended = Gap(gap.id, gap.camera, gap.agency, 0, "network", first, first + 300_000_000)

    def spool() -> Iterator[Segment | Gap]:
        yield ended
        yield row(3, 1, 600, 300)

    report = Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(Held([row(1, 1, 0, 300)], [gap]), spool())
    assert (report.gaps, report.spooled, report.missing_s) == (1, 1, 0.0)
    assert sum(day.gap_s for day in report.days) == 300.0
