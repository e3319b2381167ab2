"""What is written of a codec is read again: init segments, parameter sets, quantisation tables, SDP of four codecs."""

from __future__ import annotations

import base64
import io
import re
import struct
from pathlib import Path

import av
import pytest
from codec_rig import CODECS, Clip, camera_of, encode, ended, rtp
from packets_rig import numbers

from gwanje.media import h265, mjpeg, mpeg4, sdp
from gwanje.media.picture import BadParameterSet
from gwanje.media.play.boxes import BadBoxes, Timeline, fragments, read_init
from gwanje.media.rtp import StreamBroken
from gwanje.media.sim import packets, payloads

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
NAMES = {"H264": "avc1.", "H265": "hvc1.1.6.L", "MP4V-ES": "mp4v.20.", "JPEG": "mp4v.6C"}


@pytest.fixture(scope="module")
def clips() -> dict[str, Clip]:
    return {codec: encode(codec, 0, 25) for codec in CODECS}


@pytest.mark.parametrize("codec", CODECS)
def test_the_player_reads_the_init_and_moves_the_parts_of_every_codec(clips: dict[str, Clip], codec: str) -> None:
    camera = camera_of(clips[codec])
    for number, group in enumerate(rtp(clips[codec])):
        camera.at(number / 25)
        camera.feed(b"".join(group))
    taken = ended(camera).sink.taken
    init = read_init(taken[0].init)
    assert camera.stream.picture is not None
    assert (init.codec, init.width, init.height, init.timescale) == (camera.stream.picture.codec, 320, 192, 90_000)
    assert init.codec.startswith(NAMES[codec])
    timeline = Timeline(1_800_000_000)
    moved = b"".join(timeline.place(part.data, init, 1_800_000_000_000_000 + n) for n, part in enumerate(taken))
    assert numbers(init.data + moved) == list(range(25))
    # a key frame is entered anywhere: the last part with one stands for itself
    last = max(n for n, part in enumerate(taken) if part.idr)
    assert numbers(init.data + taken[last].data)[0] == sum(len_of(part.data) for part in taken[:last])
    assert all(fragments(part.data, init) for part in taken)


def len_of(fragment: bytes) -> int:
    """Samples in a part."""
    return int.from_bytes(fragment[80:84], "big")


@pytest.mark.parametrize("codec", CODECS)
def test_an_init_that_was_cut_or_changed_is_refused_with_a_reason(clips: dict[str, Clip], codec: str) -> None:
    camera = camera_of(clips[codec])
    for group in rtp(clips[codec])[:2]:
        camera.feed(b"".join(group))
    init = ended(camera).sink.taken[0].init
    for place in range(0, len(init), 7):
        with pytest.raises(BadBoxes):
            read_init(init[:place])
    with pytest.raises(BadBoxes, match="not recorded"):
        read_init(re.sub(b"avc1\0{6}|hvc1\0{6}|mp4v\0{6}", b"vp09" + bytes(6), init))
    with pytest.raises(BadBoxes, match="not video"):
        read_init(init.replace(b"vide", b"soun"))


def test_hvcc_says_what_libavformat_says(clips: dict[str, Clip]) -> None:
    camera = camera_of(clips["H265"])
    for group in rtp(clips["H265"])[:2]:
        camera.feed(b"".join(group))
    init = ended(camera).sink.taken[0].init
    ours = init[init.index(b"hvcC") + 4 :]
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        packet = av.Packet(clips["H265"].units[0].data)
        stream.codec_context.extradata = b"".join(b"\0\0\0\1" + nal for nal in clips["H265"].units[0].nals[:3])
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 0, 0, True
        container.mux_one(packet)
    data = out.getvalue()
    theirs = data[data.index(b"hvcC") + 4 :]
    # spatial segmentation and parallelism (13 to 15) are hints that ours leaves open
    assert ours[:13] == theirs[:13]
    assert ours[16:22] == theirs[16:22]


def test_libav_names_the_same_codecs_in_our_inits(clips: dict[str, Clip]) -> None:
    for codec, name in (("H264", "h264"), ("H265", "hevc"), ("MP4V-ES", "mpeg4"), ("JPEG", "mjpeg")):
        camera = camera_of(clips[codec])
        for group in rtp(clips[codec]):
            camera.feed(b"".join(group))
        with av.open(io.BytesIO(ended(camera).mp4)) as container:
            assert [s.type for s in container.streams] == ["video"]
            assert container.streams.video[0].codec_context.codec.canonical_name == name


@pytest.mark.skipif(not SHARED.exists(), reason="the shared clips are not beside this checkout")
def test_parameter_sets_of_real_hevc_files() -> None:
    data = (SHARED / "girlshy.h265").read_bytes()
    nals = [n for n in re.split(rb"\x00{2,3}\x01", data) if n]
    sps = next(n for n in nals if n[0] >> 1 & 63 == h265.SPS)
    _, found = h265.sequence(sps)
    assert (found.picture.width, found.picture.height) == (316, 240)
    assert found.picture.codec.startswith("hvc1.1.")
    assert found.picture.reorder >= 1
    stream = packets.load(SHARED / "hevc_128x128_noaudio.mp4")
    assert (stream.codec, stream.width, stream.height, len(stream.frames)) == ("H265", 128, 128, 10)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared clips are not beside this checkout")
@pytest.mark.parametrize("name", ["mpeg4part2_mp3.mp4", "bigbuckbunny_h264_aac.mp4", "hevc_128x128_noaudio.mp4"])
def test_real_files_pass_through_rtp_frame_by_frame(name: str) -> None:
    with av.open(str(SHARED / name)) as container:
        count = sum(1 for p in container.demux(video=0) if p.size)
    stream = packets.load(SHARED / name)
    text = "v=0\r\n" + "\r\n".join(stream.describe())
    camera = camera_of(Clip(stream.codec, (), sdp.video(text, "rtsp://camera/x")))
    sequence = 0
    with av.open(str(SHARED / name)) as container:
        times = [p.pts * p.time_base for p in container.demux(video=0) if p.size]
    for frame, time in zip(stream.frames, times, strict=True):
        camera.at(float(max(times[0], time)))
        camera.feed(bytes(frame.patched(sequence, round(time * 90_000) + 9000 & 0xFFFFFFFF, 1)))
        sequence += len(frame.starts)
    mp4 = ended(camera).mp4
    with av.open(io.BytesIO(mp4)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        assert sum(1 for _ in container.decode(video=0)) == count
    assert not camera.sink.refusals


@pytest.mark.parametrize("q", [5, 35, 60, 99])
def test_quantisation_tables_by_number_are_those_of_the_standard(q: int) -> None:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.new("RGB", (16, 16)).save(out, "JPEG", quality=q)
    scan = payloads.scan(out.getvalue())
    assert mjpeg.quantisation(q) == scan.tables


def _jpeg(width: int = 320, height: int = 192, quality: int = 60, sampling: int = 2, interval: int = 0) -> bytes:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    noise = image.effect_noise((width, height), 60).convert("RGB")
    noise.save(out, "JPEG", quality=quality, subsampling=sampling, restart_marker_blocks=interval)
    return out.getvalue()


@pytest.mark.parametrize("sampling", [1, 2])
@pytest.mark.parametrize("interval", [0, 5])
@pytest.mark.parametrize("q", [60, 128, 200, 255])
def test_every_form_of_rtp_jpeg_gives_the_camera_s_own_picture(sampling: int, interval: int, q: int) -> None:
    camera = camera_of(Clip("JPEG", (), sdp.VideoTrack("", 26, (), "JPEG")))
    sent = [_jpeg(sampling=sampling, interval=interval) for _ in range(4)]
    sequence = 0
    for number, data in enumerate(sent):
        made = payloads.jpeg(data, 1200, q=q, said=number == 0)
        for index, payload in enumerate(made):
            packet = bytearray(packets.interleave(payload, marker=index == len(made) - 1, payload_type=26))
            packet[6:8], packet[8:12] = sequence.to_bytes(2, "big"), (number * 3600).to_bytes(4, "big")
            camera.feed(bytes(packet))
            sequence += 1
    assert camera.stream.frames == 4
    with av.open(io.BytesIO(ended(camera).mp4)) as container:
        shown = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    for data, seen in zip(sent, shown, strict=True):
        with av.open(io.BytesIO(data)) as container:
            own = next(container.decode(video=0)).to_ndarray(format="gray")
        assert (own == seen).all()


def test_jpeg_that_cannot_be_followed_is_refused_with_a_reason_or_dropped() -> None:
    def fed(payload: bytes, size: tuple[int, int] = (0, 0)) -> int:
        camera = camera_of(Clip("JPEG", (), sdp.VideoTrack("", 26, (), "JPEG", size=size)))
        camera.feed(packets.interleave(payload, marker=True, payload_type=26))
        if camera.stream.picture is not None:
            assert (camera.stream.picture.width, camera.stream.picture.height) == size
        return camera.stream.frames

    scan = bytes(400)
    for kind, width, said in ((7, 40, "type 7"), (1, 0, "2040")):
        with pytest.raises(StreamBroken, match=said):
            fed(struct.pack(">IBBBB", 0, kind, 50, width, 24) + scan)
    with pytest.raises(StreamBroken, match="interlaced"):
        fed(struct.pack(">IBBBB", 1 << 24, 1, 50, 40, 24) + scan)
    assert fed(struct.pack(">IBBBB", 0, 1, 50, 0, 0) + scan, (2560, 1440)) == 1
    # tables that never came, tables that are cut, a picture whose beginning is missing
    assert fed(struct.pack(">IBBBBI", 0, 1, 130, 40, 24, 0) + scan) == 0
    assert fed(struct.pack(">IBBBBI", 0, 1, 255, 40, 24, 0xFFFF) + scan) == 0
    assert fed(struct.pack(">IBBBB", 900, 1, 50, 40, 24) + scan) == 0


def test_a_jpeg_piece_at_a_wrong_place_drops_its_picture() -> None:
    camera = camera_of(Clip("JPEG", (), sdp.VideoTrack("", 26, (), "JPEG")))
    for number, (offset, mark) in enumerate(((0, False), (900, True), (0, False), (300, True))):
        payload = struct.pack(">IBBBB", offset, 1, 50, 40, 24) + bytes(300)
        packet = bytearray(packets.interleave(payload, marker=mark, payload_type=26))
        packet[6:8], packet[8:12] = number.to_bytes(2, "big"), (number // 2 * 3600).to_bytes(4, "big")
        camera.feed(bytes(packet))
    assert camera.stream.frames == 1


def test_parameter_sets_that_are_cut_are_said_to_be() -> None:
    one = encode("H265", 0, 1)
    sets = {nal[0] >> 1 & 63: nal for nal in one.units[0].nals if nal[0] >> 1 & 63 in (32, 33, 34)}
    assert set(sets) == {32, 33, 34}
    number, found = h265.sequence(sets[33])
    assert (number, found.picture.width, found.picture.height, found.form[0]) == (0, 320, 192, 1)
    for end in range(20):
        with pytest.raises(BadParameterSet):
            h265.sequence(sets[33][:end])
    config = encode("MP4V-ES", 0, 1).extra
    assert (mpeg4.picture(config).width, mpeg4.picture(config).height) == (320, 192)
    layer = config.index(b"\0\0\1\x20")
    for end in range(layer + 12):
        with pytest.raises(BadParameterSet):
            mpeg4.picture(config[:end])
    for text in (b"", b"\xff\xd8", b"\xff\xd8\xff\xc0\0\x11", _jpeg()[:150]):
        with pytest.raises(BadParameterSet):
            mjpeg.size_of(text)


REAL = (
    # line ends of every kind, lower case, spaces, base64 without padding, a start code before a set
    "v=0\ro=- 1 1 IN IP4 0.0.0.0\rm=video 0 RTP/AVP 96\ra=rtpmap:96  h264/90000\ra=fmtp:96  packetization-mode=1; "
    "sprop-parameter-sets=Z0IAHukBQHsg,aM44gA \ra=control:trackID=0\r",
    "v=0\nm=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 97\na=control:t2\na=rtpmap:97 HEVC/90000\n"
    "a=fmtp:97 sprop-vps=" + base64.b64encode(b"\0\0\0\1\x40\x01\x0c").decode() + "; sprop-sps=QgEB; sprop-pps=RAHA\n",
    "v=0\r\nm=video 0 RTP/AVP 26\r\na=x-dimensions:2560,1440\r\na=control:rtsp://10.9.9.9/cam/track1\r\n",
    "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=fmtp:96 profile-level-id=245;config=000001B0F5\r\n",
)


def test_dirty_descriptions_are_read() -> None:
    first, second, third, fourth = (sdp.video(text, "rtsp://camera:8554/cam") for text in REAL)
    assert (first.codec, first.payload, len(first.parameter_sets), first.control) == (
        "H264", 96, 2, "rtsp://camera:8554/cam/trackID=0",
    )  # fmt: skip
    assert (second.codec, second.parameter_sets[0]) == ("H265", b"\x40\x01\x0c")
    assert (third.codec, third.payload, third.size) == ("JPEG", 26, (2560, 1440))
    assert third.control == "rtsp://camera:8554/cam/track1"
    assert (fourth.codec, fourth.config) == ("MP4V-ES", bytes.fromhex("000001B0F5"))


def test_of_several_tracks_the_one_that_records_cheapest_is_taken_unless_the_source_says_otherwise() -> None:
    tracks = "".join(
        f"m=video 0 RTP/AVP {n}\r\na=rtpmap:{n} {codec}/90000\r\na=control:{n}\r\n"
        for n, codec in ((26, "JPEG"), (97, "MP4V-ES"), (98, "H265"), (99, "H264"), (100, "H264"))
    )
    assert sdp.video("v=0\r\n" + tracks, "rtsp://c/").payload == 99
    assert sdp.video("v=0\r\n" + tracks, "rtsp://c/", ("H265",)).payload == 98
    without = tracks.replace("H264", "VP9")
    assert sdp.video("v=0\r\n" + without, "rtsp://c/").payload == 98


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("a=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-max-don-diff=2", "decoding order"),
        ("a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=2", "interleaved"),
        ("a=rtpmap:96 MP4V-ES/1000", "1000 Hz"),
        ("a=rtpmap:96 AV1/90000", "AV1"),
        ("a=rtpmap:²6 H264/90000", "payload type 96"),
        ("a=control:rtsp://[::1/x\r\na=rtpmap:96 H264/90000", "address"),
    ],
)
def test_a_track_that_cannot_be_recorded_is_refused_with_its_reason(lines: str, why: str) -> None:
    with pytest.raises(sdp.UnsupportedVideo, match=why):
        sdp.video(f"v=0\r\nm=video 0 RTP/AVP 96\r\n{lines}\r\n", "rtsp://c/")
