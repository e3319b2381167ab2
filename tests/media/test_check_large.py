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


def test_what_a_spool_still_says_of_a_destroyed_hour_is_no_missing_file(tmp_path: Path) -> None:
    late, other = row(1, 1, 0, 300), row(2, 1, 300, 300)
    died = [(late.camera, late.stream, late.epoch)]
    told = Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(Held([], destroyed=died), [late])
    assert (told.problems, told.seconds) == ([], 0)
    # the other side: an hour that lives, and a row of the index itself, are named as ever
    for index, spooled in ((Held([]), [late]), (Held([other], destroyed=died), [])):
        missing = Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(index, spooled)
        assert any("gone" in text for text in missing.problems)


def test_what_is_destroyed_while_the_check_looks_is_no_missing_file(tmp_path: Path) -> None:
    class Dying(Held):
        """Its hour dies after the rows were read."""

        asked = 0

        def segments(self, class_: int, epoch: int) -> list[Segment]:
            self.asked += 1
            return super().segments(class_, epoch) if self.asked == 1 else []

    seen = row(1, 1, 0, 300)
    died = Dying([seen], destroyed=[(seen.camera, seen.stream, seen.epoch)])
    assert Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(died).problems == []
    assert any("gone" in text for text in Check(tmp_path, 1, (HOUR + 2) * 3600, UTC).run(Dying([seen])).problems)
