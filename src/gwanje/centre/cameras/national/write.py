"""Export (내보내기): the same places in 13, 14 or 18 columns, cp949 or utf-8-sig, CRLF as spreadsheets expect."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from gwanje.centre.cameras.national.columns import FIELD_OF, NUMBER, WIDTHS, Place
from gwanje.centre.common.guard import guarded

ENCODINGS = ("cp949", "utf-8-sig")


class NotWritable(ValueError):
    """A place has letters that the encoding cannot hold; ``line`` is its row in the file."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(
            f"{line}행의 글자를 cp949로 쓸 수 없습니다: {text}. utf-8-sig로 내보내십시오. / "
            f"Row {line} holds letters outside cp949; export as utf-8-sig."
        )
        self.line = line


def write(places: Iterable[Place], *, columns: int = 18, encoding: str = "utf-8-sig") -> Iterator[bytes]:
    """The file piece by piece, header first; NotWritable names the first row that cp949 cannot hold."""
    if columns not in WIDTHS or encoding not in ENCODINGS:
        raise ValueError(f"columns is one of {sorted(WIDTHS)}, encoding one of {ENCODINGS}")
    header = WIDTHS[columns]
    text_encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    if encoding == "utf-8-sig":
        yield b"\xef\xbb\xbf"
    yield _line(header).encode(text_encoding)
    for number, place in enumerate(places, start=1):
        line = _line([str(number) if name == NUMBER else place.cell(FIELD_OF[name]) for name in header])
        try:
            yield line.encode(text_encoding)
        except UnicodeEncodeError as error:
            raise NotWritable(number + 1, line[error.start : error.end]) from error


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
    return out.getvalue()
