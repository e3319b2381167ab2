"""NAL units of a stored part (영상 조각의 NAL 단위): which pictures it holds, as ONVIF Media Signing counts them.

Lengths are read, nothing is decoded: vaultd may tell digests of pictures, and messages that hold none, without a
picture leaving it. ITU-T H.264 table 7-1, H.265 table 7-1; the rules which units are hashed are those of the
reference implementation (design 0030).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from gwanje.vault.errors import VaultError
from gwanje.vault.fmp4 import _boxes, _find

UUID: Final = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
USER_DATA_UNREGISTERED: Final = 5
FIRST, PICTURE, OUTSIDE, SIGNATURE = KINDS = (1, 2, 3, 4)
NALS_MAX: Final = 20_000
NAL_MAX: Final = 256 * 1024
TOLD_MAX: Final = 1 << 20
TIMESCALE: Final = 90_000
H264, H265 = 1, 2
_CODECS: Final = {b"avc1": H264, b"avc3": H264, b"hvc1": H265, b"hev1": H265}
_ROW: Final = struct.Struct(">BI")
Unit = tuple[int, int, memoryview]


def codec(init: bytes) -> int:
    """``H264`` or ``H265`` (also the bytes of a NAL unit's header), 0 for every other codec; VaultError ``fmp4``."""
    for stsd in _find(memoryview(init), b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        return _CODECS.get(bytes(stsd[12:16]), 0)
    return 0


def signs(nal: memoryview | bytes, header: int) -> bool:
    """Has this SEI the UUID of signed video? ``header``: 1 byte (H.264) or 2 (H.265). No copy of the unit is made."""
    at = header + 1
    if len(nal) < header + 19 or nal[header] != USER_DATA_UNREGISTERED:
        return False
    while at < len(nal) - 17 and nal[at] == 0xFF:
        at += 1
    return bytes(nal[at + 1 : at + 17]) == UUID


def kind_of(nal: memoryview | bytes, header: int) -> int:
    """One of ``KINDS``, or 0 for a unit that is neither a picture nor a signature (parameter sets, other messages).

    ``OUTSIDE``: a picture that the signature does not count (data partitions, upper layers, leading pictures).
    """
    if len(nal) <= header:
        return 0
    first = nal[0]
    if header == H264:
        type_, key = first & 31, first & 31 == 5
        counted = type_ == 1 or (key and first & 0x60 != 0)
        shown, sei = type_ in (1, 2, 3, 4, 5, 19, 20, 21), type_ == 6
    else:
        type_, temporal = first >> 1 & 63, nal[1] & 7
        key = 16 <= type_ <= 21
        counted = type_ in (0, 1) or (key and temporal == 1)
        shown, sei = type_ < 32, type_ in (39, 40)
        counted = counted and temporal != 0
    if sei:
        return SIGNATURE if signs(nal, header) else 0
    if not shown:
        return 0
    if not counted or first & 0x80:
        return OUTSIDE
    return FIRST if key and nal[header] & 0x80 else PICTURE


def _rows(traf: memoryview) -> list[tuple[int, int]]:
    """(duration in the track's clock, size) of each sample; VaultError ``fmp4`` unless each says its size."""
    rows: list[tuple[int, int]] = []
    for trun in _find(traf, b"trun"):
        flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
        fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
        at = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
        if 0x200 not in fields or at + 4 * len(fields) * count != len(trun) or len(rows) + count > NALS_MAX:
            raise VaultError("fmp4", "trun")
        place = fields.index(0x200)
        for values in struct.iter_unpack(f">{len(fields)}I", trun[at:]):
            rows.append((values[0] if 0x100 in fields else 0, values[place]))
    return rows


def units(header: int, fragment: bytes | memoryview) -> Iterator[Unit]:
    """(kind, µs from the part's beginning, bytes) of the pictures and signatures of a part, in their order.

    ``header`` as ``codec`` says. Bytes are those of the NAL unit without zeros behind it. VaultError ``fmp4``.
    """
    view, rows, clock, count = memoryview(fragment), list[tuple[int, int]](), 0, 0
    for name, body in _boxes(view):
        if name == b"moof":
            rows = [row for traf in _find(body, b"traf") for row in _rows(traf)]
        if name != b"mdat":
            continue
        at = 0
        for duration, size in rows:
            if at + size > len(body):
                raise VaultError("fmp4", "a sample passes its mdat")
            for nal in lengths(body[at : at + size]):
                count += 1
                if count > NALS_MAX:
                    raise VaultError("fmp4", "too many NAL units")
                if kind := kind_of(nal, header):
                    yield kind, clock * 1_000_000 // TIMESCALE, nal
            at, clock = at + size, clock + duration


def lengths(sample: memoryview) -> Iterator[memoryview]:
    """NAL units behind lengths of four bytes (ISO/IEC 14496-15), without zeros behind them; VaultError ``fmp4``."""
    at = 0
    while at < len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        end = at + 4 + size
        if at + 4 > len(sample) or end > len(sample):
            raise VaultError("fmp4", "a NAL unit passes its sample")
        last = end
        while last > at + 4 and not sample[last - 1]:
            last -= 1
        yield sample[at + 4 : last]
        at = end


def started(data: bytes) -> Iterator[memoryview]:
    """NAL units behind start codes (H.264 and H.265 annex B), without zeros behind them."""
    view, at = memoryview(data), data.find(b"\0\0\1")
    while at >= 0:
        after = data.find(b"\0\0\1", at + 3)
        last = len(data) if after < 0 else after
        while last > at + 3 and not data[last - 1]:
            last -= 1
        yield view[at + 3 : last]
        at = after


def told(header: int, fragment: bytes) -> tuple[bytes, list[bytes]]:
    """What vaultd says of a part's pictures to whoever checks signatures: digests, and messages of the signature.

    (rows of kind u8 ‖ µs u32 ‖ SHA-256 32, the signature messages in the order of their rows); no picture. A message
    over 256 KiB, or behind 1 MiB of them, is left out as one that cannot be read: its place holds empty bytes.
    """
    rows, messages, left = bytearray(), list[bytes](), TOLD_MAX
    for kind, offset_us, nal in units(header, fragment):
        rows += _ROW.pack(kind, min(offset_us, 0xFFFFFFFF)) + hashlib.sha256(nal).digest()
        if kind == SIGNATURE:
            messages.append(bytes(nal) if len(nal) <= min(NAL_MAX, left) else b"")
            left -= len(messages[-1])
    return bytes(rows), messages


def untold(rows: bytes, messages: Sequence[bytes]) -> Iterator[tuple[int, int, bytes, bytes]]:
    """(kind, µs, SHA-256, message or empty) of what ``told`` gave; ValueError."""
    at, left = 0, iter(messages)
    while at < len(rows):
        kind, offset_us = _ROW.unpack_from(rows, at)
        digest = rows[at + _ROW.size : at + _ROW.size + 32]
        if len(digest) != 32 or kind not in KINDS:
            raise ValueError("rows")
        yield kind, offset_us, digest, next(left, b"") if kind == SIGNATURE else b""
        at += _ROW.size + 32
