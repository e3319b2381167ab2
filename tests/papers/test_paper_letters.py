"""Letters on paper (인쇄 글자): Hanja, pictograms and old Hangul print as themselves, the rest as codes."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import date
from importlib.resources import as_file, files

import pytest

from gwanje.centre.common import documents, letters
from gwanje.centre.common.papers import pdf
from gwanje.centre.inspection import document
from support.papers import forms
from support.pdf_text import pages

ON = date(2026, 11, 21)
SELVES = [
    "金澤 澤山 㐀 隙 女兒", "뷁 쀍 힣 갋", "①⑳❶ ㊞ ㉠ ㈜ ㎡ ★◈ ✓☑☒ ☎", "├─┼─┤ ▣ ▲", "고장 😀 끝 🚓",
    "👮🏽 👨\u200d👩\u200d👧 🇰🇷 ☎️", "옛한글 ᄒᆞᆫ글 ㆍ", "か゚ ﾊﾝｶｸ ＡＢ 峠", "ệ Đ Ж Ω",
]  # fmt: skip
CODES = [
    # the first font that has a part of such a row would draw that part alone: ♀ for the policewoman
    ("👮🏽\u200d♀️", "👮[U+1F3FD][U+200D]♀[U+FE0F]"), ("1️⃣", "1[U+FE0F][U+20E3]"), ("가ᇰ", "가[U+11F0]"),
    ("𠮷野家", "[U+20BB7]野家"), ("a\u200bb", "a[U+200B]b"), ("a\u200db", "a[U+200D]b"), ("빈\u3164칸", "빈[U+3164]칸"),
    ("ערב عرب", "[U+05E2][U+05E8][U+05D1] [U+0639][U+0631][U+0628]"), ("\ue000", "[U+E000]"),
    ("\U0001fbff", "[U+1FBFF]"),
]  # fmt: skip


def shown(text: str) -> str:
    made = pdf.render(forms()["ANY-F2"], {"reason": text, "applicant.name": text[:40]}, on=ON)
    return re.sub(r"\s", "", "".join(page.text for page in pages(made)))


def known() -> tuple[frozenset[int], ...]:
    folder = documents.fonts()
    assert folder, "run ./dev setup"
    return letters.of_files(folder, documents.FILES)


@pytest.mark.parametrize("text", SELVES)
def test_what_a_person_types_is_what_the_paper_says(text):
    assert letters.spelt(text, known()) == text
    # the paper's values are composed (NFC), as the form's cleaning makes them
    assert shown(text).count(re.sub(r"\s", "", unicodedata.normalize("NFC", text))) == 2


@pytest.mark.parametrize(("text", "printed"), CODES)
def test_what_no_font_has_and_what_nobody_would_see_is_a_code(text, printed):
    assert letters.spelt(text, known()) == printed
    assert printed.replace(" ", "") in shown(text)


def test_a_tab_of_a_table_is_a_space():
    for said in (documents.shown({"a": ["렌즈\t파손"]}, known()), documents.spelt({"a": ["렌즈\t파손"]})):
        assert said == {"a": ["렌즈 파손"]}


def test_one_letter_without_a_shape_leaves_its_neighbours_as_they_are():
    """Before, one pictogram turned every Hanja of the document into codes."""
    assert "金澤[U+20BB7]㐀😀" in shown("金澤 𠮷 㐀 😀")


def test_every_hanja_of_the_first_two_blocks_and_every_syllable_has_a_shape():
    have = frozenset().union(*known())
    for first, last in ((0x4E00, 0x9FEF), (0x3400, 0x4DB5), (0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x2500, 0x257F)):
        assert not [hex(code) for code in range(first, last + 1) if code not in have]


def test_of_the_letters_of_ks_x_1001_five_are_codes():
    rows = [bytes([a, b]).decode("euc-kr", "ignore") for a in range(0xA1, 0xFE) for b in range(0xA1, 0xFF)]
    listed = {unicodedata.normalize("NFC", one) for one in rows if one}
    assert len(listed) > 7_900
    assert {one for one in listed if letters.spelt(one, known()) != one} == set("\xad∼≒⅔ŉ")


def test_what_the_tables_promise_the_compiler_draws():
    """PDF/A fails for one letter without a shape; a sample of all that is left as it is, in a document of its own."""
    folder = documents.fonts()
    able = [c for c in sorted(frozenset().union(*known())) if letters.spelt(chr(c), known()) == chr(c)]
    assert len(able) > 40_000
    sample = random.Random(5).sample(able, 2_000)
    data = {
        "form": "", "title": "", "centre": "", "period": "", "date": [2026, 11, 1], "printed": "", "boxes": ["담당"],
        "columns": list(document.COLUMNS), "rows": [], "nothing": " ".join(map(chr, sample)),
        "font": list(documents.FAMILIES),
    }  # fmt: skip
    # asked of the template itself: ``render`` would try again with codes
    with as_file(files("gwanje.centre.inspection") / "documents" / "journal.typ") as template:
        made = documents._compiled(template, data, folder)
    said = "".join(page.text for page in pages(made))
    lost = {chr(c) for c in sample} - set(said)
    # a font may draw a sign that Unicode calls equal to another (Å the unit, Å the letter)
    assert {c for c in lost if unicodedata.normalize("NFKC", c) not in said} == set()


def test_a_font_that_is_missing_costs_its_letters_and_not_the_document(tmp_path, monkeypatch):
    folder = documents.fonts()
    assert folder
    for name in documents.FILES[:2]:
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.setattr(documents, "fonts", lambda: tmp_path)
    assert "金澤[U+3400][U+1F600]" in shown("金澤 㐀 😀")


def test_a_file_that_is_no_font_is_said_so(tmp_path):
    (tmp_path / "x.ttf").write_bytes(b"<svg/>      ")
    with pytest.raises(ValueError, match=r"x\.ttf"):
        letters.of_files(tmp_path, ("x.ttf",))
