"""The live server: the same bytes for all, a slow viewer skips and is told, tokens renew or end the view."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from gwanje.kernel import base64url
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.permit import LiveToken
from gwanje.media import live
from gwanje.media.h264 import Picture
from gwanje.media.live import LiveServer
from gwanje.media.ring import LiveRing

CAMERA, PERSON = UUID(int=1), UUID(int=2)
ORIGIN = "http://localhost:8800"


class Desk:
    """The server with two rings, and the web's key."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.rings = {0: LiveRing(), 1: LiveRing()}
        self.clock = Clock()
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.server = LiveServer(
            clock=self.clock, web_key=lambda: public_bytes(self.key),
            ring_of=lambda camera, stream: self.rings.get(stream) if camera == CAMERA else None,
            report=lambda kind, detail: self.reports.append((kind, detail)), web_port=8800, health=lambda: {"ok": True},
        )  # fmt: skip
        self.port = 0
        self.sent = 0

    def token(self, seconds: float = 60, stream: int = 0, person: UUID = PERSON) -> str:
        expires = int(self.clock.now_us() / 1e6 + seconds)
        signed = LiveToken(CAMERA, stream, person, "관제석 1", expires).sign(self.key)
        return json.dumps({"token": base64url.to_text(signed)})

    def push(self, key: bool, size: int = 1000) -> None:
        self.rings[0].push(struct.pack(">BQI", 2, 0, self.sent) + bytes(size), key)
        self.sent += 1

    @contextlib.asynccontextmanager
    async def tile(self, first: str | None = None) -> AsyncIterator[ClientConnection]:
        async with connect(f"ws://127.0.0.1:{self.port}/live", origin=ORIGIN, max_queue=2, close_timeout=1) as tile:
            await tile.send(first or self.token())
            yield tile


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    made.port = await made.server.start(0)
    made.rings[0].started(Picture(640, 360, "avc1.42c01e", 0), b"init", 0)
    try:
        yield made
    finally:
        await made.server.stop()


def number(message: bytes) -> int:
    return int(struct.unpack(">I", message[9:13])[0])


async def drained(tile: ClientConnection) -> None:
    """Read until the server has closed it."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            async for _ in tile:
                pass
    assert tile.close_code is not None


async def test_a_newcomer_begins_at_the_last_key_frame() -> None:
    async with desk() as made:
        for n in range(25):
            made.push(n % 10 == 0)
        async with made.tile() as tile:
            assert json.loads(await tile.recv()) == {
                "type": "init", "codec": "avc1.42c01e", "width": 640, "height": 360,
            }  # fmt: skip
            assert await tile.recv() == struct.pack(">BQ", 1, 0) + b"init"
            assert [number(await tile.recv()) for _ in range(5)] == [20, 21, 22, 23, 24]
            made.push(False)
            assert number(await tile.recv()) == 25


async def test_a_slow_viewer_skips_to_a_key_frame_and_is_told_how_many() -> None:
    async with desk() as made, made.tile() as slow, made.tile() as quick:
        await until(lambda: made.server.viewers == 2)
        seen: list[int] = []

        async def read() -> None:
            async for message in quick:
                if isinstance(message, bytes) and message[0] == 2:
                    seen.append(number(message))

        reading = asyncio.create_task(read())
        for n in range(300):
            made.push(n % 20 == 0, 60_000)
            await asyncio.sleep(0.003)
        await until(lambda: len(seen) == 300)
        reading.cancel()
        got: list[int] = []
        drops = []
        done = False
        while not done:
            message = await asyncio.wait_for(slow.recv(), 5)
            if isinstance(message, str):
                said = json.loads(message)
                if said["type"] == "drop":
                    drops.append((len(got), said["frames"]))
            elif message[0] == 2:
                got.append(number(message))
            if not drops and slow.state.name == "OPEN":
                made.push(made.sent % 20 == 0, 100)
            done = bool(drops) and len(got) > drops[0][0]
    assert seen == list(range(300))
    (at, frames), *_ = drops
    assert got[:at] == list(range(at))
    assert got[at] == at + frames
    assert got[at] % 20 == 0


async def test_a_token_renews_for_the_same_stream_and_seat_only() -> None:
    async with desk() as made:
        async with made.tile(made.token(2)) as tile:
            await tile.send(made.token(60))
            await asyncio.sleep(2.2)
            made.push(True)
            while (message := await tile.recv())[0] != 2:
                pass
            assert number(message) == 0
        for other in (made.token(60, stream=1), made.token(60, person=UUID(int=3))):
            async with made.tile() as tile:
                await tile.send(other)
                with contextlib.suppress(ConnectionClosed):
                    async for _ in tile:
                        pass
                assert tile.close_code == live.REFUSED
    assert made.reports == [("live.token.refused", {"outcome": "refused", "reason": "another stream", "count": 2})]


async def test_one_connection_turns_to_another_stream_of_the_same_person_and_seat() -> None:
    """A tile that shows another camera needs a token for it, and no new connection; nothing of the two is mixed."""
    async with desk() as made, made.tile() as tile:
        made.rings[1].started(Picture(320, 180, "avc1.42c00d", 0), b"other", 0)
        made.push(True)
        await until(lambda: made.server.viewers == 1)
        told: list[str | bytes] = []

        async def turned(turn: int) -> None:
            while not told or told[-1] != json.dumps({"type": "turned", "turn": turn}):
                told.append(await asyncio.wait_for(tile.recv(), 5))

        for turn, (stream, pixels, init) in enumerate(((1, 320, b"other"), (0, 640, b"init")), 1):
            said = {**json.loads(made.token(stream=stream)), "turn": turn}
            await tile.send(json.dumps(said))
            await turned(turn)
            assert json.loads(await tile.recv())["width"] == pixels
            assert (await tile.recv())[9:] == init
            await until(lambda: made.server.viewers == 1)
        assert all(ring.viewers == set() for ring in (made.rings[1],)), "nobody watches what was turned away from"
        await tile.send(json.dumps({**json.loads(made.token(person=UUID(int=3))), "turn": 3}))
        await drained(tile)
        assert tile.close_reason == "another stream"


@pytest.mark.parametrize("turn", [-1, True, "1", 1.5, 1 << 31])
async def test_a_turn_is_a_number(turn: object) -> None:
    async with desk() as made, made.tile(json.dumps({**json.loads(made.token()), "turn": turn})) as tile:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(tile.recv(), 5)
        assert tile.close_reason == "malformed"


async def test_whoever_watches_a_camera_that_leaves_this_recorder_is_told() -> None:
    async with desk() as made, made.tile() as one, made.tile() as other:
        await until(lambda: made.server.viewers == 2)
        made.rings[0].close()
        for tile in (one, other):
            await drained(tile)
            assert (tile.close_code, tile.close_reason) == (4410, "moved")
        await until(lambda: not made.server.viewers)


async def test_a_token_that_says_it_lives_for_hours_opens_nothing() -> None:
    """Whatever signed it: the right to watch is asked for every minute, so that a shift's end ends it."""
    async with desk() as made:
        async with made.tile(made.token(seconds=3600)) as tile:
            with pytest.raises(ConnectionClosed):
                await tile.recv()
            assert (tile.close_code, tile.close_reason) == (live.REFUSED, "too long")
        async with made.tile() as tile:
            await tile.recv()
            await tile.send(made.token(seconds=3600))
            await asyncio.wait_for(tile.wait_closed(), 5)
            assert tile.close_reason == "too long"


async def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "VIEWERS_MAX", 1)
    monkeypatch.setattr(live, "FIRST_TOKEN_S", 0.1)
    async with desk() as made, made.tile() as first:
        await until(lambda: made.server.viewers == 1)
        codes = []
        for said in (made.token(), "{", "x" * 9000, None):
            async with connect(f"ws://127.0.0.1:{made.port}/live", origin=ORIGIN) as tile:
                if said is not None:
                    await tile.send(said)
                with contextlib.suppress(ConnectionClosed):
                    async for _ in tile:
                        pass
                codes.append(tile.close_code)
        assert codes == [live.BUSY, live.REFUSED, 1009, live.REFUSED]
        made.push(True)
        while (await first.recv())[0] != 2:
            pass


async def test_a_ping_waits_for_the_end_of_the_frame_on_its_way() -> None:
    """What the library writes never cuts a picture in two, however slowly the picture leaves."""
    async with desk() as made, made.tile() as slow:
        await until(lambda: made.server.viewers == 1)
        made.push(True, 10)
        (fan,) = made.server._fans.values()
        (seat,) = fan.seats
        for _ in range(15):
            made.push(False, 400_000)
        await until(lambda: seat._rest is not None)
        sent = made.sent
        talk = [asyncio.create_task(c) for c in (seat._connection.ping(), seat._connection.send('{"type": "words"}'))]
        await asyncio.sleep(0)
        assert seat._rest is None
        seen: list[int] = []
        words = 0
        while not words or len(seen) < sent:
            message = await asyncio.wait_for(slow.recv(), 10)
            if isinstance(message, str):
                words += "words" in message
            elif message[0] == 2:
                seen.append(number(message))
                assert len(message) in (23, 400_013)
        assert seen == list(range(sent))
        pong = (await asyncio.wait_for(asyncio.gather(*talk), 5))[0]
        assert pong is not None
        await asyncio.wait_for(pong, 5)


async def test_a_stream_that_begins_anew_sends_its_init_before_its_pictures() -> None:
    async with desk() as made, made.tile() as tile:
        await until(lambda: made.server.viewers == 1)
        made.push(True)
        kinds: list[str | bytes] = []
        while len(kinds) < 6:
            message = await asyncio.wait_for(tile.recv(), 5)
            kinds.append(message if isinstance(message, str) else message[:1] + message[9:14])
            if len(kinds) == 3:
                made.rings[0].started(Picture(1280, 720, "avc1.4d001f", 0), b"other", 7)
                made.push(True)
        assert json.loads(kinds[0])["codec"] == "avc1.42c01e"
        assert kinds[1] == b"\1init"
        assert kinds[2][:1] == b"\2"
        assert json.loads(kinds[3])["width"] == 1280
        assert kinds[4] == b"\1other"
        assert kinds[5][:1] == b"\2"


async def test_a_page_of_another_origin_is_not_served() -> None:
    """The web's two addresses and those of the config; a page from elsewhere, and none at all, are refused."""
    named = "https://cctv.gaon.example"
    server = LiveServer(
        clock=Clock(), web_key=bytes, ring_of=lambda *_: None, report=lambda *_: None, web_port=8800,
        health=lambda: {"ok": True}, origins=[named],
    )  # fmt: skip
    port = await server.start(0)
    try:
        for origin in (ORIGIN, named):
            async with connect(f"ws://127.0.0.1:{port}/live", origin=Origin(origin)):
                pass
        for wrong in ("https://evil.example", "http://cctv.gaon.example", f"{named}.evil.example", None):
            with pytest.raises(InvalidStatus):
                async with connect(f"ws://127.0.0.1:{port}/live", origin=Origin(wrong) if wrong else None):
                    pass
    finally:
        await server.stop()
