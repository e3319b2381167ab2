"""Files of a table (통계표 내려받기): CSV in utf-8-sig or cp949, CRLF; text that a spreadsheet would run stays text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gwanje.centre.common.guard import guarded
from gwanje.centre.statistics.tables import TOTAL_ROW, Table

ENCODINGS = {"utf-8-sig": "utf-8-sig", "cp949": "cp949"}


class NotWritable(ValueError):
    """A label has letters that cp949 lacks."""


def write(table: Table, names: Sequence[str], corner: str, *, encoding: str = "utf-8-sig") -> bytes:
    """The table with its heads (``names`` of the columns) and its total line; NotWritable names the letters."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow([guarded(corner), *map(guarded, names)])
    for label, cells in table.rows.items():
        lines.writerow([guarded(label), *(cell or 0 for cell in cells)])
    lines.writerow([TOTAL_ROW, *(cell or 0 for cell in table.totals)])
    try:
        return out.getvalue().encode(ENCODINGS[encoding])
    except UnicodeEncodeError as error:
        raise NotWritable(out.getvalue()[error.start : error.end]) from error
