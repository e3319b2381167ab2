"""Fragmented MP4 (ISO/IEC 14496-12), video track only: init segment, part fragment, frame fragment."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from gwanje.media.picture import Picture

TIMESCALE = 90_000
SYNC, NON_SYNC = 0x02000000, 0x01010000
ROW = struct.Struct(">III")
ROW_REORDERED = struct.Struct(">IIIi")
_MOOF = struct.Struct(">I4sI4sIII4sI4sIII4sIQI4sIIi")
_FRAME = struct.Struct(">BQI4sI4sIII4sI4sIII4sIQI4sIIiIIIiI4s")
_MDAT = struct.Struct(">I4s")
MOOF_SIZE = _MOOF.size
HEAD_MAX = MOOF_SIZE + _MDAT.size
FRAGMENT_MESSAGE, INIT_MESSAGE = 2, 1
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _box(name: bytes, *body: bytes) -> bytes:
    joined = b"".join(body)
    return struct.pack(">I4s", 8 + len(joined), name) + joined


def _full(name: bytes, version: int, flags: int, *body: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *body)


def _visual(kind: bytes, picture: Picture, config: bytes) -> bytes:
    """VisualSampleEntry (ISO/IEC 14496-12 clause 12.1.3) with a codec's configuration box."""
    head = b"\0" * 6 + b"\0\1" + b"\0" * 16
    size = struct.pack(">HHIIIH", picture.width, picture.height, 0x480000, 0x480000, 0, 1)
    return _box(kind, head, size, b"\0" * 32, struct.pack(">Hh", 24, -1), config)


def avc1(picture: Picture, sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """Sample entry of H.264 (ISO/IEC 14496-15 clause 5)."""
    first = sps[0]
    avcc = [bytes((1, first[1], first[2], first[3], 0xFF, 0xE0 | len(sps)))]
    avcc += [struct.pack(">H", len(s)) + s for s in sps]
    avcc.append(bytes((len(pps),)))
    avcc += [struct.pack(">H", len(p)) + p for p in pps]
    if first[1] in (100, 110, 122, 144):
        # 4:2:0 with 8 bits: what cameras send; a decoder takes the rest from the parameter set itself
        avcc.append(bytes((0xFD, 0xF8, 0xF8, 0)))
    return _visual(b"avc1", picture, _box(b"avcC", *avcc))


def hvc1(picture: Picture, profile: bytes, form: tuple[int, int, int, int], sets: Mapping[int, list[bytes]]) -> bytes:
    """Sample entry of H.265 (ISO/IEC 14496-15 clause 8).

    ``profile``: the 12 bytes of profile, tier and level. ``form``: chroma format, bits of luma and of chroma less
    eight, temporal layers × 2 + whether they are nested. ``sets``: NAL unit type → parameter sets.
    """
    chroma, luma_bits, chroma_bits, layers = form
    hvcc = [b"\1", profile, bytes((0xF0, 0, 0xFC, 0xFC | chroma, 0xF8 | luma_bits, 0xF8 | chroma_bits, 0, 0))]
    hvcc.append(bytes((layers << 2 | 3, len(sets))))
    for kind, nals in sorted(sets.items()):
        hvcc.append(struct.pack(">BH", 0x80 | kind, len(nals)))
        hvcc += [struct.pack(">H", len(nal)) + nal for nal in nals]
    return _visual(b"hvc1", picture, _box(b"hvcC", *hvcc))


def mp4v(picture: Picture, kind: int, config: bytes) -> bytes:
    """Sample entry of MPEG-4 part 2 (``kind`` 0x20, ISO/IEC 14496-14) and of JPEG (0x6C); ``config`` as in esds."""

    def descriptor(tag: int, body: bytes) -> bytes:
        # sizes of four bytes always: seven bits each, all but the last marked
        size = bytes(len(body) >> shift & 127 | (shift > 0) << 7 for shift in (21, 14, 7, 0))
        return bytes((tag,)) + size + body

    decoder = bytes((kind, 0x11, 0, 0, 0)) + b"\0" * 8 + (descriptor(5, config) if config else b"")
    body = b"\0\1\0" + descriptor(4, decoder) + descriptor(6, b"\2")
    return _visual(b"mp4v", picture, _full(b"esds", 0, 0, descriptor(3, body)))


def init(picture: Picture, entry: bytes) -> bytes:
    """ftyp and moov of one video track with a sample entry, 90 kHz; the exact plaintext of a kind-2 part."""
    table = [
        _full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        *(_full(name, 0, 0, b"\0" * n) for name, n in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4))),
    ]
    reference = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    minf = _box(b"minf", _full(b"vmhd", 0, 1, b"\0" * 8), reference, _box(b"stbl", *table))
    mdia = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, 0, b"\0" * 4 + b"vide" + b"\0" * 12 + b"video\0"),
        minf,
    )
    size = struct.pack(">II", picture.width << 16, picture.height << 16)
    track = _full(b"tkhd", 0, 3, struct.pack(">IIIII", 0, 0, 1, 0, 0), b"\0" * 16, _MATRIX, size)
    extends = _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0)))
    rates = struct.pack(">IIIIIHH", 0, 0, 1000, 0, 0x10000, 0x100, 0)
    header = _full(b"mvhd", 0, 0, rates, b"\0" * 8, _MATRIX, b"\0" * 24, struct.pack(">I", 2))
    return _box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41") + _box(b"moov", header, _box(b"trak", track, mdia), extends)


def put_head(  # noqa: PLR0917 - keywords cost on the packet path
    buffer: bytearray | memoryview, at: int, rows: bytes | bytearray, number: int, time: int, size: int, reordered: bool
) -> int:
    """Write moof and the mdat head so that they end at ``at``, where ``size`` bytes of samples begin.

    ``rows``: one ROW (duration, size, flags) per sample, or ROW_REORDERED with a composition offset.
    ``time``: decode time of the first sample, 90 kHz. Returns where the fragment begins.
    """
    length = len(rows)
    count = length // (16 if reordered else 12)
    start = at - length - HEAD_MAX
    _MOOF.pack_into(
        buffer, start, length + 88, b"moof", 16, b"mfhd", 0, number, length + 64, b"traf", 16, b"tfhd", 0x020000, 1,
        20, b"tfdt", 1 << 24, time, length + 20, b"trun", 0x01000F01 if reordered else 0x000701, count, length + 96,
    )  # fmt: skip
    buffer[start + MOOF_SIZE : at - 8] = rows
    _MDAT.pack_into(buffer, at - 8, 8 + size, b"mdat")
    return start


def frame_head(  # noqa: PLR0917 - keywords cost on the packet path
    arrival_us: int, number: int, time: int, duration: int, size: int, flags: int, offset: int
) -> bytes:
    """A live message up to its sample bytes: kind, arrival (Unix µs), moof and mdat head of one frame."""
    return _FRAME.pack(
        FRAGMENT_MESSAGE, arrival_us, 104, b"moof", 16, b"mfhd", 0, number, 80, b"traf", 16, b"tfhd", 0x020000, 1,
        20, b"tfdt", 1 << 24, time, 36, b"trun", 0x01000F01, 1, 112, duration, size, flags, offset, 8 + size, b"mdat",
    )  # fmt: skip


def init_message(arrival_us: int, init_bytes: bytes) -> bytes:
    """A live or playback message with an init segment."""
    return struct.pack(">BQ", INIT_MESSAGE, arrival_us) + init_bytes
