"""A camera that signs its video, from its socket to the sealed parts: every message stands as it was sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rig import CLIPS, Roots, midhour, opened, recording, segment_files, source, until

from gwanje.media.signed.film import Film
from gwanje.media.sim import clips, live
from gwanje.media.sim.server import SimThread
from gwanje.media.sim.signing import Identity
from gwanje.vault import camera_keys, nals, parts

CODECS = ("H264", "H265")


@pytest.fixture(scope="module")
def cameras() -> list[clips.Clip]:
    """One signing camera of each codec."""
    made = [clips.streets(CLIPS, [f"A-02{n}"], seconds=2, codec=codec)[0] for n, codec in enumerate(CODECS)]
    return [replace(one, name=codec, signer=Identity.new(codec)) for one, codec in zip(made, CODECS, strict=True)]


async def test_signatures_reach_the_sealed_parts_byte_for_byte_and_verify(
    tmp_path: Path, cameras: list[clips.Clip]
) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(cameras, clock=lender.clock) as sim:
        wanted = [source(n, sim.url(c.name), sim.url(c.name, "sub")) for n, c in enumerate(cameras, 1)]
        async with recording(tmp_path, lender, wanted, segment_s=300) as recorder:
            running = [recorder.fleet.cameras[one.camera] for one in wanted]
            await until(lambda: all(one.rings[0].frames > 60 for one in running), 25)
        sent = [sim.server.cameras[codec].streams["main"].frames for codec in CODECS]
    found = {path.parent.name: opened(path, lender) for path in segment_files(tmp_path)}
    for slot, camera, frames in zip("12", cameras, sent, strict=True):
        assert isinstance(frames, live.Signed)
        init = next(plain for header, plain in found[slot].parts if header.kind == parts.INIT)
        header = nals.codec(init)
        video = [(head, plain) for head, plain in found[slot].parts if head.kind == parts.VIDEO]
        stored = [
            bytes(nal) for _, plain in video for kind, _, nal in nals.units(header, plain) if kind == nals.SIGNATURE
        ]
        assert len(stored) >= 3
        assert set(stored) <= set(frames.sent)
        assert stored == [one for one in frames.sent if one in set(stored)]
        assert camera.signer is not None
        for registered, state in (([camera_keys.read(camera.signer.certificate)], "valid"), ([], "unknown")):
            film = Film(init, registered)
            for head, plain in video:
                film.part(plain, head.start_us, head.duration_us)
            spans = film.end()
            assert {span.state for span in spans} <= {state, "open"}, spans
            assert sum(span.until_us - span.first_us for span in spans if span.state == state) >= 2_000_000
            assert film.chain is not None
            assert film.chain.clock_s is not None
            assert all(-2 <= ahead <= 2 for ahead in film.chain.clock_s)


def test_a_codec_without_a_place_for_signatures_is_refused(tmp_path: Path) -> None:
    (plain,) = clips.streets(CLIPS, ["A-023"], seconds=2, codec="JPEG")
    with pytest.raises(ValueError, match="no place"), SimThread([replace(plain, signer=Identity.new())]):
        pass
