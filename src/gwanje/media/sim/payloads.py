"""RTP payloads (RTP 페이로드) of H.265 (RFC 7798), MPEG-4 part 2 (RFC 6416) and JPEG (RFC 2435)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PAYLOAD_MAX = 1400
SEGMENTS_MAX = 64
_SETS = (32, 33, 34)


def h265(nals: list[bytes], limit: int = PAYLOAD_MAX) -> list[bytes]:
    """Of one access unit: parameter sets in an aggregation packet, long NAL units in fragments."""
    out: list[bytes] = []
    sets = [nal for nal in nals if nal[0] >> 1 & 63 in _SETS]
    if len(sets) > 1:
        out.append(b"\x60\x01" + b"".join(struct.pack(">H", len(n)) + n for n in sets))
        nals = [nal for nal in nals if nal[0] >> 1 & 63 not in _SETS]
    for nal in nals:
        if len(nal) <= limit:
            out.append(nal)
            continue
        head, kind = bytes((nal[0] & 0x81 | 49 << 1, nal[1])), nal[0] >> 1 & 63
        pieces = [nal[at : at + limit - 3] for at in range(2, len(nal), limit - 3)]
        for index, piece in enumerate(pieces):
            edge = (index == 0) << 7 | (index == len(pieces) - 1) << 6
            out.append(head + bytes((edge | kind,)) + piece)
    return out


def mpeg4(data: bytes, limit: int = PAYLOAD_MAX) -> list[bytes]:
    """Of one picture: the bit stream in pieces."""
    return [data[at : at + limit] for at in range(0, len(data), limit)]


@dataclass(frozen=True)
class Scan:
    """What a JPEG file says, taken apart: RTP type, eighths of width and height, tables, restart interval, scan."""

    kind: int
    width: int
    height: int
    tables: bytes
    interval: int
    data: bytes


def scan(jpeg: bytes) -> Scan:
    """Take a baseline JPEG with the usual Huffman tables apart; ValueError when RTP has no type for it."""
    tables: dict[int, bytes] = {}
    kind, width, height, interval, used = -1, 0, 0, 0, (0, 0)
    at = 2
    for _ in range(SEGMENTS_MAX):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        body = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDB:
            for place in range(0, len(body) - 64, 65):
                tables[body[place]] = body[place + 1 : place + 65]
        elif marker == 0xC0:
            height, width = struct.unpack_from(">HH", body, 1)
            kind, used = {0x21: 0, 0x22: 1}.get(body[7], -1), (body[8], body[11])
        elif marker == 0xDD:
            interval = int.from_bytes(body, "big")
        elif marker == 0xDA:
            break
    if kind < 0 or width % 8 or height % 8 or max(width, height) > 2040:
        raise ValueError(f"RTP has no JPEG type for a picture of {width} × {height} pixels like this")
    end = len(jpeg) - 2 if jpeg.endswith(b"\xff\xd9") else len(jpeg)
    return Scan(kind, width // 8, height // 8, tables[used[0]] + tables[used[1]], interval, jpeg[at:end])


def jpeg(data: bytes, limit: int = PAYLOAD_MAX, *, q: int = 255, said: bool = True) -> list[bytes]:
    """Of one picture; ``q``: 1-99 tables by number, 128-255 in band unless they were ``said`` before (not 255)."""
    found = scan(data)
    kind = found.kind | (64 if found.interval else 0)
    restarts = struct.pack(">HH", found.interval, 0xFFFF) if found.interval else b""
    out: list[bytes] = []
    at = 0
    while at < len(found.data):
        head = struct.pack(">IBBBB", at, kind, q, found.width, found.height) + restarts
        if not at and q >= 128:
            tables = found.tables if said or q == 255 else b""
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        piece = found.data[at : at + limit - len(head)]
        out.append(head + piece)
        at += len(piece)
    return out
