"""RTP packets (RTP 패킷): H.264 by RFC 6184 (single NAL units, STAP-A, FU-A) and PCMU, ready to be patched and sent.

A packet is stored with its interleaved frame of RFC 2326 section 10.12 in front: ``$ channel length16 RTP``.
"""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av

PAYLOAD_MAX = 1400
FRAMES_MAX = 1 << 16
BYTES_MAX = 512 << 20
VIDEO_CLOCK, AUDIO_CLOCK = 90_000, 8_000
PT_VIDEO, PT_AUDIO = 96, 0
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
    """A clip's stream in memory: its frames, parameter sets, size in pixels, frames per second."""

    frames: tuple[Frame, ...]
    sps: bytes
    pps: bytes
    width: int
    height: int
    rate: Fraction

    def describe(self) -> list[str]:
        """The lines of the session description for the video track."""
        sets = ",".join(base64.b64encode(x).decode() for x in (self.sps, self.pps))
        profile = self.sps[1:4].hex()
        return [
            f"m=video 0 RTP/AVP {PT_VIDEO}",
            f"a=rtpmap:{PT_VIDEO} H264/{VIDEO_CLOCK}",
            f"a=fmtp:{PT_VIDEO} packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}",
            f"a=framerate:{float(self.rate):g}",
            f"a=framesize:{PT_VIDEO} {self.width}-{self.height}",
            "a=control:track0",
        ]


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
    # access unit delimiters and the encoder's own SEI are not what a camera sends
    return [nal for nal in out if nal and nal[0] & 31 not in (6, 9)]


def _parameter_sets(avcc: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(avcc[6:8], "big")
    sps, rest = avcc[8 : 8 + size], avcc[8 + size :]
    return sps, rest[3 : 3 + int.from_bytes(rest[1:3], "big")]


def load(path: Path) -> Stream:
    """Read an MP4 of ``encode.Encoder`` into packets; ValueError when it is not H.264 with a key frame first."""
    frames: list[Frame] = []
    total = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        extra = stream.codec_context.extradata
        if stream.codec_context.name not in ("h264", "libx264") or not extra or stream.average_rate is None:
            raise ValueError(f"{path.name} is not H.264")
        sps, pps = _parameter_sets(bytes(extra))
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            key = bool(packet.is_keyframe)
            nals = _split(bytes(packet))
            if key:
                nals = [sps, pps, *(nal for nal in nals if nal[0] & 31 not in (7, 8))]
            parts = payloads(nals)
            frame = Frame.of([interleave(p, marker=i == len(parts) - 1) for i, p in enumerate(parts)], key=key)
            frames.append(frame)
            total += len(frame.data)
            if len(frames) > FRAMES_MAX or total > BYTES_MAX:
                raise ValueError(f"{path.name} is too long for a simulated camera")
        if not frames or not frames[0].key:
            raise ValueError(f"{path.name} does not begin with a key frame")
        context = stream.codec_context
        return Stream(tuple(frames), sps, pps, context.width, context.height, Fraction(stream.average_rate))


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
