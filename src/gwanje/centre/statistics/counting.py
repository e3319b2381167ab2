"""Counting cameras (설치 대수의 집계): groups of cameras become tables whose totals are their rows'. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gwanje.centre.statistics import schemes
from gwanje.centre.statistics.tables import Table, crossed

UNKNOWN = "미기재"
TOTAL = "계"


@dataclass(frozen=True)
class Group:
    """``number`` cameras that are alike: whose they are, which department's, their main purpose, year of installation.

    ``year`` is four digits, or empty where nobody wrote it.
    """

    agency: str
    department: str
    purpose: str
    year: str
    number: int


def _label(text: str) -> str:
    return text.strip() or UNKNOWN


BY: dict[str, Callable[[Group], str]] = {
    "agency": lambda group: _label(group.agency),
    "department": lambda group: _label(group.department),
    "year": lambda group: _label(group.year),
}


def by_purpose(groups: Iterable[Group], scheme: str, by: str) -> Table:
    """Rows: agencies, departments or years; columns: the codes of a classification. ``세부 미정`` only when needed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group in groups:
        counts[BY[by](group)][schemes.place(group.purpose, scheme)] += group.number
    columns = [code.code for code in schemes.codes(scheme)]
    if any(schemes.OPEN in row for row in counts.values()):
        columns.append(schemes.OPEN)
    return crossed({label: counts[label] for label in sorted(counts, key=_last)}, columns, TOTAL)


def by_year(groups: Iterable[Group], by: str = "agency") -> Table:
    """Rows: agencies or departments; columns: the years of installation in order, without a gap between two years."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for group in groups:
        counts[BY[by](group)][BY["year"](group)] += group.number
    years = sorted({year for row in counts.values() for year in row if year.isdecimal()})
    columns = [f"{y}" for y in range(int(years[0]), int(years[-1]) + 1)] if years else []
    if any(UNKNOWN in row for row in counts.values()):
        columns.append(UNKNOWN)
    return crossed({label: counts[label] for label in sorted(counts, key=_last)}, columns, TOTAL)


def _last(label: str) -> tuple[bool, str]:
    """What nobody wrote comes last."""
    return label == UNKNOWN, label


def number(groups: Iterable[Group]) -> int:
    """All cameras of the groups."""
    return sum(group.number for group in groups)
