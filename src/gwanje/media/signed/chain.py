"""Reckoning of a signed stream (영상 자체 서명 계산): which seconds the camera's signature covers, and where it breaks.

Fed with pictures and signature messages in the order of the stream. Each message covers the next ``count`` pictures
behind those that the one before covered: so a dropped, changed, added or moved picture, group or message shows.
What is not covered is never valid: ``open`` at the ends of what is looked at, ``broken`` within.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gwanje.media.signed import sei
from gwanje.media.signed.sei import BadSei, Document, General
from gwanje.vault import camera_keys as keys
from gwanje.vault.camera_keys import Key
from gwanje.vault.nals import FIRST, OUTSIDE, SIGNATURE

VALID, BROKEN, UNKNOWN, OPEN, NONE = STATES = ("valid", "broken", "unknown", "open", "none")
# a signature may come this many groups late before it is called missing
LATE_GROUPS: Final = 5
PENDING_MAX: Final = 8192
SPANS_MAX: Final = 1000
CANDIDATES_MAX: Final = 64
SEEN_MAX: Final = 8
MESSAGES_PER_S_MAX: Final = 64
# 1601-01-01 to 1970-01-01, in the camera's units of 100 ns
EPOCH_100NS: Final = 116_444_736_000_000_000


@dataclass
class Span:
    """One state of the signature from ``first_us`` to ``until_us`` (Unix µs), by which key, and why when not valid."""

    state: str
    first_us: int
    until_us: int
    key: str = ""
    why: str = ""


@dataclass
class _Item:
    """One NAL unit that a group's hash counts: its hash, and the unsigned message that it is, if it is one."""

    digest: bytes
    at_us: int
    first: bool
    outside: bool = False
    message: bool = False
    cover: _Cover | None = None


@dataclass
class _Cover:
    """Pictures that one message covers; ``wrong``: index of the first that is not as signed, or -1."""

    items: list[_Item]
    end_us: int
    wrong: int = -1
    why: str = ""
    outside: bool = False
    inner: list[_Cover] = field(default_factory=list)


class Chain:
    """One stream. ``header``: 1 (H.264) or 2 (H.265). ``registered``: keys an officer recorded for this camera."""

    def __init__(self, header: int, registered: Sequence[Key]) -> None:
        self.header = header
        self._registered = tuple(registered)
        self._carried: tuple[Key, ...] = ()
        self._algorithm, self._scheme = "sha256", b""
        self._pending: deque[_Item] = deque()
        self._anchor = b""
        self._counter = -1
        self._placed = False
        self._linked = b""
        self._last = b""
        self._unmatched = 0
        self._waiting: list[_Cover] = []
        self._spans: list[Span] = []
        self._outside = False
        self._ended_us = 0
        self._second = (0, 0)
        self.signed = False
        # by how many seconds the camera's signed clock is ahead of the times given here: least and most
        self.clock_s: tuple[int, int] | None = None

    # --- what comes in -----------------------------------------------------------------------------------------------

    def unit(self, kind: int, at_us: int, nal: bytes | memoryview) -> None:
        """One NAL unit of a kind of ``vault.nals``, with its time (Unix µs)."""
        digest = b"" if kind == OUTSIDE else hashlib.new(self._algorithm, nal).digest()
        self.told(kind, at_us, digest, bytes(nal) if kind == SIGNATURE else b"")

    def told(self, kind: int, at_us: int, digest: bytes, message: bytes) -> None:
        """The same, with the digest made elsewhere (SHA-256); ``message``: a signature's bytes, empty: too long."""
        self._ended_us = max(self._ended_us, at_us)
        if kind == SIGNATURE:
            self._message(message, at_us)
        elif kind == OUTSIDE:
            self._outside = True
        else:
            self._picture(kind == FIRST, digest, at_us)

    def _picture(self, first: bool, digest: bytes, at_us: int) -> None:
        if len(digest) != sei.HASH_SIZES[self._algorithm]:
            # told by somebody who reckons with SHA-256 only
            self._anchor, self._placed = b"", False
            self._say(Span(OPEN, at_us, at_us, why="hash"))
            return
        if first:
            self._anchor = digest
        elif not self._anchor:
            # every hash is made with that of the group's key frame, which was not seen
            self._say(Span(OPEN, at_us, at_us, why="start" if self._algorithm == "sha256" else "hash"))
            return
        else:
            digest = hashlib.new(self._algorithm, self._anchor + digest).digest()
        self._push(_Item(digest, at_us, first, self._outside))
        self._outside = False

    def _push(self, item: _Item) -> None:
        self._pending.append(item)
        if len(self._pending) > PENDING_MAX:
            # nothing that signs them came: forget them as what they are
            self._skip(PENDING_MAX // 2, BROKEN if self.signed else NONE, "missing" if self.signed else "")

    # --- what a message says -----------------------------------------------------------------------------------------

    def _message(self, nal: bytes, at_us: int) -> None:
        mark = hashlib.sha256(nal).digest()
        if nal and mark == self._last:
            # the same message may be sent again against loss
            return
        self._last, self.signed = mark, True
        second, count = self._second
        self._second = (at_us // 1_000_000, count + 1 if at_us // 1_000_000 == second else 1)
        try:
            if self._second[1] > MESSAGES_PER_S_MAX:
                raise BadSei("too many")
            said = sei.parse(nal, self.header)
        except BadSei:
            self._say(Span(BROKEN, at_us, at_us, why="unreadable"))
            return
        if said.signature:
            self._learn(said)
            state, key = self._judged(said)
        else:
            state, key = "", ""
        if said.general is None:
            if state == BROKEN:
                self._say(Span(BROKEN, at_us, at_us, why="signature"))
            return
        if len(said.general.gop_hash) != sei.HASH_SIZES[self._algorithm]:
            self._say(Span(BROKEN, at_us, at_us, why="unreadable"))
            return
        cover = self._covered(said.general, said.hashes, at_us)
        if not said.signature:
            whole = hashlib.new(self._algorithm, said.covered).digest()
            self._push(_Item(whole, at_us, False, message=True, cover=cover))
        elif cover is not None:
            if state in (VALID, UNKNOWN) and cover.wrong < 0:
                self._compare(said.general, cover.items[0].at_us)
            self._settle(cover, state, key)

    def _compare(self, general: General, at_us: int) -> None:
        ahead = ((general.start - EPOCH_100NS) // 10 - at_us) // 1_000_000
        least, most = self.clock_s or (ahead, ahead)
        self.clock_s = min(least, ahead), max(most, ahead)

    def _learn(self, said: Document) -> None:
        """Keys and algorithms that a message carries; they are believed for their form only."""
        found = []
        for _, chain in said.chains:
            try:
                found.append(keys.read(chain))
            except keys.BadKey:
                continue
        if said.chains:
            self._carried = tuple(found)
        if said.algorithm:
            if said.algorithm != self._algorithm:
                # what is pending was hashed by another rule
                self._skip(len(self._pending), OPEN, "hash")
                self._anchor, self._placed = b"", False
            self._algorithm, self._scheme = said.algorithm, said.scheme

    def _judged(self, said: Document) -> tuple[str, str]:
        """(state, key) of a signature: valid only by a registered key; by the stream's own it is unknown."""
        for state, candidates in ((VALID, self._registered), (UNKNOWN, self._carried)):
            for key in candidates:
                if key.verifies(said.covered, said.signature, self._algorithm, self._scheme):
                    return state, key.id
        if self._carried:
            return BROKEN, self._carried[0].id
        return UNKNOWN, ""

    # --- which pictures it covers ------------------------------------------------------------------------------------

    def _covered(self, general: General, listed: Sequence[bytes], at_us: int) -> _Cover | None:
        lost = self._counter >= 0 and general.counter != (self._counter + 1) & 0xFFFFFFFF
        if lost:
            gone = (general.counter - self._counter) & 0xFFFFFFFF
            self._unmatched = SEEN_MAX
            self._placed = self._placed and gone < 1 << 31
            self._linked = b""
            if not 0 < gone < 1 << 31:
                self._say(Span(BROKEN, at_us, at_us, why="order"))
        self._counter = general.counter
        if not general.count:
            return None
        place = self._find(general, listed, expected=self._placed and not lost)
        if place is not None:
            return self._take(place, general)
        shared = set(listed)
        if (self._placed and not lost) or any(item.digest in shared for item in self._pending):
            return self._differs(general, listed)
        self._unmatched = min(self._unmatched + 1, SEEN_MAX)
        return None

    def _find(self, general: General, listed: Sequence[bytes], *, expected: bool) -> int | None:
        """Where in what is pending the pictures begin whose hash this is."""
        digests = [item.digest for item in self._pending]
        candidates = [0] if expected else []
        if listed:
            candidates += [i for i, digest in enumerate(digests) if digest == listed[0]]
        candidates += [i for i, item in enumerate(self._pending) if item.first or i == 0]
        for start in dict.fromkeys(candidates[:CANDIDATES_MAX]):
            part = digests[start : start + general.count]
            if part and len(part) == general.count and self._hash(part) == general.gop_hash:
                return start
        return None

    def _hash(self, digests: Sequence[bytes]) -> bytes:
        return hashlib.new(self._algorithm, b"".join(digests)).digest()

    def _take(self, start: int, general: General) -> _Cover:
        if start:
            # what lies before them belonged to a message that was seen, or to one that is gone
            known = self._placed or self._unmatched
            self._skip(start, BROKEN if known else OPEN, "missing" if known else "")
        items = [self._pending.popleft() for _ in range(general.count)]
        cover = self._cover(items)
        if start == 0 and self._placed and self._linked and general.linked != self._linked:
            cover.wrong, cover.why = 0, "order"
        self._linked = next((item.digest for item in items if not item.message), b"")
        self._placed, self._unmatched = True, 0
        return cover

    def _differs(self, general: General, listed: Sequence[bytes]) -> _Cover:
        """The pictures that a message means although its hash is another: what differs, as far as a list says it."""
        pending = list(self._pending)
        later = next((i for i, item in enumerate(pending) if i and item.first), len(pending))
        take, wrong, lost, changed = min(later, general.count), 0, 0, 0
        if listed:
            place = {digest: i for i, digest in enumerate(listed)}
            matched = [(i, place[item.digest]) for i, item in enumerate(pending) if item.digest in place]
            begin = matched[0][0] - min(matched[0]) if matched else 0
            reach, tail = (matched[-1][0] + 1, general.count - 1 - matched[-1][1]) if matched else (0, general.count)
            later = next((i for i, item in enumerate(pending) if i >= max(reach, 1) and item.first), len(pending))
            take = min(later, reach + tail)
            if begin and not (self._placed or self._unmatched):
                self._skip(begin, OPEN, "")
                pending, take = pending[begin:], take - begin
            digests = [item.digest for item in pending[:take]]
            wrong = next((i for i, pair in enumerate(zip(digests, listed, strict=False)) if pair[0] != pair[1]), -1)
            wrong = min(len(digests), len(listed)) if wrong < 0 else wrong
            lost = len(set(listed) - set(digests))
            changed = len([digest for digest in digests if digest not in place])
        items = [self._pending.popleft() for _ in range(min(take, len(self._pending)))]
        cover = self._cover(items)
        cover.wrong = min(wrong, max(len(items) - 1, 0))
        cover.why = "lost" if lost > changed else "changed"
        self._linked = items[0].digest if items and wrong != 0 else b""
        self._placed, self._unmatched = True, 0
        return cover

    def _cover(self, items: list[_Item]) -> _Cover:
        end = self._pending[0].at_us if self._pending else self._ended_us
        found = _Cover(items, max(end, items[-1].at_us if items else end))
        found.outside = any(item.outside for item in items)
        found.inner = [item.cover for item in items if item.cover is not None]
        for item in items:
            item.cover = None
        return found

    # --- what comes out ----------------------------------------------------------------------------------------------

    def _settle(self, cover: _Cover, state: str, key: str) -> None:
        """Write a signed message's verdict down, and that of the unsigned messages that it covers."""
        open_ = [(cover, state)]
        done: list[tuple[_Cover, str]] = []
        while open_:
            one, judged = open_.pop()
            done.append((one, judged))
            open_ += [(inner, BROKEN if one.wrong >= 0 else judged) for inner in one.inner]
        for one, judged in sorted(done, key=lambda pair: pair[0].items[0].at_us if pair[0].items else 0):
            self._write(one, judged, key)

    def _write(self, cover: _Cover, state: str, key: str) -> None:
        if not cover.items:
            return
        first = cover.items[0].at_us
        why = {BROKEN: "signature", UNKNOWN: "key"}.get(state, "")
        if cover.outside and state == VALID:
            # a picture of a kind that the format does not count stands among them
            state, why = OPEN, "outside"
        if cover.wrong < 0 or state == BROKEN:
            self._say(Span(state, first, cover.end_us, key, cover.why or why))
            return
        at = cover.items[cover.wrong].at_us
        if cover.wrong:
            self._say(Span(state, first, at, key, why))
        self._say(Span(BROKEN, at, cover.end_us, key, cover.why))

    def _skip(self, count: int, state: str, why: str) -> None:
        items = [self._pending.popleft() for _ in range(min(count, len(self._pending)))]
        if not items:
            return
        end = self._pending[0].at_us if self._pending else self._ended_us
        for item in items:
            if item.cover is not None:
                self._settle(item.cover, state, "")
        self._say(Span(state, items[0].at_us, end, why=why))

    def _say(self, span: Span) -> None:
        last = self._spans[-1] if self._spans else None
        if last and (last.state, last.key, last.why) == (span.state, span.key, span.why):
            last.until_us = max(last.until_us, span.until_us)
        elif len(self._spans) < SPANS_MAX:
            self._spans.append(span)
        elif last and last.state != BROKEN:
            last.state, last.why = BROKEN, "many"

    def end(self, until_us: int) -> list[Span]:
        """The verdict up to ``until_us``: spans in order of time. Nothing may be fed afterwards."""
        self._ended_us = max(self._ended_us, until_us)
        if not self.signed:
            self._skip(len(self._pending), NONE, "")
        late = sum(item.first for item in self._pending) > LATE_GROUPS
        self._skip(len(self._pending), BROKEN if late else OPEN, "missing" if late else "end")
        ordered = sorted(self._spans, key=lambda span: (span.first_us, span.until_us))
        for before, after in itertools.pairwise(ordered):
            # between two of them nothing is: it belongs to the one that claims less
            if before.until_us < after.first_us:
                if after.state == VALID:
                    before.until_us = after.first_us
                else:
                    after.first_us = before.until_us
        return ordered
