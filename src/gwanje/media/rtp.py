"""RTP depacketiser for H.264 (RFC 3550, RFC 6184) over interleaved TCP (RFC 2326 section 10.12).

The packet path: bytes go from one shared receive buffer into the stream's own buffer, as length-prefixed NAL units,
without an object per packet. Single NAL units, STAP-A and FU-A; loss is seen by sequence number.
"""

from __future__ import annotations

import mmap
from struct import Struct

from gwanje.media.h264 import IDR, PPS, SPS

_PACKET = Struct(">BBHBBHI4xBB").unpack_from
PACKET_MIN = 18
RECEIVE_SIZE = 1 << 18
BUFFER_SIZE = 8 << 20
BASE = 8192
DOLLAR, FU_A, STAP_A = 0x24, 28, 24
TEXT_MAX = 16 * 1024
_DROPPED = frozenset((9, 10, 11, 12))


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


class Depacketiser:
    """One stream's access units, assembled in ``view[aus:w]``; subclasses take them in ``access_unit``.

    ``view`` may be swapped by ``access_unit`` and ``second_began``: every loop here reloads it after either.
    """

    __slots__ = (
        "arrived_us", "aus", "bad", "channel", "key", "lost", "nal", "packets", "parameter_sets", "receiver", "rest",
        "second", "sequence", "sets_changed", "stamp", "view", "w",
    )  # fmt: skip

    def __init__(self, receiver: Receiver, view: memoryview) -> None:
        self.receiver = receiver
        self.view = view
        self.packets = self.lost = 0
        self.parameter_sets: dict[tuple[int, int], bytes] = {}
        self.sets_changed = True
        self.restart(0)

    def restart(self, channel: int) -> None:
        """Forget everything of an earlier connection; ``channel`` carries the video's RTP."""
        self.channel = channel
        self.rest = b""
        self.w = self.aus = BASE
        self.nal = -1
        self.sequence = self.stamp = -1
        self.second = 0
        self.arrived_us = 0
        self.key = self.bad = False

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
        receiver = self.receiver
        buf: bytearray | bytes = receiver.buffer
        mv = receiver.view
        if self.rest:
            buf = self.rest + mv[:count]
            count = len(buf)
            mv = memoryview(buf)
        if self.w + 2 * count + BASE > BUFFER_SIZE:
            self.overflow()
        i, view, w, sequence, nal, current = 0, self.view, self.w, self.sequence, self.nal, self.stamp
        channel, packets, second = self.channel, 0, receiver.now_s
        while count - i >= PACKET_MIN:
            dollar, ch, length, first, mark, number, stamp, indicator, fu = _PACKET(buf, i)
            end = i + 4 + length
            if dollar != DOLLAR:
                end = self._text(buf, i, count)
                if end < 0:
                    break
            elif end > count:
                break
            elif ch == channel:
                o, stop = i + 16, end
                packets += 1
                if first != 0x80:
                    o, stop = _payload(buf, i, end, first)
                    indicator, fu = buf[o], buf[o + 1]
                if number != sequence and sequence >= 0:
                    w, nal = self._loss(number - sequence & 0xFFFF), -1
                sequence = number + 1 & 0xFFFF
                if stamp != current:
                    if w > self.aus:
                        w, nal = self._finish(current, w, nal), -1
                        view = self.view
                    current = stamp
                    self.arrived_us = receiver.now_us
                    if self.second != second:
                        w = self.second_began(stamp, w)
                        view = self.view
                if indicator & 31 == FU_A:
                    if fu & 0x80:
                        if nal >= 0:
                            w, self.bad = nal, True
                        if fu & 31 == IDR and not self.key:
                            self.key = True
                            w = self.key_began(stamp, w)
                            view = self.view
                        nal = w
                        view[w + 4] = indicator & 0xE0 | fu & 31
                        w += 5
                    if nal >= 0:
                        x = w + stop - o - 2
                        view[w:x] = mv[o + 2 : stop]
                        w = x
                        if fu & 0x40:
                            view[nal : nal + 4] = (w - nal - 4).to_bytes(4, "big")
                            nal = -1
                    else:
                        self.bad = True
                else:
                    w = self._whole(mv, o, stop, w)
                if mark & 0x80:
                    w, nal = self._finish(current, w, nal), -1
                    view = self.view
            i = end
        self.w, self.sequence, self.nal, self.stamp = w, sequence, nal, current
        self.packets += packets
        self.rest = bytes(mv[i:count]) if count > i else b""

    def _whole(self, mv: memoryview, o: int, stop: int, w: int) -> int:
        """A single NAL unit or an aggregation packet."""
        if mv[o] & 31 != STAP_A:
            return self._nal(mv[o:stop], w)
        o += 1
        while o + 2 < stop:
            size = mv[o] << 8 | mv[o + 1]
            if o + 2 + size > stop:
                self.bad = True
                break
            if size:
                w = self._nal(mv[o + 2 : o + 2 + size], w)
            o += 2 + size
        return w

    def _nal(self, unit: memoryview, w: int) -> int:
        kind = unit[0] & 31
        if kind in (SPS, PPS):
            self.parameter_set(bytes(unit))
            return w
        if kind in _DROPPED:
            return w
        if kind > 23:
            raise StreamBroken(f"packetisation mode of NAL type {kind} is not supported")
        if kind == IDR:
            self.key = True
        x = w + 4 + len(unit)
        view = self.view
        view[w : w + 4] = len(unit).to_bytes(4, "big")
        view[w + 4 : x] = unit
        return x

    def _finish(self, stamp: int, w: int, nal: int) -> int:
        if self.bad or nal >= 0:
            # an access unit with a hole is not shown as a picture: it is dropped and stands in the gap row
            self.bad = self.key = False
            return self.aus
        # parameter sets may come as a unit of their own
        return self.access_unit(stamp, w) if w > self.aus else w

    def _loss(self, packets: int) -> int:
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
            if name.strip().lower() == "content-length" and value.strip().isdigit():
                size = min(int(value), TEXT_MAX)
        if end + 4 + size > count:
            return -1
        self.answered(head)
        return end + 4 + size


def _payload(buf: bytearray | bytes, i: int, end: int, first: int) -> tuple[int, int]:
    """Payload bounds of a packet with contributing sources, an extension or padding."""
    o = i + 16 + 4 * (first & 15)
    if first >> 6 != 2:
        raise StreamBroken("this is no RTP version 2")
    if first & 0x10:
        if o + 4 > end:
            raise StreamBroken("an RTP extension passes its packet")
        o += 4 + 4 * (buf[o + 2] << 8 | buf[o + 3])
    stop = end - buf[end - 1] if first & 0x20 else end
    if o + 2 > stop:
        raise StreamBroken("an RTP packet has no payload")
    return o, stop
