"""Picture of a simulated dome (모의 회전형 카메라의 화면): what it shows while it looks elsewhere than straight ahead.

Straight ahead the camera's clip is sent and nothing is drawn. Elsewhere the same street is drawn as a ring round the
dome (mirrored at its edges, five pictures wide in 1.0 of pan), cut where the dome looks, and encoded as it goes; a dome
that stands still for a whole loop costs nothing again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from gwanje.media.sim import counter, encode, packets, street
from gwanje.media.sim.dome import Position

# pixels of the street in 1.0 of pan (180 degrees): at zoom 0 a view is 36 degrees wide
PAN_PX = 5 * street.WIDTH
# and in 1.0 of tilt: a street has little above and below it, so the true scale would show sky and pavement only
TILT_PX = street.HEIGHT
# share of that view at zoom 1
TELE = 1 / 11
AHEAD = 0.002
# above the roofs there is sky, below the kerb there is pavement: as many rows of each repeat for ever
SKY, PAVEMENT = 30, 60
PENDING_MAX = 2
_START = re.compile(rb"\x00\x00\x00?\x01")
Picture = NDArray[np.uint8]
Pair = dict[str, packets.Frame]
Sets = tuple[bytes, bytes]


def _mirrored(places: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Indices into ``size`` pixels that go on for ever, each second time backwards."""
    folded = np.mod(places, 2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)


def cut(picture: Picture, at: Position) -> Picture:
    """What a dome at ``at`` sees of the ring round it: at zoom 0 as large as the picture, else smaller."""
    height, width = picture.shape[:2]
    share = 1 - (1 - TELE) * min(max(at[2], 0.0), 1.0)
    wide, tall = max(2, round(width * share)), max(2, round(height * share))
    left = round(width / 2 + at[0] * PAN_PX - wide / 2)
    top = round(height / 2 - at[1] * TILT_PX - tall / 2)
    rows = np.arange(top, top + tall)
    below, above = rows >= height, rows < 0
    rows[below] = height - 1 - _mirrored(rows[below] - height, PAVEMENT)
    rows[above] = _mirrored(-1 - rows[above], SKY)
    seen: Picture = picture.take(rows, axis=0).take(_mirrored(np.arange(left, left + wide), width), axis=1)
    return seen


def words(label: str, at: Position) -> str:
    """What a dome writes over its picture: its name, degrees of pan and tilt, magnification."""
    return f"{label}  P{at[0] * 180:+04.0f} T{at[1] * 90:+03.0f} x{1 / (1 - (1 - TELE) * at[2]):.1f}"


class _Encoder:
    """H.264 as the clip has it, one picture in, one access unit out.

    ``sets``: the clip's own parameter sets, which fit (they differ in one bit that tells no decoder anything): with
    the encoder's, a recording would begin a new file at each turn.
    """

    def __init__(self, form: encode.Form, sets: Sets) -> None:
        name, said = encode.options(form)
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = form.width, form.height, "yuv420p"
        context.framerate, context.time_base = form.rate, Fraction(1) / form.rate
        context.bit_rate = form.kbps * 1000
        # without it x264 keeps a picture back
        context.options = {**said, "forced-idr": "1", "tune": "zerolatency"}
        self._context, self._form, self._sets, self._count = context, form, sets, 0

    def add(self, frame: av.VideoFrame, *, key: bool) -> tuple[av.VideoFrame, packets.Frame | None]:
        """The picture as it was encoded, and its packets."""
        out = frame.reformat(self._form.width, self._form.height, "yuv420p", interpolation="AREA")
        out.pts, out.time_base = self._count, Fraction(1) / self._form.rate
        out.pict_type = PictureType.I if key else PictureType.NONE
        self._count += 1
        data = b"".join(bytes(packet) for packet in self._context.encode(out))
        nals = [nal for nal in _START.split(data) if nal and nal[0] & 31 not in (6, 7, 8, 9)]
        intra = any(nal[0] & 31 == 5 for nal in nals)
        return out, packets.sent([*(self._sets if intra else ()), *nals], key=intra) if nals else None


class Turning:
    """One dome's picture. ``look``: where it looks at a time of the loop; ``sets``: SPS and PPS of its clip's streams.

    Asked by the loop, drawn in a thread.
    """

    def __init__(
        self, scene: int, label: str, look: Callable[[float], Position], sets: dict[str, Sets],
        seconds: int = street.SECONDS,
    ) -> None:  # fmt: skip
        self._scene, self._label, self._look, self._seconds = scene, label, look, seconds
        self._sets = sets
        self._street: street.Scene | None = None
        self._picture: Picture | None = None
        self._encoders: dict[str, _Encoder] = {}
        self._kept: dict[int, Pair] = {}
        self._kept_at: Position | None = None
        self._key_due = False
        self.live = False
        self.pending = 0

    def takes(self, number: int, now: float) -> Position | None:
        """Where the dome looks when its picture has to be drawn, None when the clip shows it (both begin at a key)."""
        at = self._look(now)
        ahead = max(abs(part) for part in at) < AHEAD
        if not self.live and not ahead:
            self.live = self._key_due = True
        elif self.live and ahead and not self.pending and number % street.RATE == 0:
            self.live = False
            self._encoders.clear()
            self._kept.clear()
        if self.live and number % street.RATE == 0:
            self._key_due = True
        return at if self.live else None

    def kept(self, number: int, at: Position) -> Pair | None:
        """The packets of this picture when the dome has stood there for a whole loop."""
        if at != self._kept_at:
            self._kept.clear()
            self._kept_at = at
        whole = len(self._kept) == self._seconds * street.RATE
        return self._kept.get(number) if whole and not self.pending else None

    def key(self) -> bool:
        """Has the next picture to be a key frame? Asked once for each picture."""
        due, self._key_due = self._key_due, False
        return due

    def drawn(self, number: int, at: Position, *, key: bool) -> Pair:
        """Draw and encode one picture; in a thread, one at a time, in order."""
        if self._street is None or self._picture is None:
            self._street = street.Scene(self._scene, self._seconds)
            self._picture = np.empty_like(self._street.still)
        self._street.paint(self._picture, number)
        seen = cut(self._picture, at)
        if seen.shape != self._picture.shape:
            small = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="rgb24")
            large = small.reformat(street.WIDTH, street.HEIGHT, "rgb24", interpolation="BILINEAR").to_ndarray()
            seen = large.astype(np.uint8, copy=False)
        picture: Picture = np.ascontiguousarray(seen)
        street.caption(picture, words(self._label, at))
        counter.draw(picture, number)
        if not self._encoders:
            self._encoders = {
                name: _Encoder(form, self._sets[name]) for name, form in (("main", street.MAIN), ("sub", street.SUB))
            }
        frame, out = av.VideoFrame.from_ndarray(picture, format="rgb24"), {}
        for stream, encoder in self._encoders.items():
            frame, unit = encoder.add(frame, key=key)
            if unit is not None:
                out[stream] = unit
        return out

    def keep(self, number: int, at: Position, made: Pair) -> None:
        """Remember a picture for as long as the dome stands there."""
        if at == self._kept_at:
            self._kept[number] = made
