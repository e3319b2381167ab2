"""One stream of one camera: access units become live frames and, for the main stream, parts of one second each."""

from __future__ import annotations

from bisect import insort
from typing import Protocol

from gwanje.media import fmp4
from gwanje.media.fmp4 import NON_SYNC, ROW, ROW_REORDERED, SYNC, TIMESCALE
from gwanje.media.h264 import H264
from gwanje.media.h265 import H265
from gwanje.media.mjpeg import Jpeg
from gwanje.media.mpeg4 import Mpeg4
from gwanje.media.picture import BadParameterSet, Picture
from gwanje.media.ring import LiveRing
from gwanje.media.rtp import BASE, BUFFER_SIZE, Codec, Depacketiser, Receiver, StreamBroken
from gwanje.media.rtsp import parse_head
from gwanje.media.sdp import VideoTrack

STEP_MAX = 10 * TIMESCALE
BACKWARDS_MAX = TIMESCALE // 2
REORDER_MAX = 4
SETS_MAX = 32
ROWS_MAX = BASE - fmp4.HEAD_MAX - 64
FRAME_DEFAULT = TIMESCALE // 25
UNIT_MAX = BUFFER_SIZE // 2
CODECS: dict[str, type[Codec]] = {codec.name: codec for codec in (H264, H265, Mpeg4, Jpeg)}


class Part:
    """What a camera sent in (at most) one second, not sealed yet: samples in ``view[BASE:end]``."""

    __slots__ = (
        "duration", "end", "idr", "init", "picture", "reordered", "restart", "rows", "second", "start_us", "stream",
        "time", "until_us", "view",
    )  # fmt: skip

    stream: Stream
    view: memoryview
    end: int
    rows: bytearray
    reordered: bool
    time: int
    duration: int
    idr: bool
    second: int
    start_us: int
    until_us: int
    init: bytes
    picture: Picture
    restart: bool


class Sink(Protocol):
    """Where parts of a recorded stream go."""

    def queue(self, part: Part) -> memoryview:
        """Take a part; returns a free buffer in exchange for the part's."""

    def damaged(self, packets: int, now_us: int) -> None:
        """Packets were lost."""

    def refused(self, detail: str, now_us: int) -> None:
        """Pictures came that cannot be stored."""


class Stream(Depacketiser):
    """Assembles one stream. ``sink`` None: live only. Times are 90 kHz, anchored to Unix time at each connection."""

    __slots__ = (
        "anchor", "dts", "first_key", "frames", "init", "last", "pending", "picture", "pts", "reorder", "restarted",
        "ring", "rows", "rows_time", "rows_us", "sink", "step", "total", "window",
    )  # fmt: skip

    def __init__(self, receiver: Receiver, view: memoryview, ring: LiveRing, sink: Sink | None) -> None:
        self.ring = ring
        self.sink = sink
        self.frames = 0
        self.picture: Picture | None = None
        self.init = b""
        self.pts = self.dts = 0
        self.anchor = -1
        self.reorder = 0
        self.window: list[int] = []
        super().__init__(receiver, view, H264())

    def restart(self, channel: int, track: VideoTrack | None = None) -> None:
        """A new connection: everything begins at its first key frame, in a new segment.

        ``track``: what will come; without it the codec stays the one that came before.
        """
        super().restart(channel)
        self.pending: tuple[int, ...] | None = None
        self._forget()
        self.last = -1
        self.step = FRAME_DEFAULT
        self.rows = bytearray()
        self.total = self.rows_time = self.rows_us = 0
        if track is not None:
            self.configure(track)

    def _forget(self) -> None:
        """What comes next has nothing to do with what came."""
        self.parameter_sets.clear()
        self.follow(type(self.codec)())
        self.sets_changed = self.restarted = True
        self.started = self.first_key = False

    def configure(self, track: VideoTrack) -> None:
        """What comes from now on, said out of band; another codec begins a new file at its first key frame."""
        if track.codec not in CODECS:
            raise StreamBroken(f"{track.codec} is not a codec that is recorded")
        if track.codec != self.codec.name:
            if self.pending is not None and self.sink is not None:
                self.w = self.cut(self.aus, self.step)
            self.codec, self.reorder = CODECS[track.codec](), 0
            self._forget()
        self.payload = track.payload
        self.follow(self.codec)
        self.codec.configured(track)
        for found in (*track.parameter_sets, track.config):
            if found:
                self.parameter_set(found)

    def unit(self, stamp: int, key: bool, data: bytes | bytearray | memoryview) -> None:
        """A whole access unit that came without RTP.

        ``stamp``: 90 kHz presentation time, any zero, modulo 2**32. ``data``: H.264 and H.265 as NAL units with four
        bytes of length before each; an MPEG-4 or JPEG picture as it is. Its parameter sets may come in it.
        """
        if len(data) > UNIT_MAX:
            raise StreamBroken("an access unit passes the limit of 4 MB")
        if self.w + 2 * len(data) + BASE > BUFFER_SIZE:
            self.overflow()
        self.w, self.nal, self.bad, self.key = self.aus, -1, False, False
        self.arrived_us, self.stamp = self.receiver.now_us, stamp & 0xFFFFFFFF
        if self.second != self.receiver.now_s:
            self.w = self.second_began(self.stamp, self.w)
        w = self.codec.unit(self, memoryview(data), self.w)
        self.key = self.key or key
        self.packets += 1
        self.w = self._finish(self.stamp, w, -1)

    def parameter_set(self, nal: bytes) -> None:
        try:
            place = self.codec.place(nal)
        except BadParameterSet:
            return
        if place is None or self.parameter_sets.get(place) == nal:
            return
        if len(self.parameter_sets) >= SETS_MAX:
            raise StreamBroken("the camera sends too many parameter sets")
        # a changed set takes effect at the next key frame
        self.parameter_sets[place] = nal
        self.sets_changed = True

    def answered(self, head: str) -> None:
        try:
            status = parse_head(head).status
        except ValueError as error:
            raise StreamBroken(str(error)) from error
        if status == 454:
            raise StreamBroken("the camera has forgotten the session")

    def damaged(self, packets: int) -> None:
        if self.sink is not None:
            self.sink.damaged(packets, self.receiver.now_us)

    def overflow(self) -> None:
        if self.pending is not None:
            self.w = self.cut(self.w, self.step)
        if self.w > BUFFER_SIZE // 2:
            raise StreamBroken("an access unit passes the limit of 4 MB")

    def second_began(self, stamp: int, w: int) -> int:
        self.second = self.receiver.now_s
        return self.cut(w, self._distance(stamp)) if self.pending is not None else w

    def key_began(self, stamp: int, w: int) -> int:
        # a part begins at each key frame, so that a second with one can be entered there
        return self.cut(w, self._distance(stamp)) if self.pending is not None else w

    def _distance(self, stamp: int) -> int:
        step = stamp - self.last & 0xFFFFFFFF
        return step if not self.reorder and 0 < step <= STEP_MAX else self.step

    def access_unit(self, stamp: int, w: int) -> int:
        key, self.key = self.key, False
        if key:
            if self.codec.every_key and (w := self.codec.finish(self, w)) <= self.aus:
                return self.aus
            if self.pending is not None and (self.sets_changed or not self.codec.every_key):
                w = self.cut(w, self._distance(stamp))
            if self.sets_changed or not self.started:
                self._begin(stamp)
        if not self.started:
            return self.aus
        step = (stamp - self.last + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if not 0 < step <= STEP_MAX and not (self.reorder and -BACKWARDS_MAX < step < 0):
            w = self._odd(step, w)
            if w < 0:
                return self.aus
            step = self.step
        self.last = stamp
        self.pts += step
        dts = self._reordered() if self.reorder else self.pts
        passed, offset = dts - self.dts, self.pts - dts
        if self.pending is not None:
            self._row(passed if passed > 0 else 1)
        if 0 < passed <= STEP_MAX:
            self.step = passed
        self.dts = dts
        size, now = w - self.aus, self.arrived_us
        flags = SYNC if key else NON_SYNC
        self.frames += 1
        number = self.ring.frames & 0xFFFFFFFF
        head = fmp4.frame_head(now, number, dts - self.anchor, self.step, size, flags, offset)
        self.ring.push(b"".join((head, self.view[self.aus : w])), key)
        if self.sink is None:
            return self.aus
        if not self.rows:
            self.rows_time, self.rows_us, self.first_key = dts, now, key
        self.pending = (size, flags, offset) if self.reorder else (size, flags)
        self.aus = w
        return self.cut(w, self.step) if len(self.rows) > ROWS_MAX else w

    def _reordered(self) -> int:
        """The smallest of the last n + 1 presentation times: a decode time that never goes back."""
        insort(self.window, self.pts)
        return max(self.window.pop(0), self.dts + 1)

    def _row(self, duration: int) -> None:
        assert self.pending is not None
        self.rows += (ROW_REORDERED if self.reorder else ROW).pack(duration, *self.pending)
        self.total += duration
        self.pending = None

    def _begin(self, stamp: int) -> None:
        """A key frame with new parameter sets, or the first of a connection: a new init, a new segment."""
        try:
            said = self.codec.describe(self.parameter_sets)
        except BadParameterSet as error:
            raise StreamBroken(str(error)) from error
        if said is None:
            return
        picture, init = said
        if picture.reorder > REORDER_MAX:
            raise StreamBroken("the camera reorders more pictures than can be followed")
        self.picture = picture
        self.init = init
        self.sets_changed = False
        self.reorder = max(self.reorder, picture.reorder)
        if not self.started:
            self.pts = max(self.pts + self.step, self.arrived_us * 9 // 100) - self.step
            self.last = stamp - self.step & 0xFFFFFFFF
            if self.anchor < 0:
                self.anchor = self.pts - TIMESCALE
        self.window = [self.pts - self.step * back for back in range(self.reorder - 1, -1, -1)]
        self.started = self.restarted = True
        self.ring.started(picture, self.init, self.receiver.now_us)

    def _odd(self, step: int, w: int) -> int:
        """The clock of the camera jumped, or pictures come reordered without being announced; -1 drops this one."""
        if -BACKWARDS_MAX < step < 0 and self._may_reorder() and self.reorder < REORDER_MAX:
            if self.pending is not None:
                self.cut(self.aus, self.step)
            self.reorder += 1
            self.started = False
            if self.sink is not None:
                self.sink.refused(f"reordered pictures, depth {self.reorder}", self.receiver.now_us)
            return -1
        if self.pending is not None:
            w = self.cut(w, self.step)
        self.restarted = True
        return w

    def _may_reorder(self) -> bool:
        return self.picture is not None and self.codec.reorders(self.picture)

    def cut(self, w: int, last: int) -> int:
        """Hand over ``view[BASE:aus]`` as one part and move what is unfinished to a free buffer.

        ``last``: duration of the part's last picture. Returns where to go on writing in the new ``view``.
        """
        assert self.sink is not None
        assert self.picture is not None
        if self.pending is not None:
            self._row(last)
        part = Part()
        part.stream, part.view, part.end, part.rows = self, self.view, self.aus, self.rows
        part.reordered, part.time, part.duration = self.reorder > 0, self.rows_time, self.total
        part.idr, part.start_us, part.second = self.first_key, self.rows_us, self.rows_us // 1_000_000
        part.init, part.picture, part.restart = self.init, self.picture, self.restarted
        part.until_us = self.arrived_us + last * 100 // 9
        self.restarted = False
        self.rows = bytearray()
        self.total = 0
        view = self.sink.queue(part)
        moved, shift = w - self.aus, self.aus - BASE
        if moved:
            view[BASE : BASE + moved] = part.view[self.aus : w]
        self.view = view
        if self.nal >= 0:
            self.nal -= shift
        self.aus = BASE
        return w - shift

    def give_up(self) -> None:
        """The connection ended: what is whole becomes a part, the rest is dropped."""
        if self.pending is not None and self.sink is not None:
            self.cut(self.aus, self.step)
        self.ring.stop()
        self.restart(0)
