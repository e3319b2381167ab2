"""Signatures of cameras in stored video (저장영상의 자체 서명 점검), from digests that vaultd tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gwanje.media.signed.chain import BROKEN, Chain, Span
from gwanje.vault import nals
from gwanje.vault.camera_keys import Key
from gwanje.vault.parts import PartHeader
from gwanje.vault.segment import SegmentHeader

SAID_MAX = 1000
# a file that begins this much later is not the continuation of the one before
GAP_US = 2_000_000
Line = tuple[int, int, int, int]


class Watch:
    """Reckons along while a check goes through files; ``registered``: slot → keys that an officer recorded."""

    def __init__(self, registered: Mapping[int, Sequence[Key]]) -> None:
        self._registered = registered
        self._chain: Chain | None = None
        self._line: Line = (0, 0, 0, 0)
        self._until_us = 0
        self._seconds: Counter[str] = Counter()
        self._said: list[str] = []

    def part(
        self, segment: SegmentHeader, part: PartHeader, codec: int, rows: bytes, messages: Sequence[bytes]
    ) -> None:
        """One part in the order of its file; files of one camera's stream come one after another within an hour."""
        line = (segment.class_, segment.slot, segment.stream, codec)
        if self._chain is None or line != self._line or not -GAP_US < part.start_us - self._until_us < GAP_US:
            self._close()
            self._chain = Chain(codec, self._registered.get(segment.slot, ()))
            self._line = line
        for kind, offset_us, digest, message in nals.untold(rows, messages):
            self._chain.told(kind, part.start_us + offset_us, digest, message)
        self._until_us = part.start_us + part.duration_us

    def _close(self) -> None:
        if self._chain is None:
            return
        for span in self._chain.end(self._until_us):
            self._seconds[span.state] += span.until_us - span.first_us
            if span.state == BROKEN and len(self._said) < SAID_MAX:
                self._said.append(self._words(span))
        self._chain = None

    def _words(self, span: Span) -> str:
        first, until = (
            datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            for us in (span.first_us, span.until_us)
        )
        return (
            f"슬롯 {self._line[1]} 스트림 {self._line[2]}: 카메라 자체 서명이 깨짐({span.why}) {first} ~ {until} / "
            f"slot {self._line[1]} stream {self._line[2]}: the camera's own signature is broken ({span.why})"
        )

    def end(self) -> tuple[dict[str, float], list[str]]:
        """(state → seconds, what is broken in words: no fault of the store, a lost packet is enough)."""
        self._close()
        return {state: round(us / 1e6, 1) for state, us in sorted(self._seconds.items())}, self._said
