"""Four codecs from a camera's socket to sealed files and the live ring: keys, index rows, counters decoded."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from codec_rig import CODECS
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until

from gwanje.kernel.footage import Segment
from gwanje.media.play.boxes import read_init
from gwanje.media.sim import clips, packets
from gwanje.media.sim.server import SimThread

NAMES = {"H264": "avc1.", "H265": "hvc1.", "MP4V-ES": "mp4v.20.", "JPEG": "mp4v.6C"}
LOOP = 2 * 15


@pytest.fixture(scope="module")
def made() -> list[clips.Clip]:
    """One camera of each codec, the first with sound."""
    out = []
    for number, codec in enumerate(CODECS):
        one = clips.streets(CLIPS, [f"A-02{number}"], seconds=2, codec=codec)[0]
        out.append(clips.Clip(NAMES[codec].strip("."), one.label, one.main, one.sub, audio=True))
    return out


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
