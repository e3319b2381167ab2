"""Motion JPEG (ITU-T T.81, RTP by RFC 2435): packets carry scans, the headers are built anew here.

Baseline 4:2:2 and 4:2:0 (types 0 and 1), with restart intervals (64 and 65), quantisation tables by number or in band.
Each picture stands for itself, so that each is a key frame. Interlaced fields are not joined: refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from gwanje.media import fmp4
from gwanje.media.picture import BadParameterSet, Picture, sized
from gwanje.media.rtp import Codec, Depacketiser, StreamBroken
from gwanje.media.sdp import VideoTrack

OBJECT_TYPE = 0x6C
CODEC = "mp4v.6C"
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
TABLES_MAX = 32
SEGMENTS_MAX = 64
_MAIN = Struct(">IBBBB")
_RESTARTS, _TYPES = 64, (0, 1)
_IN_BAND, _EVERY_TIME = 128, 255
# tables K.1 and K.2 of T.81 in zigzag order
_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71"
    "79706478" "5c656763"
)  # fmt: skip
_CHROMA = bytes.fromhex("1112121815182f1a1a2f634238426363") + bytes([99]) * 48
# tables K.3 to K.6 of T.81 as one DHT segment holds them
_HUFFMAN = bytes.fromhex(
    "0000010501010101010100000000000000000102030405060708090a0b01000301010101010101010100000000000001020304050607"
    "08090a0b100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f024"
    "33627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778"
    "797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9"
    "dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa110002010204040304070504040001027700010203110405213106124151076171"
    "1322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a53545556"
    "5758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8"
    "b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)


def quantisation(q: int) -> bytes:
    """Both tables for a quality of 1 to 99 (RFC 2435 section 4.2), luma first, 64 bytes each in zigzag order."""
    factor = 5000 // q if q < 50 else 200 - 2 * q
    return bytes(min(max((value * factor + 50) // 100, 1), 255) for value in _LUMA + _CHROMA)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (2 + len(body)).to_bytes(2, "big") + body


def head(kind: int, size: tuple[int, int], tables: bytes, *, interval: int = 0, precision: int = 0) -> bytes:
    """Everything before the scan (RFC 2435 appendix B).

    ``kind``: 0 for 4:2:2, 1 for 4:2:0. ``size``: width and height in pixels. ``tables``: one or two; bit n of
    ``precision``: table n has 16 bits a value. ``interval``: restart interval or 0.
    """
    out, at, count = [SOI], 0, 0
    for number in range(2):
        long = precision >> number & 1
        end = at + (64 << long)
        if end > len(tables):
            break
        out.append(_segment(0xDB, bytes((long << 4 | number,)) + tables[at:end]))
        at, count = end, count + 1
    chroma = min(count, 2) - 1
    if interval:
        out.append(_segment(0xDD, interval.to_bytes(2, "big")))
    frame = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    luma = 0x21 if kind == 0 else 0x22
    out.append(_segment(0xC0, b"\x08" + frame + bytes((3, 1, luma, 0, 2, 0x11, chroma, 3, 0x11, chroma))))
    out.extend((_segment(0xC4, _HUFFMAN), _segment(0xDA, bytes((3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0)))))
    return b"".join(out)


def size_of(data: bytes | memoryview) -> tuple[int, int]:
    """Width and height in pixels of a JPEG file's frame header; BadParameterSet."""
    at = 2
    for _ in range(SEGMENTS_MAX):
        if bytes(data[:2]) != SOI or at + 9 > len(data) or data[at] != 0xFF:
            break
        marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if 0xC0 <= marker <= 0xC2:
            return data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
        at += 2 + length
    raise BadParameterSet("this is no JPEG picture")


class Jpeg(Codec):
    """Motion JPEG on the packet path."""

    __slots__ = ("_got", "_head", "_key", "_said", "_tables", "size")
    name = "JPEG"
    every_key = True

    def __init__(self) -> None:
        self.size = self._said = (0, 0)
        self._tables: dict[int, tuple[int, bytes]] = {}
        self._got = 0
        self._key: tuple[object, ...] = ()
        self._head = b""

    def configured(self, track: VideoTrack) -> None:
        self._said = track.size

    def whole(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, w: int) -> int:
        if o + 8 > stop:
            stream.bad = True
            return w
        offset, kind, q, width, height = _MAIN.unpack_from(mv, o)
        o += 8
        interval = 0
        if kind & _RESTARTS:
            if o + 4 > stop:
                stream.bad = True
                return w
            interval = mv[o] << 8 | mv[o + 1]
            o += 4
        if not offset & 0xFFFFFF:
            if w != stream.aus or offset:
                # a second field, or a picture whose predecessor has no end
                raise StreamBroken("interlaced JPEG is not supported")
            self._got = 0
            o, begin = self._begin(stream, mv, o, stop, (kind, q, width, height, interval))
            x = w + len(begin)
            stream.view[w:x] = begin
            w = x
        elif offset & 0xFFFFFF != self._got or w == stream.aus:
            stream.bad = True
            return w
        x = w + stop - o
        stream.view[w:x] = mv[o:stop]
        self._got += stop - o
        return x

    def _begin(
        self, stream: Depacketiser, mv: memoryview, o: int, stop: int, form: tuple[int, int, int, int, int]
    ) -> tuple[int, bytes]:
        """The first packet of a picture: where its scan begins, and the headers before it."""
        kind, q, width, height, interval = form
        if kind & ~_RESTARTS not in _TYPES:
            raise StreamBroken(f"JPEG of type {kind} is not supported")
        if q >= _IN_BAND:
            o = self._table(stream, mv, o, stop, q)
        elif 1 <= q <= 99 and q not in self._tables:
            self._tables[q] = 0, quantisation(q)
        if q not in self._tables:
            stream.bad = True
            return o, b""
        size = (8 * width, 8 * height) if width and height else self._said
        if not all(size):
            raise StreamBroken("JPEG pictures wider than 2040 pixels need their size in the description")
        precision, tables = self._tables[q]
        key = (kind & 1, size, tables, interval, precision)
        if key != self._key:
            self._key = key
            self._head = head(kind & 1, size, tables, interval=interval, precision=precision)
        self._sized(stream, size)
        return o, self._head

    def _table(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, q: int) -> int:
        """Quantisation tables in band; without any, those that came with this number before."""
        if o + 4 > stop:
            stream.bad = True
            return stop
        precision, length = mv[o + 1], mv[o + 2] << 8 | mv[o + 3]
        o += 4
        if o + length > stop:
            stream.bad = True
            return stop
        needed = 64 << (precision & 1)
        if length >= needed:
            if len(self._tables) >= TABLES_MAX:
                self._tables.clear()
            self._tables[q] = precision & 3, bytes(mv[o : o + length])
        elif length or q == _EVERY_TIME:
            self._tables.pop(q, None)
        return o + length

    def _sized(self, stream: Depacketiser, size: tuple[int, int]) -> None:
        if size != self.size:
            self.size = size
            stream.sets_changed = True
        stream.key = True

    def unit(self, stream: Depacketiser, data: memoryview, w: int) -> int:
        try:
            self._sized(stream, size_of(data))
        except BadParameterSet:
            stream.bad = True
            return w
        x = w + len(data)
        stream.view[w:x] = data
        return x

    def finish(self, stream: Depacketiser, w: int) -> int:
        if w - stream.aus < 4:
            return stream.aus
        if bytes(stream.view[w - 2 : w]) != EOI:
            stream.view[w : w + 2] = EOI
            w += 2
        return w

    def place(self, data: bytes) -> tuple[int, int] | None:
        return None

    def describe(self, sets: Mapping[tuple[int, int], bytes]) -> tuple[Picture, bytes] | None:
        if not all(self.size):
            return None
        found = sized(*self.size, CODEC, 0)
        return found, fmp4.init(found, fmp4.mp4v(found, OBJECT_TYPE, b""))
