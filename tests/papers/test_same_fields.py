"""One form, three papers (같은 내용): page, PDF and office file of every form of every pack have the same fields."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

import pytest

import support

support.django()

from gwanje.centre.common.papers import html, hwpx, pdf  # noqa: E402
from gwanje.law.forms import Checks, Register  # noqa: E402
from support.owpml_reader import read  # noqa: E402
from support.papers import filled, forms  # noqa: E402
from support.pdf_text import pages  # noqa: E402

ON = date(2026, 11, 21)
CASES = [(name, full) for name in sorted(forms()) for full in (False, True)]
VOID = {"br", "hr", "img", "input", "link", "meta"}


def bare(text: str) -> str:
    """Letters without white space: each paper breaks its lines where it likes."""
    return re.sub(r"\s", "", text)


class Page(HTMLParser):
    """Texts of a page in reading order, and those of the places that carry a field's name."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.fields: dict[str, str] = {}
        self.said: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(dict(attrs).get("data-field") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.said.append(data)
        for name in filter(None, self.open):
            self.fields[name] = self.fields.get(name, "") + data


@pytest.mark.parametrize("name", sorted(forms()))
def test_page_pdf_and_office_file_have_the_same_fields(name: str) -> None:
    schema = forms()[name]
    # a value like markup, one with braces, one with signs at its beginning: the same on all three
    values = filled(schema, lambda field: f"=<b>{{{field}}}</b> & 끝")
    cells = read(hwpx.render(schema, values)).fields
    page = Page(html.render(schema, values))
    printed = bare("".join(one.text for one in pages(pdf.render(schema, values, on=ON))))
    for field, text in page.fields.items():
        if field in cells:
            # on the page a signature's line has its label and what stands behind it within
            assert bare(cells[field]) in bare(text), field
    for key, one in schema.declared.items():
        if isinstance(one, Register):
            texts = [text for cell, text in cells.items() if cell.startswith(f"{key}.")]
        elif isinstance(one, Checks):
            texts = [box for box in re.split(r"(?=[□■])", cells[key].strip("() ")) if box.strip()]
        else:
            texts = [cells[key]] if key in cells else []
        on_page = bare("".join(page.said))
        assert [text for text in texts if bare(text) not in on_page] == []
        assert [text for text in texts if bare(text) not in printed] == []


@pytest.mark.parametrize(("name", "full"), CASES, ids=[f"{n}-{'filled' if f else 'blank'}" for n, f in CASES])
def test_nothing_that_one_paper_says_is_missing_on_another(name: str, full: bool) -> None:
    schema = forms()[name]
    values = filled(schema) if full else None
    paper = read(hwpx.render(schema, values))
    office = [bare(text) for text in (*paper.texts, paper.foot)]
    page = [bare(text) for text in Page(html.render(schema, values)).said]
    whole_office, whole_page = "".join(office), "".join(page)
    # only the office file says in a cell what the empty boxes at the right of the title are for
    own = {"결재"}
    assert [text for text in office if text.strip("()") not in whole_page and text not in own] == []
    # a card's name stands in brackets on the page
    assert [text for text in page if text.strip("[]()") not in whole_office] == []
