"""Four codecs from a camera's socket to sealed files and the live ring: keys, index rows, counters decoded."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from codec_rig import CODECS
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until

from gwanje.kernel.footage import Gap, Segment
from gwanje.law import load
from gwanje.media import sdp
from gwanje.media.play.boxes import read_init
from gwanje.media.sim import clips, packets
from gwanje.media.sim.server import SimThread

NAMES = {"H264": "avc1.", "H265": "hvc1.", "MP4V-ES": "mp4v.20.", "JPEG": "mp4v.6C"}
LOOP = 2 * 15
STANDARD = {"MPEG-4": "MP4V-ES", "MJPEG": "JPEG", "H.264": "H264"}
ONLY = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {}\r\na=fmtp:96 {}\r\n"


@pytest.fixture(scope="module")
def made() -> list[clips.Clip]:
    """One camera of each codec, the first with sound."""
    out = []
    for number, codec in enumerate(CODECS):
        one = clips.streets(CLIPS, [f"A-02{number}"], seconds=2, codec=codec)[0]
        out.append(clips.Clip(NAMES[codec].strip("."), one.label, one.main, one.sub, audio=True))
    return out


@pytest.mark.norm("recording.codecs", "allow")
async def test_one_camera_of_each_codec_is_recorded_and_seen(tmp_path: Path, made: list[clips.Clip]) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(made) as sim:
        wanted = [source(n, sim.url(c.name), sim.url(c.name, "sub")) for n, c in enumerate(made, 1)]
        async with recording(tmp_path, lender, wanted, segment_s=300) as recorder:
            cameras = [recorder.fleet.cameras[one.camera] for one in wanted]
            await until(lambda: all(c.rings[0].frames > 40 and c.rings[1].frames > 20 for c in cameras), 25)
    found = {path.parent.name: opened(path, lender) for path in segment_files(tmp_path)}
    said = {str(row.slot): row for row in rows(tmp_path) if isinstance(row, Segment)}
    assert set(found) == {"1", "2", "3", "4"}
    for slot, codec in zip("1234", CODECS, strict=True):
        init = read_init(next(plain for header, plain in found[slot].parts if header.kind == 2))
        assert init.codec == said[slot].codec
        assert init.codec.startswith(NAMES[codec])
        assert (said[slot].width, said[slot].height) == (1280, 720)
        counters = decoded(found[slot].mp4)
        assert None not in counters
        assert len(counters) == found[slot].samples > 35
        assert all((b - a) % LOOP == 1 for a, b in itertools.pairwise(counters)), (codec, counters)


@pytest.mark.parametrize("codec", CODECS)
def test_simulated_cameras_describe_what_they_send(made: list[clips.Clip], codec: str) -> None:
    stream = packets.load(made[CODECS.index(codec)].main)
    assert stream.codec == codec
    assert [n for n, frame in enumerate(stream.frames) if frame.key][:2] == ([0, 1] if codec == "JPEG" else [0, 15])
    assert f"{codec}/90000" in "\n".join(stream.describe())


def test_every_codec_that_a_standard_names_is_among_those_recorded_above() -> None:
    named = {
        word
        for pack in load(["kr_national", "kr_anyang", "kr_seoul"]).packs
        for row in pack.parameters
        if row.name == "recording.codecs"
        for word in row.value
    }
    assert named == set(STANDARD), "a standard names another codec: record it, or say that it is not met"
    assert {STANDARD[word] for word in named} <= set(CODECS) == set(sdp.CODECS)


@pytest.mark.norm("recording.codecs", "deny")
@pytest.mark.parametrize(
    ("mapped", "fmtp", "said"),
    [
        ("VP8/90000", "", "only: VP8/90000$"),
        ("H263-1998/90000", "", "only: H263-1998/90000$"),
        ("AV1/90000", "", "only: AV1/90000$"),
        ("H264/48000", "", "a clock of 48000 Hz"),
        ("H264/90000", "packetization-mode=2", "interleaved packetisation"),
        ("H265/90000", "sprop-max-don-diff=1", "decoding order numbers"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_its_reason(mapped: str, fmtp: str, said: str) -> None:
    with pytest.raises(sdp.UnsupportedVideo, match=said):
        sdp.video(ONLY.format(mapped, fmtp), "rtsp://127.0.0.1/x")


@pytest.mark.norm("recording.codecs", "deny")
async def test_a_camera_of_another_codec_is_a_gap_that_says_so(
    tmp_path: Path, made: list[clips.Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets.Stream, "describe", lambda _: ONLY.format("VP8/90000", "").splitlines()[1:])
    with SimThread(made[:1]) as sim:
        wanted = source(1, sim.url(made[0].name))
        async with recording(tmp_path, Roots(midhour(tmp_path)), [wanted]):
            await until(lambda: any(isinstance(row, Gap) for row in rows(tmp_path)), 10)
    assert not segment_files(tmp_path)
    assert "VP8" in str([row for row in rows(tmp_path) if isinstance(row, Gap)])
