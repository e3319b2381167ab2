"""Tables counted again (통계표의 검산): each total is found anew from its rows, each wrong one is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ROWS_MAX, COLUMNS_MAX = 5000, 60
TOTAL_ROW = "소계"


@dataclass(frozen=True)
class Table:
    """A table as it is printed: ``rows`` label → cells (None = blank, counts as 0), one for each of ``columns``.

    ``sums``: column → the columns that it is the sum of; ``totals``: the printed last line, empty without one;
    ``units``: label of a row → the unit of each part, where they differ.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, tuple[int | None, ...]]
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: tuple[int | None, ...] = ()
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wide = [r for r, cells in self.rows.items() if len(cells) != len(self.columns)]
        if wide or (self.totals and len(self.totals) != len(self.columns)):
            raise ValueError(f"cells do not fit the columns (칸의 수가 다릅니다): {wide or TOTAL_ROW}")
        unknown = {c for c, parts in self.sums.items() for c in (c, *parts)} - set(self.columns)
        if unknown:
            raise ValueError(f"no such column (없는 칸): {', '.join(sorted(unknown))}")
        if len(self.rows) > ROWS_MAX or len(self.columns) > COLUMNS_MAX:
            raise ValueError(f"larger than {ROWS_MAX} rows or {COLUMNS_MAX} columns (표가 너무 큽니다)")

    def cell(self, row: str, column: str) -> int:
        """A cell counted again: a sum from its parts, the total line from all rows; KeyError for no such cell."""
        if row == TOTAL_ROW and row not in self.rows:
            return sum(self.cell(label, column) for label in self.rows)
        cells = self.rows[row]
        if column not in self.columns:
            raise KeyError(column)
        if column in self.sums:
            return sum(self.cell(row, part) for part in self.sums[column])
        return cells[self.columns.index(column)] or 0

    def counted(self) -> tuple[int, ...]:
        """The total line counted again from the cells."""
        return tuple(self.cell(TOTAL_ROW, column) for column in self.columns)


@dataclass(frozen=True)
class Fault:
    """A printed value that its own rows do not give: where, what is printed, what was counted.

    ``kind``: ``row`` (sum of a row), ``column`` (sum of a column), ``grand`` (the last cell), ``unlike`` (a sum of
    unlike units: no number is right).
    """

    kind: str
    row: str
    column: str
    printed: int
    counted: int | None

    @property
    def where(self) -> str:
        """As a page names it."""
        return f"{self.row} / {self.column}"


def faults(table: Table) -> tuple[Fault, ...]:
    """Every printed total that does not add up, rows first; cells themselves are taken as they are."""
    return (*_row_faults(table), *_total_faults(table))


def _row_faults(table: Table) -> Iterable[Fault]:
    for label, cells in table.rows.items():
        for column in table.sums:
            printed = cells[table.columns.index(column)]
            if printed is None:
                continue
            if len(set(table.units.get(label, ()))) > 1:
                yield Fault("unlike", label, column, printed, None)
            elif printed != table.cell(label, column):
                yield Fault("row", label, column, printed, table.cell(label, column))


def _total_faults(table: Table) -> Iterable[Fault]:
    if not table.totals:
        return
    for column, printed, counted in zip(table.columns, table.totals, table.counted(), strict=True):
        if printed is not None and printed != counted:
            yield Fault("grand" if column in table.sums else "column", TOTAL_ROW, column, printed, counted)


def crossed(rows: Mapping[str, Mapping[str, int]], columns: Sequence[str], total: str = "계") -> Table:
    """A table made from counts (row → column → number), with its own totals; a column not named is a ValueError."""
    unknown = {c for cells in rows.values() for c in cells} - set(columns)
    if unknown:
        raise ValueError(f"no such column (없는 칸): {', '.join(sorted(unknown))}")
    filled = {label: (*(cells.get(c, 0) for c in columns), sum(cells.values())) for label, cells in rows.items()}
    made = Table((*columns, total), filled, {total: tuple(columns)})
    return Table(made.columns, made.rows, made.sums, made.counted())
