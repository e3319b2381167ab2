"""H.264 parameter sets (ITU-T H.264 clause 7.3.2): picture size, codec string, reordering depth."""

from __future__ import annotations

from dataclasses import dataclass

SPS, PPS, IDR = 7, 8, 5
SET_MAX = 4096
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


class BadParameterSet(ValueError):
    """A parameter set is cut off or contradicts itself."""


class _Bits:
    def __init__(self, data: bytes) -> None:
        # emulation prevention bytes are no part of the syntax
        clean = data.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(clean, "big")
        self._left = 8 * len(clean)

    def u(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise BadParameterSet("a parameter set is cut off")
        return self._value >> self._left & (1 << count) - 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 31:
                raise BadParameterSet("a number in a parameter set is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


@dataclass(frozen=True)
class Picture:
    """What a sequence parameter set says: size in pixels, RFC 6381 codec, frames that may be reordered."""

    width: int
    height: int
    codec: str
    reorder: int


def set_id(nal: bytes) -> int:
    """seq_parameter_set_id or pic_parameter_set_id of a parameter set."""
    if len(nal) > SET_MAX:
        raise BadParameterSet("a parameter set is too long")
    bits = _Bits(nal[1:])
    if nal[0] & 31 == SPS:
        bits.u(24)
    return bits.ue()


def _scaling_lists(bits: _Bits, count: int) -> None:
    for index in range(count):
        if bits.u(1):
            last = following = 8
            for _ in range(16 if index < 6 else 64):
                if following:
                    following = (last + bits.se()) % 256
                last = following or last


def _hypothetical_decoder(bits: _Bits) -> None:
    count = bits.ue() + 1
    if count > 32:
        raise BadParameterSet("too many coded picture buffers")
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)


def _reordering(bits: _Bits, default: int) -> int:
    """max_num_reorder_frames of the video usability information."""
    if bits.u(1) and bits.u(8) == 255:
        bits.u(32)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(4)
        if bits.u(1):
            bits.u(24)
    if bits.u(1):
        bits.ue()
        bits.ue()
    if bits.u(1):
        bits.u(65)
    first = bits.u(1)
    if first:
        _hypothetical_decoder(bits)
    second = bits.u(1)
    if second:
        _hypothetical_decoder(bits)
    if first or second:
        bits.u(1)
    bits.u(1)
    if not bits.u(1):
        return default
    bits.u(1)
    for _ in range(4):
        bits.ue()
    return bits.ue()


def _order_count(bits: _Bits) -> int:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise BadParameterSet("too many reference frames in a cycle")
        for _ in range(count):
            bits.se()
    return kind


def picture(sps: bytes) -> Picture:
    """Read a sequence parameter set NAL unit; BadParameterSet when it cannot be read."""
    if len(sps) < 4 or sps[0] & 31 != SPS or len(sps) > SET_MAX:
        raise BadParameterSet("this is no sequence parameter set")
    bits = _Bits(sps[1:])
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, separate = 1, 0
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        separate = bits.u(1) if chroma == 3 else 0
        bits.ue()
        bits.ue()
        bits.u(1)
        if bits.u(1):
            _scaling_lists(bits, 12 if chroma == 3 else 8)
    bits.ue()
    order = _order_count(bits)
    bits.ue()
    bits.u(1)
    width, units = 16 * (bits.ue() + 1), bits.ue() + 1
    frame_only = bits.u(1)
    height = 16 * units * (2 - frame_only)
    if not frame_only:
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across = 1 if chroma in (0, 3) or separate else 2
        down = (1 if chroma != 1 or separate else 2) * (2 - frame_only)
        width, height = width - across * (left + right), height - down * (top + bottom)
    # Baseline has no B pictures; order count type 2 means output order is decoding order
    reorder = 0
    if bits.u(1):
        reorder = _reordering(bits, 0)
    if order == 2 or profile == 66:
        reorder = 0
    if not (0 < width <= 16384 and 0 < height <= 16384) or reorder > 16:
        raise BadParameterSet("the picture size or the reordering depth is out of range")
    return Picture(width, height, f"avc1.{sps[1]:02x}{sps[2]:02x}{sps[3]:02x}", reorder)
