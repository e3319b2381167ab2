"""H.265 (ITU-T H.265, RTP by RFC 7798): parameter sets and packets.

Single NAL units, aggregation packets (48) and fragmentation units (49) without decoding order numbers: a track that
announces those is refused with its description. PACI packets (50) are refused with their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gwanje.media import fmp4
from gwanje.media.picture import SET_MAX, BadParameterSet, Bits, Picture, sized
from gwanje.media.rtp import PACKET_WIDE, Depacketiser, NalCodec, StreamBroken

VPS, SPS, PPS = 32, 33, 34
AGGREGATION, FRAGMENTATION = 48, 49
CRA = 21
# key pictures (IRAP): broken-link access 16-18, instantaneous refresh 19-20, clean random access 21
KEYS = frozenset(range(16, 22))
_SETS = frozenset((VPS, SPS, PPS))
_LEADING = frozenset((8, 9))
_BROKEN_LINKS = frozenset((16, 17, 18))
# delimiters, ends of sequence and filler
_DROPPED = frozenset((35, 36, 37, 38))


@dataclass(frozen=True)
class Sequence:
    """What a sequence parameter set says.

    ``profile``: the 12 bytes of profile, tier and level as hvcC repeats them. ``form``: chroma format, bits of luma
    and of chroma less eight, temporal layers. ``nested``: temporal layers may be left at any picture.
    """

    picture: Picture
    profile: bytes
    form: tuple[int, int, int, int]
    nested: bool


def _kind(nal: bytes | memoryview) -> int:
    return nal[0] >> 1 & 63


def set_id(nal: bytes) -> int:
    """Number of a video, sequence or picture parameter set; BadParameterSet."""
    if not 2 <= len(nal) <= SET_MAX:
        raise BadParameterSet("a parameter set is empty or too long")
    if _kind(nal) == SPS:
        return sequence(nal)[0]
    bits = Bits(nal[2:48])
    return bits.u(4) if _kind(nal) == VPS else bits.ue()


def _profile(bits: Bits, sub_layers: int) -> bytes:
    general = bits.u(96).to_bytes(12, "big")
    present = [(bits.u(1), bits.u(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.u(2 * (8 - sub_layers))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    return general


def codec_string(profile: bytes) -> str:
    """RFC 6381 name by ISO/IEC 14496-15 annex E: ``hvc1.1.6.L93.B0``."""
    space, tier, idc = profile[0] >> 6, profile[0] >> 5 & 1, profile[0] & 31
    compatible = int(f"{int.from_bytes(profile[1:5], 'big'):032b}"[::-1], 2)
    words = [f"hvc1.{('', 'A', 'B', 'C')[space]}{idc}", f"{compatible:X}", f"{'LH'[tier]}{profile[11]}"]
    return ".".join(words + [f"{byte:X}" for byte in profile[5:11].rstrip(b"\0")])


def sequence(nal: bytes) -> tuple[int, Sequence]:
    """Number and content of a sequence parameter set NAL unit (clause 7.3.2.2); BadParameterSet."""
    if len(nal) < 16 or _kind(nal) != SPS or len(nal) > SET_MAX:
        raise BadParameterSet("this is no sequence parameter set")
    bits = Bits(nal[2:])
    bits.u(4)
    sub_layers = bits.u(3)
    if sub_layers > 6:
        raise BadParameterSet("too many temporal layers")
    nested = bits.u(1)
    profile = _profile(bits, sub_layers)
    number = bits.ue()
    chroma = bits.ue()
    separate = bits.u(1) if chroma == 3 else 0
    width, height = bits.ue(), bits.ue()
    if chroma > 3 or number > 15:
        raise BadParameterSet("a sequence parameter set is out of range")
    if bits.u(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across, down = 1 + (chroma in (1, 2) and not separate), 1 + (chroma == 1)
        width, height = width - across * (left + right), height - down * (top + bottom)
    luma_bits, chroma_bits = bits.ue(), bits.ue()
    bits.ue()
    reorder = 0
    for _ in range(sub_layers + 1 if bits.u(1) else 1):
        bits.ue()
        # the last one is that of all layers together
        reorder = bits.ue()
        bits.ue()
    if luma_bits > 7 or chroma_bits > 7:
        raise BadParameterSet("a sequence parameter set is out of range")
    found = sized(width, height, codec_string(profile), reorder)
    return number, Sequence(found, profile, (chroma, luma_bits, chroma_bits, sub_layers + 1), bool(nested))


class H265(NalCodec):
    """H.265 on the packet path. Leading pictures that refer to what nobody received are left out."""

    __slots__ = ("orphans",)
    name = "H265"
    packet, mask, fragment, lead, kinds, keys = PACKET_WIDE, 0x7E, FRAGMENTATION << 1, 19, 63, KEYS

    def __init__(self) -> None:
        self.orphans = True

    def _picture(self, stream: Depacketiser, kind: int) -> None:
        if kind in KEYS:
            # leading pictures after the first clean random access refer to pictures before it
            self.orphans = kind in _BROKEN_LINKS or (kind == CRA and not stream.started)
            stream.key = True
        elif kind in _LEADING and self.orphans:
            stream.bad = True

    def wide(self, stream: Depacketiser, at: int, first: int, second: int, fu: int) -> None:
        self._picture(stream, fu & 63)
        stream.view[at] = first & 0x81 | (fu & 63) << 1
        stream.view[at + 1] = second

    def whole(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, w: int) -> int:
        if mv[o] >> 1 & 63 == AGGREGATION:
            return self.aggregated(stream, mv[o + 2 : stop], w)
        return self.nal(stream, mv[o:stop], w)

    def nal(self, stream: Depacketiser, unit: memoryview, w: int) -> int:
        kind = unit[0] >> 1 & 63
        if kind in _SETS:
            stream.parameter_set(bytes(unit))
            return w
        # other layers than the base are no part of the picture that is recorded
        if kind in _DROPPED or unit[0] & 1 or unit[1] >> 3:
            return w
        if kind > 47:
            raise StreamBroken(f"packetisation of NAL type {kind} is not supported")
        if kind < 32:
            self._picture(stream, kind)
        x = w + 4 + len(unit)
        view = stream.view
        view[w : w + 4] = len(unit).to_bytes(4, "big")
        view[w + 4 : x] = unit
        return x

    def place(self, data: bytes) -> tuple[int, int] | None:
        if len(data) < 3 or _kind(data) not in _SETS:
            return None
        return _kind(data), set_id(data)

    def describe(self, sets: Mapping[tuple[int, int], bytes]) -> tuple[Picture, bytes] | None:
        found: dict[int, list[bytes]] = {}
        for (kind, _), nal in sorted(sets.items()):
            found.setdefault(kind, []).append(nal)
        if len(found) < 3:
            return None
        _, said = sequence(found[SPS][0])
        layers = said.form[3] << 1 | said.nested
        entry = fmp4.hvc1(said.picture, said.profile, (*said.form[:3], layers), found)
        return said.picture, fmp4.init(said.picture, entry)

    def reorders(self, found: Picture) -> bool:
        return True
