"""RTP depacketiser (RFC 3550) over interleaved TCP (RFC 2326 section 10.12): one loop for every codec.

The packet path: bytes go from one shared receive buffer into the stream's own buffer without an object per packet.
Fragments of NAL units (H.264 FU-A, H.265 FU) are joined in the loop itself; every other packet is its codec's
``whole``. Loss is seen by sequence number.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from struct import Struct
from typing import ClassVar

from gwanje.media.picture import Picture
from gwanje.media.sdp import VideoTrack

# $, channel, length, RTP: first byte, marker and payload type, sequence, time stamp; then the payload's first byte and
# the one that a fragment says begin and end in: its second (H.264) or third (H.265)
PACKET = Struct(">BBHBBHI4xBB").unpack_from
PACKET_WIDE = Struct(">BBHBBHI4xBxB").unpack_from
PACKET_MIN = 19
RECEIVE_SIZE = 1 << 18
BUFFER_SIZE = 8 << 20
BASE = 8192
DOLLAR = 0x24
# RFC 3550 appendix A.1: packets so little behind are late or doubled, numbers so far ahead are a new numbering
LATE_MAX, LOST_MAX = 100, 3000
TEXT_MAX = 16 * 1024


class StreamBroken(ConnectionError):
    """The interleaved stream cannot be followed any more: reconnect."""


class Receiver:
    """What all streams of one engine share: the receive buffer and the time of the present tick (Unix µs and s)."""

    __slots__ = ("buffer", "now_s", "now_us", "view")

    def __init__(self) -> None:
        self.buffer = bytearray(RECEIVE_SIZE)
        self.view = memoryview(self.buffer)
        self.now_us = 0
        self.now_s = 0


def new_buffer() -> memoryview:
    """A stream buffer: anonymous memory, so that only touched pages count."""
    return memoryview(mmap.mmap(-1, BUFFER_SIZE))


class Codec:
    """What the packet path asks of a codec; one per stream, made anew at each connection.

    A packet is a fragment of a NAL unit when ``payload[0] & mask == fragment``; ``lead``: bytes from the framing's
    ``$`` to a fragment's data. ``every_key``: each picture can be entered, parts need not begin at each, and ``finish``
    is asked.
    """

    __slots__ = ()
    name: ClassVar[str]
    packet: ClassVar[Callable[..., tuple[int, ...]]] = PACKET
    mask: ClassVar[int] = 0
    fragment: ClassVar[int] = 1
    lead: ClassVar[int] = 17
    kinds: ClassVar[int] = 0
    keys: ClassVar[frozenset[int]] = frozenset()
    every_key: ClassVar[bool] = False

    def configured(self, track: VideoTrack) -> None:
        """What was said out of band."""

    def whole(self, stream: Depacketiser, mv: memoryview, o: int, stop: int, w: int) -> int:
        """Write what the payload ``mv[o:stop]`` holds at ``stream.view[w:]``; returns where to go on."""
        raise NotImplementedError

    def wide(self, stream: Depacketiser, at: int, first: int, second: int, fu: int) -> None:
        """Write the two header bytes of a fragmented NAL unit at ``stream.view[at:]`` (H.265)."""
        raise NotImplementedError

    def unit(self, stream: Depacketiser, data: memoryview, w: int) -> int:
        """Write a whole access unit that came without RTP; returns where it ends."""
        return self.whole(stream, data, 0, len(data), w)

    def finish(self, stream: Depacketiser, w: int) -> int:
        """The access unit is whole: what is left to write; ``stream.aus`` drops it."""
        return w

    def place(self, data: bytes) -> tuple[int, int] | None:
        """(kind, id) of a parameter set, None when it is none; BadParameterSet."""
        raise NotImplementedError

    def describe(self, sets: Mapping[tuple[int, int], bytes]) -> tuple[Picture, bytes] | None:
        """Picture and init segment, None while parameter sets are missing; BadParameterSet."""
        raise NotImplementedError

    def reorders(self, found: Picture) -> bool:
        """Whether pictures may come reordered without having been announced."""
        return False


class NalCodec(Codec):
    """A codec of NAL units, stored with their lengths in front."""

    __slots__ = ()

    def nal(self, stream: Depacketiser, unit: memoryview, w: int) -> int:
        """Write one NAL unit, or take it as a parameter set."""
        raise NotImplementedError

    def aggregated(self, stream: Depacketiser, units: memoryview, w: int) -> int:
        """NAL units with two bytes of length before each."""
        o, stop = 0, len(units)
        while o + 2 < stop:
            size = units[o] << 8 | units[o + 1]
            if o + 2 + size > stop:
                stream.bad = True
                break
            if size >= self.lead - 17:
                w = self.nal(stream, units[o + 2 : o + 2 + size], w)
            o += 2 + size
        return w

    def unit(self, stream: Depacketiser, data: memoryview, w: int) -> int:
        o, stop = 0, len(data)
        while o + 4 < stop:
            size = int.from_bytes(data[o : o + 4], "big")
            if o + 4 + size > stop:
                stream.bad = True
                break
            if size >= self.lead - 17:
                w = self.nal(stream, data[o + 4 : o + 4 + size], w)
            o += 4 + size
        return w


class Depacketiser:
    """One stream's access units, assembled in ``view[aus:w]``; subclasses take them in ``access_unit``.

    ``view`` may be swapped by ``access_unit`` and ``second_began``: every loop here reloads it after either.
    """

    __slots__ = (
        "arrived_us", "aus", "bad", "channel", "codec", "key", "lost", "nal", "packets", "parameter_sets", "passed",
        "payload", "receiver", "rest", "second", "sequence", "sets_changed", "stamp", "started", "view", "w", "way",
    )  # fmt: skip

    def __init__(self, receiver: Receiver, view: memoryview, codec: Codec) -> None:
        self.receiver = receiver
        self.view = view
        self.codec = codec
        self.payload = -1
        self.passed = 0
        self.packets = self.lost = 0
        self.parameter_sets: dict[tuple[int, int], bytes] = {}
        self.sets_changed = True
        self.restart(0)

    def restart(self, channel: int, track: VideoTrack | None = None) -> None:
        """Forget everything of an earlier connection; ``channel`` carries the video's RTP, ``track`` what it is."""
        self.channel = channel
        self.follow(self.codec)
        self.rest = b""
        self.w = self.aus = BASE
        self.nal = -1
        self.sequence = self.stamp = -1
        self.second = 0
        self.arrived_us = 0
        self.key = self.bad = self.started = False

    def follow(self, codec: Codec) -> None:
        """Read packets as ``codec`` from now on: what the loop needs, in one place."""
        self.codec = codec
        self.way = (self.channel, self.payload, codec, codec.packet, codec.mask, codec.fragment, codec.lead)

    def access_unit(self, stamp: int, w: int) -> int:
        """A whole access unit lies in ``view[aus:w]``; returns where the next one begins."""
        raise NotImplementedError

    def second_began(self, stamp: int, w: int) -> int:
        """The first packet of an access unit came in a new wall second; returns where to write."""
        raise NotImplementedError

    def key_began(self, stamp: int, w: int) -> int:
        """The first fragment of a key frame came; returns where to write."""
        raise NotImplementedError

    def answered(self, head: str) -> None:
        """The camera answered a keep-alive."""

    def parameter_set(self, nal: bytes) -> None:
        """A parameter set came by itself or in band."""
        raise NotImplementedError

    def damaged(self, packets: int) -> None:
        """``packets`` packets were lost; the access unit in progress is dropped by the caller."""

    def feed(self, count: int) -> None:  # noqa: PLR0912, PLR0915 - the packet path: calls cost more than branches
        """Take ``count`` bytes at the beginning of the shared receive buffer."""
        buf: bytearray | bytes = self.receiver.buffer
        mv = self.receiver.view
        if self.rest:
            buf = self.rest + mv[:count]
            count, mv = len(buf), memoryview(buf)
        if self.w + 2 * count + BASE > BUFFER_SIZE:
            self.overflow()
        i, view, w, sequence, nal, current = 0, self.view, self.w, self.sequence, self.nal, self.stamp
        channel, payload, codec, packet, mask, fragment, lead = self.way
        before, second = sequence - self.lost, self.receiver.now_s
        while count - i >= PACKET_MIN:
            dollar, ch, length, first, mark, number, stamp, indicator, fu = packet(buf, i)
            end = i + 4 + length
            if dollar != DOLLAR:
                if (end := self._text(buf, i, count)) < 0:
                    break
            elif end > count:
                break
            elif ch == channel:
                o, stop = i + lead, end
                if first != 0x80 or length < 15:
                    o, stop = _payload(buf, i, end, first, lead)
                    if stop < o:
                        # an empty packet keeps its place in the sequence: some send them to keep the way open
                        i, sequence = end, number + 1 & 0xFFFF if number == sequence else sequence
                        continue
                    indicator, fu = buf[o + 16 - lead], buf[o - 1]
                if stamp != current or number != sequence:
                    if mark & 127 != payload >= 0 or sequence >= 0 < sequence - number & 0xFFFF <= LATE_MAX:
                        # what is no video has no business here, and what comes late or twice came too late
                        i, self.passed = end, self.passed + 1
                        continue
                    if number != sequence >= 0:
                        w, nal = self._loss(number - sequence & 0xFFFF), -1
                    if stamp != current:
                        if w > self.aus:
                            w, nal = self._finish(current, w, nal), -1
                        current, self.arrived_us = stamp, self.receiver.now_us
                        if self.second != second:
                            w = self.second_began(stamp, w)
                        view = self.view
                    sequence = number
                sequence = sequence + 1 & 0xFFFF
                if indicator & mask == fragment:
                    if fu & 0x80 and nal < 0 and lead == 18 and fu & 31 != 5:  # H.264, no IDR: most pictures
                        view[w + 4] = indicator & 0xE0 | fu & 31
                        nal, w = w, w + 5
                    elif fu & 0x80:
                        nal = self._start(stamp, indicator, buf[o - 2], fu, nal if nal >= 0 else ~w)
                        view, w = self.view, nal + lead - 13
                    if nal >= 0:
                        x = w + stop - o
                        view[w:x] = mv[o:stop]
                        w = x
                        if fu & 0x40:
                            view[nal : nal + 4], nal = (w - nal - 4).to_bytes(4, "big"), -1
                    else:
                        self.bad = True
                else:
                    w = codec.whole(self, mv, o + 16 - lead, stop, w)
                if mark & 0x80:
                    w, nal = self._finish(current, w, nal), -1
                    view = self.view
            i = end
        self.w, self.sequence, self.nal, self.stamp = w, sequence, nal, current
        self.packets += (sequence - self.lost - before & 0xFFFF) * (before >= -self.lost)
        self.rest = bytes(mv[i:count]) if count > i else b""

    def _start(self, stamp: int, first: int, second: int, fu: int, w: int) -> int:
        """The first fragment of a NAL unit; ``w``: where to write it, or where one without an end began.

        Returns where it stands.
        """
        codec = self.codec
        if w < 0:
            w = ~w
        else:
            self.bad = True
        if fu & codec.kinds in codec.keys and not self.key:
            self.key = True
            w = self.key_began(stamp, w)
        if codec.lead == 18:
            self.view[w + 4] = first & 0xE0 | fu & 31
        else:
            codec.wide(self, w + 4, first, second, fu)
        return w

    def _finish(self, stamp: int, w: int, nal: int) -> int:
        if self.bad or nal >= 0:
            # an access unit with a hole is not shown as a picture: it is dropped and stands in the gap row
            self.bad = self.key = False
            return self.aus
        # parameter sets may come as a unit of their own
        return self.access_unit(stamp, w) if w > self.aus else w

    def _loss(self, packets: int) -> int:
        # a numbering that begins anew says nothing about how many are missing
        packets = packets if packets < LOST_MAX else 1
        self.lost += packets
        self.bad = True
        self.damaged(packets)
        return self.aus

    def overflow(self) -> None:
        """The buffer would not take the next read; subclasses free it or give up."""
        raise StreamBroken("an access unit passes the limit")

    def _text(self, buf: bytearray | bytes, i: int, count: int) -> int:
        """An RTSP answer between packets; -1 while it is not whole."""
        if buf[i] != 0x52:
            raise StreamBroken("the interleaved stream lost its step")
        end = buf.find(b"\r\n\r\n", i, count)
        if end < 0:
            if count - i > TEXT_MAX:
                raise StreamBroken("the camera's answer is too long")
            return -1
        head = bytes(buf[i:end]).decode("latin-1")
        size = 0
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            digits = value.strip()
            if name.strip().lower() == "content-length" and digits.isascii() and digits.isdigit():
                size = min(int(digits[:9]), TEXT_MAX)
        if end + 4 + size > count:
            return -1
        self.answered(head)
        return end + 4 + size


def _payload(buf: bytearray | bytes, i: int, end: int, first: int, lead: int) -> tuple[int, int]:
    """Where a fragment's data begins and ends in a packet that is short or has sources, an extension or padding."""
    o = i + lead + 4 * (first & 15)
    if i + 16 > end:
        return 1, 0
    if first >> 6 != 2:
        raise StreamBroken("this is no RTP version 2")
    if first & 0x10:
        if o + 20 - lead > end:
            raise StreamBroken("an RTP extension passes its packet")
        o += 4 + 4 * (buf[o + 18 - lead] << 8 | buf[o + 19 - lead])
    return o, end - buf[end - 1] if first & 0x20 else end
