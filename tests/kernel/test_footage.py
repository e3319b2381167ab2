"""Footage index on real PostgreSQL: rows advance and never go back; viewing begins at a key frame."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from gwanje.kernel import footage
from gwanje.kernel.footage import Gap, Segment

CAMERA, AGENCY = UUID(int=1), UUID(int=2)
EPOCH = 498_000
START = EPOCH * 3600 + 100


def segment(first: int, last: int, idr: list[int], name: bytes = b"a", **more: object) -> Segment:
    bits = sum(1 << tick - first for tick in idr)
    made = Segment(
        name * 32, CAMERA, AGENCY, 3, 0, 1, EPOCH, first, last, last - first + 1, 1000, bits.to_bytes(38, "little"),
        "avc1.64001f", 1280, 720, None, "p", 1, b"w" * 16, False,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def cursor(owner):
    """A cursor whose work is rolled back."""
    with owner.transaction(force_rollback=True), owner.cursor() as made:
        made.execute("select set_config('gwanje.scope', 'system', true)")
        made.execute(
            "insert into footage_class values (1, 'days', 30, 'reference', 'label') on conflict (number) do nothing"
        )
        yield made


def test_rows_advance_and_never_go_back(cursor) -> None:
    early, later = segment(100, 110, [100]), segment(100, 120, [100, 115])
    footage.put_segments(cursor, [later])
    footage.put_segments(cursor, [early])
    closed = replace(later, closed=True, root=b"r" * 32)
    footage.put_segments(cursor, [closed])
    footage.put_segments(cursor, [replace(later, parts=99)])
    assert footage.segments_of(cursor, CAMERA, 0, START, START + 60) == [closed]
    assert footage.segments_of(cursor, CAMERA, 0, START + 21, START + 60) == []
    assert footage.segments_of(cursor, UUID(int=9), 0, START, START + 60) == []


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        (105, 104),  # a key frame in the second before
        (104, 100),  # its own key frame may stand in mid-second: back to the one before
        (101, 100),
        (100, 100),  # nothing before the first second
        (130, 130),  # behind a hole: what lies before it does not help
        (131, 130),
    ],
)
def test_viewing_begins_at_the_key_frame_before(cursor, asked: int, begins: int) -> None:
    rows = [segment(100, 120, [100, 104, 110]), segment(130, 140, [130, 135], b"b")]
    footage.put_segments(cursor, rows)
    first = EPOCH * 3600
    assert footage.widen(cursor, CAMERA, 0, first + asked, first + 140) == first + begins


def test_looking_back_has_a_limit(cursor) -> None:
    footage.put_segments(cursor, [segment(100, 200, [100])])
    first = EPOCH * 3600
    assert footage.widen(cursor, CAMERA, 0, first + 130, first + 140) == first + 100
    assert footage.widen(cursor, CAMERA, 0, first + 131, first + 140) == first + 131


def test_a_gap_is_closed_once(cursor) -> None:
    gap = Gap(UUID(int=5), CAMERA, AGENCY, 0, "network", START * 10**6, None)
    footage.put_gaps(cursor, [gap])
    footage.put_gaps(cursor, [replace(gap, ended_us=(START + 5) * 10**6)])
    footage.put_gaps(cursor, [replace(gap, ended_us=(START + 9) * 10**6)])
    (found,) = footage.gaps_of(cursor, CAMERA, 0, START * 10**6, (START + 60) * 10**6)
    assert found.ended_us == (START + 5) * 10**6
    assert footage.gaps_of(cursor, CAMERA, 0, (START + 5) * 10**6, (START + 60) * 10**6) == []
