"""Documents whatever letters people, devices and files have: always a PDF/A, never markup that is run."""

from __future__ import annotations

import io
from importlib.resources import as_file, files

import pikepdf
import pytest

from gwanje.centre.common import documents
from gwanje.centre.common.documents import spelt
from gwanje.centre.inspection import document

LETTERS = ["고장 😀", "峠 𠮷", "a\x01b\x1b[31m", "x\uffffy", "\u202eabc אבג", "뷁힣ㆍ"]
MARKUP = '#panic("x") #import "/etc/passwd": * $x^2$ *b* @ref <a> #eval("1") // \\u{1F600} "]}'


def form(text: str) -> dict:
    row = ["1", text, "A-0123", "", "", text, text, text, text]
    return {
        "form": "[별지 제1호서식]", "title": "점검일지", "centre": text, "period": "2026년 11월", "date": [2026, 11, 1],
        "printed": "", "boxes": ["담당"] * 3, "columns": list(document.COLUMNS), "rows": [row], "nothing": "",
    }  # fmt: skip


@pytest.mark.parametrize("text", [*LETTERS, MARKUP])
def test_one_letter_does_not_cost_the_months_journal(text):
    with pikepdf.open(io.BytesIO(document.render(form(text), documents.fonts()))) as opened:
        assert b"pdfaid" in opened.Root.Metadata.read_bytes()
        # what was meant as a title stands there as it was written, or by its codes
        author = str(opened.docinfo.get("/Author", "")) or opened.Root.Metadata.read_bytes().decode()
        assert "panic" in author if text is MARKUP else author


def test_what_no_font_has_is_written_as_its_code():
    assert spelt({"a": ["고장 😀", 3, ("\x1b",)]}) == {"a": ["고장 [U+1F600]", 3, ["[U+001B]"]]}
    plain = "○○로 12 앞 · ‘렌즈’ 가림 30° (A-0123) → 수리 ㄱㅏ\n"
    assert spelt(plain) == plain


def test_every_letter_that_is_left_as_it_is_has_a_shape():
    """PDF/A fails for a letter without one: what ``spelt`` leaves must never need a third try."""
    left = "".join(
        chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and spelt(chr(code)) == chr(code)
    )
    assert len(left) > 11_000
    data = form("") | {"nothing": left}
    # asked of the template itself: ``render`` would try again
    with as_file(files("gwanje.centre.inspection") / "documents" / "journal.typ") as template:
        assert documents._compiled(template, data | {"font": list(documents.FAMILIES)}, documents.fonts())
