"""The child that transcodes one camera (변환 프로세스): live frames in, 640 px H.264 frames out; nothing is kept.

Started by the recorder as ``python -m gwanje.media.transcode.worker FD PID``. It has one socket, no store, no key and
no name of a camera.
"""

from __future__ import annotations

import io
import re
import signal
import socket
import struct
import sys
from fractions import Fraction
from typing import Any

import av

from gwanje.media import fmp4, h264
from gwanje.media.offspring import confine
from gwanje.media.transcode.messages import BEGIN, FRAME, HEAD, MESSAGE_MAX, SIZE

WIDTH, BITS, GROUP = 640, 600_000, 50
PIXELS_MAX = 8192 * 8192
MEMORY_MAX = 4 << 30
NICE = 5
# of a live message: decode time, duration, composition offset; the sample's bytes begin at its end
FIELDS = struct.Struct(">69xQ20xI8xi8x")
_START = re.compile(rb"\0\0\0?\x01")


def nal_units(data: bytes) -> list[bytes]:
    """NAL units of a byte stream (ITU-T H.264 annex B)."""
    return [unit for unit in _START.split(data) if unit]


class Encoder:
    """H.264 for every browser: 640 px wide, no reordering, one picture out for each one in."""

    def __init__(self, width: int, height: int) -> None:
        scale = min(1.0, WIDTH / width)
        self.width, self.height = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
        context: Any = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fmp4.TIMESCALE), Fraction(25)
        context.bit_rate, context.gop_size, context.max_b_frames = BITS, GROUP, 0
        context.thread_count = 1
        context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1"}
        context.flags |= int(av.codec.context.Flags.global_header)
        context.open()
        self._context = context
        sets = {unit[0] & 31: unit for unit in nal_units(bytes(context.extradata))}
        picture = h264.picture(sets[7])
        self.codec = picture.codec
        self.init = fmp4.init(picture, fmp4.avc1(picture, [sets[7]], [sets[8]]))
        self._last = -1

    def encode(self, frame: Any, time: int) -> list[tuple[int, bool, bytes]]:
        """(decode time, key, sample) of what one picture gives."""
        small = frame.reformat(self.width, self.height, "yuv420p", interpolation="FAST_BILINEAR")
        self._last = small.pts = max(time, self._last + 1)
        small.time_base = self._context.time_base
        small.pict_type = 0
        out = []
        for packet in self._context.encode(small):
            units = [unit for unit in nal_units(bytes(packet)) if unit[0] & 31 in (1, 5)]
            sample = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
            out.append((int(packet.pts), bool(packet.is_keyframe), sample))
        return out


class Transcoder:
    """One camera's stream: begun by an init segment, ended by the next one."""

    def __init__(self) -> None:
        self._init = b""
        self._decoder: Any = None
        self._encoder: Encoder | None = None
        self._number = 0

    def begin(self, init: bytes) -> None:
        """Another init is in force: the decoder begins anew with its first key frame."""
        self._init, self._decoder = init, None

    def frame(self, message: bytes, key: bool) -> list[bytes]:
        """What goes out for one live message, framed for the socket."""
        time, duration, offset = FIELDS.unpack_from(message)
        if self._decoder is None:
            if not key:
                return []
            self._decoder = self._open(message[9:])
        packet = av.Packet(message[FIELDS.size :])
        packet.pts, packet.dts, packet.time_base = time + offset, time, Fraction(1, fmp4.TIMESCALE)
        packet.is_keyframe = key
        out: list[bytes] = []
        try:
            pictures = self._decoder.decode(packet)
        except av.FFmpegError:
            # one damaged picture: the next key frame mends it
            return out
        for picture in pictures:
            out += self._picture(picture, message[1:9], duration)
        return out

    def _open(self, fragment: bytes) -> Any:
        with av.open(io.BytesIO(self._init + fragment), "r", format="mp4", options={"enable_drefs": "0"}) as container:
            told: Any = container.streams.video[0].codec_context
            decoder: Any = av.CodecContext.create(told.codec.name, "r")
            decoder.extradata = told.extradata
        decoder.thread_count = 1
        decoder.options = {"flags": "low_delay", "skip_loop_filter": "all"}
        return decoder

    def _picture(self, picture: Any, arrival: bytes, duration: int) -> list[bytes]:
        if picture.width * picture.height > PIXELS_MAX:
            raise ValueError("the picture is too large")
        out = []
        encoder = self._encoder
        if encoder is None or (picture.width, picture.height) != self._of:
            self._of = (picture.width, picture.height)
            encoder = self._encoder = Encoder(*self._of)
            told = SIZE.pack(encoder.width, encoder.height) + encoder.codec.encode() + b"\0" + encoder.init
            out.append(HEAD.pack(len(told), BEGIN, 0) + told)
        for time, key, sample in encoder.encode(picture, max(0, picture.pts)):
            self._number = self._number + 1 & 0xFFFFFFFF
            flags = fmp4.SYNC if key else fmp4.NON_SYNC
            at_us = int.from_bytes(arrival, "big")
            head = fmp4.frame_head(at_us, self._number, time, duration, len(sample), flags, 0)
            out.append(HEAD.pack(len(head) + len(sample), FRAME, key) + head + sample)
        return out

    _of = (0, 0)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = sock.recv_into(view)
        if not got:
            sys.exit(0)
        view = view[got:]
    return bytes(data)


def serve(sock: socket.socket) -> None:
    """Until the recorder closes."""
    transcoder = Transcoder()
    while True:
        length, kind, key = HEAD.unpack(_exactly(sock, HEAD.size))
        if length > MESSAGE_MAX:
            sys.exit(1)
        body = _exactly(sock, length)
        if kind == BEGIN:
            transcoder.begin(body)
            continue
        for out in transcoder.frame(body, bool(key)):
            sock.sendall(out)


def main() -> None:
    """The whole process: ``FD`` of the socket, process id of the recorder."""
    confine(int(sys.argv[2]), memory=MEMORY_MAX, nice=NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    av.logging.set_level(None)
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        serve(sock)


if __name__ == "__main__":
    main()
