"""Reading the numbers (통계 조회): groups in the transaction's scope, tables of them, and what was last published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import law
from gwanje.centre.staff import api as staff
from gwanje.centre.statistics import charts, counting, schemes
from gwanje.centre.statistics.counting import Group
from gwanje.centre.statistics.models import Published
from gwanje.centre.statistics.printed import (
    Contradiction,
    Printed,
    contradictions,
    load_claims,
    load_tables,
    table_files,
)
from gwanje.centre.statistics.tables import Fault, Table, faults
from gwanje.centre.statistics.untaken import Repeated, Untaken, load_lists, load_untaken

DESC_VALUES = 8
ENGLISH = {schemes.OPEN: schemes.OPEN_EN, counting.UNKNOWN: "not stated", counting.TOTAL: "Total"}


@dataclass(frozen=True)
class Shown:
    """A table with what a page needs: words of its columns, wrong totals (none, unless something is broken)."""

    id: str
    title: str
    corner: str
    heads: tuple[tuple[str, str], ...]
    table: Table
    wrong: tuple[Fault, ...]
    chart: str

    @property
    def lines(self) -> list[tuple[str, tuple[int | None, ...]]]:
        """Label and cells of each row."""
        return list(self.table.rows.items())

    @property
    def total(self) -> int:
        """The last cell of the total line."""
        return self.table.totals[-1] or 0


def groups() -> list[Group]:
    """Installed cameras in scope, alike ones together, with the names of their agencies."""
    names = {agency.pk: agency.name for agency in staff.agencies()}
    return [Group(names.get(a.owner, ""), a.department, a.purpose, a.year, a.number) for a in cameras.alike()]


def words(scheme: str) -> dict[str, str]:
    """Code → its word in the reader's language."""
    english = get_language() == "en"
    found = {c.code: c.en if english else c.ko for c in schemes.codes(scheme)}
    return found | (ENGLISH if english else {})


def purposes(found: Iterable[Group], scheme: str, by: str, title: str, corner: str) -> Shown:
    """Purpose by agency, department or year, with its bars."""
    table, known = counting.by_purpose(found, scheme, by), words(scheme)
    heads = tuple((column, known.get(column, column)) for column in table.columns)
    values = [(known.get(c, c), n or 0) for c, n in zip(table.columns, table.totals, strict=True)][:-1]
    # the years' own chart stands above: the same bars once more would say nothing
    chart = "" if by == "year" else charts.bars(f"chart-{scheme}-{by}", title, _told(values), values)
    return Shown(f"{scheme}-{by}", title, corner, heads, table, faults(table), chart)


def years(found: Iterable[Group], by: str, title: str, corner: str) -> Shown:
    """Installations by year, with their columns."""
    table = counting.by_year(found, by)
    known = ENGLISH if get_language() == "en" else {}
    heads = tuple((column, known.get(column, column)) for column in table.columns)
    values = [(word, n or 0) for (_code, word), n in zip(heads, table.totals, strict=True)][:-1]
    chart = charts.columns(f"chart-year-{by}", title, _told(values), values)
    return Shown(f"year-{by}", title, corner, heads, table, faults(table), chart)


def _told(values: list[tuple[str, int]]) -> str:
    """The description of a chart: its biggest numbers in words."""
    most = sorted((v for v in values if v[1]), key=lambda v: -v[1])[:DESC_VALUES]
    return ", ".join(f"{label} {number:,}" for label, number in most) or "0"


def agrees(found: Iterable[Group]) -> bool:
    """Does the sum of the groups agree with the cameras counted on their own?"""
    return counting.number(found) == cameras.running()


def groups_of(row: Published) -> list[Group]:
    """What was published that day, as groups again."""
    return [Group(agency, "", purpose, year, number) for agency, purpose, year, number in row.body["groups"]]


def published() -> Published | None:
    """The newest published numbers."""
    return Published.objects.first()


def published_days() -> list[dict[str, Any]]:
    """Day and number of cameras of what was published: the last day of each month, newest first, 36 at most."""
    found: dict[str, dict[str, Any]] = {}
    for row in Published.objects.values("day", "cameras")[:1200]:
        found.setdefault(f"{row['day']:%Y-%m}", row)
    return list(found.values())[:36]


@dataclass(frozen=True)
class Source:
    """Printed tables of one pack of the centre, what contradicts them in its text, and what of it was not taken."""

    title: str
    tables: tuple[Printed, ...]
    contradictions: tuple[Contradiction, ...]
    lists: tuple[Repeated, ...]
    untaken: tuple[Untaken, ...]


def has_sources() -> bool:
    """Has any pack of the centre printed statistics? Nothing is read for it."""
    return any(table_files(pack.folder) for pack in law().law.packs)


def sources() -> list[Source]:
    """Printed statistics of the centre's packs, counted again; empty where no pack has any."""
    out = []
    for pack in law().law.packs:
        tables = load_tables(pack.folder)
        if tables:
            found = contradictions(tables, load_claims(pack.folder))
            lists = tuple(each for each in load_lists(pack.folder) if each.short)
            out.append(Source(pack.title, tuple(tables.values()), found, lists, load_untaken(pack.folder)))
    return out
