"""The ledger over a period (기간별 관리대장): how often each norm decided in it, and rows that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gwanje.kernel.footage import Cursor

SAMPLE_MAX = 10


@dataclass(frozen=True)
class Sample:
    """One row by what is no secret: index in the tree, id, time, dotted fact, outcome; no person, no camera."""

    index: int
    row: UUID
    at: datetime
    kind: str
    outcome: str


def counts(cursor: Cursor, norms: Sequence[str], first: datetime, until: datetime) -> dict[str, dict[str, int]]:
    """norm → granted, refused, done in ``[first, until)``; zeros where the ledger has none.

    Counted from openings that live: a row whose opening has died is in the tally of the whole ledger, not here.
    """
    _aware(first, until)
    cursor.execute(
        "select n, o.outcome, count(*) from ledger_opening o, unnest(o.norms) n "
        "where o.at >= %s and o.at < %s and n = any(%s) group by 1, 2",
        [first, until, list(norms)],
    )
    found = {norm: {"granted": 0, "refused": 0, "done": 0} for norm in norms}
    for norm, outcome, count in cursor.fetchall():
        found[norm][outcome] = int(count)
    return found


def samples(
    cursor: Cursor, norms: Sequence[str], first: datetime, until: datetime, each: int = 3
) -> dict[str, list[Sample]]:
    """norm → its newest rows in ``[first, until)`` with a place in the tree, at most ``each``, newest first."""
    _aware(first, until)
    cursor.execute(
        "select norm, idx, row, at, kind, outcome from (select n as norm, l.idx, o.row, o.at, o.kind, o.outcome, "
        "row_number() over (partition by n order by l.idx desc) as place from ledger_opening o "
        "join ledger_leaf l on l.row = o.row, unnest(o.norms) n "
        "where o.at >= %s and o.at < %s and n = any(%s) and l.idx is not null) s "
        "where place <= %s order by norm, place",
        [first, until, list(norms), max(1, min(each, SAMPLE_MAX))],
    )
    found: dict[str, list[Sample]] = {norm: [] for norm in norms}
    for norm, index, row, at, kind, outcome in cursor.fetchall():
        found[norm].append(Sample(int(index), row, at, kind, outcome))
    return found


def _aware(first: datetime, until: datetime) -> None:
    if first.tzinfo is None or until.tzinfo is None:
        raise TypeError("a period needs moments with their zone")
    if first >= until:
        raise ValueError("기간의 시작이 끝보다 늦습니다 / the period ends before it begins")
