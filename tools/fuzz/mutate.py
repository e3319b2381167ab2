"""Mutations that know the form of what they change: packets, lines, boxes; and bytes for the rest."""

from __future__ import annotations

import random
from collections.abc import Sequence

SIZE_MAX = 48 * 1024
NUMBERS = (0, 1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    "", " ", "=", ";", ":", "/", ",", "-1", "0", "65536", "99999999999999999999", "²", "٣", "%s", "\0", "\r", "\n",
    "[::", "rtsp://[", "rtsp://a:b@c:99999/", "*", "=" * 40, "A" * 300, "H264/90000", "H265/90000", "MP4V-ES/90000",
    "JPEG/90000", "96", "26", "sprop-parameter-sets=", "sprop-sps=AAAA", "config=zz", "m=video 0 RTP/AVP",
    "interleaved=300", "\"", "Digest",
)  # fmt: skip


def _flip(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.randrange(1, 5)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _number(rng: random.Random, data: bytearray) -> None:
    size = rng.choice((1, 2, 4, 8))
    at = rng.randrange(len(data))
    value = rng.choice(NUMBERS) + rng.randrange(-1, 2)
    data[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "big")


def _cut(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 4, 16, 200, SIZE_MAX))]


def _double(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.choice((1, 4, 32, 400))]
    to = rng.randrange(len(data))
    data[to:to] = piece


def _noise(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice((1, 3, 12, 70)))


_BYTES = (_flip, _flip, _number, _number, _cut, _double, _noise)


def of_bytes(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One seed, changed a few times; seldom two joined."""
    data = bytearray(rng.choice(seeds))
    if rng.random() < 0.05:
        data += rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not data:
            break
        rng.choice(_BYTES)(rng, data)
    return bytes(data[:SIZE_MAX])


def of_lines(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Text: lines dropped, doubled, exchanged, their words replaced; now and then bytes."""
    lines = rng.choice(seeds).split(b"\n")
    for _ in range(rng.choice((1, 2, 3))):
        at = rng.randrange(len(lines))
        act = rng.randrange(6)
        if act == 0:
            lines[at : at + 1] = []
        elif act == 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif act == 2:
            lines[at], lines[0] = lines[0], lines[at]
        elif act == 3:
            line = lines[at]
            place = rng.randrange(len(line) + 1)
            lines[at] = line[:place] + rng.choice(WORDS).encode() + line[place + rng.choice((0, 1, 8)) :]
        elif act == 4:
            lines[at] = rng.choice(rng.choice(seeds).split(b"\n"))
        else:
            changed = bytearray(lines[at] or b"x")
            _flip(rng, changed)
            lines[at] = bytes(changed)
        if not lines:
            break
    return b"\n".join(lines)[:SIZE_MAX]


def packets_of(stream: bytes) -> list[bytes]:
    """Interleaved frames and answers of a recorded stream."""
    out, at = [], 0
    while at < len(stream):
        if stream[at] == 0x24:
            end = at + 4 + int.from_bytes(stream[at + 2 : at + 4], "big")
        else:
            end = stream.find(b"$\0", at)
            end = len(stream) if end < 0 else end
        out.append(stream[at:end])
        at = end
    return out


def _packet(rng: random.Random, packet: bytes) -> bytes:
    """One packet changed; its framing length is put right most of the time."""
    data = bytearray(packet)
    act = rng.randrange(7)
    if act == 0 and len(data) > 18:
        # what the codec reads first
        data[16 + rng.randrange(min(12, len(data) - 16))] = rng.choice(
            (rng.randrange(256), 0, 255, 0x7C, 0x62, 0x60, 0x18)
        )
    elif act == 1 and len(data) > 16:
        data[4 + rng.randrange(12)] ^= 1 << rng.randrange(8)
    elif act == 2:
        del data[rng.randrange(len(data)) :]
    elif act == 3 and len(data) > 18:
        at = rng.randrange(16, len(data))
        data[at : at + 2] = rng.choice(NUMBERS).to_bytes(8, "big")[-2:]
    elif act == 4:
        data += rng.randbytes(rng.choice((1, 2, 40)))
    else:
        _flip(rng, data)
    if len(data) > 4 and rng.random() < 0.85:
        data[0] = 0x24
        data[2:4] = (len(data) - 4).to_bytes(2, "big")
    return bytes(data)


def of_packets(rng: random.Random, streams: Sequence[Sequence[bytes]]) -> bytes:
    """A recorded stream with packets lost, doubled, exchanged, changed, or from another stream."""
    packets = list(rng.choice(streams))
    first = rng.randrange(len(packets)) if rng.random() < 0.4 else 0
    packets = packets[first : first + rng.choice((3, 8, 8, 16, 400))]
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(packets))
        act = rng.randrange(8)
        if act == 0 and len(packets) > 1:
            del packets[at]
        elif act == 1:
            packets.insert(at, packets[rng.randrange(len(packets))])
        elif act == 2:
            packets[at] = rng.choice(rng.choice(streams))
        elif packets[at]:
            packets[at] = _packet(rng, packets[at])
    return b"".join(packets)[:SIZE_MAX]
