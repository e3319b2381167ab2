"""Our HWPX before readers that others wrote: python-hwpx (with the OWPML schemas) and unhwp (in Rust).

``support.owpml_reader`` is ours; these two are not, and share no code with each other.
"""

from __future__ import annotations

import io
import json
import platform
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hwpx import HwpxDocument
from hwpx.layout.pages import estimate_pages
from hwpx.tools.id_integrity import check_id_integrity
from hwpx.tools.package_validator import validate_editor_open_safety, validate_package
from hwpx.tools.validator import validate_document

from gwanje.centre.common.papers import hwpx
from gwanje.centre.common.papers.values import printed
from gwanje.law.forms import Field, Register
from support.owpml_reader import Grid, read
from support.papers import filled, forms, hostile

NAMES = sorted(forms())
STATES = ("blank", "filled", "hostile")
CASES = [(name, state) for name in NAMES for state in STATES]
SHOWN = ["-".join(case) for case in CASES]
HP = "{http://www.hancom.co.kr/hwpml/2011/paragraph}"
HOSTILE = "<b>&amp; ]]> {x} =1+1 뷁 𠮷 👮🏽\u200d♀️ ᄒᆞᆫ " + "가" * 12
# Hangul itself writes none either: its own blank document gets the same remark
KNOWN = "manifest does not reference a version part"


@cache
def values_of(name: str, state: str) -> dict[str, Any] | None:
    filled_in = filled(forms()[name], lambda field: f"{field} {HOSTILE}") if state == "filled" else None
    return hostile(forms()[name], lines=2) if state == "hostile" else filled_in


@cache
def written(name: str, state: str) -> bytes:
    return hwpx.render(forms()[name], values_of(name, state))


def wanted(name: str, state: str) -> dict[str, str]:
    """What each field of a list or cell says on paper, by the schema and the values alone."""
    schema, values = forms()[name], values_of(name, state) or {}
    found: dict[str, str] = {}
    for key, one in schema.declared.items():
        if isinstance(one, Register):
            for number, entry in enumerate(values.get(key, ()), len(one.fixed) + 1):
                found |= {f"{key}.{number}.{c.name}": printed(c, entry[c.name]) for c in one.columns}
        elif isinstance(one, Field):
            found[key] = printed(one, values.get(key, "")) if values else ""
    return found


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


@pytest.mark.parametrize(("name", "state"), CASES, ids=SHOWN)
def test_every_form_keeps_the_schemas_of_owpml_and_what_hangul_asks_for(name: str, state: str) -> None:
    raw = written(name, state)
    package = validate_package(raw)
    assert [str(one) for one in package.issues if KNOWN not in str(one)] == []
    safety = validate_editor_open_safety(raw)
    assert safety.ok, safety.summary
    schema = validate_document(io.BytesIO(raw))
    assert [str(one) for one in schema.issues] == []
    ids = check_id_integrity(io.BytesIO(raw))
    assert (ids.dangling, ids.orphan_bin_data) == ([], [])


@pytest.mark.parametrize(("name", "state"), CASES, ids=SHOWN)
def test_python_hwpx_reads_the_same_value_in_every_named_cell(name: str, state: str) -> None:
    raw = written(name, state)
    ours = read(raw).fields
    with HwpxDocument.open(io.BytesIO(raw)) as document:
        theirs = {
            cell.field_name: cell.text
            for table in document.tables.all
            for row in table.rows
            for cell in row.cells
            if cell.field_name
        }
    assert theirs == ours
    if state != "blank":
        for field, said in wanted(name, state).items():
            assert field not in theirs or plain(theirs[field]).startswith(plain(said)), field


@pytest.mark.skipif(platform.machine() != "x86_64", reason="unhwp has no library for this machine")
@pytest.mark.parametrize(("name", "state"), CASES, ids=SHOWN)
def test_a_reader_in_rust_finds_the_same_tables_and_sentences(name: str, state: str) -> None:
    import unhwp

    raw = written(name, state)
    paper = read(raw)
    with unhwp.parse_bytes(raw) as found:
        said = json.loads(found.json)
    assert said["metadata"]["title"] == forms()[name].title
    theirs = list(_flow(said["sections"][0]["content"]))
    ours = [_plain(one) for one in paper.flow]
    assert [one for one in theirs if one] == [one for one in ours if one]
    # field by field: the text of the cell that carries the field's name, by the reader in Rust
    cells = [one for one in theirs if isinstance(one, list)]
    read_back: dict[str, str] = {}
    for grid, rows in zip([one for one in paper.flow if isinstance(one, Grid)], cells, strict=True):
        places = [[box.name for box in grid.boxes if box.row == row] for row in range(grid.rows)]
        for names, row in zip(places, rows, strict=True):
            read_back |= {field: cell[0] for field, cell in zip(names, row, strict=True) if field}
    assert set(read_back) == set(paper.fields)
    asked = wanted(name, state)
    assert read_back or not asked
    if state != "blank":
        for field, text in asked.items():
            assert field not in read_back or plain(read_back[field]).startswith(plain(text)), field


def _flow(content: list[dict[str, Any]]) -> Iterator[Any]:
    for one in content:
        if "Table" in one:
            yield [
                [
                    ("\n".join(_text(p) for p in cell["content"]), cell["rowspan"], cell["colspan"])
                    for cell in row["cells"]
                ]
                for row in one["Table"]["rows"]
            ]
        else:
            yield _text(one["Paragraph"])


def _text(paragraph: dict[str, Any]) -> str:
    return "".join(piece["Text"]["text"] for piece in paragraph["content"] if "Text" in piece)


def _plain(one: str | Grid) -> Any:
    if isinstance(one, str):
        return one
    rows: list[list[tuple[str, int, int]]] = [[] for _ in range(one.rows)]
    for box in one.boxes:
        rows[box.row].append((box.text, box.down, box.across))
    return rows


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_form_is_one_page_by_the_way_hangul_lays_it_out(name: str) -> None:
    estimate = estimate_pages(written(name, "blank"))
    assert (estimate.pages, estimate.unsupported) == (1, ())


def test_an_office_fills_a_cell_by_its_label_and_we_read_it_by_its_name() -> None:
    """The way a form comes back: another program writes beside a label, our reader finds the field."""
    with HwpxDocument.open(io.BytesIO(hwpx.render(forms()["ANY-F2"], None))) as document:
        table = next(t for t in document.tables.all if re.match("청구내용", t.rows[0].cells[0].text))
        cell = next(c for row in table.rows for c in row.cells if c.field_name == "reason")
        cell.set_text("분실물 확인 <급함>")
        back = document.to_bytes()
    assert read(back).fields["reason"] == "분실물 확인 <급함>"
