"""Account of a day (녹화 시간 정산): footage and gap rows of a camera, stream and day against the wall clock.

From a stream's first second that lives to the last thing known of it every moment is footage, a gap row, or destroyed
with its hour; what is none of these is missing, and what two segments both hold is an overlap. Both are problems.
Gap rows outlive the footage around them: older ones are left out, and so is a stream of which nothing lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from uuid import UUID

from gwanje.kernel.footage import EPOCH_S, Gap, Segment

US = 1_000_000
# the recorder says nothing of silences up to 1.5 s; arrival times are known to a tick
HOLE_US = 2 * US
# a file may begin in the second in which another ended, and index rows count whole seconds
EDGE_US = US
# parts begin when their first picture arrived: a tick or a busy moment late is no hole
JITTER_US = 250_000
# spans that wait to be merged
FEW = 64
Span = tuple[int, int]
Stream = tuple[UUID, int]


@dataclass
class Day:
    """One stream's day in the centre's zone, in seconds: wall = footage + gap + slack + missing.

    ``slack_s``: silences of at most 2 s; ``missing_s``: longer ones that no row explains; ``destroyed_s`` is no part
    of the wall, since the root of that hour is gone.
    """

    camera: UUID
    stream: int
    day: date
    wall_s: float = 0.0
    footage_s: float = 0.0
    gap_s: float = 0.0
    slack_s: float = 0.0
    missing_s: float = 0.0
    overlap_s: float = 0.0
    destroyed_s: float = 0.0


@dataclass(frozen=True)
class Finding:
    """A stretch (Unix µs) that is missing, or held twice (``twice``)."""

    camera: UUID
    stream: int
    first_us: int
    until_us: int
    twice: bool


def merged(spans: Iterable[Span], apart: int = 0) -> list[Span]:
    """Disjoint spans in order; neighbours at most ``apart`` apart become one. Empty ones are left out."""
    out: list[Span] = []
    for first, until in sorted(spans):
        if until <= first:
            continue
        if out and first - out[-1][1] <= apart:
            if until > out[-1][1]:
                out[-1] = (out[-1][0], until)
        else:
            out.append((first, until))
    return out


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What of ``spans`` is not in ``taken``; both disjoint and in order."""
    out: list[Span] = []
    place = 0
    for first, until in spans:
        while place < len(taken) and taken[place][1] <= first:
            place += 1
        at, look = first, place
        while look < len(taken) and taken[look][0] < until:
            if taken[look][0] > at:
                out.append((at, taken[look][0]))
            at = max(at, taken[look][1])
            look += 1
        if at < until:
            out.append((at, until))
    return out


def days_of(span: Span, zone: tzinfo) -> Iterator[tuple[date, int]]:
    """(day, µs) for each day that a span touches."""
    first, until = span
    while first < until:
        day = datetime.fromtimestamp(first / US, UTC).astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), zone)
        end = min(until, round(midnight.timestamp()) * US)
        yield day, end - first
        first = end


@dataclass
class _Held:
    """What is known of one stream so far, in merged spans: it grows with breaks in the footage, not with rows."""

    footage: list[Span] = field(default_factory=list)
    twice: list[Span] = field(default_factory=list)
    gaps: list[Span] = field(default_factory=list)
    gone: list[Span] = field(default_factory=list)
    reach: int = 0
    gaps_merged: int = 0
    gone_merged: int = 0


class Account:
    """Days and findings of every stream. ``exact``: spans (µs) of a segment's parts as its file's headers say.

    ``destroyed``: (camera, stream, hour) whose root is gone. A segment without exact spans counts whole seconds.
    Everything at once, or hour by hour: ``add`` rows in order of hours, ``explain``, ``destroy``, then ``close``.
    """

    def __init__(  # noqa: PLR0917 - rows, gaps and what they are measured by
        self,
        rows: Iterable[Segment],
        gaps: Iterable[Gap],
        zone: tzinfo,
        now_us: int,
        exact: Mapping[bytes, Sequence[Span]] | None = None,
        destroyed: Iterable[tuple[UUID, int, int]] = (),
    ) -> None:
        self.days: list[Day] = []
        self.findings: list[Finding] = []
        self._zone = zone
        self._now_us = now_us
        self._held: dict[Stream, _Held] = {}
        self.add(rows, exact)
        self.explain(gaps)
        self.destroy(destroyed)
        self.close()

    @property
    def spans(self) -> int:
        """Spans held at present, of all streams."""
        kept = self._held.values()
        return sum(len(one.footage) + len(one.twice) + len(one.gaps) + len(one.gone) for one in kept)

    def add(self, rows: Iterable[Segment], exact: Mapping[bytes, Sequence[Span]] | None = None) -> None:
        """Rows of an hour; hours come in order."""
        files: dict[Stream, list[list[Span]]] = {}
        for row in rows:
            if row.parts:
                spans = list((exact or {}).get(row.segment_id) or [(row.first_s * US, row.until_s * US)])
                files.setdefault((row.camera, row.stream), []).append(spans)
        for key, found in files.items():
            held = self._of(key)
            twice, held.reach = overlaps(found, held.reach)
            held.twice += twice
            spans = merged(span for one in found for span in one)
            # what an hour brings meets the end of what stands, seldom more
            begin = len(held.footage)
            while begin and spans and held.footage[begin - 1][1] + JITTER_US >= spans[0][0]:
                begin -= 1
            held.footage[begin:] = merged([*held.footage[begin:], *spans], JITTER_US)

    def explain(self, gaps: Iterable[Gap]) -> None:
        """Gap rows, in any order."""
        for gap in gaps:
            held = self._of((gap.camera, gap.stream))
            held.gaps.append((gap.started_us, gap.ended_us if gap.ended_us is not None else self._now_us))
            if len(held.gaps) > 2 * held.gaps_merged + FEW:
                held.gaps = merged(held.gaps)
                held.gaps_merged = len(held.gaps)

    def destroy(self, hours: Iterable[tuple[UUID, int, int]]) -> None:
        """(camera, stream, hour) whose root is gone, in any order."""
        for camera, stream, epoch in hours:
            held = self._of((camera, stream))
            held.gone.append((epoch * EPOCH_S * US, (epoch + 1) * EPOCH_S * US))
            if len(held.gone) > 2 * held.gone_merged + FEW:
                held.gone = merged(held.gone)
                held.gone_merged = len(held.gone)

    def _of(self, key: Stream) -> _Held:
        return self._held.setdefault(key, _Held())

    def close(self) -> None:
        """Count; ``days`` and ``findings`` stand afterwards."""
        self.days, self.findings = [], []
        for key in sorted(self._held, key=str):
            self._stream(key, self._held[key])

    def _stream(self, key: Stream, held: _Held) -> None:
        days: dict[date, Day] = {}

        def count(spans: Iterable[Span], *names: str) -> None:
            for span in spans:
                for day, length in days_of(span, self._zone):
                    kept = days.setdefault(day, Day(*key, day))
                    for name in names:
                        setattr(kept, name, getattr(kept, name) + length / US)

        footage, gaps, gone = held.footage, merged(held.gaps), merged(held.gone)
        if not footage:
            return
        began = footage[0][0]
        gap = without([(max(first, began), until) for first, until in gaps if until > began], footage)
        known = merged([*footage, *gap])
        destroyed = without(without(gone, known), [(0, began)])
        open_ = without([(known[0][0], known[-1][1])], merged([*known, *gone]))
        missing = [span for span in open_ if span[1] - span[0] > HOLE_US]
        slack = [span for span in open_ if span[1] - span[0] <= HOLE_US]
        twice = merged(held.twice)
        count(footage, "wall_s", "footage_s")
        count(gap, "wall_s", "gap_s")
        count(slack, "wall_s", "slack_s")
        count(missing, "wall_s", "missing_s")
        count(twice, "overlap_s")
        count(destroyed, "destroyed_s")
        self.days += [days[day] for day in sorted(days)]
        self.findings += [Finding(*key, *span, False) for span in missing]
        self.findings += [Finding(*key, *span, True) for span in twice]


def overlaps(files: Sequence[Sequence[Span]], reach: int = 0) -> tuple[list[Span], int]:
    """Stretches of more than a second that two segments both hold, and how far footage reaches now.

    ``reach``: how far earlier footage reaches (µs).
    """
    out: list[Span] = []
    for first, until in sorted(span for spans in files for span in merged(spans)):
        if min(reach, until) - first > EDGE_US:
            out.append((first, min(reach, until)))
        reach = max(reach, until)
    return merged(out), reach


def account(rows: Iterable[Segment], gaps: Iterable[Gap], zone: tzinfo, now_us: int) -> list[Day]:
    """Days from index rows alone."""
    return Account(rows, gaps, zone, now_us).days
