"""What is this file? (파일 판별): encoding and header, or a clear word on what it is instead of a camera list."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from gwanje.centre.cameras.national.columns import EXTRA, FIELD_OF, HEADERS, NUMBER

SIZE_MAX = 200 * 1024 * 1024
ROWS_MAX = 1_000_000
NEEDED = ("agency", "road_address", "lot_address", "purpose", "cameras", "lat", "lon")


class NotACameraList(ValueError):
    """The file is not a national standard camera list; ``kind`` is a code, ``ko``/``en`` say what it is instead."""

    def __init__(self, kind: str, ko: str, en: str) -> None:
        super().__init__(f"{ko} / {en}")
        self.kind, self.ko, self.en = kind, ko, en


@dataclass(frozen=True)
class Table:
    """A recognised file: ``columns[i]`` is the field of column i, ``number`` for 번호, None for one not kept."""

    encoding: str
    header: tuple[str, ...]
    columns: tuple[str | None, ...]
    width: int
    rows: list[list[str]]


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a CSV's bytes; utf-8 with or without BOM, else cp949; NotACameraList for what is no text."""
    if len(data) > SIZE_MAX:
        raise NotACameraList("too_large", "파일이 200MB를 넘습니다.", "The file is larger than 200 MB.")
    if data[:4] == b"PK\x03\x04":
        raise NotACameraList(
            "xlsx",
            "이름은 CSV이지만 내용은 엑셀 통합문서(XLSX)입니다. 엑셀에서 ‘CSV(쉼표로 분리)’로 저장해 주십시오.",
            "An Excel workbook (XLSX) whatever its name says; save it as CSV first.",
        )
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise NotACameraList(
            "xls",
            "옛 엑셀 문서(XLS)입니다. CSV로 저장해 주십시오.",
            "An old binary Excel file (XLS); save it as CSV first.",
        )
    if not data.strip():
        raise NotACameraList("empty", "빈 파일입니다.", "The file is empty.")
    if data[:3] == b"\xef\xbb\xbf":
        return _text(data, "utf-8-sig"), "utf-8-sig"
    try:
        return _text(data, "utf-8"), "utf-8"
    except NotACameraList:
        return _text(data, "cp949"), "cp949"


def _text(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotACameraList(
            "encoding",
            "글자 인코딩이 utf-8도 cp949도 아닙니다.",
            "The text is neither utf-8 nor cp949.",
        ) from error
    if "\x00" in text:
        raise NotACameraList("binary", "글이 아니라 이진 파일입니다.", "A binary file, not text.")
    return text


def recognise(data: bytes) -> Table:
    """Read the rows of a camera list; NotACameraList says what any other file is."""
    text, encoding = decode(data)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) > ROWS_MAX:
                raise NotACameraList("too_many", "행이 100만을 넘습니다.", "More than a million rows.")
    except csv.Error as error:
        raise NotACameraList("not_csv", "CSV로 읽을 수 없습니다.", "Not readable as CSV.") from error
    if not rows:
        # a mark of order, commas and blanks are bytes, but no row
        raise NotACameraList("empty", "빈 파일입니다.", "The file is empty.")
    header = tuple(cell.strip() for cell in rows[0])
    columns = tuple("number" if name == NUMBER else FIELD_OF.get(name) for name in header)
    known = [c for c in columns if c]
    missing = [HEADERS[field][0] for field in NEEDED if field not in known]
    if missing or len(known) != len(set(known)) or None in columns:
        raise _explain(rows, header, missing)
    width = 18 if set(known) & set(EXTRA) else 14 if "number" in known else 13
    return Table(encoding, header, columns, width, rows[1:])


def _explain(rows: list[list[str]], header: tuple[str, ...], missing: list[str]) -> NotACameraList:
    """The most telling description of a table that is not the standard's."""
    count, width = len(rows), len(header)
    blank = sum(1 for name in header if not name)
    doubled = len([n for n in header if n]) != len({n for n in header if n})
    if any(re.fullmatch(r"\d{4}년.*", name) for name in header):
        return NotACameraList(
            "totals",
            f"지점 목록이 아니라 구역·연도별 CCTV 대수 통계표입니다({width}열, {count - 1:,}행).",
            f"Statistics (cameras per district and year, {count - 1:,} rows), not a list of places.",
        )
    numbers = sum(1 for cell in header if re.fullmatch(r"-?\d+(\.\d+)?", cell))
    if numbers >= 2 and not any(name in FIELD_OF for name in header):
        return NotACameraList(
            "no_header",
            f"머리글이 없는 위치 목록입니다({width}열, {count:,}행). 관리기관명·설치목적구분 등 필수 항목이 없습니다.",
            f"A list of positions without a header ({width} columns, {count:,} rows); agency and purpose are missing.",
        )
    if blank or (doubled and any(name in FIELD_OF for name in header)):
        return NotACameraList(
            "hand_edited",
            f"손으로 고친 표입니다({width}열, {count - 1:,}행): 빈 열 이름 {blank}개"
            f"{', 겹치는 열 이름' if doubled else ''}. 옆에 붙인 표를 지우고 표준 열로 다시 저장해 주십시오.",
            f"A hand-edited table ({width} columns, {count - 1:,} rows) with {blank} nameless columns"
            f"{' and doubled names' if doubled else ''}; remove the side table and save the standard columns.",
        )
    if "카메라대수" in header:
        return NotACameraList(
            "reduced",
            f"축약된 CCTV 목록입니다({width}열, {count - 1:,}행). 없는 필수 항목: {', '.join(missing)}.",
            f"A reduced camera list ({width} columns, {count - 1:,} rows); missing: {', '.join(missing)}.",
        )
    shown = ", ".join(header[:6])[:120]
    return NotACameraList(
        "unknown",
        f"전국CCTV표준데이터의 열이 아닙니다(머리글: {shown}). 없는 항목: {', '.join(missing) or '없음'}.",
        f"Not the columns of the national standard (header: {shown}); missing: {', '.join(missing) or 'none'}.",
    )
