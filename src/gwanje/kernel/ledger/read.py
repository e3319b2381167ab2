"""Reading the ledger (관리대장 열람): pages of rows, and how often each norm decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger.entry import read_opening

PAGE_MAX = 500


@dataclass(frozen=True)
class Filters:
    """What a page of rows is narrowed to; times in Unix µs, ``kind`` a prefix of the dotted fact."""

    kind: str = ""
    outcome: str = ""
    norm: str = ""
    agency: UUID | None = None
    person: UUID | None = None
    camera: UUID | None = None
    first_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True)
class Row:
    """One row: index in the tree, id, time in Unix µs, leaf bytes; ``said`` is the opening, None once it died."""

    index: int
    row: UUID
    at_us: int
    leaf: bytes
    said: dict[str, Any] | None


def _where(filters: Filters) -> tuple[list[str], list[Any]]:
    tests: list[tuple[Any, str, Any]] = [
        (filters.kind, "(o.kind = %s or starts_with(o.kind, %s))", [filters.kind, filters.kind + "."]),
        (filters.outcome, "o.outcome = %s", [filters.outcome]),
        (filters.norm, "%s = any(o.norms)", [filters.norm]),
        (filters.agency, "o.agency = %s", [filters.agency]),
        (filters.person, "o.person = %s", [filters.person]),
        (filters.camera, "%s = any(o.cameras)", [filters.camera]),
        (filters.first_us is not None, "o.at >= %s", [_time(filters.first_us)]),
        (filters.until_us is not None, "o.at < %s", [_time(filters.until_us)]),
    ]
    chosen = [(text, values) for wanted, text, values in tests if wanted]
    return [text for text, _ in chosen], [v for _, values in chosen for v in values]


def _time(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC)


def rows(
    cursor: Cursor,
    after: int | None = None,
    limit: int = 100,
    filters: Filters | None = None,
    *,
    newest_first: bool = False,
) -> list[Row]:
    """A page of at most 500 rows beyond index ``after`` in the order asked for.

    With filters (or another agency's eyes) only rows whose opening lives and matches are given.
    """
    texts, values = _where(filters or Filters())
    join = "join" if texts else "left join"
    if after is not None:
        texts.append("l.idx < %s" if newest_first else "l.idx > %s")
        values.append(after)
    where = " and ".join(["l.idx is not null", *texts])
    cursor.execute(
        f"select l.idx, l.row, l.leaf, o.body from ledger_leaf l {join} ledger_opening o on o.row = l.row "
        f"where {where} order by l.idx {'desc' if newest_first else 'asc'} limit %s",
        [*values, max(1, min(limit, PAGE_MAX))],
    )
    return [_row(*found) for found in cursor.fetchall()]


def _row(index: int, row: UUID, leaf: Any, body: Any) -> Row:
    raw = bytes(leaf)
    said = None if body is None else read_opening(bytes(body))
    return Row(index, row, int.from_bytes(raw[17:25], "big"), raw, said)


def counts_by_norm(cursor: Cursor, norms: Sequence[str] | None = None) -> dict[str, dict[str, int]]:
    """norm → outcome → number of rows since the ledger began, rows without an index yet included."""
    cursor.execute(
        "select norm, outcome, sum(n)::bigint from (select norm, outcome, n from ledger_tally union all "
        "select unnest(o.norms), o.outcome, 1 from ledger_leaf l join ledger_opening o on o.row = l.row "
        "where l.idx is null) c where %s::text[] is null or norm = any(%s::text[]) group by norm, outcome",
        [None if norms is None else list(norms)] * 2,
    )
    counts: dict[str, dict[str, int]] = {}
    for norm, outcome, n in cursor.fetchall():
        counts.setdefault(norm, {"granted": 0, "refused": 0, "done": 0})[outcome] = int(n)
    return counts


def size(cursor: Cursor) -> int:
    """How many leaves have their index."""
    cursor.execute("select coalesce(max(idx) + 1, 0) from ledger_leaf")
    return int(cursor.fetchone()[0])


def last_checkpoint(cursor: Cursor) -> tuple[int, bytes, str] | None:
    """(size, root, signed note) of the newest checkpoint."""
    cursor.execute("select size, root, note from ledger_checkpoint order by size desc limit 1")
    found = cursor.fetchone()
    return None if found is None else (int(found[0]), bytes(found[1]), found[2])


def erase_due(cursor: Cursor, as_of: datetime, at_most: int = 10_000) -> int:
    """Erase openings whose date has come (보존기간 경과 접속기록 파기); returns how many."""
    cursor.execute("select ledger_erase(%s, %s)", [as_of, at_most])
    return int(cursor.fetchone()[0])
