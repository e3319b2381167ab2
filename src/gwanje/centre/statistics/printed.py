"""Printed tables of a source (원문의 통계표): ``tables/`` of a pack, each with what its text says of it; strict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gwanje.centre.statistics.tables import Fault, Table, faults
from gwanje.law.schema import PackError, Row, read, rows

TABLES_MAX = 200
CLAIMS = "claims.yaml"
KINDS = ("number", "percent", "about", "over", "words")
ABOUT = 5
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Printed:
    """One printed table: its number, title, day (None: the source has none), unit, ``scope``, and the table itself."""

    id: str
    citation: str
    title: str
    on: date | None
    unit: str
    scope: str
    table: Table

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Totals that do not add up."""
        return faults(self.table)


@dataclass(frozen=True)
class Claim:
    """A sentence of the text about tables: what it says (``printed``) and the cells from which that is counted."""

    id: str
    trap: str
    kind: str
    ko: str
    printed: int | str
    cells: tuple[Cell, ...]
    of: tuple[Cell, ...]
    times: int
    table: str


@dataclass(frozen=True)
class Contradiction:
    """A claim that its tables do not give; ``counted`` as text, with one decimal where it is a ratio."""

    claim: Claim
    counted: str


def table_files(place: Path) -> list[Path]:
    """Files of the tables below a pack's folder, by name."""
    return sorted((place / "tables").glob("t*.yaml"))[:TABLES_MAX]


def load_tables(place: Path) -> dict[str, Printed]:
    """Every table of ``tables/`` below a pack's folder by its number, in order; PackError names what is wrong."""
    found = [_table(file) for file in table_files(place)]
    return {p.id: p for p in sorted(found, key=lambda p: [int(n) for n in p.id.split("-")])}


def _table(file: Path) -> Printed:
    head = Row(read(file), f"{file.parent.parent.name}/tables/{file.name}")
    columns = head.texts("columns")
    cells = head.get("rows", dict)
    default = {columns[-1]: list(columns[:-1])}
    try:
        table = Table(
            columns,
            {str(label): _numbers(head, values) for label, values in cells.items()},
            {str(c): tuple(map(str, parts)) for c, parts in head.get("row_sum", dict, default).items()},
            _numbers(head, head.get("totals", list, [])),
            {str(label): tuple(map(str, units)) for label, units in head.get("units", dict, {}).items()},
        )
    except ValueError as error:
        raise PackError(head.place, str(error), str(error)) from error
    made = Printed(
        head.text("id"), head.text("citation"), head.text("title"), head.day("on", None), head.text("unit"),
        head.text("scope", ""), table,
    )  # fmt: skip
    head.done()
    return made


def _numbers(head: Row, values: Any) -> tuple[int | None, ...]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int | None) for v in values):
        raise head.fail("rows", "칸은 정수이거나 빈칸(~)입니다", "a cell is an integer or blank (~)")
    return tuple(values)


def load_claims(place: Path) -> tuple[Claim, ...]:
    """What the source's text says of its tables; none without the file."""
    file = place / "tables" / CLAIMS
    name = f"{place.name}/tables/{CLAIMS}"
    return tuple(_claim(row) for row in rows(read(file), name, "id")) if file.exists() else ()


def _claim(row: Row) -> Claim:
    kind = row.text("kind")
    if kind not in KINDS:
        raise row.fail("kind", f"{', '.join(KINDS)} 가운데 하나", f"is one of {', '.join(KINDS)}")
    made = Claim(
        row.text("id"), row.text("trap", ""), kind, row.text("ko"), row.get("printed", (int, str)),
        _cells(row, "cells"), _cells(row, "of"), row.get("times", int, 1), row.text("table", ""),
    )  # fmt: skip
    row.done()
    return made


def _cells(row: Row, key: str) -> tuple[Cell, ...]:
    found = row.get(key, list, [])
    if any(not isinstance(c, list) or len(c) != 3 for c in found):
        raise row.fail(key, "[표, 줄, 칸]의 목록입니다", "is a list of [table, row, column]")
    return tuple((str(a), str(b), str(c)) for a, b, c in found)


def contradictions(tables: Mapping[str, Printed], claims: tuple[Claim, ...]) -> tuple[Contradiction, ...]:
    """Claims that do not follow from the tables, in their order; PackError for a cell that is not there."""
    found = ((claim, _counted(tables, claim)) for claim in claims)
    return tuple(Contradiction(claim, counted) for claim, counted in found if counted)


def _sum(tables: Mapping[str, Printed], cells: tuple[Cell, ...], claim: Claim) -> int:
    try:
        return sum(
            tables[number].table.cell(row, _column(tables[number].table, column)) for number, row, column in cells
        )
    except KeyError as error:
        raise PackError(f"{CLAIMS}, {claim.id}", f"없는 칸: {error}", f"no such cell: {error}") from error


def _column(table: Table, column: str) -> str:
    """``계`` is whatever the table calls its sum."""
    return next(iter(table.sums), column) if column == "계" and column not in table.columns else column


def _counted(tables: Mapping[str, Printed], claim: Claim) -> str:
    """What was counted instead, or nothing when the claim is right."""
    if claim.kind == "words":
        scope = tables[claim.table].scope
        return "" if scope == claim.printed else scope
    said, top = int(claim.printed), _sum(tables, claim.cells, claim) * claim.times
    bottom = _sum(tables, claim.of, claim) if claim.of else 1
    if claim.kind == "percent":
        right = said in (100 * top // bottom, (200 * top + bottom) // (2 * bottom))
        return "" if right else f"{100 * top / bottom:.1f}"
    if claim.kind == "about":
        right = 100 * abs(said * bottom - top) <= ABOUT * top
    elif claim.kind == "over":
        right = said <= top // bottom < said + 100
    else:
        right = said * bottom == top
    return "" if right else f"{top / bottom:.1f}" if bottom != 1 else f"{top:,}"
