"""The account of a day: gaps + footage = wall clock, against a count of every tenth of a second by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gwanje.kernel.footage import Gap, Segment
from gwanje.media.account import HOLE_US, US, Account, merged, without

SEOUL = ZoneInfo("Asia/Seoul")
CAMERA, AGENCY = UUID(int=1), UUID(int=2)
# 23:59:30 in Seoul, 14:59:30 UTC: a day ends 30 s later, and an hour, too
BEGAN_S = round(datetime(2026, 12, 31, 23, 59, 30, tzinfo=SEOUL).timestamp())
TENTH = US // 10
spans = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 120)).map(lambda t: (t[0], t[0] + t[1])), max_size=12)


def segment(number: int, first_s: int = BEGAN_S, seconds: int = 1, stream: int = 0) -> Segment:
    return Segment(
        bytes([number]) * 32, CAMERA, AGENCY, 0, stream, 1, first_s // 3600, first_s % 3600,
        first_s % 3600 + seconds - 1, 1, 100, b"\1", "avc1.64001f", 1920, 1080, None, "1/1/0/x.gws", 1, bytes(16), True,
    )  # fmt: skip


def gap(first_us: int, until_us: int | None, reason: str = "network") -> Gap:
    return Gap(UUID(int=abs(first_us)), CAMERA, AGENCY, 0, reason, first_us, until_us)


def tenths(many: list[tuple[int, int]]) -> set[int]:
    return {tenth for first, until in many for tenth in range(first, until)}


@given(spans, spans)
def test_merging_and_taking_away_are_what_sets_do(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    assert tenths(merged(one)) == tenths(one)
    assert all(a[1] < b[0] for a, b in zip(merged(one), merged(one)[1:], strict=False))
    left = without(merged(one), merged(other))
    assert tenths(left) == tenths(one) - tenths(other)
    assert all(first < until for first, until in left)


@given(st.lists(spans.filter(lambda found: any(a < b for a, b in found)), min_size=1, max_size=4), spans)
def test_every_tenth_of_a_second_is_counted_once(
    files: list[list[tuple[int, int]]], holes: list[tuple[int, int]]
) -> None:
    base = BEGAN_S * US
    exact = {
        bytes([number]) * 32: merged((base + a * TENTH, base + b * TENTH) for a, b in found)
        for number, found in enumerate(files)
    }
    gaps = [gap(base + a * TENTH, base + b * TENTH) for a, b in holes]
    account = Account([segment(n) for n in range(len(files))], gaps, SEOUL, base + 10_000 * TENTH, exact)

    footage = tenths([span for found in files for span in found])
    began = min(footage)
    # jitter between parts of up to 0.25 s counts as footage
    joined = tenths(merged([span for found in files for span in found if span[0] < span[1]], 2))
    explained = {tenth for tenth in tenths(holes) if tenth >= began} - joined
    end = max(joined | explained) + 1
    unknown = set(range(began, end)) - joined - explained
    silences = without([(began, end)], merged((t, t + 1) for t in joined | explained))
    missing = tenths([(a, b) for a, b in silences if (b - a) * TENTH > HOLE_US])

    def total(name: str) -> int:
        return round(sum(getattr(day, name) for day in account.days) * 10)

    assert (total("wall_s"), total("footage_s"), total("gap_s")) == (end - began, len(joined), len(explained))
    assert (total("missing_s"), total("slack_s")) == (len(missing), len(unknown - missing))
    # midnight in Seoul stands 30 s after the beginning
    assert round(sum(d.wall_s for d in account.days if d.day.year == 2026) * 10) == len(
        set(range(began, end)) & set(range(300))
    )
    assert {f.twice for f in account.findings if not f.twice} == ({False} if missing else set())


@given(st.integers(-50, 50))
def test_an_overlap_is_more_than_the_second_two_files_may_share(shift: int) -> None:
    base = BEGAN_S * US
    exact = {
        bytes([0]) * 32: [(base, base + 100 * TENTH)],
        bytes([1]) * 32: [(base + (100 + shift) * TENTH, base + 300 * TENTH)],
    }
    account = Account([segment(0), segment(1)], [], SEOUL, base, exact)
    twice = [f for f in account.findings if f.twice]
    assert bool(twice) == (shift < -10)
    assert round(sum(day.overlap_s for day in account.days) * 10) == (-shift if shift < -10 else 0)
    assert any(not f.twice for f in account.findings) == (shift > 20)


def test_a_file_within_a_file_and_two_writers_of_one_second_are_found() -> None:
    within = Account([segment(0, BEGAN_S, 20), segment(1, BEGAN_S + 5, 5)], [], SEOUL, 0)
    assert [(f.first_us // US - BEGAN_S, f.until_us // US - BEGAN_S, f.twice) for f in within.findings] == [
        (5, 10, True)
    ]
    # rows that count whole seconds may share one
    shared = Account([segment(0, BEGAN_S, 6), segment(1, BEGAN_S + 5, 5)], [], SEOUL, 0)
    assert not shared.findings


def test_streams_are_accounted_for_apart() -> None:
    rows = [segment(0, BEGAN_S, 5), segment(1, BEGAN_S, 5, stream=1), segment(2, BEGAN_S + 20, 5, stream=1)]
    account = Account(rows, [gap((BEGAN_S + 5) * US, (BEGAN_S + 20) * US)], SEOUL, 0)
    assert {(d.stream, d.missing_s, d.gap_s) for d in account.days} == {(0, 0.0, 15.0), (1, 15.0, 0.0)}


def test_an_open_gap_lasts_until_now_and_a_stream_of_which_nothing_lives_is_left_out() -> None:
    now_us = (BEGAN_S + 25) * US
    account = Account([segment(0, BEGAN_S, 5)], [gap((BEGAN_S + 5) * US, None, "not due")], SEOUL, now_us)
    assert [(d.wall_s, d.footage_s, d.gap_s, d.missing_s) for d in account.days] == [(25.0, 5.0, 20.0, 0.0)]
    only = Account([], [gap(BEGAN_S * US, None)], SEOUL, now_us)
    assert (only.days, only.findings) == ([], [])
    before = Account([segment(0, BEGAN_S, 5)], [gap((BEGAN_S - 900) * US, (BEGAN_S - 800) * US)], SEOUL, now_us)
    assert [(d.wall_s, d.missing_s) for d in before.days] == [(5.0, 0.0)]


def test_a_destroyed_hour_between_two_living_ones_is_no_hole() -> None:
    hour = BEGAN_S // 3600
    rows = [segment(0, BEGAN_S, 30), segment(1, (hour + 2) * 3600, 10)]
    gone = [(CAMERA, 0, hour + 1)]
    assert not Account(rows, [], UTC, 0, None, gone).findings
    days = Account(rows, [], UTC, 0, None, gone).days
    assert [(d.wall_s, d.destroyed_s) for d in days] == [(40.0, 3600.0)]
    assert [f.until_us - f.first_us for f in Account(rows, [], UTC, 0).findings] == [3600 * US]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3500), st.integers(1, 300)), min_size=1, max_size=25))
def test_hour_by_hour_is_what_all_at_once_is(found: list[tuple[int, int, int]]) -> None:
    hour = BEGAN_S // 3600
    rows = [segment(n, (hour + h) * 3600 + at, min(length, 3600 - at)) for n, (h, at, length) in enumerate(found)]
    gaps = [gap((hour * 3600 + 100 * n) * US, (hour * 3600 + 100 * n + 40) * US) for n in range(150)]
    whole = Account(rows, gaps, SEOUL, 0, None, [(CAMERA, 0, hour + 1)])
    steps = Account((), (), SEOUL, 0)
    for epoch in range(hour, hour + 5):
        steps.add([row for row in rows if row.epoch == epoch])
    steps.explain(reversed(gaps))
    steps.destroy([(CAMERA, 0, hour + 1)])
    steps.close()
    assert (steps.days, steps.findings) == (whole.days, whole.findings)
