"""Account of a day (녹화 시간 정산): footage and gap rows of a camera, stream and day against the wall clock.

From a stream's first second that lives to the last thing known of it every moment is footage, a gap row, or destroyed
with its hour; what is none of these is missing, and what two segments both hold is an overlap. Both are problems.
Gap rows outlive the footage around them: older ones are left out, and so is a stream of which nothing lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


class Account:
    """Days and findings of every stream. ``exact``: spans (µs) of a segment's parts as its file's headers say.

    ``destroyed``: (camera, stream, hour) whose root is gone. A segment without exact spans counts whole seconds.
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
        files: dict[Stream, list[list[Span]]] = {}
        holes: dict[Stream, list[Span]] = {}
        gone: dict[Stream, list[Span]] = {}
        for row in rows:
            if row.parts:
                spans = list((exact or {}).get(row.segment_id) or [(row.first_s * US, row.until_s * US)])
                files.setdefault((row.camera, row.stream), []).append(spans)
        for gap in gaps:
            ended = gap.ended_us if gap.ended_us is not None else now_us
            holes.setdefault((gap.camera, gap.stream), []).append((gap.started_us, ended))
        for camera, stream, epoch in destroyed:
            hour = (epoch * EPOCH_S * US, (epoch + 1) * EPOCH_S * US)
            gone.setdefault((camera, stream), []).append(hour)
        for key in sorted(files, key=str):
            self._stream(key, files[key], merged(holes.get(key, [])), merged(gone.get(key, [])))

    def _stream(self, key: Stream, files: list[list[Span]], gaps: list[Span], gone: list[Span]) -> None:
        days: dict[date, Day] = {}

        def count(spans: Iterable[Span], *names: str) -> None:
            for span in spans:
                for day, length in days_of(span, self._zone):
                    kept = days.setdefault(day, Day(*key, day))
                    for name in names:
                        setattr(kept, name, getattr(kept, name) + length / US)

        footage = merged((span for spans in files for span in spans), JITTER_US)
        if not footage:
            return
        began = footage[0][0]
        gap = without([(max(first, began), until) for first, until in gaps if until > began], footage)
        known = merged([*footage, *gap])
        destroyed = without(without(gone, known), [(0, began)])
        open_ = without([(known[0][0], known[-1][1])], merged([*known, *gone]))
        missing = [span for span in open_ if span[1] - span[0] > HOLE_US]
        slack = [span for span in open_ if span[1] - span[0] <= HOLE_US]
        twice = overlaps(files)
        count(footage, "wall_s", "footage_s")
        count(gap, "wall_s", "gap_s")
        count(slack, "wall_s", "slack_s")
        count(missing, "wall_s", "missing_s")
        count(twice, "overlap_s")
        count(destroyed, "destroyed_s")
        self.days += [days[day] for day in sorted(days)]
        self.findings += [Finding(*key, *span, False) for span in missing]
        self.findings += [Finding(*key, *span, True) for span in twice]


def overlaps(files: Sequence[Sequence[Span]]) -> list[Span]:
    """Stretches of more than a second that two segments both hold."""
    out: list[Span] = []
    reach = 0
    for first, until in sorted(span for spans in files for span in merged(spans)):
        if min(reach, until) - first > EDGE_US:
            out.append((first, min(reach, until)))
        reach = max(reach, until)
    return merged(out)


def account(rows: Iterable[Segment], gaps: Iterable[Gap], zone: tzinfo, now_us: int) -> list[Day]:
    """Days from index rows alone."""
    return Account(rows, gaps, zone, now_us).days
