"""Four codecs for tests of the packet path: real encodes of numbered pictures, packetised by us and by libavformat."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from packets_rig import HEIGHT, RATE, WIDTH, Camera, picture

from gwanje.media.sdp import VideoTrack
from gwanje.media.sim import packets, payloads

STEP = 90_000 // RATE
ENCODERS = {"H264": "libx264", "H265": "libx265", "MP4V-ES": "mpeg4", "JPEG": "mjpeg"}
CODECS = tuple(ENCODERS)


@dataclass(frozen=True)
class Coded:
    """One access unit as the encoder gave it, its NAL units (H.264, H.265), presentation number, key or not."""

    data: bytes = field(repr=False)
    nals: tuple[bytes, ...] = field(repr=False)
    pts: int
    key: bool


@dataclass(frozen=True)
class Clip:
    """Access units in decoding order, and what a session description says of them."""

    codec: str
    units: tuple[Coded, ...]
    track: VideoTrack
    extra: bytes = b""


def _options(codec: str, group: int, b_frames: int, open_groups: bool) -> dict[str, str]:
    keys = f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1:open-gop={int(open_groups)}"
    if codec == "H264":
        return {
            "preset": "veryfast", "crf": "33", "bf": str(b_frames), "b-adapt": "0",
            "x264-params": f"{keys}:annexb=1:threads=1",
        }  # fmt: skip
    if codec == "H265":
        one = f"bframes={b_frames}:b-adapt=0:crf=33:pools=none:frame-threads=1:log-level=none"
        return {"preset": "ultrafast", "x265-params": f"{keys}:{one}"}
    if codec == "MP4V-ES":
        return {"g": str(group), "bf": str(b_frames), "qmin": "4", "qmax": "12", "threads": "1"}
    return {"huffman": "default", "threads": "1", "qmin": "3", "qmax": "8"}


def encode(
    codec: str, camera: int, count: int, b_frames: int = 0, group: int = 10, height: int = HEIGHT, opened: bool = False
) -> Clip:
    """A clip of numbered pictures."""
    context: Any = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height = WIDTH, height
    context.pix_fmt = "yuvj420p" if codec == "JPEG" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.gop_size, context.max_b_frames = group, b_frames
    context.options = _options(codec, group, b_frames, opened)
    if codec == "MP4V-ES":
        context.flags |= 1 << 22  # headers out of band, as MP4 and RTP have them
    made = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(picture(camera, number, height=height), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        made += context.encode(frame.reformat(format=context.pix_fmt))
    made += context.encode(None)
    units = tuple(Coded(bytes(p), _nals(codec, bytes(p)), p.pts, bool(p.is_keyframe)) for p in made)
    extra = bytes(context.extradata or b"") if codec == "MP4V-ES" else b""
    return Clip(codec, units, VideoTrack("", packets.payload_type(codec), (), codec, config=extra), extra)


def _nals(codec: str, data: bytes) -> tuple[bytes, ...]:
    if codec not in ("H264", "H265"):
        return ()
    nals = [n for n in re.split(rb"\x00{2,3}\x01", data) if n]
    wide = codec == "H265"
    left_out = (35, 39) if wide else (6, 9)
    return tuple(n for n in nals if (n[0] >> 1 & 63 if wide else n[0] & 31) not in left_out)


def payloads_of(codec: str, unit: Coded, limit: int = 1200) -> list[bytes]:
    """Our own packetiser's payloads of one access unit."""
    if codec == "H264":
        return packets.payloads(list(unit.nals), limit)
    if codec == "H265":
        return payloads.h265(list(unit.nals), limit)
    return payloads.mpeg4(unit.data, limit) if codec == "MP4V-ES" else payloads.jpeg(unit.data, limit)


def framed(packet: bytes, channel: int = 0) -> bytes:
    """A datagram as interleaved framing carries it."""
    return bytes((0x24, channel)) + len(packet).to_bytes(2, "big") + packet


def rtp(clip: Clip, sequence: int = 65_500, stamp: int = 0, limit: int = 1200) -> list[list[bytes]]:
    """Interleaved packets of each access unit, by our packetiser."""
    out = []
    for unit in clip.units:
        made = payloads_of(clip.codec, unit, limit)
        group = []
        for index, payload in enumerate(made):
            number = packets.payload_type(clip.codec)
            packet = bytearray(packets.interleave(payload, marker=index == len(made) - 1, payload_type=number))
            packet[6:8] = (sequence & 0xFFFF).to_bytes(2, "big")
            packet[8:12] = (stamp + unit.pts * STEP & 0xFFFFFFFF).to_bytes(4, "big")
            sequence += 1
            group.append(bytes(packet))
        out.append(group)
    return out


def libavformat(clip: Clip, size: int = 1200) -> list[bytes]:
    """Interleaved packets by libavformat's own RTP packetiser, over a socket of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(2)
        port = taker.getsockname()[1]
        out: list[bytes] = []
        with av.open(f"rtp://127.0.0.1:{port}?pkt_size={size}&localrtcpport=0", "w", format="rtp") as container:
            stream: Any = container.add_stream(ENCODERS[clip.codec], rate=RATE)
            stream.width, stream.height = WIDTH, HEIGHT
            stream.pix_fmt = "yuvj420p" if clip.codec == "JPEG" else "yuv420p"
            stream.time_base = Fraction(1, 90_000)
            stream.codec_context.options = {"x265-params": "log-level=none"} if clip.codec == "H265" else {}
            if clip.extra:
                stream.codec_context.extradata = clip.extra
            container.start_encoding()
            order = sorted(u.pts for u in clip.units)
            for index, unit in enumerate(clip.units):
                packet = av.Packet(unit.data)
                packet.stream, packet.time_base = stream, Fraction(1, 90_000)
                packet.pts, packet.dts = unit.pts * STEP, (order[index] - 4) * STEP
                packet.is_keyframe = unit.key
                container.mux_one(packet)
                taker.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    while True:
                        out.append(framed(taker.recv(65_536)))
        return out


def played(clip: Clip, data: list[bytes], read: int = 0) -> Camera:
    """A camera fed with the packets, in reads of ``read`` bytes or one packet each; ended and sealed."""
    camera = camera_of(clip)
    whole = b"".join(data)
    pieces = [whole[at : at + read] for at in range(0, len(whole), read)] if read else data
    for number, piece in enumerate(pieces):
        camera.at(number * len(clip.units) / RATE / len(pieces))
        camera.feed(piece)
    return ended(camera)


def camera_of(clip: Clip, camera: Camera | None = None) -> Camera:
    """A camera that was told what comes."""
    from gwanje.media.rtp import Receiver

    camera = camera or Camera(Receiver(), [])
    camera.at(0)
    camera.stream.restart(0, clip.track)
    return camera


def ended(camera: Camera) -> Camera:
    """The connection ends, what waits is sealed."""
    camera.stream.give_up()
    camera.sink.work()
    return camera
