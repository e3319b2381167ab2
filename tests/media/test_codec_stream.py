"""Four codecs on the packet path: two packetisers, any cut of the bytes, loss, order, wraps, changes, frame-exact."""

from __future__ import annotations

import dataclasses
import random

import pytest
from codec_rig import CODECS, STEP, Clip, camera_of, encode, ended, libavformat, played, rtp
from hypothesis import given, settings
from hypothesis import strategies as st
from packets_rig import RATE, Camera, numbers

from gwanje.media.rtp import Receiver

WRAP = 0xFFFFFFFF - 5 * STEP
MADE: dict[tuple[object, ...], Clip] = {}


def clip(codec: str, camera: int = 0, count: int = 40, b_frames: int = 0) -> Clip:
    """A clip, encoded once."""
    key = (codec, camera, count, b_frames)
    if key not in MADE:
        MADE[key] = encode(*key)
    return MADE[key]


@pytest.mark.parametrize("codec", CODECS)
def test_cameras_that_share_buffers_keep_their_pictures(codec: str) -> None:
    receiver, free = Receiver(), []
    clips = [clip(codec, number) for number in range(3)]
    cameras = [camera_of(one, Camera(receiver, free)) for one in clips]
    streams = [b"".join(b"".join(group) for group in rtp(one, stamp=WRAP)) for one in clips]
    places, seconds, rng = [0, 0, 0], 0.0, random.Random(7)
    while any(place < len(data) for place, data in zip(places, streams, strict=True)):
        seconds += 0.21
        for index, camera in enumerate(cameras):
            camera.at(seconds)
            size = rng.randrange(len(streams[index]) // 15, len(streams[index]) // 6)
            camera.feed(streams[index][places[index] : places[index] + size])
            places[index] += size
        for camera in cameras:
            camera.sink.work()
    for camera in cameras:
        assert numbers(ended(camera).mp4) == list(range(40))
        assert (camera.sink.lost, camera.stream.passed) == (0, 0)
        assert [m[0] for m in camera.live] == [1] + [2] * 40
        assert numbers(b"".join(m[9:] for m in camera.live)) == list(range(40))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [500, 1400])
def test_what_libavformat_packetises_is_read(codec: str, size: int) -> None:
    one = clip(codec)
    # libavformat numbers its payload types as it likes
    track = dataclasses.replace(one.track, payload=-1)
    camera = played(
        dataclasses.replace(one, track=track), libavformat(one, size), read=random.Random(size).randrange(700, 9000)
    )
    assert numbers(camera.mp4) == list(range(40))
    assert camera.sink.lost == 0


@settings(max_examples=8, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("codec", CODECS)
def test_any_cut_of_the_bytes_gives_the_same_pictures(codec: str, data: st.DataObject) -> None:
    one = clip(codec)
    whole = b"".join(b"".join(group) for group in rtp(one)[:12])
    edges = sorted(data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=40)))
    camera = camera_of(one)
    for low, high in zip([0, *edges], [*edges, len(whole)], strict=True):
        camera.feed(whole[low:high])
    assert numbers(ended(camera).mp4) == list(range(12))


@pytest.mark.parametrize(("codec", "b_frames"), [("H265", 1), ("H265", 3), ("MP4V-ES", 1), ("MP4V-ES", 2)])
def test_reordered_pictures_are_shown_in_order(codec: str, b_frames: int) -> None:
    one = clip(codec, 4, 40, b_frames)
    assert [u.pts for u in one.units] != sorted(u.pts for u in one.units)
    camera = played(one, [b"".join(group) for group in rtp(one)])
    assert camera.stream.reorder >= 1
    assert not camera.sink.refusals
    assert numbers(camera.mp4) == list(range(40))


@pytest.mark.parametrize("codec", CODECS)
def test_a_part_holds_one_second_and_begins_at_key_frames_unless_all_are(codec: str) -> None:
    one = clip(codec)
    camera = camera_of(one)
    for number, group in enumerate(rtp(one)):
        camera.at(0.5 + number / RATE)
        camera.feed(b"".join(group))
    taken = ended(camera).sink.taken
    assert [part.idr for part in taken].count(True) == (3 if codec == "JPEG" else 4)
    assert len(taken) == (3 if codec == "JPEG" else 6)
    assert sum(part.duration for part in taken) == pytest.approx(40 * STEP, abs=STEP)
    assert len({part.second for part in taken}) == 3
    assert [part.restart for part in taken] == [True] + [False] * (len(taken) - 1)


@pytest.mark.parametrize("codec", CODECS)
def test_who_joins_within_a_group_waits_for_its_next_key_frame(codec: str) -> None:
    one = clip(codec)
    groups = rtp(one)
    camera = played(one, [b"".join(groups[2][1:]), *(b"".join(group) for group in groups[3:])])
    assert numbers(camera.mp4) == list(range(3 if codec == "JPEG" else 10, 40))


@settings(max_examples=10, deadline=None)
@given(lost=st.sets(st.integers(0, 80), min_size=1, max_size=3))
@pytest.mark.parametrize("codec", CODECS)
def test_lost_packets_cost_their_pictures_and_are_counted(codec: str, lost: set[int]) -> None:
    one = clip(codec)
    groups = rtp(one)
    flat = [packet for group in groups for packet in group]
    # the first picture is whole, or nothing begins
    lost = {n for n in {len(groups[0]) + n for n in lost} if n < len(flat) - 1}
    camera = played(one, [p for n, p in enumerate(flat) if n not in lost])
    assert camera.sink.lost == len(lost)
    starts, dropped, least = 0, set(), set()
    for number, group in enumerate(groups):
        hit = [n for n in lost if starts <= n < starts + len(group)]
        starts += len(group)
        if hit:
            least.add(number)
            # without its last packet a picture's end is not known, so the next one may be dropped with it
            dropped |= {number, number + 1} if starts - 1 in hit else {number}
    kept = sum(int.from_bytes(part.data[80:84], "big") for part in camera.sink.taken)
    assert 40 - len(dropped) <= kept <= 40 - len(least)
    if codec == "JPEG":
        assert set(numbers(camera.mp4)) >= set(range(40)) - dropped


@pytest.mark.parametrize("codec", CODECS)
def test_doubled_and_late_packets_change_nothing_that_came_in_order(codec: str) -> None:
    one = clip(codec)
    flat = [packet for group in rtp(one) for packet in group]
    doubled = [p for n, packet in enumerate(flat) for p in ([packet, flat[max(0, n - 3)]] if n % 5 == 4 else [packet])]
    camera = played(one, doubled)
    assert numbers(camera.mp4) == list(range(40))
    assert camera.sink.lost == 0
    assert camera.stream.passed == len(doubled) - len(flat)


@pytest.mark.parametrize("codec", CODECS)
def test_two_packets_that_changed_places_are_a_loss(codec: str) -> None:
    one = clip(codec)
    groups = rtp(one)
    flat = [packet for group in groups for packet in group]
    at = len(groups[0]) + 1
    flat[at], flat[at + 1] = flat[at + 1], flat[at]
    camera = played(one, flat)
    assert camera.sink.lost == 1
    kept = sum(int.from_bytes(part.data[80:84], "big") for part in camera.sink.taken)
    assert 38 <= kept <= 39


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_no_video_on_the_videos_channel_is_passed_over(codec: str) -> None:
    one = clip(codec)
    foreign = bytes([0x24, 0, 0, 172, 0x80, 0, 0, 9]) + (77).to_bytes(4, "big") + bytes(4 + 160)
    data = []
    for group in rtp(one):
        data += [*group, foreign]
    camera = played(one, data)
    assert numbers(camera.mp4) == list(range(40))
    assert camera.stream.passed == 40
    assert bytes(100) not in camera.mp4


@pytest.mark.parametrize("codec", CODECS)
def test_another_size_in_mid_stream_begins_a_new_file(codec: str) -> None:
    one, other = clip(codec), encode(codec, 0, 20, height=160)
    groups = rtp(one)[:20]
    later = rtp(other, 65_500 + sum(len(group) for group in groups), 20 * STEP)
    if codec == "MP4V-ES":
        # MPEG-4 says a new size in the stream only
        packet = later[0][0]
        inserted = packet[:16] + other.extra + packet[16:]
        later[0][0] = inserted[:2] + (len(inserted) - 4).to_bytes(2, "big") + inserted[4:]
    camera = played(one, [b"".join(group) for group in groups + later])
    inits = [part.init for part in camera.sink.taken]
    assert len(set(inits)) == 2
    change = next(n for n, part in enumerate(camera.sink.taken) if part.init != inits[0])
    new = camera.sink.taken[change:]
    assert new[0].restart
    assert new[0].idr
    assert numbers(inits[0] + b"".join(part.data for part in camera.sink.taken[:change])) == list(range(20))
    assert numbers(new[0].init + b"".join(part.data for part in new)) == list(range(20))
    assert camera.stream.picture is not None
    assert (camera.stream.picture.width, camera.stream.picture.height) == (320, 160)


@pytest.mark.parametrize(
    ("first", "then"), [("H264", "H265"), ("H265", "JPEG"), ("JPEG", "MP4V-ES"), ("MP4V-ES", "H264")]
)
def test_another_codec_at_reconnect_or_by_configuration_begins_a_new_file(first: str, then: str) -> None:
    one, other = clip(first), clip(then)
    camera = camera_of(one)
    for group in rtp(one):
        camera.feed(b"".join(group))
    camera.stream.give_up()
    camera.stream.restart(0, other.track)
    for group in rtp(other, stamp=77):
        camera.feed(b"".join(group))
    camera.stream.configure(one.track)
    for group in rtp(one, 200 + sum(len(group) for group in rtp(other)), 60 * STEP):
        camera.feed(b"".join(group))
    taken = ended(camera).sink.taken
    begins = [n for n, part in enumerate(taken) if part.restart]
    files = [taken[a:b] for a, b in zip(begins, [*begins[1:], len(taken)], strict=True)]
    # the sequence jumped with the last change: its first picture's end was not known
    assert len(files) == 3
    for parts, lost in zip(files, (0, 0, 1), strict=True):
        shown = numbers(parts[0].init + b"".join(part.data for part in parts))
        assert shown == list(range(40)) if not lost else len(shown) >= 30


@pytest.mark.parametrize("codec", CODECS)
def test_whole_access_units_without_rtp_are_stored_alike(codec: str) -> None:
    one = clip(codec, 0, 40, 2 if codec == "H264" else 0)
    camera = camera_of(one)
    for number, unit in enumerate(one.units):
        camera.at(number / RATE)
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in unit.nals) if unit.nals else unit.data
        camera.stream.unit(WRAP + unit.pts * STEP, unit.key, data)
    assert numbers(ended(camera).mp4) == list(range(40))
    assert sum(part.duration for part in camera.sink.taken) == pytest.approx(40 * STEP, abs=3 * STEP)


def test_leading_pictures_of_an_open_group_are_left_out_at_the_beginning_only() -> None:
    one = encode("H265", 3, 40, 2, 9, opened=True)
    kinds = [nal[0] >> 1 & 63 for unit in one.units for nal in unit.nals]
    assert 21 in kinds
    assert {8, 9} & set(kinds)
    whole = played(one, [b"".join(group) for group in rtp(one)])
    assert numbers(whole.mp4) == list(range(40))
    second = next(n for n, unit in enumerate(one.units) if n and unit.key)
    later = dataclasses.replace(one, units=one.units[second:])
    camera = played(later, [b"".join(group) for group in rtp(later)])
    assert numbers(camera.mp4) == list(range(one.units[second].pts, 40))
    # a decoder would pass over them in silence: they are not even stored
    stored = sum(int.from_bytes(part.data[80:84], "big") for part in camera.sink.taken)
    assert stored == 40 - one.units[second].pts < len(later.units)


def test_a_numbering_that_begins_anew_is_one_loss_and_not_thousands() -> None:
    one = clip("H264")
    groups = rtp(one)
    later = rtp(dataclasses.replace(one, units=one.units[20:]), 30_000)
    camera = played(one, [packet for group in groups[:20] + later for packet in group])
    assert camera.sink.lost == 1
    assert len(numbers(camera.mp4)) >= 30


def test_a_codec_without_reordering_inherits_none() -> None:
    first, then = clip("H265", 4, 40, 1), clip("JPEG")
    camera = camera_of(first)
    for group in rtp(first):
        camera.feed(b"".join(group))
    assert camera.stream.reorder >= 1
    camera.stream.restart(0, then.track)
    assert camera.stream.reorder == 0


def test_headers_in_the_stream_stand_in_the_file_s_beginning_only() -> None:
    one = clip("MP4V-ES")
    units = tuple(dataclasses.replace(u, data=one.extra + u.data) if u.key else u for u in one.units)
    bare = dataclasses.replace(one.track, config=b"")
    camera = played(
        dataclasses.replace(one, units=units, track=bare),
        [p for group in rtp(dataclasses.replace(one, units=units)) for p in group],
    )
    assert numbers(camera.mp4) == list(range(40))
    layer = b"\0\0\1\x20"
    assert layer in camera.sink.taken[0].init
    assert not any(layer in part.data for part in camera.sink.taken)
    assert [part.restart for part in camera.sink.taken].count(True) == 1


@pytest.mark.parametrize("codec", CODECS)
def test_empty_padded_and_extended_packets_are_understood(codec: str) -> None:
    one = clip(codec)
    out, sequence = [], 0
    for group in rtp(one, 0):
        for packet in group:
            body = bytearray(packet[4:])
            if sequence % 3 == 1:
                body[0] |= 0x10
                body[12:12] = b"\xbe\xde\0\1abcd"
            elif sequence % 3 == 2:
                body[0] |= 0x20
                body += b"\0\0\3"
            body[2:4] = (sequence & 0xFFFF).to_bytes(2, "big")
            out.append(b"$\0" + len(body).to_bytes(2, "big") + bytes(body))
            sequence += 1
            if sequence % 11 == 0 and not packet[5] & 0x80:
                out.append(b"$\0\0\x0c\x80" + body[1:2] + (sequence & 0xFFFF).to_bytes(2, "big") + bytes(body[4:12]))
                sequence += 1
    camera = played(one, out, read=3001)
    assert numbers(camera.mp4) == list(range(40))
    assert camera.sink.lost == 0


def test_every_codec_has_its_reader() -> None:
    from gwanje.media.sdp import CODECS as offered
    from gwanje.media.stream import CODECS as read

    assert set(read) == set(offered) == set(CODECS)
