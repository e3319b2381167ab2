"""MPEG-4 part 2 (ISO/IEC 14496-2, RTP by RFC 6416): headers and packets.

A packet is a piece of the bit stream; the marker ends a picture. Headers before a picture (visual object sequence,
video object layer) are taken out of it: they stand once in the file's sample entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gwanje.media import fmp4
from gwanje.media.picture import SET_MAX, BadParameterSet, Bits, Picture, sized
from gwanje.media.rtp import Codec, Depacketiser

OBJECT_TYPE = 0x20
START = b"\0\0\1"
PICTURE, GROUP = b"\0\0\1\xb6", b"\0\0\1\xb3"
_SEQUENCE = b"\0\0\1\xb0"
_LAYER = re.compile(rb"\x00\x00\x01[\x20-\x2f]")
_HEADERS = re.compile(rb"\x00\x00\x01[\xb0\xb5\x00-\x2f](?:(?!\x00\x00\x01).)*", re.DOTALL)
SIMPLE, _PROFILE_UNKNOWN = 1, 1
_VOP_KEY = 0


def headers(data: bytes) -> bytes:
    """What is configuration in a piece of bit stream: without user data, groups and pictures."""
    return b"".join(match[0] for match in _HEADERS.finditer(data[:SET_MAX]))


def _first(data: bytes) -> int:
    """Where the first group or picture begins; -1 when there is none."""
    places = [at for at in (data.find(PICTURE), data.find(GROUP)) if at >= 0]
    return min(places, default=-1)


def object_type(config: bytes) -> int:
    """video_object_type_indication; 1 = Simple, which has no B pictures."""
    layer = _LAYER.search(config)
    return Bits(config[layer.end() : layer.end() + 2], escaped=False).u(9) & 255 if layer else SIMPLE


def picture(config: bytes) -> Picture:
    """Read a video object layer (clause 6.2.3); BadParameterSet."""
    layer = _LAYER.search(config)
    if layer is None or len(config) > SET_MAX:
        raise BadParameterSet("there is no video object layer")
    bits = Bits(config[layer.end() : layer.end() + 64], escaped=False)
    bits.u(1)
    kind, version = bits.u(8), 1
    if bits.u(1):
        version = bits.u(4)
        bits.u(3)
    if bits.u(4) == 15:
        bits.u(16)
    low_delay = 1
    if bits.u(1):
        bits.u(2)
        low_delay = bits.u(1)
        if bits.u(1):
            bits.u(79)
    if bits.u(2) != 0 or version > 5:
        raise BadParameterSet("only rectangular pictures are recorded")
    bits.u(1)
    resolution = bits.u(16)
    bits.u(1)
    if bits.u(1):
        bits.u(max(1, (resolution - 1).bit_length()))
    bits.u(1)
    width = bits.u(13)
    bits.u(1)
    height = bits.u(13)
    at = config.find(_SEQUENCE)
    level = config[at + 4] if 0 <= at < len(config) - 4 else _PROFILE_UNKNOWN
    return sized(width, height, f"mp4v.20.{level}", int(kind != SIMPLE and not low_delay))


class Mpeg4(Codec):
    """MPEG-4 part 2 on the packet path."""

    __slots__ = ("simple",)
    name = "MP4V-ES"

    def __init__(self) -> None:
        self.simple = True

    def whole(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, w: int) -> int:
        if w == stream.aus:
            o = self._begin(stream, bytes(mv[o:stop]), o)
            if o < 0:
                return w
        x = w + stop - o
        stream.view[w:x] = mv[o:stop]
        return x

    def _begin(self, stream: Depacketiser, data: bytes, o: int) -> int:
        """The first packet of a picture: where it begins; -1 when the packet holds none of it."""
        if data[:3] != START:
            # the rest of a picture whose beginning was not received
            stream.bad = True
            return -1
        at = _first(data)
        found = headers(data if at < 0 else data[:at])
        if _LAYER.search(found):
            stream.parameter_set(found)
        if at < 0:
            return -1
        start = data.find(PICTURE, at)
        stream.key = 0 <= start < len(data) - 4 and data[start + 4] >> 6 == _VOP_KEY
        return o + at

    def place(self, data: bytes) -> tuple[int, int] | None:
        return (0, 0) if picture(headers(data)) else None

    def describe(self, sets: Mapping[tuple[int, int], bytes]) -> tuple[Picture, bytes] | None:
        if not sets:
            return None
        config = headers(sets[0, 0])
        found = picture(config)
        self.simple = object_type(config) == SIMPLE
        return found, fmp4.init(found, fmp4.mp4v(found, OBJECT_TYPE, config))

    def reorders(self, found: Picture) -> bool:
        return not self.simple
