"""Forms as PDF/A (서식 PDF): what is typed is data, all of it is on the paper, and nothing leaves its margin."""

from __future__ import annotations

import io
import re
import unicodedata
from datetime import date

import pikepdf
import pytest

from gwanje.centre.common.papers import pdf
from gwanje.centre.common.papers.values import Faults
from gwanje.law.forms import Field, Register
from support.papers import filled, forms, hostile
from support.pdf_text import pages
from support.pdfa import remarks

ON = date(2026, 11, 21)
A4 = (595.28, 841.89)


def bare(text):
    """Letters without white space: a paper breaks lines where it likes."""
    return re.sub(r"\s", "", unicodedata.normalize("NFC", text))


def said(made):
    return bare("".join(page.text for page in pages(made)))


def inside(made):
    """Every letter stands inside the paper's margins."""
    for number, page in enumerate(pages(made), 1):
        assert {round(page.width), round(page.height)} == {595, 842}
        for run in page.runs:
            assert run.left > 25, (number, run)
            assert run.right < page.width - 25, (number, run)
            assert 20 < run.base < page.height - 20, (number, run)


def archival(made):
    """PDF/A-2b by a checker of others, and what is seen without it: mark, colours, fonts, what may not be in it."""
    assert remarks(made) == []
    with pikepdf.open(io.BytesIO(made)) as opened:
        marks = opened.Root.Metadata.read_bytes()
        assert re.search(rb"pdfaid:part>?=?\"?2", marks)
        assert re.search(rb"pdfaid:conformance>?=?\"?B", marks)
        assert opened.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert not opened.is_encrypted
        assert "/AA" not in opened.Root
        assert "/EmbeddedFiles" not in opened.Root.get("/Names", {})
        for page in opened.pages:
            assert "/Annots" not in page
            for font in page.Resources.get("/Font", {}).values():
                inner = font.DescendantFonts[0].FontDescriptor
                assert any(name in inner for name in ("/FontFile2", "/FontFile3")), "a font that is not embedded"
                assert "/ToUnicode" in font
        for object_ in opened.objects:
            if isinstance(object_, pikepdf.Dictionary):
                assert object_.get("/S") not in ("/JavaScript", "/Launch", "/URI")


@pytest.mark.parametrize("name", sorted(forms()))
def test_every_form_blank(name):
    schema = forms()[name]
    made = pdf.render(schema, None, on=ON, author="가온시 통합관제센터")
    archival(made)
    inside(made)
    text = said(made)
    for word in (schema.label, schema.face, schema.title, schema.deadline, schema.addressee, *schema.approvals):
        assert bare(word) in text
    for one in schema.declared.values():
        if isinstance(one, Field) and one not in schema.fields:
            assert bare(one.ko) in text, one.name
    assert bare(str(schema.article.ref)) in text


@pytest.mark.parametrize("name", sorted(forms()))
def test_every_form_filled_with_everything_that_may_be_hostile(name):
    """200 letters without a space, markup of four languages, four lines of an address: all of it stands there."""
    schema = forms()[name]
    values = hostile(schema)
    made = pdf.render(schema, values, on=ON)
    archival(made)
    inside(made)
    text = said(made)
    for key, one in schema.declared.items():
        given = values[key]
        if isinstance(one, Field) and isinstance(given, str) and one.type not in ("choice",):
            assert bare(given) in text, key
    assert "root:" not in text


def test_a_list_goes_on_over_pages_with_its_header_on_each():
    schema = forms()["OSA-F2"]
    values = filled(schema, lines=60)
    found = pages(pdf.render(schema, values, on=ON))
    assert len(found) > 2
    for page in found:
        assert "결재" in bare(page.text)
    assert bare("값 entries.60.purpose") in bare(found[-1].text)


def test_who_signs_stands_on_the_page_of_what_is_signed_and_of_the_addressee():
    """However long the reasons are: the sentence, the day, the name and 귀하 are never parted by a page's end."""
    schema = forms()["ANY-F2"]
    parted = set()
    for lines in range(0, 34, 3):
        reason = "\n".join(["사유가 길다."] * lines)
        found = [bare(p.text) for p in pages(pdf.render(schema, {"reason": reason, "signed_on": ON}, on=ON))]
        signed = [p for p in found if "2026년11월21일" in p]
        assert len(signed) == 1
        assert all(word in signed[0] for word in ("열람을청구합니다.", "(서명또는인)", "안양시장귀하"))
        parted.add(len(found))
    assert parted == {1, 2}


@pytest.mark.parametrize("name", ["INC-POLICY", "SEO-F9"])
def test_a_row_of_a_card_is_not_parted_by_a_pages_end(name):
    schema = forms()[name]
    values = filled(schema, lines=6)
    (register,) = (one for one in schema.declared.values() if isinstance(one, Register))
    for number, entry in enumerate(values[register.name]):
        for column in register.columns[1:]:
            entry[column.name] = f"처음{'가' * min(110 + 40 * number, column.max - 5)}마지막"
    found = [bare(p.text) for p in pages(pdf.render(schema, values, on=ON))]
    assert len(found) > 2
    for page in found:
        assert page.count("처음") == page.count("마지막")


def test_what_is_too_long_is_refused_with_its_name_and_its_limit():
    schema = forms()["ANY-F2"]
    with pytest.raises(Faults) as caught:
        pdf.render(schema, {"reason": "가" * 10_000}, on=ON)
    assert "청구목적 및 사유" in caught.value.ko
    assert "1,000자" in caught.value.ko
    assert "10,000" in caught.value.en
    assert caught.value.next_en


def test_what_turns_the_reading_direction_is_not_printed():
    made = pdf.render(
        forms()["ANY-F2"], {"reason": "금액 \u202e000,3\u202c원\u200f", "applicant.name": "가\x00나\x1b"}, on=ON
    )
    text = said(made)
    assert "금액000,3원" in text
    assert "가나" in text
    assert not re.search("[\u202a-\u202e\u200f\x00-\x1f]|U\\+20", text)


def test_five_thousand_lines_are_the_most():
    schema = forms()["ANY-F1"]
    with pytest.raises(Faults) as caught:
        pdf.render(schema, {"entries": [{"no": n} for n in range(5001)]}, on=ON)
    assert "5,000줄" in caught.value.ko
