"""RTP packets (RTP 패킷): four video codecs (H.264 here by RFC 6184) and PCMU, ready to be patched and sent.

A packet is stored with its interleaved frame of RFC 2326 section 10.12 in front: ``$ channel length16 RTP``.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
from av.video.stream import VideoStream

from gwanje.media.sim import payloads as others
from gwanje.media.sim.payloads import PAYLOAD_MAX

FRAMES_MAX = 1 << 16
BYTES_MAX = 512 << 20
VIDEO_CLOCK, AUDIO_CLOCK = 90_000, 8_000
PT_VIDEO, PT_JPEG, PT_AUDIO = 96, 26, 0
CODECS = {"h264": "H264", "hevc": "H265", "mpeg4": "MP4V-ES", "mjpeg": "JPEG"}
_PATCH = struct.Struct(">HII")


@dataclass(frozen=True)
class Frame:
    """One access unit as interleaved RTP packets back to back (sequence, time and ssrc still zero).

    ``starts``: where each packet begins in ``data``.
    """

    data: bytes
    starts: tuple[int, ...]
    key: bool

    @classmethod
    def of(cls, packets: list[bytes], *, key: bool) -> Frame:
        """From finished packets."""
        starts = tuple(accumulate((len(p) for p in packets[:-1]), initial=0))
        return cls(b"".join(packets), starts, key)

    def patched(self, sequence: int, time: int, ssrc: int) -> bytearray:
        """A copy with sequence numbers counting up from ``sequence`` and the given time and source."""
        out = bytearray(self.data)
        for index, at in enumerate(self.starts):
            _PATCH.pack_into(out, at + 6, sequence + index & 0xFFFF, time, ssrc)
        return out


@dataclass(frozen=True)
class Stream:
    """A clip's stream in memory: its frames, parameter sets (of H.264), size in pixels, frames per second.

    ``codec``: as a session description names it; ``said``: what its ``fmtp`` says.
    """

    frames: Sequence[Frame]
    sps: bytes
    pps: bytes
    width: int
    height: int
    rate: Fraction
    codec: str = "H264"
    said: str = ""

    def describe(self) -> list[str]:
        """The lines of the session description for the video track."""
        number = payload_type(self.codec)
        return [
            f"m=video 0 RTP/AVP {number}",
            f"a=rtpmap:{number} {self.codec}/{VIDEO_CLOCK}",
            *([f"a=fmtp:{number} {self.said}"] if self.said else []),
            f"a=framerate:{float(self.rate):g}",
            f"a=framesize:{number} {self.width}-{self.height}",
            "a=control:track0",
        ]


def payload_type(codec: str) -> int:
    """RTP payload type that simulated cameras use."""
    return PT_JPEG if codec == "JPEG" else PT_VIDEO


def _base64(*sets: bytes) -> str:
    return ",".join(base64.b64encode(one).decode() for one in sets)


def interleave(payload: bytes, *, marker: bool, payload_type: int = PT_VIDEO, channel: int = 0) -> bytes:
    """``$`` frame with an RTP header whose sequence (at 6), time (8) and ssrc (12) are to be patched in."""
    header = struct.pack(">BBHII", 0x80, payload_type | marker << 7, 0, 0, 0)
    return struct.pack(">BBH", 0x24, channel, len(payload) + 12) + header + payload


def payloads(nals: list[bytes], limit: int = PAYLOAD_MAX) -> list[bytes]:
    """RTP payloads of an access unit; parameter sets in front of an IDR travel together in a STAP-A."""
    out: list[bytes] = []
    sets = [nal for nal in nals if nal[0] & 31 in (7, 8)]
    if len(sets) > 1:
        reference = max(nal[0] & 0x60 for nal in sets)
        out.append(bytes([reference | 24]) + b"".join(struct.pack(">H", len(n)) + n for n in sets))
        nals = [nal for nal in nals if nal[0] & 31 not in (7, 8)]
    for nal in nals:
        if len(nal) <= limit:
            out.append(nal)
            continue
        indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 31
        pieces = [nal[at : at + limit - 2] for at in range(1, len(nal), limit - 2)]
        for index, piece in enumerate(pieces):
            edge = (index == 0) << 7 | (index == len(pieces) - 1) << 6
            out.append(bytes([indicator, edge | kind]) + piece)
    return out


def _split(data: bytes) -> list[bytes]:
    out, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        out.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return [nal for nal in out if nal]


def _parameter_sets(avcc: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(avcc[6:8], "big")
    sps, rest = avcc[8 : 8 + size], avcc[8 + size :]
    return sps, rest[3 : 3 + int.from_bytes(rest[1:3], "big")]


def _sets_of_hvcc(hvcc: bytes) -> list[bytes]:
    sets, at = [], 23
    for _ in range(hvcc[22]):
        count, at = int.from_bytes(hvcc[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(hvcc[at : at + 2], "big")
            sets.append(hvcc[at + 2 : at + 2 + size])
            at += 2 + size
    return [nal for nal in sets if nal[0] >> 1 & 63 in (32, 33, 34)]


@dataclass(frozen=True)
class _Source:
    """How one codec's samples of an MP4 file become RTP payloads."""

    codec: str
    sets: tuple[bytes, ...]
    said: str

    @classmethod
    def of(cls, codec: str, extra: bytes) -> _Source:
        if codec == "H264":
            sps, pps = _parameter_sets(extra)
            said = f"packetization-mode=1;profile-level-id={sps[1:4].hex()};sprop-parameter-sets={_base64(sps, pps)}"
            return cls(codec, (sps, pps), said)
        if codec == "H265":
            sets = _sets_of_hvcc(extra)
            kinds = {32: "vps", 33: "sps", 34: "pps"}
            said = ";".join(
                f"sprop-{name}={_base64(*(n for n in sets if n[0] >> 1 & 63 == kind))}" for kind, name in kinds.items()
            )
            return cls(codec, tuple(sets), said)
        return cls(codec, (), f"profile-level-id=1;config={extra.hex().upper()}" if codec == "MP4V-ES" else "")

    def payloads(self, data: bytes, *, key: bool) -> list[bytes]:
        if self.codec == "JPEG":
            return others.jpeg(data)
        if self.codec == "MP4V-ES":
            return others.mpeg4(data)
        nals = _split(data)
        if self.codec == "H265":
            # delimiters and the encoder's own messages are not what a camera sends
            nals = [nal for nal in nals if nal[0] >> 1 & 63 not in (32, 33, 34, 35, 39)]
            return others.h265([*self.sets, *nals] if key else nals)
        nals = [nal for nal in nals if nal[0] & 31 not in (6, 9)]
        if key:
            nals = [*self.sets, *(nal for nal in nals if nal[0] & 31 not in (7, 8))]
        return payloads(nals)


def _frame(payloads_: list[bytes], number: int, *, key: bool) -> Frame:
    last = len(payloads_) - 1
    return Frame.of([interleave(p, marker=i == last, payload_type=number) for i, p in enumerate(payloads_)], key=key)


def sent(nals: list[bytes], *, key: bool) -> Frame:
    """One H.264 access unit as it comes from an encoder, parameter sets in front of a key frame."""
    return _frame(payloads(nals), PT_VIDEO, key=key)


def load(path: Path) -> Stream:
    """Read an MP4 file's video into packets; ValueError when no codec of ours is in it, or no key frame first."""
    frames: list[Frame] = []
    total = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        codec = CODECS.get(context.codec.canonical_name, "")
        if not codec or (codec != "JPEG" and not context.extradata) or stream.average_rate is None:
            raise ValueError(f"{path.name} is not H.264, H.265, MPEG-4 or JPEG")
        source = _Source.of(codec, bytes(context.extradata or b""))
        number = payload_type(codec)
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            key = bool(packet.is_keyframe)
            frame = _frame(source.payloads(bytes(packet), key=key), number, key=key)
            frames.append(frame)
            total += len(frame.data)
            if len(frames) > FRAMES_MAX or total > BYTES_MAX:
                raise ValueError(f"{path.name} is too long for a simulated camera")
        if not frames or not frames[0].key:
            raise ValueError(f"{path.name} does not begin with a key frame")
        sps, pps = source.sets if codec == "H264" else (b"", b"")
        size, rate = (context.width, context.height), Fraction(stream.average_rate)
        return Stream(tuple(frames), sps, pps, *size, rate, codec, source.said)


AUDIO_LINES = [f"m=audio 0 RTP/AVP {PT_AUDIO}", "a=rtpmap:0 PCMU/8000", "a=control:track1"]
AUDIO_SAMPLES = 160


def _mu_law(sample: int) -> int:
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~((sample < 0) << 7 | exponent << 4 | magnitude >> exponent + 3 & 15) & 255


def tone() -> tuple[Frame, ...]:
    """One second of a 440 Hz tone as fifty PCMU packets of 20 ms (ITU-T G.711), channel 2."""
    wave = [int(8000 * math.sin(2 * math.pi * 440 * n / AUDIO_CLOCK)) for n in range(AUDIO_CLOCK)]
    coded = bytes(_mu_law(sample) for sample in wave)
    pieces = [coded[at : at + AUDIO_SAMPLES] for at in range(0, AUDIO_CLOCK, AUDIO_SAMPLES)]
    packets = (interleave(p, marker=False, payload_type=PT_AUDIO, channel=2) for p in pieces)
    return tuple(Frame.of([packet], key=True) for packet in packets)
