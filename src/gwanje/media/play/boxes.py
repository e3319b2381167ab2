"""Boxes of stored fragments (영상 조각 상자): what an init says, and fragments moved on the time line; video only.

Everything that is not a video track is dropped here, before a byte leaves for a viewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gwanje.media import h265, mpeg4
from gwanje.media.picture import BadParameterSet

BOXES_MAX = 512
_TFHD_FIELDS = ((0x000001, 8), (0x000002, 4))
DESCRIPTORS_MAX, DEPTH_MAX = 16, 8
_ES, _DECODER, _SPECIFIC = 3, 4, 5
_AVC, _HEVC, _MP4V = (b"avc1", b"avc3"), (b"hvc1", b"hev1"), b"mp4v"
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex")


class BadBoxes(ValueError):
    """The plaintext is no fragmented MP4 of one video track."""


@dataclass(frozen=True)
class Init:
    """What an init segment says: the video track's number, its clock, codec (RFC 6381), pixels, default duration."""

    data: bytes
    track: int
    timescale: int
    codec: str
    width: int
    height: int
    duration: int


@dataclass(frozen=True)
class Span:
    """One box: its kind and where its body lies."""

    kind: bytes
    start: int
    body: int
    end: int


def spans(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """The boxes in data[start:end]; BadBoxes when a size does not fit."""
    at, stop = start, len(data) if end is None else end
    for _ in range(BOXES_MAX):
        if at == stop:
            return
        if at + 8 > stop:
            break
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1 and at + 16 <= stop:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if size < head or at + size > stop:
            break
        yield Span(bytes(data[at + 4 : at + 8]), at, at + head, at + size)
        at += size
    raise BadBoxes(f"a box at byte {at} does not fit")


def _walk(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[Span]:
    if depth > DEPTH_MAX:
        raise BadBoxes("boxes in boxes in boxes")
    for span in spans(data, start, end):
        yield span
        if span.kind in _CONTAINERS:
            yield from _walk(data, span.body, span.end, depth + 1)


def _number(data: bytes | bytearray, at: int, size: int = 4) -> int:
    if at + size > len(data):
        raise BadBoxes("a box is too short")
    return int.from_bytes(data[at : at + size], "big")


def _part(data: bytes, entry: Span, kind: bytes) -> bytes:
    """The body of a sample entry's configuration box."""
    found = next((s for s in spans(data, entry.body + 78, entry.end) if s.kind == kind), None)
    if found is None:
        raise BadBoxes(f"no {kind.decode()}")
    return bytes(data[found.body : found.end])


def _descriptors(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(tag, begin, end) of the descriptors in data[at:end] (ISO/IEC 14496-1 clause 8.3.3)."""
    for _ in range(DESCRIPTORS_MAX):
        if at + 2 > end:
            return
        tag, size = data[at], 0
        for _ in range(4):
            at += 1
            byte = _number(data, at, 1)
            size = size << 7 | byte & 127
            if not byte & 128:
                break
        if at + 1 + size > end:
            raise BadBoxes("a descriptor does not fit")
        yield tag, at + 1, at + 1 + size
        at += 1 + size


def _elementary(esds: bytes) -> tuple[int, bytes]:
    """Object type and configuration of an ``esds`` box."""
    for tag, begin, end in _descriptors(esds, 4, len(esds)):
        if tag != _ES:
            continue
        # elementary stream number and flags; ours have no optional fields
        for inner, start, stop in _descriptors(esds, begin + 3, end):
            if inner == _DECODER:
                config = next((esds[a:b] for t, a, b in _descriptors(esds, start + 13, stop) if t == _SPECIFIC), b"")
                return _number(esds, start, 1), config
    raise BadBoxes("no decoder configuration")


def _codec(data: bytes, entry: Span) -> str:
    """RFC 6381 name of a sample entry; BadBoxes when that codec is not recorded."""
    if entry.kind in _AVC:
        avcc = _part(data, entry, b"avcC")
        if len(avcc) < 7:
            raise BadBoxes("avcC is too short")
        return f"{entry.kind.decode()}.{avcc[1:4].hex()}"
    if entry.kind in _HEVC:
        hvcc = _part(data, entry, b"hvcC")
        if len(hvcc) < 23:
            raise BadBoxes("hvcC is too short")
        return entry.kind.decode() + h265.codec_string(hvcc[1:13])[4:]
    if entry.kind == _MP4V:
        kind, config = _elementary(_part(data, entry, b"esds"))
        if kind == mpeg4.OBJECT_TYPE:
            try:
                return mpeg4.picture(config).codec
            except BadParameterSet as error:
                raise BadBoxes(str(error)) from error
        return f"mp4v.{kind:X}"
    raise BadBoxes("the video is of a codec that is not recorded")


def read_init(data: bytes) -> Init:
    """Read an init segment; BadBoxes unless it has exactly one track and that is video of a codec that is recorded."""
    all_ = list(islice(_walk(data, 0, len(data)), BOXES_MAX))
    found = {span.kind: span for span in all_}
    traks = sum(span.kind == b"trak" for span in all_)
    if traks != 1 or not {b"hdlr", b"tkhd", b"mdhd", b"stsd"} <= found.keys():
        raise BadBoxes(f"{traks} tracks in an init segment")
    handler = found[b"hdlr"].body + 8
    if data[handler : handler + 4] != b"vide":
        raise BadBoxes("a track that is not video")
    tkhd, mdhd, stsd = found[b"tkhd"].body, found[b"mdhd"].body, found[b"stsd"].body
    track = _number(data, tkhd + (20 if data[tkhd] == 1 else 12))
    timescale = _number(data, mdhd + (20 if data[mdhd] == 1 else 12))
    entry = next(spans(data, stsd + 8, found[b"stsd"].end), None)
    if entry is None or timescale == 0:
        raise BadBoxes("the video has no sample entry")
    codec = _codec(data, entry)
    width, height = _number(data, entry.body + 24, 2), _number(data, entry.body + 26, 2)
    trex = found.get(b"trex")
    duration = _number(data, trex.body + 12) if trex else 0
    return Init(data, track, timescale, codec, width, height, duration)


@dataclass(frozen=True)
class Fragment:
    """One moof and its mdat: where tfdt's number lies (``wide`` = 8 bytes), its value, and how long it lasts."""

    start: int
    end: int
    tfdt: int
    wide: bool
    time: int
    duration: int


def _trun_duration(data: bytes, span: Span, default: int) -> int:
    flags = _number(data, span.body) & 0xFFFFFF
    count = _number(data, span.body + 4)
    row = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    at = span.body + 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
    if at + row * count > span.end:
        raise BadBoxes("trun is too short")
    if not flags & 0x100:
        return default * count
    return sum(int.from_bytes(data[at + i * row : at + i * row + 4], "big") for i in range(count))


def _traf(data: bytes, traf: Span, init: Init, fragment_start: int) -> Fragment | None:
    found = list(spans(data, traf.body, traf.end))
    tfhd = next((s for s in found if s.kind == b"tfhd"), None)
    tfdt = next((s for s in found if s.kind == b"tfdt"), None)
    if tfhd is None or tfdt is None:
        raise BadBoxes("a fragment without tfhd or tfdt")
    if _number(data, tfhd.body + 4) != init.track:
        return None
    flags = _number(data, tfhd.body) & 0xFFFFFF
    default = init.duration
    if flags & 0x000008:
        default = _number(data, tfhd.body + 8 + sum(size for bit, size in _TFHD_FIELDS if flags & bit))
    duration = sum(_trun_duration(data, s, default) for s in found if s.kind == b"trun")
    wide = data[tfdt.body] == 1
    at = tfdt.body + 4
    return Fragment(fragment_start, 0, at, wide, _number(data, at, 8 if wide else 4), duration)


def fragments(data: bytes, init: Init) -> list[Fragment]:
    """The video fragments of a part's plaintext; pairs of another track are left out, mixed ones are BadBoxes."""
    out: list[Fragment] = []
    moof: Span | None = None
    for span in spans(data):
        if span.kind == b"moof":
            moof = span
        elif span.kind == b"mdat" and moof is not None:
            trafs = [s for s in spans(data, moof.body, moof.end) if s.kind == b"traf"]
            kept = [f for f in (_traf(data, t, init, moof.start) for t in trafs) if f]
            if len(kept) == len(trafs) == 1:
                one = kept[0]
                out.append(Fragment(one.start, span.end, one.tfdt, one.wide, one.time, one.duration))
            elif kept:
                raise BadBoxes("a fragment of several tracks")
            moof = None
    return out


class Timeline:
    """Puts fragments on one time line whose zero is the Permit's ``first``; never overlaps, never goes back.

    Recorders write wall time into tfdt; where that is not so, the part's arrival counts.
    """

    PLAUSIBLE_S = 2.0

    def __init__(self, first_s: int) -> None:
        self._first_s = first_s
        self._end = 0.0

    def restart(self) -> None:
        """Forget where the last fragment ended: a seek."""
        self._end = 0.0

    def place(self, data: bytes, init: Init, start_us: int) -> bytes:
        """The part's video fragments with decode times from ``first``; empty bytes when it holds no video."""
        found = fragments(data, init)
        if not found:
            return b""
        scale, zero = init.timescale, found[0].time
        arrival_s = start_us / 1e6 - self._first_s
        wanted_s = zero / scale - self._first_s
        if abs(wanted_s - arrival_s) > self.PLAUSIBLE_S:
            wanted_s = arrival_s
        base = max(round(max(wanted_s, self._end) * scale), 0)
        out = bytearray()
        for fragment in found:
            piece = bytearray(data[fragment.start : fragment.end])
            time = base + fragment.time - zero
            at, size = fragment.tfdt - fragment.start, 8 if fragment.wide else 4
            if not 0 <= time < 1 << (8 * size):
                raise BadBoxes("decode times out of range")
            piece[at : at + size] = time.to_bytes(size, "big")
            out += piece
            self._end = (time + fragment.duration) / scale
        return bytes(out)
