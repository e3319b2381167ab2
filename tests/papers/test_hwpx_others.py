"""Our HWPX before readers that others wrote: python-hwpx (with the OWPML schemas) and unhwp (in Rust).

``support.owpml_reader`` is ours; these two are not, and share no code with each other.
"""

from __future__ import annotations

import io
import json
import platform
import re
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
from support.owpml_reader import Grid, read
from support.papers import filled, forms

NAMES = sorted(forms())
# a blank form differs little from a filled one: one of each shape
CASES = [(name, True) for name in NAMES] + [(name, False) for name in ("ANY-F1", "OSA-F1", "INC-POLICY", "SEO-F4")]
SHOWN = [f"{name}-{'filled' if full else 'blank'}" for name, full in CASES]
HP = "{http://www.hancom.co.kr/hwpml/2011/paragraph}"
HOSTILE = "<b>&amp; ]]> {x} =1+1 뷁 𠮷 👮🏽\u200d♀️ ᄒᆞᆫ " + "가" * 12
# Hangul itself writes none either: its own blank document gets the same remark
KNOWN = "manifest does not reference a version part"


@cache
def written(name: str, full: bool) -> bytes:
    values = filled(forms()[name], lambda field: f"{field} {HOSTILE}") if full else None
    return hwpx.render(forms()[name], values)


@pytest.mark.parametrize(("name", "full"), CASES, ids=SHOWN)
def test_every_form_keeps_the_schemas_of_owpml_and_what_hangul_asks_for(name: str, full: bool) -> None:
    raw = written(name, full)
    package = validate_package(raw)
    assert [str(one) for one in package.issues if KNOWN not in str(one)] == []
    safety = validate_editor_open_safety(raw)
    assert safety.ok, safety.summary
    schema = validate_document(io.BytesIO(raw))
    assert [str(one) for one in schema.issues] == []
    ids = check_id_integrity(io.BytesIO(raw))
    assert (ids.dangling, ids.orphan_bin_data) == ([], [])


@pytest.mark.parametrize("name", NAMES)
def test_python_hwpx_reads_the_same_value_in_every_named_cell(name: str) -> None:
    raw = written(name, True)
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


@pytest.mark.skipif(platform.machine() != "x86_64", reason="unhwp has no library for this machine")
@pytest.mark.parametrize(("name", "full"), CASES, ids=SHOWN)
def test_a_reader_in_rust_finds_the_same_tables_and_sentences(name: str, full: bool) -> None:
    import unhwp

    raw = written(name, full)
    paper = read(raw)
    with unhwp.parse_bytes(raw) as found:
        said = json.loads(found.json)
    assert said["metadata"]["title"] == forms()[name].title
    theirs = list(_flow(said["sections"][0]["content"]))
    ours = [_plain(one) for one in paper.flow]
    assert [one for one in theirs if one] == [one for one in ours if one]


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
    estimate = estimate_pages(written(name, False))
    assert (estimate.pages, estimate.unsupported) == (1, ())


def test_an_office_fills_a_cell_by_its_label_and_we_read_it_by_its_name() -> None:
    """The way a form comes back: another program writes beside a label, our reader finds the field."""
    with HwpxDocument.open(io.BytesIO(hwpx.render(forms()["ANY-F2"], None))) as document:
        table = next(t for t in document.tables.all if re.match("청구내용", t.rows[0].cells[0].text))
        cell = next(c for row in table.rows for c in row.cells if c.field_name == "reason")
        cell.set_text("분실물 확인 <급함>")
        back = document.to_bytes()
    assert read(back).fields["reason"] == "분실물 확인 <급함>"
