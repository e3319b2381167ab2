"""A real vaultd, a sealed street and a player: what the tests of playback share."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import av
from websockets.asyncio.client import ClientConnection, connect

from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.media import fmp4, h264
from gwanje.media.sim import counter, packets
from gwanje.vault import ceremony, parts
from gwanje.vault.client import VaultAway, VaultClient
from gwanje.vault.segment import SegmentHeader, SegmentWriter

CLASS, RATE = 1, 15
OFFICER_PASSWORD = "console password of a test"
STATION = "playback-1"
# ten past nine in the evening: far from an hour's end
BEGAN_S = 1_795_176_600


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll a condition of another process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)


@dataclass
class Centre:
    """A data folder with a settable clock, its vaultd, one camera, two officers."""

    home: Home
    camera: UUID = field(default_factory=uuid7)
    agency: UUID = field(default_factory=uuid7)
    requester: UUID = field(default_factory=uuid7)
    approver: UUID = field(default_factory=uuid7)
    slot: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start vaultd as a process of its own."""
        words = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(self.home.root), "vaultd"]
        with (self.home.root / "log" / "vaultd.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ})
        wait_for(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home.root / "log" / "vaultd.log").read_text()[-2000:]
        try:
            with contextlib.closing(VaultClient(self.home, "checker")) as client:
                client.status()
        except VaultAway:
            return False
        return True

    def stop(self) -> None:
        """End vaultd."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def set_time(self, unix_s: float) -> None:
        """Set the folder's clock."""
        clock = self.home.clock
        clock.set_offset(int(unix_s * 1e6) - (clock.now_us() - _offset(self.home)))
        # every process looks at the clock's file ten times a second
        time.sleep(0.15)

    def viewer(self, person: UUID | None = None, station: str = STATION, seconds: int = 60) -> str:
        """A viewer token as the web signs it."""
        token = ViewerToken(person or self.requester, station, self.home.clock.now_s() + seconds)
        return text(token.sign(signing_key(self.home, "web")))

    def permit(self, first: int, until: int, *, seconds: int = 600, camera: UUID | None = None) -> bytes:
        """A Permit for the camera, approved by the second officer."""
        decision = os.urandom(32)
        now = self.home.clock.now_us()
        approvals = [
            Approval(self.requester, "operator", decision, now),
            Approval(self.approver, "chief_officer", decision, now),
        ]
        with contextlib.closing(VaultClient(self.home, "web")) as client:
            return client.mint(
                id=uuid7(), decision=decision, norms=["playback.default_deny"],
                cameras=[Lens(camera or self.camera, self.slot)], first=first, until=until, person=self.requester,
                station=STATION, ground="수사", case="시험-1", approvals=approvals,
                expires=now // 1_000_000 + seconds,
            )  # fmt: skip


def _offset(home: Home) -> int:
    file = home.root / "clock.json"
    return int(json.loads(file.read_text())["offset_us"]) if file.exists() else 0


def text(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextlib.contextmanager
def centre(root: Path) -> Iterator[Centre]:
    """A centre whose clock stands at ``BEGAN_S``."""
    home = Home.create(root, settable_clock=True, port=1, demo=True)
    made = Centre(home)
    made.set_time(BEGAN_S)
    officers = [
        ceremony.NewOfficer(made.requester, "operator", made.agency, OFFICER_PASSWORD),
        ceremony.NewOfficer(made.approver, "chief_officer", made.agency, OFFICER_PASSWORD),
    ]
    ceremony.create(home, officers)
    made.start()
    try:
        with contextlib.closing(VaultClient(home, "web")) as client:
            client.set_class(CLASS, "days", 30, "시험")
            made.slot = client.slot(made.camera)
        yield made
    finally:
        made.stop()


@dataclass(frozen=True)
class Street:
    """A clip as samples: AVCC bytes and key flags."""

    init: bytes
    samples: list[tuple[bytes, bool]]

    @classmethod
    def of(cls, path: Path) -> Street:
        stream = packets.load(path)
        with av.open(str(path)) as container:
            samples = [(bytes(p), bool(p.is_keyframe)) for p in container.demux(video=0) if p.size]
        picture = h264.picture(stream.sps)
        return cls(fmp4.init(picture, fmp4.avc1(picture, [stream.sps], [stream.pps])), samples)

    def fragment(self, first: int, count: int, time: int, *, audio: bool = False) -> bytes:
        """``count`` frames from ``first`` as moof and mdat; ``audio`` claims to be of another track."""
        chosen = [self.samples[i % len(self.samples)] for i in range(first, first + count)]
        body = b"".join(data for data, _ in chosen)
        rows = b"".join(
            struct.pack(">III", 6000, len(data), fmp4.SYNC if key else fmp4.NON_SYNC) for data, key in chosen
        )
        buffer = bytearray(200 + 16 * count) + body
        at = len(buffer) - len(body)
        begin = fmp4.put_head(buffer, at, rows, 1, time, len(body), False)
        made = bytes(buffer[begin:])
        return (
            made.replace(struct.pack(">4sII", b"tfhd", 0x020000, 1), struct.pack(">4sII", b"tfhd", 0x020000, 2))
            if audio
            else made
        )


def seal(
    made: Centre,
    street: Street,
    first: int,
    seconds: int,
    *,
    audio_at: int = -1,
    spoil: int = -1,
    late_key: int = 0,
    group_s: int = 1,
) -> Path:
    """Seal ``seconds`` of street from Unix second ``first`` as a recorder does, with keys that vaultd lent.

    Frame n of the street is the frame of ``first + n / 15``. ``late_key``: frames into each second at which the key
    frame stands. ``audio_at``: a second that also holds another track's fragment. ``spoil``: a second with a
    flipped bit. ``group_s``: seconds between key frames.
    """
    epoch = first // 3600
    with contextlib.closing(VaultClient(made.home, "recorder")) as client:
        spine = client.lend(CLASS, made.slot, epoch).spine()
    header = SegmentHeader.fresh(
        class_=CLASS, epoch=epoch, slot=made.slot, stream=0, fence=1, writer=bytes(16),
        created_us=first * 1_000_000, centre=made.home.centre, init=street.init,
    )  # fmt: skip
    writer = SegmentWriter.create(made.home.store, header)
    out = memoryview(bytearray(4 << 20))
    for index in range(seconds):
        second = first + index
        writer.key(second % 3600, spine.at(second % 3600))
        start_us = second * 1_000_000 + 1000
        at = 0
        frame = index * RATE - late_key
        if late_key:
            # the tail of the group before stands first in the second, without a key frame
            time = second * 90_000
            tail = street.fragment(max(frame, 0), late_key, time)
            at += writer.seal_into(out[at:], parts.VIDEO, 0, start_us, 0, tail)
            frame += late_key
        at += writer.seal_into(out[at:], parts.INIT, 0, start_us + 10, 0, street.init)
        count = RATE - late_key
        body = street.fragment(frame, count, second * 90_000 + 6000 * late_key)
        if index == audio_at:
            body = street.fragment(frame, count, second * 90_000, audio=True) + body
        flags = 0 if index % group_s else parts.FLAG_IDR
        at += writer.seal_into(out[at:], parts.VIDEO, flags, start_us + 20, 1_000_000, body)
        writer.write(out[:at])
    root = writer.finish()
    assert root
    if spoil >= 0:
        _flip(writer.path, first + spoil)
    return writer.path


def _flip(path: Path, second: int) -> None:
    from gwanje.vault.segment import SegmentReader

    with SegmentReader(path) as reader:
        part = next(p for p in reader.of_tick(second % 3600) if p.header.kind == parts.VIDEO)
    data = bytearray(path.read_bytes())
    data[part.offset + part.header.size // 2] ^= 1
    path.write_bytes(data)


@dataclass
class Page:
    """A viewer's page: what it was told and what it was sent."""

    socket: ClientConnection
    told: list[dict[str, Any]] = field(default_factory=list)
    init: bytes = b""
    fragments: list[tuple[int, bytes]] = field(default_factory=list)

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self, seconds: float = 10) -> dict[str, Any] | bytes:
        got = await asyncio.wait_for(self.socket.recv(), seconds)
        if isinstance(got, bytes):
            kind, time = struct.unpack(">BQ", got[:9])
            if kind == 1:
                self.init = got[9:]
            else:
                self.fragments.append((time, got[9:]))
            return got
        message = json.loads(got)
        self.told.append(message)
        return message

    async def drain(self, seconds: float = 10) -> None:
        """Read until the connection closes or nothing comes for so long: ConnectionClosed or TimeoutError."""
        while True:
            await self.next(seconds)

    async def until(self, kind: str, *, credit: bool = True) -> dict[str, Any]:
        """Read until a message of this type; gives a second of credit per fragment."""
        while True:
            got = await self.next()
            if isinstance(got, dict):
                if got["type"] == kind:
                    return got
            elif got[0] == 2 and credit:
                await self.say(type="more", n=1)

    def decoded(self) -> list[tuple[float, int | None]]:
        """(decode time in seconds, counter) of every frame sent, as a browser's decoder would see it."""
        import io

        data = self.init + b"".join(piece for _, piece in self.fragments)
        with av.open(io.BytesIO(data), format="mp4") as container:
            return [(f.time, counter.read(f.to_ndarray(format="rgb24"))) for f in container.decode(video=0)]


@contextlib.asynccontextmanager
async def page(port: int, hello: dict[str, Any], origin: str = "http://localhost:1"):
    """Open ``/play`` and say hello."""
    async with connect(f"ws://127.0.0.1:{port}/play", origin=origin, max_size=None, compression=None) as socket:
        opened = Page(socket)
        await opened.say(**hello)
        yield opened
