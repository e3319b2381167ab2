"""A recorder's steering desk behind its real listener, with a dome of real speeds as the device's side."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect

from gwanje.kernel import base64url
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.permit import PtzToken
from gwanje.kernel.sources import Source
from gwanje.media.live import LiveServer
from gwanje.media.ptz import Head, HeadRefused, Preset, Standing
from gwanje.media.ptz_desk import PtzDesk
from gwanje.media.sim.dome import Dome

CAMERA, AGENCY, PERSON = UUID(int=1), UUID(int=2), UUID(int=3)
ORIGIN = "http://localhost:8800"
ARTICLES = (("kr_national:25(5)", "개인정보 보호법 제25조제5항"),)
ZONE: dict[str, Any] = {
    "limits": [[-0.5, 0.5], [-0.5, 0.5], [0, 0.8]], "home": [0, 0, 0], "purpose": "범죄예방",
    "view": {"wide": [0.1, 0.1], "tele": [0.02, 0.02]},
    "forbidden": [{"name": "주택 창문", "polygon": [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.4]], "from_zoom": 0.3}],
}  # fmt: skip


class DomeHead:
    """A head over a dome in this process; ``away`` makes it silent, ``log`` is what the device was told."""

    def __init__(self, dome: Dome) -> None:
        self.dome, self.away = dome, False
        self.log: list[str] = []
        self.timeouts: list[float] = []

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _heard(self, word: str) -> float:
        await asyncio.sleep(0.01)
        if self.away:
            raise HeadRefused("no answer in time")
        if word:
            self.log.append(word)
        return self.now()

    async def position(self) -> Standing:
        now = await self._heard("")
        return Standing(self.dome.advance(now), self.dome.moving)

    async def move(self, speeds: tuple[float, float, float], timeout_s: float) -> None:
        self.timeouts.append(timeout_s)
        self.dome.move(await self._heard("move"), speeds, timeout_s)

    async def stop(self) -> None:
        self.dome.stop(await self._heard("stop"))

    async def to(self, at: tuple[float, float, float]) -> None:
        self.dome.to(await self._heard("to"), at)

    async def presets(self) -> list[Preset]:
        await self._heard("")
        return [Preset("1", "정문", (0.1, 0.1, 0.1)), Preset("2", "창문", (0.3, 0.3, 0.5)), Preset("3", "?", None)]

    async def goto(self, token: str) -> None:
        await self._heard("goto " + token)

    async def home(self) -> None:
        await self._heard("home")

    async def close(self) -> None:
        return None


class Rig:
    """Desk, listener and the web's key; ``rows`` are what the ledger would get."""

    def __init__(
        self, folder: Path, zone: dict[str, Any] | None = None, head: Callable[[], Head] | None = None
    ) -> None:
        self.key, self.clock = Ed25519PrivateKey.generate(), Clock()
        self.dome = Dome()
        self.head = DomeHead(self.dome)
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.file = folder / "ptz-open.json"
        self.source = Source(
            CAMERA, AGENCY, 1, 1, "A-1", "", "", {}, True, device={"ptz": ZONE if zone is None else zone}
        )  # fmt: skip
        self._make = head or (lambda: self.head)
        self.port = 0
        self.watched: list[UUID] = []

    async def __aenter__(self) -> Rig:
        self.desk = PtzDesk(
            clock=self.clock, web_key=lambda: public_bytes(self.key),
            source_of=lambda camera: self.source if camera == CAMERA else None, head_of=lambda source: self._make(),
            report=lambda kind, detail: self.rows.append((kind, detail)), file=self.file,
            cameras=lambda: self.watched,
        )  # fmt: skip
        self.server = LiveServer(
            clock=self.clock, web_key=lambda: public_bytes(self.key), ring_of=lambda camera, stream: None,
            report=lambda kind, detail: None, web_port=8800, health=lambda: {},
        )  # fmt: skip
        self.server.ptz = self.desk.handle
        await self.desk.start()
        self.port = await self.server.start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        await self.desk.stop()

    def token(self, **change: Any) -> str:
        said = {"camera": CAMERA, "person": PERSON, "station": "관제석 1", "rank": 0,
                "expires": self.clock.now_s() + 60, "articles": ARTICLES, **change}  # fmt: skip
        return base64url.to_text(PtzToken(**said).sign(self.key))

    @contextlib.asynccontextmanager
    async def seat(self, **change: Any) -> AsyncIterator[Seat]:
        raw = change.pop("raw", None)
        async with connect(f"ws://127.0.0.1:{self.port}/ptz", origin=ORIGIN, close_timeout=1) as socket:
            await socket.send(json.dumps({"token": raw or self.token(**change)}))
            yield Seat(socket)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [detail for said, detail in self.rows if said == kind]


class Seat:
    """A page at the stick."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self, kind: str, within_s: float = 5.0, **fields: Any) -> dict[str, Any]:
        """The next message of a kind with these fields."""
        async with asyncio.timeout(within_s):
            while True:
                said: dict[str, Any] = json.loads(await self.socket.recv())
                if said["type"] == kind and all(said.get(k) == v for k, v in fields.items()):
                    return said

    async def hold(self, speed: list[float], seconds: float) -> None:
        """Hold the stick as a page does: the same move again and again."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while loop.time() < ends:
            await self.say(move=speed)
            await asyncio.sleep(0.2)
