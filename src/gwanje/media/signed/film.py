"""A stretch of stored video and its camera's signature (영상 자체 서명 판정): parts in, spans out, words for people."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from gwanje.media.signed.chain import BROKEN, NONE, Chain, Span
from gwanje.vault import nals
from gwanje.vault.bundle.manifest import SPANS_MAX
from gwanje.vault.camera_keys import Key
from gwanje.vault.errors import VaultError

log = logging.getLogger("gwanje.player")


class Film:
    """One stretch without a gap, of one init; ``registered``: keys an officer recorded for its camera."""

    def __init__(self, init: bytes, registered: Sequence[Key]) -> None:
        header = nals.codec(init)
        self._header = header
        # other codecs have no place for a signature
        self.chain = Chain(header, registered) if header else None
        self._until_us = 0
        self._broken: list[Span] = []

    def part(self, fragment: bytes, start_us: int, duration_us: int) -> None:
        """One part's plaintext; times in Unix µs. What cannot be walked through is broken, and said."""
        self._until_us = max(self._until_us, start_us + duration_us)
        if self.chain is None:
            return
        try:
            for kind, offset_us, nal in nals.units(self._header, fragment):
                self.chain.unit(kind, start_us + offset_us, nal)
        except VaultError as error:
            log.warning("the camera's signature cannot be followed through a part: %s", error)
            self._broken.append(Span(BROKEN, start_us, start_us + duration_us, why="unreadable"))

    def end(self) -> list[Span]:
        """The verdict, in order of time; empty when the codec has no place for a signature."""
        if self.chain is None:
            return []
        found = self.chain.end(self._until_us)
        return sorted([*found, *self._broken], key=lambda span: (span.first_us, span.until_us))


def manifest_of(films: Sequence[Film], registered: Sequence[Key]) -> dict[str, Any]:
    """``{"signed": …}`` as ``vault/bundle/manifest.py`` has it; empty when neither video nor register know of one."""
    clips: list[dict[str, Any]] = []
    left = SPANS_MAX
    for film in films:
        spans = film.end()
        if len(spans) > max(left - (len(films) - len(clips)), 1):
            spans = [Span(BROKEN, spans[0].first_us, max(span.until_us for span in spans), why="many")]
        left -= len(spans)
        said = [[s.state, s.first_us, s.until_us, bytes.fromhex(s.key), s.why] for s in spans]
        clock = film.chain.clock_s if film.chain else None
        clips.append({"clock": list(clock) if clock else None, "spans": said})
    states = {span[0] for clip in clips for span in clip["spans"]}
    if not registered and states <= {NONE}:
        return {}
    return {"signed": {"keys": [key.der for key in registered], "clips": clips}}
