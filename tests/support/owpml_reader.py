"""A second reader of HWPX (HWPX 독립 판독기): ``zipfile`` and ``xml.etree`` only, after the tables of KS X 6101.

It shares no line with the writer and no opinion: what the package's own lists say is followed, every reference is
looked up, every table is laid out on its grid; what does not hold is a ``Wrong``.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from dataclasses import dataclass, field

OCF = "{urn:oasis:names:tc:opendocument:xmlns:container}"
OPF = "{http://www.idpf.org/2007/opf/}"
HWPML = "{http://www.hancom.co.kr/hwpml/2011/"
HP, HH, HS, HV = (f"{HWPML}{name}}}" for name in ("paragraph", "head", "section", "version"))
REFERENCES = {
    "charPrIDRef": "charPr",
    "paraPrIDRef": "paraPr",
    "styleIDRef": "style",
    "borderFillIDRef": "borderFill",
    "tabPrIDRef": "tabPr",
    "nextStyleIDRef": "style",
}


class Wrong(Exception):
    """The file is not what KS X 6101 says."""


@dataclass
class Box:
    """A cell as read: where it stands, what it covers, its field name, its text (lines joined)."""

    row: int
    column: int
    down: int
    across: int
    name: str
    text: str
    header: bool
    width: int
    height: int
    fill: str


@dataclass
class Grid:
    """A table as read."""

    rows: int
    columns: int
    width: int
    repeats: bool
    align: str
    boxes: list[Box]

    def line(self, row: int) -> list[str]:
        """Texts of one row, from left to right."""
        return [box.text for box in sorted(self.boxes, key=lambda box: box.column) if box.row == row]


@dataclass
class Read:
    """A paper as read: page in HWPUNIT as it is drawn, paragraphs and tables in order, the foot."""

    title: str
    page: tuple[int, int]
    body: int
    flow: list[str | Grid] = field(default_factory=list)
    foot: str = ""
    lines: dict[str, dict[str, str]] = field(default_factory=dict)

    def thick(self, box: Box) -> set[str]:
        """Sides of a cell that are drawn with a thick line."""
        return {side for side, width in self.lines[box.fill].items() if float(width.removesuffix(" mm")) >= 0.4}

    @property
    def tables(self) -> list[Grid]:
        """All tables in order."""
        return [one for one in self.flow if isinstance(one, Grid)]

    @property
    def texts(self) -> list[str]:
        """Every text of the body in reading order, cells row by row; empty ones left out."""
        out: list[str] = []
        for one in self.flow:
            out += [one] if isinstance(one, str) else [box.text for box in one.boxes]
        return [text for text in out if text]

    @property
    def fields(self) -> dict[str, str]:
        """Text of every named cell; ``Wrong`` when a name stands twice."""
        named = [(box.name, box.text) for grid in self.tables for box in grid.boxes if box.name]
        twice = [name for name, times in Counter(name for name, _ in named).items() if times > 1]
        if twice:
            raise Wrong(f"cells of the same name: {twice}")
        return dict(named)


def read(raw: bytes) -> Read:
    """The paper in the bytes of an HWPX file; ``Wrong`` says what does not hold."""
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        entries = file.infolist()
        first = entries[0]
        if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED or first.extra:
            raise Wrong("the media type must stand first, stored, without extra fields")
        if raw[38 : 38 + 19] != b"application/hwp+zip":
            raise Wrong("the media type is not readable at its fixed place")
        if file.testzip() is not None or len({one.filename for one in entries}) < len(entries):
            raise Wrong("a broken or a double entry")
        parts = {one.filename: file.read(one) for one in entries}
    version = ET.fromstring(parts["version.xml"])
    if version.tag != f"{HV}HCFVersion" or version.get("tagetApplication") != "WORDPROCESSOR":
        raise Wrong("version.xml")
    return _read_section(*_package(parts))


def _package(parts: dict[str, bytes]) -> tuple[str, ET.Element, ET.Element]:
    """Title, head and the one section, found by the package's own lists."""
    container = ET.fromstring(parts["META-INF/container.xml"])
    roots = {one.get("media-type"): one.get("full-path") for one in container.iter(f"{OCF}rootfile")}
    listed = ET.fromstring(parts[roots["application/hwpml-package+xml"] or ""])
    items = {one.get("id"): one.get("href") or "" for one in listed.iter(f"{OPF}item")}
    missing = [path for path in [*items.values(), *roots.values()] if path not in parts]
    if missing:
        raise Wrong(f"listed and not there: {missing}")
    parts["Preview/PrvText.txt"].decode("utf-8")
    spine = [ET.fromstring(parts[items[one.get("idref")]]) for one in listed.iter(f"{OPF}itemref")]
    head, *sections = spine
    if head.tag != f"{HH}head" or [one.tag for one in sections] != [f"{HS}sec"]:
        raise Wrong("the spine is not a head and one section")
    if head.get("secCnt") != "1":
        raise Wrong("secCnt")
    return listed.findtext(f".//{OPF}title") or "", head, sections[0]


def _read_section(title: str, head: ET.Element, section: ET.Element) -> Read:
    _check_references(head, section)
    page = section.find(f"./{HP}p[1]/{HP}run[1]/{HP}secPr/{HP}pagePr")
    margin = page.find(f"{HP}margin") if page is not None else None
    if page is None or margin is None:
        raise Wrong("the first run has no page")
    size = int(page.get("width", 0)), int(page.get("height", 0))
    if page.get("landscape") == "NARROWLY":
        size = size[1], size[0]
    paper = Read(title, size, size[0] - int(margin.get("left", 0)) - int(margin.get("right", 0)))
    for fill in head.iter(f"{HH}borderFill"):
        sides = {side: fill.find(f"{HH}{side}Border") for side in ("left", "right", "top", "bottom")}
        drawn = {side: one for side, one in sides.items() if one is not None and one.get("type") != "NONE"}
        paper.lines[fill.get("id", "")] = {side: one.get("width", "") for side, one in drawn.items()}
    for paragraph in section.findall(f"{HP}p"):
        _read_paragraph(paragraph, paper)
    return paper


def _read_paragraph(paragraph: ET.Element, paper: Read) -> None:
    for run in paragraph.findall(f"{HP}run"):
        for child in run:
            if child.tag == f"{HP}t":
                paper.flow += [_letters(child)] if _letters(child) else []
            elif child.tag == f"{HP}tbl":
                paper.flow.append(_grid(child))
            elif child.tag == f"{HP}ctrl":
                for footer in child.findall(f"{HP}footer"):
                    paper.foot = _list_text(footer)
            elif child.tag != f"{HP}secPr":
                raise Wrong(f"unknown in a run: {child.tag}")


def _letters(place: ET.Element) -> str:
    if len(place):
        raise Wrong("elements within a text")
    return place.text or ""


def _list_text(holder: ET.Element) -> str:
    inside = holder.find(f"{HP}subList")
    paragraphs = [] if inside is None else inside.findall(f"{HP}p")
    if not paragraphs:
        raise Wrong("a list without a paragraph")
    return "\n".join("".join(_letters(text) for text in one.iter(f"{HP}t")) for one in paragraphs)


def _grid(table: ET.Element) -> Grid:
    rows, columns = int(table.get("rowCnt", 0)), int(table.get("colCnt", 0))
    size, place = table.find(f"{HP}sz"), table.find(f"{HP}pos")
    if size is None or place is None or len(table.findall(f"{HP}tr")) != rows:
        raise Wrong("a table without its size or with other rows than it counts")
    grid = Grid(
        rows, columns, int(size.get("width", 0)), table.get("repeatHeader") == "1", place.get("horzAlign", ""), []
    )
    for number, line in enumerate(table.findall(f"{HP}tr")):
        for cell in line.findall(f"{HP}tc"):
            box = _box(cell)
            if box.row != number:
                raise Wrong("a cell stands in another row than its address")
            grid.boxes.append(box)
    _check_grid(grid, int(size.get("height", 0)))
    return grid


def _box(cell: ET.Element) -> Box:
    found = {name: cell.find(f"{HP}{name}") for name in ("cellAddr", "cellSpan", "cellSz", "cellMargin")}
    if any(one is None for one in found.values()):
        raise Wrong("a cell lacks a part")
    address, span, size = (found[name].attrib for name in ("cellAddr", "cellSpan", "cellSz"))  # type: ignore[union-attr]
    return Box(
        int(address["rowAddr"]),
        int(address["colAddr"]),
        int(span["rowSpan"]),
        int(span["colSpan"]),
        cell.get("name", ""),
        _list_text(cell),
        cell.get("header") == "1",
        int(size["width"]),
        int(size["height"]),
        cell.get("borderFillIDRef", ""),
    )


def _check_grid(grid: Grid, height: int) -> None:
    """Every place of the rectangle is covered once, widths and heights add up along every line."""
    covered: dict[tuple[int, int], Box] = {}
    for box in grid.boxes:
        for row in range(box.row, box.row + box.down):
            for column in range(box.column, box.column + box.across):
                if (row, column) in covered or row >= grid.rows or column >= grid.columns:
                    raise Wrong(f"cell at {row}, {column} covers another or runs out of the table")
                covered[row, column] = box
    if len(covered) != grid.rows * grid.columns:
        raise Wrong("a place of the table has no cell")
    for row in range(grid.rows):
        if sum({id(b): b.width for b in (covered[row, c] for c in range(grid.columns))}.values()) != grid.width:
            raise Wrong(f"row {row} is not as wide as the table")
    for column in range(grid.columns):
        if sum({id(b): b.height for b in (covered[r, column] for r in range(grid.rows))}.values()) != height:
            raise Wrong(f"column {column} is not as high as the table")


def _check_references(head: ET.Element, section: ET.Element) -> None:
    """Every id that is pointed at exists, once; counts are right; ids of paragraphs and tables stand once."""
    ids: dict[str, set[str]] = {}
    for kind in set(REFERENCES.values()):
        named = [one.get("id", "") for one in head.iter(f"{HH}{kind}")]
        ids[kind] = set(named)
        if len(ids[kind]) < len(named):
            raise Wrong(f"an id of {kind} stands twice")
    for one in [*head.iter(), *section.iter()]:
        for name, kind in REFERENCES.items():
            if name in one.attrib and one.attrib[name] not in ids[kind] | {"4294967295"}:
                raise Wrong(f"{name}={one.attrib[name]} points nowhere")
        if "itemCnt" in one.attrib and int(one.attrib["itemCnt"]) != len(one):
            raise Wrong(f"{one.tag} counts wrongly")
    numbered = [one.get("id") for one in section.iter() if one.tag in (f"{HP}p", f"{HP}tbl", f"{HP}footer")]
    if len(set(numbered)) < len(numbered):
        raise Wrong("an id of a paragraph or a table stands twice")
