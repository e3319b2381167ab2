"""OWPML 문서 꾸러미 (KS X 6101, HWPX): paragraphs and tables as the ZIP of XML parts that Hangul opens.

Only what a paper needs: one section of A4, paragraphs, tables with merged cells. Lengths are HWPUNIT (1/7200 inch),
text sizes hundredths of a point. The same content gives the same bytes: no clock, no random number, no name of a
machine goes in. Text becomes XML text through lxml and is never read as anything else.
"""

from __future__ import annotations

import copy
import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from lxml import etree

from gwanje.centre.common.papers import owpml_head as head
from gwanje.centre.common.papers.owpml_head import STYLES, Style, element

MM = 7200 / 25.4
A4_WIDTH, A4_HEIGHT = 59528, 84186
MARGIN_SIDE, MARGIN_TOP, MARGIN_FOOT, MARGIN_HEADER = (round(mm * MM) for mm in (20, 15, 10, 10))
CELL_MARGIN, CELL_MARGIN_UPRIGHT = 510, 141
ROW_HEIGHT_MIN = round(7 * MM)
# Hangul keeps row and column numbers in 16 bits; far below that it becomes too slow to be of use
TABLE_ROWS_MAX, TABLE_COLUMNS_MAX, PREVIEW_CHARS_MAX = 2_100, 60, 2_000
# ZIP has no time before this one, and a paper of the same words has the same bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)
# controls, halves of letters, noncharacters
_UNHOLDABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)


@dataclass(frozen=True)
class Paragraph:
    """One paragraph (문단); a line break in its text starts another paragraph of the same style."""

    text: str
    style: str = "body"


@dataclass(frozen=True)
class Cell:
    """One cell of a table (셀): text, how many columns and rows it covers, its style and fill.

    ``name`` is the cell's field name (셀 필드): a program finds a value by it without knowing the layout.
    """

    text: str = ""
    across: int = 1
    down: int = 1
    style: str = "cell"
    fill: str = "line"
    name: str = ""
    height: int = 0


@dataclass(frozen=True)
class Table:
    """A table (표): column widths in HWPUNIT, rows of cells; cells covered from above are left out of their row.

    ``framed``: a thick line around it (굵은 선).
    """

    widths: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    header_rows: int = 0
    align: str = "LEFT"
    framed: bool = False


@dataclass(frozen=True)
class Document:
    """A whole paper (문서): title for the office program's list, orientation, content from top to bottom."""

    title: str
    landscape: bool
    content: tuple[Paragraph | Table, ...]
    footer: str = ""


def body_width(landscape: bool) -> int:
    """Width of the text body of an A4 page, in HWPUNIT."""
    return (A4_HEIGHT if landscape else A4_WIDTH) - 2 * MARGIN_SIDE


def printable(text: str) -> str:
    """The text without what XML cannot hold (제어 문자 제거): controls but the line break, halves of letters.

    Everything else stays as typed: markup is text, a rare syllable is one, an emoji is one.
    """
    return _UNHOLDABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def package(document: Document) -> bytes:
    """The document as HWPX bytes; ValueError when a table is no rectangle or larger than Hangul can lay out.

    The media type stands first and uncompressed (OCF), so that a file's first bytes say what it is.
    """
    parts = {
        "version.xml": head.version(),
        "Contents/header.xml": head.header(),
        "Contents/section0.xml": _section(document),
        "Preview/PrvText.txt": _preview(document).encode("utf-8"),
        "settings.xml": head.settings(),
        "META-INF/container.rdf": head.container_rdf(),
        "Contents/content.hpf": head.content(printable(document.title)),
        "META-INF/container.xml": head.container(),
        "META-INF/manifest.xml": head.manifest(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        _store(file, "mimetype", head.MIMETYPE, zipfile.ZIP_STORED)
        for name, raw in parts.items():
            _store(file, name, raw, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _store(file: zipfile.ZipFile, name: str, raw: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    file.writestr(entry, raw)


def _preview(document: Document) -> str:
    lines: list[str] = []
    size = 0
    for item in document.content:
        rows = [(Cell(item.text),)] if isinstance(item, Paragraph) else item.rows
        for row in rows:
            texts = [printable(cell.text) for cell in row]
            line = texts[0] if isinstance(item, Paragraph) else "".join(f"<{text}>" for text in texts)
            lines += [line] if line else []
            size += len(line)
            if size > PREVIEW_CHARS_MAX:
                break
    return "\r\n".join(lines)[:PREVIEW_CHARS_MAX]


class _Numbers:
    """Ids of paragraphs and objects: unique in the section, and the same for the same content."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> str:
        self.last += 1
        return str(self.last)


def _section(document: Document) -> bytes:
    """``section0.xml``, a table at a time: thousands of rows never stand in memory as elements together."""
    numbers = _Numbers()
    first = element("hs:sec")
    _opening(first, document, numbers)
    opened, inside, closed = _cut(first)
    pieces = [head.DECLARATION, opened, inside]
    for item in document.content:
        holder = element("hs:sec")
        if isinstance(item, Paragraph):
            for line in printable(item.text).split("\n"):
                _paragraph(holder, line, item.style, numbers)
        else:
            _table(holder, item, numbers)
        pieces.append(_cut(holder)[1])
    return b"".join([*pieces, closed])


def _cut(holder: etree._Element) -> tuple[bytes, bytes, bytes]:
    """The section's opening tag with its namespaces, what stands in it, its closing tag."""
    raw = etree.tostring(holder, encoding="UTF-8")
    start, end = raw.index(b">") + 1, raw.rindex(b"</")
    return raw[:start], raw[start:end], raw[end:]


def _opening(section: etree._Element, document: Document, numbers: _Numbers) -> None:
    """The first paragraph, which holds the page and the foot; Hangul looks for them in its first run."""
    run = _paragraph(section, "", "gap", numbers)[0]
    run.remove(run[0])
    _section_properties(run, document.landscape)
    control = element("hp:ctrl", run)
    # Hangul refuses a section that says nothing of its columns
    element("hp:colPr", control, id="", type="NEWSPAPER", layout="LEFT", colCount="1", sameSz="1", sameGap="0")
    if document.footer:
        _footer(element("hp:ctrl", run), document, numbers)
    element("hp:t", run)


def _paragraph(parent: etree._Element, text: str, style: str, numbers: _Numbers) -> etree._Element:
    shape = STYLES[style]
    paragraph = element(
        "hp:p",
        parent,
        id=numbers.next(),
        paraPrIDRef=shape.paragraph_id,
        styleIDRef="0",
        pageBreak="0",
        columnBreak="0",
        merged="0",
    )
    element("hp:t", element("hp:run", paragraph, charPrIDRef=shape.character_id)).text = text
    return paragraph


def _section_properties(run: etree._Element, landscape: bool) -> None:
    section = element(
        "hp:secPr",
        run,
        id="",
        textDirection="HORIZONTAL",
        spaceColumns="1134",
        tabStop="8000",
        tabStopVal="4000",
        tabStopUnit="HWPUNIT",
        outlineShapeIDRef="1",
        memoShapeIDRef="0",
        textVerticalWidthHead="0",
        masterPageCnt="0",
    )
    element("hp:grid", section, lineGrid="0", charGrid="0", wonggojiFormat="0")
    element("hp:startNum", section, pageStartsOn="BOTH", page="0", pic="0", tbl="0", equation="0")
    element("hp:visibility", section, **head.VISIBILITY)
    element("hp:lineNumberShape", section, restartType="0", countBy="0", distance="0", startNumber="0")
    # the paper keeps its upright size, and NARROWLY turns it: Hangul writes it so
    page = element(
        "hp:pagePr",
        section,
        landscape="NARROWLY" if landscape else "WIDELY",
        width=str(A4_WIDTH),
        height=str(A4_HEIGHT),
        gutterType="LEFT_ONLY",
    )
    sides = {"left": MARGIN_SIDE, "right": MARGIN_SIDE, "top": MARGIN_TOP, "bottom": MARGIN_FOOT}
    around = {"header": MARGIN_HEADER, "footer": MARGIN_HEADER, "gutter": 0}
    element("hp:margin", page, **{name: str(value) for name, value in (around | sides).items()})
    head.notes(section)
    for kind in ("BOTH", "EVEN", "ODD"):
        fill = element("hp:pageBorderFill", section, type=kind, **head.PAGE_BORDER)
        element("hp:offset", fill, left="1417", right="1417", top="1417", bottom="1417")


def _footer(control: etree._Element, document: Document, numbers: _Numbers) -> None:
    footer = element("hp:footer", control, id=numbers.next(), applyPageType="BOTH")
    inside = element(
        "hp:subList",
        footer,
        **head.SUBLIST | {"vertAlign": "BOTTOM"},
        textWidth=str(body_width(document.landscape)),
        textHeight=str(MARGIN_HEADER),
    )
    _paragraph(inside, printable(document.footer).replace("\n", " "), "foot", numbers)


def _table(section: etree._Element, table: Table, numbers: _Numbers) -> None:
    places = grid(table)
    heights = _heights(table, places)
    paragraph = _paragraph(section, "", "gap", numbers)
    run = paragraph[0]
    run.remove(run[0])
    body = element(
        "hp:tbl",
        run,
        id=numbers.next(),
        **head.TABLE,
        repeatHeader="1" if table.header_rows else "0",
        rowCnt=str(len(table.rows)),
        colCnt=str(len(table.widths)),
        cellSpacing="0",
        borderFillIDRef=head.FILLS["line"],
        noAdjust="0",
    )
    element(
        "hp:sz",
        body,
        width=str(sum(table.widths)),
        widthRelTo="ABSOLUTE",
        height=str(sum(heights)),
        heightRelTo="ABSOLUTE",
        protect="0",
    )
    element("hp:pos", body, **head.POSITION, horzAlign=table.align)
    element("hp:outMargin", body, left="0", right="0", top="0", bottom="141")
    element("hp:inMargin", body, **_margins())
    for row, cells in enumerate(table.rows):
        line = element("hp:tr", body)
        for column, cell in zip(places[row], cells, strict=True):
            fill = cell.fill + _frame(table, cell, column, row)
            box = copy.deepcopy(_bare_cell(cell.style, fill))
            box.set("header", "1" if row < table.header_rows else "0")
            size = sum(table.widths[column : column + cell.across]), sum(heights[row : row + cell.down])
            _fill_cell(box, cell, (column, row), size, numbers)
            line.append(box)
    element("hp:t", run)


def _frame(table: Table, cell: Cell, column: int, row: int) -> str:
    """Which of the cell's sides are part of the table's frame, as ``head.FILLS`` names them."""
    if not table.framed:
        return ""
    last_column, last_row = column + cell.across == len(table.widths), row + cell.down == len(table.rows)
    bits = (column == 0) | last_column << 1 | (row == 0) << 2 | last_row << 3
    return str(bits) if bits else ""


@cache
def _bare_cell(style: str, fill: str) -> etree._Element:
    """A cell to be copied: quicker than to make its nine elements anew for each of 45,000 cells."""
    box = element("hp:tc", None, name="", header="0", **head.CELL, borderFillIDRef=head.FILLS[fill])
    _paragraph(element("hp:subList", box, **head.SUBLIST, textWidth="0", textHeight="0"), "", style, _Numbers())
    for name in ("cellAddr", "cellSpan", "cellSz"):
        element(f"hp:{name}", box)
    element("hp:cellMargin", box, **_margins())
    return box


def _fill_cell(
    box: etree._Element, cell: Cell, place: tuple[int, int], size: tuple[int, int], numbers: _Numbers
) -> None:
    """``place``: first column and row; ``size``: width and height."""
    inside, address, span, room, _ = box
    if cell.name:
        box.set("name", printable(cell.name))
    first, *rest = printable(cell.text).split("\n")
    inside[0].set("id", numbers.next())
    inside[0][0][0].text = first
    for text in rest:
        _paragraph(inside, text, cell.style, numbers)
    _set(address, colAddr=place[0], rowAddr=place[1])
    _set(span, colSpan=cell.across, rowSpan=cell.down)
    _set(room, width=size[0], height=size[1])


def _set(place: etree._Element, **numbers: int) -> None:
    for name, number in numbers.items():
        place.set(name, str(number))


def _margins() -> dict[str, str]:
    sides = {"left": CELL_MARGIN, "right": CELL_MARGIN, "top": CELL_MARGIN_UPRIGHT, "bottom": CELL_MARGIN_UPRIGHT}
    return {side: str(value) for side, value in sides.items()}


def grid(table: Table) -> list[list[int]]:
    """The first column of each cell, row by row; ValueError when the cells do not fill the rectangle exactly."""
    rows, columns = len(table.rows), len(table.widths)
    if not 0 < rows <= TABLE_ROWS_MAX or not 0 < columns <= TABLE_COLUMNS_MAX:
        raise ValueError(f"a table of {rows} rows and {columns} columns is outside the limits")
    taken = [[False] * columns for _ in range(rows)]
    places: list[list[int]] = []
    for row, cells in enumerate(table.rows):
        places.append([])
        for cell in cells:
            column = next((at for at in range(columns) if not taken[row][at]), columns)
            places[-1].append(column)
            covered = [(down, at) for down in range(row, row + cell.down) for at in range(column, column + cell.across)]
            if any(down >= rows or at >= columns or taken[down][at] for down, at in covered):
                raise ValueError(f"row {row}: a cell does not fit its place")
            for down, at in covered:
                taken[down][at] = True
        if not cells:
            raise ValueError(f"row {row} has no cell of its own")
    if not all(all(line) for line in taken):
        raise ValueError("a place of the table has no cell")
    return places


def _heights(table: Table, places: list[list[int]]) -> list[int]:
    """Height of each row: what its text needs. Hangul counts anew when it opens the file; other readers do not."""
    heights = [ROW_HEIGHT_MIN] * len(table.rows)
    tall: list[tuple[int, int, int]] = []
    for row, cells in enumerate(table.rows):
        for column, cell in zip(places[row], cells, strict=True):
            width = sum(table.widths[column : column + cell.across])
            needed = max(cell.height, _needed(cell, width))
            if cell.down == 1:
                heights[row] = max(heights[row], needed)
            else:
                tall.append((row, cell.down, needed))
    for row, down, needed in tall:
        missing = needed - sum(heights[row : row + down])
        if missing > 0:
            heights[row + down - 1] += missing
    return heights


def _needed(cell: Cell, width: int) -> int:
    style: Style = STYLES[cell.style]
    room = max(width - 2 * CELL_MARGIN, style.size)
    lines = sum(max(1, math.ceil(_width(line) * style.size / room)) for line in printable(cell.text).split("\n"))
    return round(lines * style.size * style.spacing / 100) + 2 * CELL_MARGIN_UPRIGHT + 200


def _width(text: str) -> float:
    """Width of a line in em, a little too wide: a whole one for Hangul and signs, three fifths for Latin."""
    return sum(_em(letter) for letter in text)


def _em(letter: str) -> float:
    return 0.6 if unicodedata.east_asian_width(letter) in ("Na", "N", "H") else 1.0


def columns(shares: Iterable[float], width: int) -> tuple[int, ...]:
    """Column widths of the given shares that add up to ``width`` exactly."""
    parts = list(shares)
    total = sum(parts)
    edges = [round(width * sum(parts[: index + 1]) / total) for index in range(len(parts))]
    return tuple(edge - before for edge, before in zip(edges, [0, *edges], strict=False))
