"""H.264 for tests of the packet path: real encodes of numbered pictures, as RTP in one read or in many."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

from gwanje.media.fmp4 import put_head
from gwanje.media.ring import LiveRing
from gwanje.media.rtp import BASE, RECEIVE_SIZE, Receiver, new_buffer
from gwanje.media.sim.packets import interleave, payloads
from gwanje.media.stream import Part, Stream

WIDTH, HEIGHT, RATE = 320, 192, 25


@dataclass(frozen=True)
class Unit:
    """One encoded access unit: NAL units, presentation time in frames, key or not."""

    nals: tuple[bytes, ...] = field(repr=False)
    pts: int
    key: bool


def picture(camera: int, number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray[Any, Any]:
    """A picture that says which camera and which frame it is, hard to confuse after encoding."""
    rng = np.random.default_rng(camera * 1000 + 7)
    still = np.kron(rng.integers(40, 200, (height // 16, width // 16)), np.ones((16, 16))).astype(np.uint8)
    # noise of its own in every picture, so that none of them fits one packet
    still[64:112] = np.random.default_rng(number).integers(60, 180, (48, width), dtype=np.uint8)
    for bit in range(10):
        still[:32, bit * 32 : bit * 32 + 32] = 235 if number >> bit & 1 else 16
    return np.vstack([still, np.full((height // 2, width), 128, np.uint8)])


def number_of(frame: Any) -> int:
    """The frame number drawn by ``picture``."""
    luma = frame.to_ndarray(format="gray")
    return sum((luma[8:24, bit * 32 + 8 : bit * 32 + 24].mean() > 125) << bit for bit in range(10))


def encode(camera: int, count: int, *, b_frames: int = 0, group: int = 10, height: int = HEIGHT) -> list[Unit]:
    """Access units in decoding order, parameter sets in front of each key frame."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = WIDTH, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.gop_size, context.max_b_frames = group, b_frames
    context.options = {
        "preset": "ultrafast" if not b_frames else "veryfast", "crf": "33", "bf": str(b_frames), "b-adapt": "0",
        "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1:annexb=1:open-gop=0:threads=1",
    }  # fmt: skip
    units = []
    packets = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(picture(camera, number, height=height), format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    for packet in packets:
        nals = [n for n in bytes(packet).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if n]
        units.append(Unit(tuple(n for n in nals if n[0] & 31 not in (6, 9)), packet.pts, packet.is_keyframe))
    return units


def rtp(unit: Unit, sequence: int, stamp: int, limit: int = 1200, marked: bool = True) -> list[bytes]:
    """Interleaved packets of a unit."""
    out = []
    made = payloads(list(unit.nals), limit)
    for index, payload in enumerate(made):
        packet = bytearray(interleave(payload, marker=marked and index == len(made) - 1))
        packet[6:8] = (sequence + index & 0xFFFF).to_bytes(2, "big")
        packet[8:12] = (stamp & 0xFFFFFFFF).to_bytes(4, "big")
        out.append(bytes(packet))
    return out


@dataclass
class Taken:
    """A part as its bytes were when it was sealed: fragment, and facts."""

    data: bytes
    init: bytes
    idr: bool
    second: int
    restart: bool
    duration: int


class Sealing:
    """A sink that keeps parts waiting, as the seal queue does, and shares free buffers between cameras."""

    def __init__(self, free: list[memoryview]) -> None:
        self.free = free
        self.waiting: list[Part] = []
        self.taken: list[Taken] = []
        self.lost = 0
        self.refusals: list[str] = []

    def queue(self, part: Part) -> memoryview:
        self.waiting.append(part)
        return self.free.pop() if self.free else new_buffer()

    def damaged(self, packets: int, now_us: int) -> None:
        self.lost += packets

    def refused(self, detail: str, now_us: int) -> None:
        self.refusals.append(detail)

    def work(self) -> None:
        for part in self.waiting:
            at = put_head(part.view, BASE, part.rows, 1, part.time, part.end - BASE, part.reordered)
            data = bytes(part.view[at : part.end])
            self.taken.append(Taken(data, part.init, part.idr, part.second, part.restart, part.duration))
            # a buffer that was handed back is another camera's at once: what is written into it late is seen
            self.free.append(part.view)
        self.waiting.clear()


class Camera:
    """A stream fed by hand."""

    def __init__(self, receiver: Receiver, free: list[memoryview]) -> None:
        self.sink = Sealing(free)
        self.ring = LiveRing()
        self.stream = Stream(receiver, new_buffer(), self.ring, self.sink)
        self.receiver = receiver
        self.live: list[bytes] = []
        self.ring.viewers.add(self)

    def begin(self, picture: Any, init: bytes, group: list[bytes]) -> None:
        self.live += [init, *group]

    def frame(self, message: bytes, key: bool) -> None:
        self.live.append(message)

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), RECEIVE_SIZE):
            piece = data[start : start + RECEIVE_SIZE]
            self.receiver.buffer[: len(piece)] = piece
            self.stream.feed(len(piece))

    def at(self, seconds: float) -> None:
        self.receiver.now_us = int((1_800_000_000 + seconds) * 1e6)
        self.receiver.now_s = self.receiver.now_us // 1_000_000

    @property
    def mp4(self) -> bytes:
        """First init, then all parts sealed so far."""
        return self.sink.taken[0].init + b"".join(part.data for part in self.sink.taken)


def numbers(mp4: bytes) -> list[int]:
    """Frame numbers as shown, decoded; a decoding error raises."""
    with av.open(io.BytesIO(mp4), "r") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        shown = list(container.decode(video=0))
        assert not any(frame.is_corrupt for frame in shown)
        times = [frame.pts for frame in shown]
        assert times == sorted(times)
        assert len(set(times)) == len(times)
        return [number_of(frame) for frame in shown]
