"""Reading a table that somebody typed or pasted (표 점검): commas or tabs; nothing of it is stored. Pure."""

from __future__ import annotations

import csv
import io
import re

from gwanje.centre.statistics import misread, schemes
from gwanje.centre.statistics.tables import COLUMNS_MAX, ROWS_MAX, TOTAL_ROW, Table

TEXT_MAX = 200_000
TOTALS = ("소계", "계", "합계", "총계")
_NUMBER = re.compile(r"-?\d{1,12}")


class NotATable(ValueError):
    """What was pasted is no table; the text says in both languages what is wrong and where."""

    def __init__(self, ko: str, en: str) -> None:
        super().__init__(f"{ko} / {en}")
        self.ko, self.en = ko, en


def take(text: str, scheme: str) -> tuple[Table, tuple[misread.Refused, ...]]:
    """The table and the heads that are no code of the classification; NotATable for anything else.

    The first line names the columns, the last of them is the sum; a last line ``소계`` holds the printed totals.
    """
    lines = _lines(text)
    head, body = lines[0][1:], lines[1:]
    if len(head) < 2 or len(head) > COLUMNS_MAX or not body or len(body) > ROWS_MAX:
        raise NotATable(
            f"첫 줄에 용도와 ‘계’, 그 아래 1~{ROWS_MAX}줄이 있어야 합니다.",
            f"The first line names the uses and a sum, 1 to {ROWS_MAX} lines follow.",
        )
    if head[-1].replace(" ", "") not in TOTALS:
        raise NotATable("마지막 칸의 이름은 ‘계’여야 합니다.", "The last column is named 계 (total).")
    known = [code.code for code in schemes.codes(scheme)] + [code.ko for code in schemes.codes(scheme)]
    read = [misread.code_of(name, known) for name in head[:-1]]
    named = (found.word if isinstance(found, misread.Refused) else found for found in read)
    columns = (*named, TOTALS[1])
    if len(set(columns)) != len(columns):
        raise NotATable("같은 이름의 칸이 둘 있습니다.", "Two columns have one name.")
    rows: dict[str, tuple[int | None, ...]] = {}
    totals: tuple[int | None, ...] = ()
    for at, line in enumerate(body, start=2):
        label, cells = line[0], _cells(line[1:], len(columns), at)
        if label.replace(" ", "") in TOTALS and at == len(body) + 1:
            totals = cells
        elif not label or label in rows:
            raise NotATable(
                f"{at}번째 줄의 이름이 비었거나 두 번 나옵니다.", f"Line {at}: its name is empty or stands twice."
            )
        else:
            rows[label] = cells
    if not rows:
        raise NotATable("합계 말고 다른 줄이 없습니다.", "There is no line but the total.")
    refused = tuple(found for found in read if isinstance(found, misread.Refused))
    return Table(columns, rows, {columns[-1]: columns[:-1]}, totals), refused


def _lines(text: str) -> list[list[str]]:
    if len(text) > TEXT_MAX:
        raise NotATable(f"{TEXT_MAX:,}자를 넘습니다.", f"Longer than {TEXT_MAX:,} characters.")
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    try:
        found = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter="\t" if "\t" in first else ",")
        lines = [[cell.strip() for cell in row] for row in found if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise NotATable("표로 읽을 수 없습니다.", "Not readable as a table.") from error
    if len(lines) < 2:
        raise NotATable("적어도 두 줄이 있어야 합니다.", "At least two lines are needed.")
    return lines


def _cells(cells: list[str], width: int, at: int) -> tuple[int | None, ...]:
    if len(cells) != width:
        raise NotATable(f"{at}번째 줄의 칸이 {len(cells)}개입니다. {width}개여야 합니다.",
                        f"Line {at} has {len(cells)} cells instead of {width}.")  # fmt: skip
    out: list[int | None] = []
    for cell in cells:
        bare = cell.replace(",", "").strip("'")
        if bare in ("", "-", "–"):
            out.append(None)
        elif _NUMBER.fullmatch(bare):
            out.append(int(bare))
        else:
            raise NotATable(
                f"{at}번째 줄의 ‘{cell[:20]}’은(는) 수가 아닙니다.", f"Line {at}: '{cell[:20]}' is no number."
            )
    return tuple(out)


assert TOTAL_ROW in TOTALS
