"""H.264 (ITU-T H.264, RTP by RFC 6184): parameter sets and packets.

Single NAL units, STAP-A and FU-A; interleaved packetisation (STAP-B, MTAP, FU-B) is refused with its number.
"""

from __future__ import annotations

from collections.abc import Mapping

from gwanje.media import fmp4
from gwanje.media.picture import SET_MAX, BadParameterSet, Bits, Picture, sized
from gwanje.media.rtp import Depacketiser, NalCodec, StreamBroken

SPS, PPS, IDR = 7, 8, 5
STAP_A, FU_A = 24, 28
_DROPPED = frozenset((9, 10, 11, 12))
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


def set_id(nal: bytes) -> int:
    """seq_parameter_set_id or pic_parameter_set_id of a parameter set."""
    if not 2 <= len(nal) <= SET_MAX:
        raise BadParameterSet("a parameter set is empty or too long")
    bits = Bits(nal[1:])
    if nal[0] & 31 == SPS:
        bits.u(24)
    return bits.ue()


def _scaling_lists(bits: Bits, count: int) -> None:
    for index in range(count):
        if bits.u(1):
            last = following = 8
            for _ in range(16 if index < 6 else 64):
                if following:
                    following = (last + bits.se()) % 256
                last = following or last


def _hypothetical_decoder(bits: Bits) -> None:
    count = bits.ue() + 1
    if count > 32:
        raise BadParameterSet("too many coded picture buffers")
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)


def _reordering(bits: Bits, default: int) -> int:
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


def _order_count(bits: Bits) -> int:
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
    bits = Bits(sps[1:])
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
    return sized(width, height, f"avc1.{sps[1]:02x}{sps[2]:02x}{sps[3]:02x}", reorder)


class H264(NalCodec):
    """H.264 on the packet path."""

    __slots__ = ()
    name = "H264"
    mask, fragment, lead, kinds, keys = 31, FU_A, 18, 31, frozenset((IDR,))

    def whole(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, w: int) -> int:
        if mv[o] & 31 != STAP_A:
            return self.nal(stream, mv[o:stop], w)
        return self.aggregated(stream, mv[o + 1 : stop], w)

    def nal(self, stream: Depacketiser, unit: memoryview, w: int) -> int:
        kind = unit[0] & 31
        if kind in (SPS, PPS):
            stream.parameter_set(bytes(unit))
            return w
        if kind in _DROPPED:
            return w
        if kind > 23:
            raise StreamBroken(f"packetisation mode of NAL type {kind} is not supported")
        if kind == IDR:
            stream.key = True
        x = w + 4 + len(unit)
        view = stream.view
        view[w : w + 4] = len(unit).to_bytes(4, "big")
        view[w + 4 : x] = unit
        return x

    def place(self, data: bytes) -> tuple[int, int] | None:
        kind = data[0] & 31
        return (kind, set_id(data)) if kind in (SPS, PPS) else None

    def describe(self, sets: Mapping[tuple[int, int], bytes]) -> tuple[Picture, bytes] | None:
        sps = [nal for (kind, _), nal in sorted(sets.items()) if kind == SPS]
        pps = [nal for (kind, _), nal in sorted(sets.items()) if kind == PPS]
        if not sps or not pps:
            return None
        found = picture(sps[0])
        return found, fmp4.init(found, fmp4.avc1(found, sps, pps))

    def reorders(self, found: Picture) -> bool:
        # Baseline has no B pictures
        return not found.codec.startswith("avc1.42")
