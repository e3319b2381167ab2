"""A stream that is signed while it is sent (실시간 서명 모의 영상): each picture when it is due."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import av

from gwanje.kernel.clock import Clock
from gwanje.media.sim import packets, payloads
from gwanje.media.sim.signing import Identity, Options, Signer

SENT_MAX = 256
HEADERS = {"H264": 1, "H265": 2}
# delimiters and the encoder's own messages are not what a camera sends
_LEFT_OUT = {1: (6, 9), 2: (35, 39)}


class Signed(Sequence[packets.Frame]):
    """Frames of a clip, signed one after another as they are asked for; ``sent``: the newest messages, oldest first."""

    def __init__(self, units: Sequence[Sequence[bytes]], keys: Sequence[bool], signer: Signer, clock: Clock) -> None:
        self._units, self._keys, self._signer, self._clock = units, keys, signer, clock
        self._last: tuple[int, packets.Frame] | None = None
        self.sent: deque[bytes] = deque(maxlen=SENT_MAX)

    def __len__(self) -> int:
        return len(self._units)

    @overload
    def __getitem__(self, index: int) -> packets.Frame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[packets.Frame]: ...
    def __getitem__(self, index: int | slice) -> packets.Frame | Sequence[packets.Frame]:
        if isinstance(index, slice):
            raise TypeError("one picture at a time")
        # several viewers are sent the same picture: it is signed once
        if self._last is None or self._last[0] != index:
            plain = self._units[index]
            nals = self._signer.unit(plain, self._clock.now_us())
            self.sent.extend(nal for nal in nals if nal not in plain)
            self._last = index, _frame(nals, self._signer.header, key=self._keys[index])
        return self._last[1]


def _frame(nals: list[bytes], header: int, *, key: bool) -> packets.Frame:
    if header == 1:
        return packets.sent(nals, key=key)
    made, number = payloads.h265(nals), packets.payload_type("H265")
    last = len(made) - 1
    whole = [packets.interleave(one, marker=i == last, payload_type=number) for i, one in enumerate(made)]
    return packets.Frame.of(whole, key=key)


def signed(stream: packets.Stream, path: Path, identity: Identity, clock: Clock) -> packets.Stream:
    """The stream of an MP4 file, signed with a camera's key; ValueError for a codec without a place for signatures."""
    header = HEADERS.get(stream.codec)
    if header is None:
        raise ValueError(f"{stream.codec} has no place for a signature")
    units, keys = [], []
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                units.append(_nals(bytes(packet), header))
                keys.append(bool(packet.is_keyframe))
    return replace(stream, frames=Signed(units, keys, Signer(header, identity, Options()), clock))


def _nals(data: bytes, header: int) -> list[bytes]:
    out, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        nal = data[at + 4 : at + 4 + size]
        kind = nal[0] & 31 if header == 1 else nal[0] >> 1 & 63
        if kind not in _LEFT_OUT[header]:
            out.append(nal)
        at += 4 + size
    return out
