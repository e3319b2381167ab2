"""The simulator: counters survive encoding and scaling, packets decode, faults happen."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import time
import urllib.error
import urllib.request
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sim_tools import Rtsp, short_streets

from gwanje.kernel.clock import Clock
from gwanje.media.sim import clips, counter, packets, street
from gwanje.media.sim.server import SimThread

SHARED = Path(__file__).parents[3] / "shared" / "data" / "video"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[clips.Clip]:
    return short_streets(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def sim(pair: list[clips.Clip]):
    with SimThread(pair) as running:
        yield running


def test_every_frame_says_its_number_even_in_a_small_tile(pair: list[clips.Clip]) -> None:
    for file in (pair[0].main, pair[0].sub, pair[1].main):
        count = 0
        for number, frame in enumerate(av.open(str(file)).decode(video=0)):
            picture = frame.to_ndarray(format="rgb24")
            tile = np.asarray(Image.fromarray(picture).resize((300, 169), Image.Resampling.BILINEAR))
            assert (counter.read(picture), counter.read(tile)) == (number, number)
            count += 1
        assert count == 4 * street.RATE


@settings(deadline=None)
@given(st.integers(0, 65535), st.sampled_from([128, 300, 641, 1280]))
def test_the_strip_is_read_back(value: int, width: int) -> None:
    picture = np.full((width * 9 // 16, width, 3), 90, np.uint8)
    counter.draw(picture, value)
    assert counter.read(picture) == value


def test_no_number_is_read_where_none_stands_and_none_from_a_damaged_strip() -> None:
    rng = np.random.default_rng(5)
    assert counter.read(np.zeros((180, 320, 3), np.uint8)) is None
    assert counter.read(rng.integers(0, 256, (180, 320, 3), dtype=np.uint8)) is None
    assert counter.read(np.zeros((1, 4, 3), np.uint8)) is None
    picture = np.zeros((720, 1280, 3), np.uint8)
    counter.draw(picture, 1234)
    picture[640:720, 600:640] = 255 - picture[640:720, 600:640]
    assert counter.read(picture) is None
    with pytest.raises(ValueError, match="16 bits"):
        counter.bits(1 << 16)


def test_streams_look_like_a_camera(pair: list[clips.Clip]) -> None:
    for file, size, kbps in ((pair[0].main, (1280, 720), 1500), (pair[0].sub, (640, 360), 400)):
        stream = packets.load(file)
        assert (stream.width, stream.height, stream.rate) == (*size, Fraction(15))
        assert [i for i, f in enumerate(stream.frames) if f.key] == [0, 15, 30, 45]
        assert file.stat().st_size * 8 / 4 < kbps * 1400
        with av.open(str(file)) as container:
            times = [(p.pts, p.dts) for p in container.demux(video=0) if p.size]
            assert all(pts == dts for pts, dts in times), "no B-frames"
            assert not container.streams.audio


def test_cached_clips_are_not_made_twice(pair: list[clips.Clip]) -> None:
    before = pair[0].main.stat().st_mtime_ns
    again = short_streets(pair[0].main.parent)
    assert again == pair
    assert again[0].main.stat().st_mtime_ns == before


def test_a_player_decodes_what_is_served_and_numbers_follow_the_clock(sim: SimThread) -> None:
    seen = []
    with av.open(sim.url("cam02", "sub"), options={"rtsp_transport": "tcp"}, timeout=10) as container:
        for frame in container.decode(video=0):
            value = counter.read(frame.to_ndarray(format="rgb24"))
            assert value is not None
            seen.append(value)
            if len(seen) == 20:
                break
    expected = int(Clock().now_us() / 1e6 * 15) % 60
    assert all((b - a) % 60 == 1 for a, b in itertools.pairwise(seen))
    assert (expected - seen[-1]) % 60 < 45


def _nal_types(received: list[bytes]) -> list[int]:
    out = []
    for packet in received:
        kind = packet[12] & 31
        out.append(100 + (packet[13] & 31) if kind == 28 and packet[13] & 0x80 else kind)
    return out


def test_the_first_packets_are_parameter_sets_and_a_key_frame(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/main") as client:
        client.play()
        kinds = _nal_types(client.video(3))
    assert kinds[0] == 24
    assert kinds[1] == 105


def test_sequence_numbers_and_times_have_no_hole(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/sub") as client:
        client.play()
        received = client.video(60)
    numbers = [int.from_bytes(p[2:4], "big") for p in received]
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))
    times = sorted({int.from_bytes(p[4:8], "big") for p in received})
    assert {b - a for a, b in itertools.pairwise(times)} <= {6000}


def test_lost_packets_leave_holes_and_a_jump_moves_the_time(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/main") as client:
        sim.fault("cam01", "loss", 10)
        client.play()
        numbers = [int.from_bytes(p[2:4], "big") for p in client.video(100)]
        assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)} == {1, 2}
        sim.fault("cam01", "loss", 0)
        before = int.from_bytes(client.video(1)[0][4:8], "big")
        sim.fault("cam01", "jump", 3600)
        after = int.from_bytes(client.video(60)[-1][4:8], "big")
        assert (after - before) & 0xFFFFFFFF > 3599 * 90_000


def test_a_stalled_camera_is_silent_but_answers_and_a_deaf_one_sends_but_does_not(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/sub") as client:
        client.play()
        client.video(5)
        sim.fault("cam01", "stall")
        assert client.ask("GET_PARAMETER")[0] == 200
        client.sock.settimeout(0.4)
        with pytest.raises(TimeoutError):
            # what was on the way arrives, then nothing: far fewer packets than a second of video
            client.video(60)
        sim.fault("cam01", "stall", 0)
        client.sock.settimeout(5)
        client.video(3)
        sim.fault("cam01", "deaf")
        client.sock.sendall(f"OPTIONS {client.url} RTSP/1.0\r\nCSeq: 99\r\n\r\n".encode())
        client.buffer = b""
        assert all(client.next()[0] != -1 for _ in range(20))


def test_close_cuts_and_other_cameras_go_on(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/sub") as one, Rtsp(sim.port, "cam02/sub") as other:
        one.play()
        other.play()
        sim.fault("cam01", "close")
        with pytest.raises(OSError, match=r"closed|reset"):
            one.video(10_000)
        assert len(other.video(30)) == 30


def test_a_start_in_the_middle_has_no_key_frame_first(sim: SimThread) -> None:
    sim.fault("cam01", "midgop")
    firsts = []
    for _ in range(3):
        with Rtsp(sim.port, "cam01/main") as client:
            client.play()
            firsts.append(client.video(1)[0])
        time.sleep(0.1)
    assert any(p[12] & 31 == 28 and not p[13] & 0x80 for p in firsts), "no start inside a fragmented unit"


def test_packets_are_spaced_when_asked(sim: SimThread) -> None:
    sim.fault("cam01", "spread")
    with Rtsp(sim.port, "cam01/main") as client:
        client.play()
        numbers = [int.from_bytes(p[2:4], "big") for p in client.video(60)]
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))


def test_audio_is_offered_by_one_camera_and_can_be_taken_away(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam01/sub") as client:
        assert b"m=audio" in client.ask("DESCRIBE")[2]
        client.play(audio=True)
        heard = [p for c, p in (client.next() for _ in range(60)) if c == 2]
    assert heard
    assert {len(p) for p in heard} == {172}
    assert len({p[12:] for p in heard}) > 1
    with Rtsp(sim.port, "cam01/sub") as client:
        client.play()
        assert not [c for c, _ in (client.next() for _ in range(60)) if c == 2], "audio came without a SETUP"
    sim.fault("cam01", "audio", 0)
    for name in ("cam01", "cam02"):
        with Rtsp(sim.port, f"{name}/sub") as client:
            assert b"m=audio" not in client.ask("DESCRIBE")[2]


def test_wrong_requests_get_their_status(sim: SimThread) -> None:
    with Rtsp(sim.port, "cam99/main") as client:
        assert client.ask("DESCRIBE")[0] == 404
    with Rtsp(sim.port, "cam01/main") as client:
        assert client.ask("SETUP", f"{client.url}/track0", Transport="RTP/AVP;multicast")[0] == 461
        assert client.ask("PLAY")[0] == 454
        assert client.ask("RECORD")[0] == 454
        client.sock.sendall(b"x" * 20_000)
        with pytest.raises(OSError, match=r"closed|reset"):
            client.next()


def _digest(client: Rtsp, method: str, nonce: str, password: str) -> str:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    answer = md5(f"{md5(f'officer:gwanje simulator:{password}')}:{nonce}:{md5(f'{method}:{client.url}')}")
    return (
        f'Digest username="officer", realm="gwanje simulator", nonce="{nonce}", uri="{client.url}", response="{answer}"'
    )


def test_digest_is_asked_for_and_checked(pair: list[clips.Clip]) -> None:
    first = pair[0]
    guarded = clips.Clip("cam01", "A-0101", first.main, first.sub, user="officer", password="pass word")
    with SimThread([guarded]) as sim:
        with Rtsp(sim.port, "cam01/main") as client:
            status, headers, _ = client.ask("DESCRIBE")
            assert status == 401
            nonce = re.search(r'nonce="(\w+)"', headers["www-authenticate"])[1]
            assert client.ask("DESCRIBE", Authorization=_digest(client, "DESCRIBE", nonce, "wrong"))[0] == 401
            assert client.ask("DESCRIBE", Authorization=_digest(client, "SETUP", nonce, "pass word"))[0] == 401
            assert client.ask("DESCRIBE", Authorization=_digest(client, "DESCRIBE", nonce, "pass word"))[0] == 200
        with av.open(
            f"rtsp://officer:pass%20word@127.0.0.1:{sim.port}/cam01/main", options={"rtsp_transport": "tcp"}, timeout=10
        ) as container:
            assert next(container.decode(video=0)).width == 1280
        sim.fault("cam01", "locked")
        with Rtsp(sim.port, "cam01/main") as client:
            nonce = re.search(r'nonce="(\w+)"', client.ask("DESCRIBE")[1]["www-authenticate"])[1]
            assert client.ask("DESCRIBE", Authorization=_digest(client, "DESCRIBE", nonce, "pass word"))[0] == 401


def test_the_control_over_http(sim: SimThread) -> None:
    base = f"http://127.0.0.1:{sim.port}"
    with urllib.request.urlopen(f"{base}/fault?camera=*&name=loss&value=7", timeout=5) as reply:
        assert json.load(reply) == {"ok": True}
    with urllib.request.urlopen(f"{base}/status", timeout=5) as reply:
        status = json.load(reply)
    assert [c["faults"]["loss"] for c in status["cameras"].values()] == [7, 7]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{base}/fault?camera=cam01&name=explode", timeout=5)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{base}/fault?camera=cam01&name=jump&value=nan", timeout=5)


def test_a_viewer_without_keep_alive_is_closed(pair: list[clips.Clip]) -> None:
    with SimThread(pair, session_timeout_s=-9) as sim, Rtsp(sim.port, "cam01/sub") as client:
        client.play()
        with pytest.raises(OSError, match=r"closed|reset"):
            client.video(100_000)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/video is not beside this checkout")
def test_every_shared_file_becomes_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "SECONDS_MIN", 4)
    monkeypatch.setattr(clips, "SECONDS_MAX", 4)
    made = clips.folder(SHARED, tmp_path)
    assert len(made) == 6
    for clip in made:
        for file in (clip.main, clip.sub):
            stream = packets.load(file)
            assert stream.width % 2 == stream.height % 2 == 0
            assert len(stream.frames) >= 4 * stream.rate - 1
            with av.open(str(file)) as container:
                assert not container.streams.audio
                read = [counter.read(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
            assert read == list(range(len(stream.frames))), clip.label


def test_bad_folders_are_refused_in_two_languages(tmp_path: Path) -> None:
    with pytest.raises(clips.BadClip, match=r"영상 파일이 0개.*0 video files"):
        clips.folder(tmp_path, tmp_path / "cache")
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(clips.BadClip, match=r"읽을 수 없는 영상.*cannot be read"):
        clips.folder(tmp_path, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir()), "a refused file leaves nothing"


@pytest.mark.parametrize(
    ("size", "rate", "main", "sub", "fps"),
    [
        ((128, 128), 10, (640, 640), (320, 320), 10),
        ((1281, 721), 25, (1280, 720), (640, 360), 25),
        ((3840, 2160), 60, (1280, 720), (640, 360), 30),
        ((317, 241), 25, (640, 486), (320, 244), 25),
        ((720, 1280), 30, (608, 1080), (320, 568), 30),
    ],
)
def test_forms(size: tuple[int, int], rate: int, main: tuple[int, int], sub: tuple[int, int], fps: int) -> None:
    big, small = clips.forms(*size, Fraction(rate))
    assert ((big.width, big.height), (small.width, small.height), big.rate) == (main, sub, fps)
