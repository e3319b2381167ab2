"""What goes into a paper comes out of it (글자 보존): any text, through HWPX and through the PDF's text layer."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwanje.centre.common.papers import hwpx, owpml, pdf
from gwanje.centre.common.papers.owpml import Cell, Document, Paragraph, Table
from gwanje.centre.common.papers.values import OFF, ON
from support.owpml_reader import read
from support.papers import forms
from support.pdf_text import pages

PATIENT = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
# every letter, number, mark, sign and space of any script; and everything at all, halves of letters included
LETTERS = st.characters(categories=["L", "M", "N", "P", "S", "Zs"])
ANYTHING = st.characters()
PRINTED = st.sampled_from("가나다힣뷁ㄱㅏ ·…–—‘’“”「」『』○●※→") | st.characters(min_codepoint=33, max_codepoint=126)


def one_field(text: str) -> str:
    return read(hwpx.render(forms()["ANY-F2"], {"reason": text})).fields["reason"]


@PATIENT
@given(st.text(LETTERS, max_size=200))
def test_every_letter_of_every_script_comes_back_as_it_was_typed(text: str) -> None:
    assert one_field(text) == unicodedata.normalize("NFC", text).strip()


@PATIENT
@given(st.lists(st.text(LETTERS, min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=8))
def test_lines_stay_lines(lines: list[str]) -> None:
    wanted = [unicodedata.normalize("NFC", line).rstrip() for line in lines]
    assert one_field("\r\n".join(lines)) == "\n".join(wanted).strip()


@PATIENT
@given(st.text(ANYTHING, max_size=300))
def test_whatever_is_typed_the_file_is_whole_and_no_letter_is_added(text: str) -> None:
    out = one_field(text)
    assert not [letter for letter in out if unicodedata.category(letter) == "Cc" and letter != "\n"]
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode())
    kept = [letter for letter in composed if unicodedata.category(letter)[0] in "LMNPS"]
    # only what is no letter may be missing: noncharacters, controls, signs that turn the direction
    assert [letter for letter in out if unicodedata.category(letter)[0] in "LMNPS"] == kept


@PATIENT
@given(st.lists(st.text(LETTERS, max_size=30), min_size=6, max_size=6))
def test_cells_do_not_run_into_each_other(texts: list[str]) -> None:
    rows = tuple(
        tuple(Cell(text, name=f"{row}.{at}") for at, text in enumerate(texts[row : row + 3])) for row in (0, 3)
    )
    paper = read(owpml.package(Document("표", False, (Paragraph(texts[0]), Table((9_000,) * 3, rows)))))
    assert [box.text for box in paper.tables[0].boxes] == texts


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(PRINTED, min_size=1, max_size=200).filter(str.strip))
def test_the_pdf_and_the_office_file_say_the_same(text: str) -> None:
    schema, values = forms()["ANY-F2"], {"reason": text, "kinds": ["view"]}
    paper = read(hwpx.render(schema, values))
    assert paper.fields["reason"] == text.strip()
    said = "".join(page.text for page in pages(pdf.render(schema, values, on=date(2026, 11, 21))))
    assert bare(text) in bare(said)
    assert bare(f"{OFF} 존재확인 {ON} 열람") in bare(said)
    assert bare(f"{OFF} 존재확인 {ON} 열람") in bare(paper.fields["kinds"])


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)
