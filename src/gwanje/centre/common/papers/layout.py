"""A form ready to be drawn (서식 배치): every text as it is printed, in the order of the source, for page and PDF.

``sheet`` is the one place where a schema and its values meet: what is drawn blank, filled, on a page and in a PDF is
the same list of blocks. Nothing in it is markup of any kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.centre.common.papers.values import OFF, ON, blank, clean, printed
from gwanje.law.forms import (
    SLOT,
    Attachments,
    Block,
    Checks,
    Field,
    Fields,
    FormSchema,
    Letter,
    Register,
    Sign,
    Text,
)

CENTRED = ("int", "date", "datetime", "time", "check")
GAP = "            "


def sheet(schema: FormSchema, given: Mapping[str, Any] | None, note: str = "") -> dict[str, Any]:
    """The form as data (texts, lists and maps only): blank when ``given`` is None; ``Faults`` when a value is not to
    be taken. ``note``: the foot's own words, such as when it was printed.
    """
    values = None if given is None else clean(schema, given)
    blocks = [_block(block, schema, values) for block in schema.blocks]
    # 귀하 follows the signature in the sources, before what the office writes
    signed = [n for n, block in enumerate(schema.blocks) if isinstance(block, Sign)]
    if schema.addressee:
        at = signed[0] + 1 if signed else len(blocks)
        blocks.insert(at, {"kind": "addressee", "text": schema.addressee})
    return {
        "form": schema.id,
        "blank": values is None,
        "label": schema.label,
        "face": schema.face,
        "title": schema.title,
        "title_en": schema.title_en,
        "landscape": schema.orientation == "landscape",
        "deadline": schema.deadline,
        "approvals": list(schema.approvals),
        "blocks": blocks,
        "pairs": max((_pairs(b) for b in schema.blocks if isinstance(b, Fields)), default=1),
        "foot": " · ".join(part for part in (f"{schema.article.ref}", note) if part),
    }


def _pairs(block: Fields) -> int:
    return max(sum(f.span for f in row) for row in block.rows)


def _shown(field: Field, values: Mapping[str, Any] | None) -> str:
    return blank(field) if values is None else printed(field, values.get(field.name))


def _block(block: Block, schema: FormSchema, values: Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(block, Checks):
        ticked = () if values is None else values[block.name]
        boxes = [{"box": ON if o.id in ticked else OFF, "text": o.ko, "en": o.en} for o in block.options]
        return {"kind": "checks", "under_title": block.under_title, "boxes": boxes}
    if isinstance(block, Fields):
        return _fields(block, values)
    if isinstance(block, Register):
        return _register(block, values)
    if isinstance(block, Text):
        return {"kind": "text", **_text(block, schema, values)}
    if isinstance(block, Sign):
        day = schema.declared.get(block.date)
        lines = [
            {"label": f.ko, "en": f.en, "value": _shown(f, values), "suffix": f.suffix, "name": f.name}
            for f in block.lines
        ]
        return {"kind": "sign", "date": _shown(day, values) if isinstance(day, Field) else "", "lines": lines}
    if isinstance(block, Attachments):
        return {"kind": "attachments", "text": f"※ 첨부서류 : {', '.join(block.ko)}", "en": ", ".join(block.en)}
    assert isinstance(block, Letter)
    return {"kind": "letter", "paragraphs": [_text(p, schema, values) for p in block.paragraphs]}


def _fields(block: Fields, values: Mapping[str, Any] | None) -> dict[str, Any]:
    wide, rows = _pairs(block), []
    for row in block.rows:
        left, cells = wide, []
        for number, f in enumerate(row, 1):
            span = left if number == len(row) else f.span
            left -= f.span
            example = f.example if values is None else ""
            value = example or _shown(f, values)
            cells.append(
                {
                    "name": f.name, "label": f.ko, "en": f.en, "value": value, "suffix": f.suffix, "span": span,
                    "colspan": 2 * span - 1,
                    "example": bool(example), "tall": f.type == "longtext", "high": f.type == "address",
                }
            )  # fmt: skip
        rows.append(cells)
    office = all(f.office for row in block.rows for f in row)
    return {
        "kind": "fields", "heading": block.heading, "en": block.heading_en, "rows": rows, "office": office,
        "pairs": wide,
    }  # fmt: skip


def _register(block: Register, values: Mapping[str, Any] | None) -> dict[str, Any]:
    columns = block.columns
    lines = [list(line) for line in block.fixed]
    if values is None:
        lines += [[_cell(c, None) for c in columns] for _ in range(block.rows)]
    else:
        lines += [[_cell(c, entry[c.name]) for c in columns] for entry in values[block.name]]
    made: dict[str, Any] = {
        "kind": "register",
        "layout": block.layout,
        "heading": block.heading,
        "en": block.heading_en,
        "columns": [
            {"name": c.name, "label": c.ko, "en": c.en, "group": c.group, "width": c.width,
             "centred": c.type in CENTRED}
            for c in columns
        ],
        "grouped": any(c.group for c in columns),
        "groups": [
            {"label": group or of[0].ko, "en": of[0].group_en if group else of[0].en, "wide": len(of),
             "alone": not group}
            for group, of in _groups(columns)
        ],
        "lines": lines,
        "empty": "" if lines else "해당 사항이 없습니다.",
    }  # fmt: skip
    if block.layout == "cards":
        at = [c.name for c in columns].index(block.card)
        rest = [n for n in range(len(columns)) if n != at]
        made["cards"] = [
            {"title": line[at] or block.columns[at].ko, "rows": [[columns[n].ko, line[n], columns[n].en] for n in rest]}
            for line in lines
        ]
    return made


def _cell(column: Field, value: Any) -> str:
    # a column is narrow: one box a line
    return printed(column, value).replace("  ", "\n") if column.type == "choice" else printed(column, value)


def _groups(columns: tuple[Field, ...]) -> list[tuple[str, list[Field]]]:
    out: list[tuple[str, list[Field]]] = []
    for column in columns:
        if column.group and out and out[-1][0] == column.group:
            out[-1][1].append(column)
        else:
            out.append((column.group, [column]))
    return out


def _text(text: Text, schema: FormSchema, values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "place": text.place,
        "text": _spoken(text.ko, schema, values),
        "en": _spoken(text.en, schema, values),
    }


def _spoken(said: str, schema: FormSchema, values: Mapping[str, Any] | None) -> str:
    # one pass: a value that itself has braces stays what it is
    return SLOT.sub(lambda found: _shown(schema.field(found[1]), values) or GAP, said)
