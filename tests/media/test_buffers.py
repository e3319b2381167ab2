"""Buffers after a time of overload: what only that needed goes back to the system."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gwanje.media.rtp import BUFFER_SIZE, new_buffer
from gwanje.media.segments import FREE_SPARE, SETTLE_S, USUAL_SIZE, Sealer
from gwanje.media.stream import Part


def part(end: int) -> Part:
    made = Part()
    made.view, made.end = new_buffer(), end
    return made


def sealer(cameras: int) -> Sealer:
    nothing: Any = SimpleNamespace()
    return Sealer(nothing, nothing, nothing, (), cameras=cameras)


def camera() -> Any:
    return SimpleNamespace(usual=USUAL_SIZE // 2)


def test_free_buffers_are_bounded_by_the_cameras() -> None:
    one = sealer(3)
    for _ in range(100):
        one._freed(camera(), part(1000))
    assert len(one.free) == 3 + FREE_SPARE
    taken = [one.buffer() for _ in range(3 + FREE_SPARE + 2)]
    assert one.free == []
    assert all(len(view) == BUFFER_SIZE for view in taken)


def test_what_a_large_part_touched_goes_back_and_the_rest_stays() -> None:
    one, large = sealer(1), part(3 << 20)
    large.view[: 3 << 20] = b"\1" * (3 << 20)
    one._freed(camera(), large)
    view = one.buffer()
    assert bytes(view[:USUAL_SIZE]) == b"\1" * USUAL_SIZE
    # pages that were given back read as zeros
    assert not any(view[USUAL_SIZE : 3 << 20 : 4096])
    view[USUAL_SIZE : USUAL_SIZE + 4] = b"here"
    usual = part(USUAL_SIZE)
    usual.view[:100] = b"\2" * 100
    one._freed(camera(), usual)
    assert bytes(one.buffer()[:100]) == b"\2" * 100


def test_buffers_that_nothing_took_for_ten_seconds_go_back() -> None:
    one = sealer(20)
    for _ in range(30):
        one._freed(camera(), part(1000))
    for _ in range(3 * SETTLE_S):
        # each second needs five
        taken = [one.buffer() for _ in range(5)]
        for view in taken:
            again = part(1000)
            again.view = view
            one._freed(camera(), again)
        one.settle()
    assert len(one.free) == one.counters.buffers_free == 5
    assert (one.counters.buffers_returned, one.counters.buffers_made) == (25, 0)


def test_what_a_stall_touched_goes_back_by_the_measure_of_its_camera() -> None:
    one, usual = sealer(1), camera()
    for _ in range(200):
        one._freed(usual, part(100_000))
        one.buffer()
    assert one.counters.buffers_trimmed == 0
    large = part(400_000)
    large.view[:400_000] = b"\1" * 400_000
    one._freed(usual, large)
    view = one.buffer()
    assert one.counters.buffers_trimmed == 1
    assert bytes(view[:200_000]) == b"\1" * 200_000
    assert not any(view[208_896:400_000:4096])
