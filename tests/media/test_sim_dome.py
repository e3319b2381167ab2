"""The simulated dome's picture follows its head: another view at once, the clip again when it is home, one stream."""

from __future__ import annotations

import time

import av
import numpy as np
import pytest
from sim_tools import short_streets

from gwanje.media.sim import counter, street
from gwanje.media.sim.server import SimThread
from gwanje.media.sim.turning import Turning, cut, words

SECONDS = 4


def test_what_it_sees_moves_with_its_head():
    picture = np.tile(np.arange(1280, dtype=np.uint16).astype(np.uint8)[None, :, None], (720, 1, 3)).copy()
    assert np.array_equal(cut(picture, (0, 0, 0)), picture)
    right = cut(picture, (0.02, 0, 0))
    assert np.array_equal(right[:, :1152], picture[:, 128:]), "0.02 of pan are a tenth of a picture"
    assert np.array_equal(cut(picture, (-1, 0, 0)), cut(picture, (1, 0, 0))), "the ring closes"
    assert cut(picture, (0, 0, 1)).shape[1] == round(1280 / 11)
    assert cut(picture, (0.3, -1, 0.5)).shape[2] == 3
    assert words("A-0104", (0.5, -0.25, 1.0)) == "A-0104  P+090 T-22 x11.0"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory):
    return short_streets(tmp_path_factory.mktemp("dome"), 1, SECONDS)[0]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of the middle of two pictures."""
    return float(np.abs(one[150:500].astype(int) - other[150:500]).mean())


def test_the_stream_turns_and_comes_home_and_every_picture_says_its_number(clip):
    at = [0.0, 0.0, 0.0]
    sim = SimThread([clip])
    camera = sim.server.cameras[clip.name]
    sets = {name: (stream.sps, stream.pps) for name, stream in camera.streams.items()}
    camera.turning = Turning(0, clip.label, lambda _: tuple(at), sets, SECONDS)
    plain = {n: f.to_ndarray(format="rgb24") for n, f in enumerate(av.open(str(clip.main)).decode(video=0))}
    with sim, av.open(sim.url(clip.name), options={"rtsp_transport": "tcp"}, timeout=20) as stream:
        frames = stream.decode(video=0)

        def until(test, most: int = 40 * street.RATE) -> int:
            for _ in range(most):
                picture = next(frames).to_ndarray(format="rgb24")
                number = counter.read(picture)
                assert number is not None
                if test(apart(picture, plain[number])):
                    return number
            raise AssertionError("it never looked so")

        until(lambda difference: difference < 6)
        at[0] = 0.1
        until(lambda difference: difference > 12)
        assert camera.turning.live
        # a whole loop at one place: from then on nothing is drawn
        # (a busy machine leaves pictures out, and they are drawn in a later loop)
        end = time.monotonic() + 180
        while camera.turning.kept(0, tuple(at)) is None:
            assert time.monotonic() < end, "no whole loop in three minutes"
            until(lambda _: True)
        drawn, again = camera.turning.drawn, []
        camera.turning.drawn = lambda *said, **more: again.append(said[0]) or drawn(*said, **more)
        for _ in range(2 * street.RATE):
            until(lambda difference: difference > 12)
        assert again == []
        camera.turning.drawn = drawn
        at[0] = 0.0
        # drawn straight ahead until the next key frame, from then on the clip
        until(lambda difference: difference < 6 and not camera.turning.live)
        until(lambda difference: difference < 6)


def test_a_view_that_cannot_be_drawn_costs_the_view_alone(clip, caplog):
    sim = SimThread([clip])
    camera = sim.server.cameras[clip.name]
    camera.turning = Turning(0, clip.label, lambda _: (0.3, 0.0, 0.0), {}, SECONDS)
    with sim, av.open(sim.url(clip.name, "sub"), options={"rtsp_transport": "tcp"}, timeout=20) as stream:
        assert next(stream.decode(video=0)).width == 640
    assert camera.turning is None
    assert "not drawn" in caplog.text
