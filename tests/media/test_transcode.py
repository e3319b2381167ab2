"""Stream 2: another codec becomes H.264 while somebody watches; counted, limited, and a crash costs that view only."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gwanje.kernel import base64url
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.permit import LiveToken
from gwanje.media import fmp4, live
from gwanje.media.live import LiveServer
from gwanje.media.picture import Picture
from gwanje.media.ring import LiveRing
from gwanje.media.sim import counter
from gwanje.media.transcode import pool

FRAMES, WIDTH, HEIGHT = 30, 960, 540
ENCODERS = {
    "h264": ("libx264", {"bf": "0", "preset": "ultrafast"}),
    "h265": ("libx265", {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none"}),
    "mpeg4": ("mpeg4", {"bf": "0"}),
    "mjpeg": ("mjpeg", {}),
}


def clip(codec: str) -> tuple[bytes, list[tuple[bytes, bool]]]:
    """The init segment that libavformat writes, and the samples with whether they are key frames."""
    name, options = ENCODERS[codec]
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "empty_moov+frag_every_frame+default_base_moof"}) as made:
        stream: Any = made.add_stream(name, rate=25)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate, stream.codec_context.gop_size = 3_000_000, 10
        stream.codec_context.options = options
        for number in range(FRAMES):
            picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            counter.draw(picture, number)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        made.mux(stream.encode(None))
    data = out.getvalue()
    with av.open(io.BytesIO(data)) as read:
        packets = [(bytes(p), bool(p.is_keyframe)) for p in read.demux(video=0) if p.size]
    return data[: data.index(b"moof") - 4], packets


def push(ring: LiveRing, number: int, sample: bytes, key: bool) -> None:
    flags = fmp4.SYNC if key else fmp4.NON_SYNC
    ring.push(fmp4.frame_head(1000 + number, number, 90_000 + number * 3600, 3600, len(sample), flags, 0) + sample, key)


class Desk:
    """A live server with one camera whose main stream another codec has."""

    def __init__(self, most: int = 8) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.rings: dict[UUID, LiveRing] = {UUID(int=n): LiveRing() for n in (1, 2, 3)}
        self.clock = Clock()
        self.server = LiveServer(
            clock=self.clock, web_key=lambda: public_bytes(self.key), report=lambda *_: None, web_port=8800,
            ring_of=lambda camera, stream: self.rings.get(camera) if stream == 0 else None, health=dict,
            transcodes_max=most,
        )  # fmt: skip
        self.port = 0

    @contextlib.asynccontextmanager
    async def tile(self, camera: int = 1, stream: int = 2) -> AsyncIterator[ClientConnection]:
        expires = self.clock.now_s() + 60
        token = LiveToken(UUID(int=camera), stream, UUID(int=9), "관제석 1", expires).sign(self.key)
        url = f"ws://127.0.0.1:{self.port}/live"
        async with connect(url, origin="http://localhost:8800", close_timeout=1, max_size=None) as tile:
            await tile.send(json.dumps({"token": base64url.to_text(token)}))
            yield tile


@contextlib.asynccontextmanager
async def desk(codec: str, most: int = 8) -> AsyncIterator[tuple[Desk, list[tuple[bytes, bool]]]]:
    made = Desk(most)
    made.port = await made.server.start(0)
    init, samples = clip(codec)
    for ring in made.rings.values():
        ring.started(Picture(WIDTH, HEIGHT, codec, 0), init, 0)
    try:
        yield made, samples
    finally:
        await made.server.stop()
        await until(lambda: not len(made.server.transcodes))


async def shown(tile: ClientConnection, count: int) -> tuple[dict[str, Any], list[int | None]]:
    """What the tile was told, and the numbers burnt into the first ``count`` pictures that it got."""
    said: dict[str, Any] = {}
    movie = b""
    frames = 0
    while frames < count:
        message = await asyncio.wait_for(tile.recv(), 20)
        if isinstance(message, str):
            said = json.loads(message)
            continue
        movie += message[9:]
        frames += message[0] == 2
    with av.open(io.BytesIO(movie)) as read:
        read.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return said, [counter.read(frame.to_ndarray(format="rgb24")) for frame in read.decode(video=0)]


@pytest.mark.parametrize("codec", list(ENCODERS))
async def test_every_codec_becomes_small_h264_frame_by_frame(codec: str) -> None:
    async with desk(codec) as (made, samples), made.tile() as tile:
        for number, (sample, key) in enumerate(samples):
            push(made.rings[UUID(int=1)], number, sample, key)
        # a newcomer begins at the key frame of the group that runs; every JPEG is one
        wanted = [29] if codec == "mjpeg" else list(range(20, 30))
        said, numbers = await shown(tile, len(wanted))
        assert numbers == wanted
        assert said["codec"].startswith("avc1.42")
        assert (said["width"], said["height"]) == (640, 360)


async def test_one_more_than_the_limit_is_told_why_and_the_last_viewer_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LINGER_S", 0.3)
    async with desk("mpeg4", most=1) as (made, samples):
        async with made.tile(1) as first, made.tile(1) as second:
            for number, (sample, key) in enumerate(samples):
                push(made.rings[UUID(int=1)], number, sample, key)
            assert (await shown(first, 2))[1]
            assert (await shown(second, 2))[1]
            assert len(made.server.transcodes) == 1
            async with made.tile(2) as third:
                said = json.loads(await third.recv())
                assert said["type"] == "busy"
                assert "1대까지" in said["ko"]
                with pytest.raises(ConnectionClosed):
                    await third.recv()
                assert third.close_code == live.BUSY
            async with made.tile(7) as nobody:
                await nobody.wait_closed()
                assert nobody.close_reason == "no such stream"
        await until(lambda: not len(made.server.transcodes), 10)
        assert not made.rings[UUID(int=1)].viewers


async def test_a_crash_costs_that_view_only() -> None:
    async with desk("mjpeg") as (made, samples):
        main = made.rings[UUID(int=1)]
        async with made.tile() as tile, made.tile(stream=0) as other, made.tile(3) as third:
            for camera in (1, 3):
                push(made.rings[UUID(int=camera)], 0, *samples[0])
            await shown(tile, 1)
            await shown(third, 1)
            children = [
                int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            ]
            mine = [pid for pid in children if b"transcode.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert len(mine) == 2
            os.kill(mine[0], signal.SIGKILL)
            await asyncio.wait_for(tile.wait_closed(), 10)
            assert len(made.server.transcodes) == 1
            push(main, 1, *samples[1])
            while (message := await asyncio.wait_for(other.recv(), 10))[0] != 2:
                pass
            assert message
            push(made.rings[UUID(int=3)], 1, *samples[1])
            assert await asyncio.wait_for(third.recv(), 10)
        async with made.tile() as again:
            push(main, 2, *samples[2])
            assert (await shown(again, 1))[1]


async def test_a_decoder_fed_with_noise_ends_alone() -> None:
    async with desk("h265") as (made, samples), made.tile() as tile:
        ring = made.rings[UUID(int=1)]
        push(ring, 0, bytes(range(256)) * 20, True)
        for number, (sample, key) in enumerate(samples, 1):
            push(ring, number, sample, key)
        told, numbers = await shown(tile, 5)
        assert told["type"] == "init"
        assert len(numbers) == 5


def test_a_live_message_is_read_where_it_says() -> None:
    from gwanje.media.transcode.worker import FIELDS

    head = fmp4.frame_head(7, 1, 123_456, 3600, 5, fmp4.SYNC, -900)
    assert FIELDS.size == len(head)
    assert FIELDS.unpack_from(head) == (123_456, 3600, -900)
    assert Fraction(1, fmp4.TIMESCALE) == Fraction(1, 90_000)
