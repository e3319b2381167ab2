"""The packet path: every way of cutting the bytes gives the same pictures, and no picture lands in another's buffer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets_rig import RATE, Camera, Unit, encode, numbers, rtp

from gwanje.media import h264
from gwanje.media.rtp import Receiver, StreamBroken

STEP = 90_000 // RATE
FIRST = 0xFFFFFFFF - 5 * STEP


@pytest.fixture(scope="module")
def clips() -> list[list[Unit]]:
    return [encode(camera, 60) for camera in range(3)]


def packets_of(units: list[Unit], first_stamp: int = FIRST) -> list[list[bytes]]:
    """Packets per access unit; the time stamp wraps after five pictures."""
    sequence, out = 65_500, []
    for unit in units:
        made = rtp(unit, sequence, first_stamp + unit.pts * STEP)
        sequence += len(made)
        out.append(made)
    return out


def test_reads_of_several_access_units_of_several_cameras_keep_their_pictures(clips: list[list[Unit]]) -> None:
    receiver, free = Receiver(), []
    cameras = [Camera(receiver, free) for _ in clips]
    streams = [b"".join(b"".join(p) for p in packets_of(units)) for units in clips]
    places = [0, 0, 0]
    rng = random.Random(5)
    seconds = 0.0
    while any(place < len(data) for place, data in zip(places, streams, strict=True)):
        seconds += 0.25
        for index, camera in enumerate(cameras):
            camera.at(seconds)
            # six pictures and a torn packet a read: several access units, more than one second's end
            size = rng.randrange(len(streams[index]) // 12, len(streams[index]) // 5)
            camera.feed(streams[index][places[index] : places[index] + size])
            places[index] += size
        for camera in cameras:
            camera.sink.work()
    for camera in cameras:
        camera.stream.give_up()
        camera.sink.work()
        assert numbers(camera.mp4) == list(range(60))
        assert len({part.second for part in camera.sink.taken}) > 1
        assert [m[0] for m in camera.live] == [1] + [2] * 60
        assert numbers(b"".join(m[9:] for m in camera.live)) == list(range(60))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_parts(clips: list[list[Unit]], data: st.DataObject) -> None:
    whole = b"".join(b"".join(p) for p in packets_of(clips[0][:25]))
    edges = sorted(data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=40)))
    camera = Camera(Receiver(), [])
    camera.at(0)
    for low, high in zip([0, *edges], [*edges, len(whole)], strict=True):
        camera.feed(whole[low:high])
    camera.stream.give_up()
    camera.sink.work()
    assert numbers(camera.mp4) == list(range(25))


def test_a_part_never_crosses_a_second_and_begins_at_each_key_frame(clips: list[list[Unit]]) -> None:
    camera = Camera(Receiver(), [])
    for number, made in enumerate(packets_of(clips[0])):
        camera.at(number / RATE + 0.5)
        camera.feed(b"".join(made))
    camera.stream.give_up()
    camera.sink.work()
    seconds = [part.second for part in camera.sink.taken]
    assert seconds == sorted(seconds)
    assert [part.idr for part in camera.sink.taken].count(True) == 6
    assert sum(part.duration for part in camera.sink.taken) == pytest.approx(60 * STEP, abs=STEP)
    assert [part.restart for part in camera.sink.taken] == [True] + [False] * (len(seconds) - 1)


def test_a_client_that_joins_within_a_picture_waits_for_the_next_key_frame(clips: list[list[Unit]]) -> None:
    made = packets_of(clips[0])
    camera = Camera(Receiver(), [])
    camera.at(0)
    camera.feed(b"".join(made[0][3:]) + b"".join(b"".join(p) for p in made[1:]))
    camera.stream.give_up()
    camera.sink.work()
    assert numbers(camera.mp4) == list(range(10, 60))


@settings(max_examples=25, deadline=None)
@given(lost=st.sets(st.integers(20, 400), min_size=1, max_size=3))
def test_lost_packets_cost_their_pictures_and_are_counted(clips: list[list[Unit]], lost: set[int]) -> None:
    made = [packet for unit in packets_of(clips[1]) for packet in unit]
    camera = Camera(Receiver(), [])
    camera.at(0)
    camera.feed(b"".join(p for n, p in enumerate(made) if n not in lost))
    camera.stream.give_up()
    camera.sink.work()
    # what is missing at the very end nobody can know
    last = max(n for n in range(len(made)) if n not in lost)
    assert camera.sink.lost == len([n for n in lost if n < last])
    starts, dropped = 0, set()
    for number, unit in enumerate(packets_of(clips[1])):
        hit = [n for n in lost if starts <= n < starts + len(unit)]
        starts += len(unit)
        if hit:
            # without its last packet a picture's end is not known, so the next one may be dropped with it
            dropped |= {number, number + 1} if starts - 1 in hit else {number}
    kept = sum(int.from_bytes(part.data[80:84], "big") for part in camera.sink.taken)
    assert 60 - len(dropped) <= kept <= 60 - len(dropped) + len(lost)


@pytest.mark.parametrize("b_frames", [1, 2, 3])
def test_reordered_pictures_are_shown_in_order(b_frames: int) -> None:
    units = encode(4, 60, b_frames=b_frames, group=15)
    assert [u.pts for u in units] != sorted(u.pts for u in units)
    camera = Camera(Receiver(), [])
    for number, made in enumerate(packets_of(units)):
        camera.at(number / RATE)
        camera.feed(b"".join(made))
    camera.stream.give_up()
    camera.sink.work()
    assert camera.stream.reorder >= 1
    assert numbers(camera.mp4) == list(range(60))


def test_reordering_that_nobody_announced_is_found_and_said() -> None:
    units = encode(5, 60, b_frames=1, group=15)
    camera = Camera(Receiver(), [])
    camera.at(0)
    hidden = h264.picture
    try:
        h264.picture = lambda sps: h264.Picture(hidden(sps).width, hidden(sps).height, hidden(sps).codec, 0)
        camera.feed(b"".join(b"".join(p) for p in packets_of(units)))
    finally:
        h264.picture = hidden
    camera.stream.give_up()
    camera.sink.work()
    assert camera.sink.refusals == ["reordered pictures, depth 1"]
    second = next(n for n, part in enumerate(camera.sink.taken) if n and part.restart)
    after = camera.sink.taken[second:]
    assert numbers(after[0].init + b"".join(part.data for part in after)) == list(range(15, 60))


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("jump", [3600 * 90_000, -3600 * 90_000, 20 * 90_000])
def test_a_jump_of_the_cameras_clock_begins_a_new_segment(clips: list[list[Unit]], jump: int, marked: bool) -> None:
    camera = Camera(Receiver(), [])
    before, after = clips[2][:25], clips[2][25:]
    stream = []
    sequence = 0
    for shift, units in ((0, before), (jump, after)):
        for unit in units:
            packets = rtp(unit, sequence, unit.pts * STEP + shift, marked=marked)
            sequence += len(packets)
            stream.append(b"".join(packets))
    for number in range(0, 60, 3):
        camera.at(number / RATE)
        camera.feed(b"".join(stream[number : number + 3]))
    camera.stream.give_up()
    camera.sink.work()
    # without a marker the last picture's end is never known
    assert numbers(camera.mp4) == list(range(60 if marked else 59))
    assert [part.restart for part in camera.sink.taken].count(True) == 2
    assert all(part.duration < 3 * 90_000 for part in camera.sink.taken)


def test_new_parameter_sets_begin_a_new_segment(clips: list[list[Unit]]) -> None:
    other = encode(0, 20, height=160)
    camera = Camera(Receiver(), [])
    camera.at(0)
    sequence = 0
    for number, unit in enumerate([*clips[0][:20], *other]):
        packets = rtp(unit, sequence, number * STEP)
        sequence += len(packets)
        camera.feed(b"".join(packets))
    camera.stream.give_up()
    camera.sink.work()
    inits = [part.init for part in camera.sink.taken]
    assert len(set(inits)) == 2
    change = next(n for n, part in enumerate(camera.sink.taken) if part.init != inits[0])
    assert camera.sink.taken[change].restart
    assert camera.sink.taken[change].idr
    new = camera.sink.taken[change:]
    assert numbers(new[0].init + b"".join(part.data for part in new)) == list(range(20))
    assert camera.stream.picture is not None
    assert (camera.stream.picture.width, camera.stream.picture.height) == (320, 160)


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(min_size=20, max_size=4000), place=st.integers(0, 60_000))
def test_garbage_costs_the_connection_and_nothing_else(clips: list[list[Unit]], noise: bytes, place: int) -> None:
    whole = bytearray(b"".join(b"".join(p) for p in packets_of(clips[0][:20])))
    whole[place : place + len(noise)] = noise
    camera = Camera(Receiver(), [])
    camera.at(0)
    try:
        for start in range(0, len(whole), 1500):
            camera.feed(bytes(whole[start : start + 1500]))
    except StreamBroken:
        # the engine ends this camera's connection
        pass
    camera.stream.give_up()
    for part in camera.sink.waiting:
        assert len(part.rows) >= 12
    fresh = packets_of(clips[1][:10])
    camera.stream.restart(0)
    camera.sink.taken.clear()
    camera.sink.waiting.clear()
    camera.feed(b"".join(b"".join(p) for p in fresh))
    camera.stream.give_up()
    camera.sink.work()
    assert numbers(camera.mp4) == list(range(10))


def test_answers_and_other_channels_between_packets_are_passed_over(clips: list[list[Unit]]) -> None:
    camera = Camera(Receiver(), [])
    camera.at(0)
    for number, made in enumerate(packets_of(clips[0][:12])):
        report = b"$\1" + (28).to_bytes(2, "big") + bytes(28)
        text = b"RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: 3\r\n\r\nabc" % number
        camera.feed(b"".join(made) + report + text)
    camera.stream.give_up()
    camera.sink.work()
    assert numbers(camera.mp4) == list(range(12))
    with pytest.raises(StreamBroken, match="session"):
        camera.feed(b"RTSP/1.0 454 Session Not Found\r\nCSeq: 1\r\n\r\n")
