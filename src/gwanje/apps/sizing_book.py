"""The sizing as a workbook (규모산정서 XLSX): the table, and every constant with its source. No cell is a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from gwanje.apps.sizing import Sizing, constants

HEADS = {
    "ko": (["구분", "항목", "값", "단위", "근거"], ["상수", "값", "단위", "출처"], "규모산정", "상수와 출처"),
    "en": (
        ["section", "item", "value", "unit", "from"],
        ["constant", "value", "unit", "source"],
        "sizing",
        "constants",
    ),
}


def write(sizing: Sizing, path: Path, lang: str) -> None:
    """Two sheets; OSError when the file cannot be written. Text is written as text, never read as a formula."""
    table_heads, constant_heads, first, second = HEADS[lang]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        book = xlsxwriter.Workbook(str(path), options)
        bold, number = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.###"})
        rows = [
            [row.section, row.ko if lang == "ko" else row.en, row.value, row.unit, row.why] for row in sizing.rows()
        ]
        given = [["", name, value, unit, ""] for name, value, unit in (
            ("카메라 / cameras", sizing.cameras, "대"), ("보관 / kept", sizing.days, "일 / days"),
            ("카메라당 / a camera", sizing.mbit, "Mbit/s"),
        )]  # fmt: skip
        _sheet(book.add_worksheet(first), table_heads, given + rows, bold, number)
        known = [[one.name, one.value, one.unit, one.source] for one in constants().values()]
        _sheet(book.add_worksheet(second), constant_heads, known, bold, number)
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(getattr(error.args[0], "errno", 0), getattr(error.args[0], "strerror", str(error))) from error


def _sheet(sheet: Any, heads: list[str], rows: list[list[Any]], bold: Any, number: Any) -> None:
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
        sheet.set_column(column, column, 14 if column > 1 else 30)
    sheet.set_column(len(heads) - 1, len(heads) - 1, 70)
    sheet.freeze_panes(1, 0)
    for place, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(place, column, cell)
            else:
                sheet.write_number(place, column, cell, number)
