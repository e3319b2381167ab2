"""한글 문서 (HWPX, KS X 6101): a form of a pack, blank or filled, as a file that Hangul opens, prints and fills in.

The words are those of ``layout.sheet``, as on the page and in the PDF. Every place for a value is a cell with the
field's name (셀 필드), so that an office's own program, and our tests, find a value without knowing the layout:
``applicant.name``, ``entries.3.no``. What was typed is text there and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gwanje.centre.common.papers import owpml
from gwanje.centre.common.papers.layout import sheet
from gwanje.centre.common.papers.owpml import MM, Cell, Document, Paragraph, Table, columns
from gwanje.law.forms import Checks, FormSchema, Register, Sign

MEDIA_TYPE = "application/hwp+zip"
# a longer list goes on in a table of its own with its header again: Hangul is slow with one of thousands of rows
ROWS_A_TABLE = 500
_APPROVAL_WIDTH, _APPROVAL_HEIGHT = round(20 * MM), round(14 * MM)
_DEADLINE_WIDTH, _HEADING_WIDTH = round(26 * MM), round(24 * MM)
_LABEL_WIDTHS = {1: round(34 * MM), 2: round(27 * MM), 3: round(20 * MM), 4: round(17 * MM)}
_LONG_HEIGHT, _PEN_HEIGHT = round(18 * MM), round(9 * MM)
_SIGN_WIDTHS = (50, 32, 18)
_PLACES = {"body": "sentence", "lead": "lead", "remark": "remark", "heading": "heading"}

Item = Paragraph | Table
Drawn = dict[str, Any]


def render(schema: FormSchema, values: Mapping[str, Any] | None, note: str = "") -> bytes:
    """The form as HWPX bytes; None gives the blank one. ``values.Faults`` when a value cannot stand in the form.

    ``note``: the foot's own words. The same schema, values and note give the same bytes.
    """
    return owpml.package(document(schema, values, note))


def document(schema: FormSchema, values: Mapping[str, Any] | None, note: str = "") -> Document:
    """The form's paragraphs and tables from top to bottom."""
    drawn = sheet(schema, values, note)
    return Document(
        title=schema.title,
        landscape=drawn["landscape"],
        content=tuple(_Paper(schema, drawn).items()),
        footer=drawn["foot"],
    )


class _Paper:
    """One drawn form on its way to paragraphs and tables of the page's width."""

    def __init__(self, schema: FormSchema, drawn: Drawn) -> None:
        self.drawn = drawn
        self.width = owpml.body_width(drawn["landscape"])
        self.styles = ("narrow", "narrow_centre") if drawn["landscape"] else ("cell", "centre")
        # the drawn blocks are the schema's in its order, with the addressee between them
        blocks = iter(schema.blocks)
        self.blocks = [(block, None if block["kind"] == "addressee" else next(blocks)) for block in drawn["blocks"]]

    def items(self) -> Iterator[Item]:
        yield from self._top()
        for block, source in self.blocks:
            match block["kind"]:
                case "checks" if not block["under_title"]:
                    assert isinstance(source, Checks)
                    yield self._wide(Cell(_boxes(block), style="centre", name=source.name))
                case "fields":
                    yield self._labelled(block)
                case "register":
                    assert isinstance(source, Register)
                    yield from self._register(block, source)
                case "text":
                    yield self._said(block, _PLACES.get(block["place"], ""))
                case "sign":
                    assert isinstance(source, Sign)
                    yield from self._signatures(block, source.date)
                case "attachments":
                    yield Paragraph(block["text"], "remark")
                case "letter":
                    for paragraph in block["paragraphs"]:
                        yield self._said(paragraph, "item" if paragraph["place"] == "body" else "heading")
                case "addressee":
                    yield Paragraph(block["text"], "addressee")

    def _wide(self, cell: Cell) -> Table:
        return Table((self.width,), ((cell,),))

    def _said(self, text: Drawn, style: str) -> Item:
        return Paragraph(text["text"], style) if style else self._wide(Cell(text["text"]))

    def _top(self) -> Iterator[Item]:
        """Label, 결재란, title with its boxes, 처리기한."""
        drawn = self.drawn
        mark = "  ".join(part for part in (drawn["label"], drawn["face"]) if part)
        if mark:
            yield Paragraph(mark, "mark")
        if drawn["approvals"]:
            yield _approvals(drawn["approvals"])
        title = Cell(drawn["title"], style="title", fill="none")
        boxes = [
            Cell(f"( {_boxes(block)} )", style="boxes", fill="none", name=source.name)
            for block, source in self.blocks
            if isinstance(source, Checks) and block["under_title"]
        ]
        if not drawn["deadline"]:
            yield Table((self.width,), tuple((cell,) for cell in (title, *boxes)))
            return
        rows = [[title, Cell("처리기한", style="label", fill="head")], *([one] for one in boxes)]
        if not boxes:
            rows.append([Cell("", style="gap", fill="none")])
        rows[1].append(Cell(drawn["deadline"], style="centre", down=len(rows) - 1))
        yield Table((self.width - _DEADLINE_WIDTH, _DEADLINE_WIDTH), tuple(map(tuple, rows)))

    def _labelled(self, block: Drawn) -> Table:
        """항목표: pairs of label and value in the form's common columns, the heading at the left over all rows."""
        pairs, heading = self.drawn["pairs"], block["heading"]
        left = (_HEADING_WIDTH,) if heading else ()
        unit = (self.width - sum(left)) // pairs
        label = min(_LABEL_WIDTHS[min(pairs, 4)] + (0 if heading else _HEADING_WIDTH // 2), unit // 2)
        value = unit - label
        widths = [*left, *([label, value] * pairs)]
        widths[-1] += self.width - sum(widths)
        rows = []
        for number, fields in enumerate(block["rows"]):
            cells = (
                [Cell(heading, down=len(block["rows"]), style="label", fill="head")] if heading and not number else []
            )
            missing = pairs - sum(field["span"] for field in fields)
            for field in fields:
                span = field["span"] + (missing if field is fields[-1] else 0)
                cells.append(Cell(field["label"], style="label", fill="head"))
                cells.append(self._place(field, 2 * span - 1))
            rows.append(tuple(cells))
        # 굵은 선: what the applicant writes; the office's part has none
        return Table(tuple(widths), tuple(rows), framed=not block["office"])

    def _place(self, field: Drawn, across: int) -> Cell:
        """The place for one value; in a blank form it has room for a pen."""
        text, suffix = field["value"], field["suffix"]
        open_ = self.drawn["blank"] or not text
        return Cell(
            f"{text}{' ' if text else ''}{suffix}" if suffix else text,
            across=across,
            style="small" if field["example"] else "cell",
            name=field["name"],
            height=(_LONG_HEIGHT if field["tall"] else _PEN_HEIGHT) if open_ else 0,
        )

    def _signatures(self, block: Drawn, date: str) -> Iterator[Table]:
        rows: list[tuple[Cell, ...]] = []
        if date:
            rows.append((Cell(block["date"], across=3, style="day", fill="none", name=date),))
        for line in block["lines"]:
            rows.append(
                (
                    Cell(line["label"], style="signer", fill="none"),
                    Cell(line["value"], style="centre", fill="none", name=line["name"]),
                    Cell(line["suffix"], fill="none"),
                )
            )
        if rows:
            yield Table(columns(_SIGN_WIDTHS, self.width), tuple(rows))

    def _register(self, block: Drawn, source: Register) -> Iterator[Item]:
        if block["heading"]:
            yield Paragraph(block["heading"], "heading")
        lines = [
            tuple(
                Cell(
                    text,
                    style=self.styles[of["centred"]],
                    name=f"{source.name}.{number}.{of['name']}",
                    height=_PEN_HEIGHT if self.drawn["blank"] else 0,
                )
                for of, text in zip(block["columns"], line, strict=True)
            )
            for number, line in enumerate(block["lines"], 1)
        ]
        if block["layout"] == "cards":
            for card, line in zip(block["cards"], lines, strict=True):
                yield self._card(card["title"], source, line)
            if not lines:
                yield self._wide(Cell(block["empty"], style="centre"))
            return
        head, wide = _register_head(block), len(block["columns"])
        lines = lines or [(Cell(block["empty"], across=wide, style="centre"),)]
        widths = columns([column["width"] for column in block["columns"]], self.width)
        for start in range(0, len(lines), ROWS_A_TABLE):
            yield Table(widths, (*head, *lines[start : start + ROWS_A_TABLE]), header_rows=len(head))

    def _card(self, title: str, source: Register, line: tuple[Cell, ...]) -> Table:
        """One entry as a labelled table, headed by the value of the column that names it."""
        rows: list[tuple[Cell, ...]] = []
        for column, cell in zip(source.columns, line, strict=True):
            if column.name == source.card:
                # without a value the heading is the column's label, which is no value
                name = cell.name if cell.text else ""
                rows.insert(0, (Cell(title, across=2, style="label", fill="head", name=name),))
            else:
                rows.append((Cell(column.ko, style="label", fill="head"), cell))
        return Table((_LABEL_WIDTHS[1], self.width - _LABEL_WIDTHS[1]), tuple(rows))


def _boxes(block: Drawn) -> str:
    return "   ".join(f"{box['box']} {box['text']}" for box in block["boxes"])


def _approvals(titles: list[str]) -> Table:
    """결재란: the word at the left over both rows, a title and an empty place to sign each."""
    word = Cell("결\n재", down=2, style="label", fill="head")
    upper = tuple(Cell(title, style="label", fill="head") for title in titles)
    lower = tuple(Cell(height=_APPROVAL_HEIGHT, style="centre") for _ in titles)
    return Table((round(8 * MM), *(_APPROVAL_WIDTH for _ in titles)), ((word, *upper), lower), align="RIGHT")


def _register_head(block: Drawn) -> tuple[tuple[Cell, ...], ...]:
    """Header rows of a list: one, or two where neighbouring columns share a heading."""
    labels = [column["label"] for column in block["columns"]]
    if not block["grouped"]:
        return (tuple(Cell(label, style="label", fill="head") for label in labels),)
    upper, lower, at = [], [], 0
    for group in block["groups"]:
        down = 2 if group["alone"] else 1
        upper.append(Cell(group["label"], across=group["wide"], down=down, style="label", fill="head"))
        lower += [] if group["alone"] else labels[at : at + group["wide"]]
        at += group["wide"]
    return tuple(upper), tuple(Cell(label, style="label", fill="head") for label in lower)
