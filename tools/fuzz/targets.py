"""What is fuzzed: each reader of foreign bytes, its seeds, and the exceptions that it may raise."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from gwanje.media import auth, h264, h265, mjpeg, mpeg4, rtsp, sdp
from gwanje.media.fmp4 import ROW, ROW_REORDERED
from gwanje.media.ingest import web
from gwanje.media.onvif import discovery, xml
from gwanje.media.picture import BadParameterSet
from gwanje.media.play.boxes import BadBoxes, Timeline, fragments, read_init
from gwanje.media.ring import LiveRing
from gwanje.media.rtp import BASE, BUFFER_SIZE, Receiver, StreamBroken, new_buffer
from gwanje.media.sim.packets import payload_type
from gwanje.media.stream import CODECS, Part, Stream
from gwanje.vault import fmp4
from gwanje.vault.errors import SegmentBroken, VaultError
from gwanje.vault.pages import http as page
from gwanje.vault.parts import PartHeader
from gwanje.vault.segment import SegmentHeader, SegmentReader
from tools.fuzz import consent, mutate, signed

CORPUS = Path(__file__).parents[2] / "tests" / "media" / "corpus"
NAMES = {"H264": "h264", "H265": "h265", "MP4V-ES": "mp4v", "JPEG": "jpeg"}
Seeds = Sequence[bytes]


class Inconsistent(AssertionError):
    """No exception, but what came out contradicts itself."""


@dataclass(frozen=True)
class Target:
    """One reader: ``make`` gives an input, ``read`` reads it; only ``declared`` may come out of it."""

    name: str
    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], None]
    declared: tuple[type[Exception], ...] = ()


class _Taker:
    """A sink that looks at each part and gives the same two buffers again and again."""

    def __init__(self) -> None:
        self.free = new_buffer()

    def queue(self, part: Part) -> memoryview:
        row = ROW_REORDERED if part.reordered else ROW
        sizes = sum(fields[1] for fields in row.iter_unpack(bytes(part.rows)))
        if not part.rows or BASE + sizes != part.end or part.end > BUFFER_SIZE or not part.init:
            raise Inconsistent(f"a part of {part.end - BASE} bytes has rows of {sizes}")
        self.free, given = part.view, self.free
        return given

    def damaged(self, packets: int, now_us: int) -> None:
        if packets <= 0:
            raise Inconsistent("nothing was lost")

    def refused(self, detail: str, now_us: int) -> None:
        pass


class _Camera:
    """One stream that is fed and begun anew for each input."""

    def __init__(self, codec: str) -> None:
        self.receiver = Receiver()
        self.stream = Stream(self.receiver, new_buffer(), LiveRing(), _Taker())
        self.track = sdp.VideoTrack("", payload_type(codec), (), codec)
        self.receiver.now_us, self.receiver.now_s = 1_800_000_000_900_000, 1_800_000_000

    def begin(self) -> Stream:
        stream = self.stream
        stream.reorder = 0
        stream.restart(0, self.track)
        return stream

    def look(self) -> None:
        stream = self.stream
        if not BASE <= stream.aus <= stream.w <= BUFFER_SIZE:
            raise Inconsistent(f"access unit {stream.aus} to {stream.w}")

    def rtp(self, data: bytes) -> None:
        stream = self.begin()
        try:
            middle = len(data) * (1 + data[-1] % 7) // 8 if data else 0
            for piece in (data[:middle], data[middle:]):
                self.receiver.buffer[: len(piece)] = piece
                stream.feed(len(piece))
                self.receiver.now_us += 600_000
                self.receiver.now_s = self.receiver.now_us // 1_000_000
                self.look()
        finally:
            stream.give_up()

    def unit(self, data: bytes) -> None:
        stream = self.begin()
        try:
            for stamp in (0, 3600):
                stream.unit(stamp, stamp == 0, data)
                self.look()
        finally:
            stream.give_up()


def _seeds(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(CORPUS.glob(pattern))]


def _elements(name: str) -> list[bytes]:
    """A document with a line for each element, for mutations of lines."""
    return [seed.replace(b"><", b">\n<").replace(b" http", b"\nhttp") for seed in _seeds(name)]


def _head(data: bytes) -> None:
    end, _ = rtsp.head_end(data)
    answer = rtsp.parse_head(data[: end if end >= 0 else len(data)].decode("latin-1"))
    with contextlib.suppress(auth.AuthenticationRefused):
        asked = auth.Authenticator(auth.Credentials("user", "word"))
        asked.challenged(answer.headers.get("www-authenticate", []))
        asked.header("PLAY", "rtsp://camera/x")


def _description(data: bytes) -> None:
    track = sdp.video(data.decode("utf-8", "replace"), "rtsp://camera:554/x")
    if track.codec not in CODECS or not 0 <= track.payload < 128:
        raise Inconsistent("a track that cannot be recorded")


def _sets(data: bytes) -> None:
    for read in (h264.picture, h264.set_id, h265.sequence, h265.set_id, mpeg4.picture, mjpeg.size_of):
        with contextlib.suppress(BadParameterSet):
            read(data)


def _init(data: bytes) -> None:
    with contextlib.suppress(VaultError):
        fmp4.tracks_of_init(data)
    read_init(data)


def _part(init: bytes, data: bytes) -> None:
    with contextlib.suppress(VaultError):
        fmp4.kinds_of(init, data)
    known = read_init(init)
    fragments(data, known)
    Timeline(1_800_000_000).place(data, known, 1_800_000_000_500_000)


class _Response(http.client.HTTPResponse):
    """A camera's body in pieces, without a connection."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def read1(self, n: int = -1) -> bytes:
        return self._rest.read(700)


def _pictures(data: bytes) -> None:
    for picture in web.pictures(_Response(data), "--frame"):
        with contextlib.suppress(BadParameterSet):
            mjpeg.size_of(picture)


def _multipart() -> list[bytes]:
    pictures = _seeds("unit-jpeg-*.bin")
    heads = (b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", b"Content-Type: image/jpeg\r\n\r\n")
    return [
        b"".join(b"--frame\r\n" + (head % len(p) if b"%" in head else head) + p + b"\r\n" for p in pictures)
        for head in heads
    ]


class _File:
    """A segment file on memory, rewritten for each input."""

    def __init__(self) -> None:
        folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
        handle, name = tempfile.mkstemp(prefix="gwanje-fuzz-", dir=folder)
        os.close(handle)
        self.path = Path(name)

    def read(self, data: bytes) -> None:
        self.path.write_bytes(data)
        with contextlib.suppress(SegmentBroken):
            PartHeader.unpack(data[128:])
        with SegmentReader(self.path) as reader:
            for part in reader.parts:
                if part.header.size + part.offset > len(data):
                    raise Inconsistent("a part passes its file")
                reader.read(part)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()


def _segment() -> bytes:
    """A small segment as the recorder writes it (its ciphertext is noise: nothing here opens it)."""
    header = SegmentHeader.fresh(
        class_=1, epoch=500_000, slot=7, stream=0, fence=1, writer=bytes(16), created_us=1_800_000_000_000_000,
        centre=UUID(int=1), init=b"init",
    )  # fmt: skip
    out = header.pack()
    for ordinal in range(6):
        kind, tick = (2 if ordinal == 0 else 1), ordinal // 2
        start = (500_000 * 3600 + tick) * 1_000_000 + ordinal
        part = PartHeader(1, kind, ordinal == 1, tick, ordinal, start, 40_000, 32, bytes(32))
        out += part.pack() + bytes(48)
    return out


def _xml(data: bytes) -> None:
    for node in xml.parse(data).walk():
        for name in ("Width", "GovLength"):
            node.whole(name)
            node.number(name)
            node.attribute(name)


def _found(data: bytes) -> None:
    for found in discovery.answers(data, "10.0.0.9", "uuid:1"):
        if "10.0.0.9" not in found.onvif:
            raise Inconsistent("an address on another host than the one that answered")


_SIGN = (
    b"GET /sign/00112233445566778899aabbccddeeff?as=0199-00&x=%41 HTTP/1.1\r\nHost: localhost:8803\r\n\r\n",
    b"POST /sign/00112233445566778899aabbccddeeff/finish HTTP/1.1\r\nHost: localhost:8803\r\n"
    b"Origin: http://localhost:8803\r\nContent-Type: application/json\r\nContent-Length: 77\r\n\r\n",
)


def _request(data: bytes) -> None:
    request, length = page.head(data + b"\r\n\r\n")
    if not request.path.startswith("/") or not 0 <= length <= page.BODY_MAX or (request.method == "GET" and length):
        raise Inconsistent("a request that the pages do not take")


def targets() -> list[Target]:
    """All of them; the streams twice, because most of a camera's bytes are theirs."""
    of = mutate.of_bytes
    packets = {codec: mutate.packets_of(*_seeds(f"rtp-{name}.bin")) for codec, name in NAMES.items()}
    found = []
    for codec, name in NAMES.items():
        camera = _Camera(codec)
        own = [packets[codec]] * 6 + list(packets.values())
        found.append(Target(f"rtp-{name}", partial(mutate.of_packets, streams=own), camera.rtp, (StreamBroken,)))
        seeds = _seeds(f"unit-{name}-*.bin")
        found.append(Target(f"unit-{name}", partial(of, seeds=seeds), camera.unit, (StreamBroken,)))
    sets = [nal for seed in _seeds("unit-h26*.bin") for nal in _nals(seed)] + _seeds("unit-*.bin")
    inits, first = _seeds("init-*.bin"), (CORPUS / "init-h264.bin").read_bytes()
    file, consents = _File(), consent.Reader()
    return [
        *found,
        Target("rtsp", partial(mutate.of_lines, seeds=_seeds("rtsp-*.bin")), _head, (ValueError,)),
        Target("sdp", partial(mutate.of_lines, seeds=_seeds("sdp-*.bin")), _description, (sdp.UnsupportedVideo,)),
        Target("sets", partial(of, seeds=sets), _sets),
        Target("init", partial(of, seeds=inits), _init, (BadBoxes,)),
        Target("part", partial(of, seeds=_seeds("part-h*.bin")), partial(_part, first), (BadBoxes,)),
        Target("http", partial(of, seeds=_multipart()), _pictures, (web.WebRefused,)),
        Target("sign", partial(mutate.of_lines, seeds=list(_SIGN)), _request, (page.BadRequest,)),
        Target("consent", partial(of, seeds=consents.seeds()), consents.read, consent.DECLARED),
        Target("signed", partial(of, seeds=signed.seeds()), signed.read, signed.DECLARED),
        Target("segment", partial(of, seeds=[_segment()]), file.read, (SegmentBroken,)),
        Target("onvif", partial(of, seeds=_seeds("onvif-*.bin")), _xml, (xml.BadXml,)),
        Target("probe", partial(mutate.of_lines, seeds=_elements("probe-match.bin")), _found, (xml.BadXml,)),
    ]


def _nals(unit: bytes) -> list[bytes]:
    out, at = [], 0
    while at + 4 < len(unit):
        size = int.from_bytes(unit[at : at + 4], "big")
        out.append(unit[at + 4 : at + 4 + min(size, 200)])
        at += 4 + size
    return out
