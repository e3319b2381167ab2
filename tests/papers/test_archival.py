"""PDF/A of everything that is printed (보존용 문서): a checker of others finds nothing, and finds what was spoilt.

The forms go through the same checker in ``test_paper_pdf``, blank and with hostile values.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from datetime import date

import pikepdf
import pytest

from gwanje.centre.common.papers import pdf
from support.papers import forms
from support.pdf_text import pages
from support.pdfa import lengths_are_true, remarks
from support.printed import DOCUMENTS, HOSTILE

ON = date(2026, 11, 21)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_other_document_is_archival_and_nothing_of_it_is_cut(name):
    made = DOCUMENTS[name]()
    assert remarks(made) == []
    found = pages(made)
    for page in found:
        assert page.text
        for run in page.runs:
            assert run.left > 25, run
            assert run.right < page.width - 25, run
            assert 20 < run.base < page.height - 20, run
    if "hostile" in name:
        text = re.sub(r"\s", "", "".join(page.text for page in found))
        assert re.sub(r"\s", "", unicodedata.normalize("NFC", HOSTILE)) in text


def _no_mark(book: pikepdf.Pdf) -> None:
    del book.Root.Metadata


def _colours_of_a_device(book: pikepdf.Pdf) -> None:
    """Colours of ICC profiles need no intent; those of a device do."""
    del book.Root.OutputIntents
    book.pages[0].contents_add(b"1 0 0 RG 0 0 m 9 9 l S")


def _a_script(book: pikepdf.Pdf) -> None:
    book.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _a_font_elsewhere(book: pikepdf.Pdf) -> None:
    for one in book.objects:
        if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor":
            del one["/FontFile2"]
            return


def _other_widths(book: pikepdf.Pdf) -> None:
    for one in book.objects:
        if isinstance(one, pikepdf.Dictionary) and "/CIDSystemInfo" in one and "/W" in one:
            one.W = pikepdf.Array([0, pikepdf.Array([777] * 40)])


def _a_file_inside(book: pikepdf.Pdf) -> None:
    book.attachments["x.bin"] = b"MZ"


SPOILT: list[Callable[[pikepdf.Pdf], None]] = [
    _no_mark, _colours_of_a_device, _a_script, _a_font_elsewhere, _other_widths, _a_file_inside,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda one: one.__name__.strip("_"))
def test_what_is_spoilt_is_found(spoil):
    with pikepdf.open(io.BytesIO(pdf.render(forms()["ANY-F2"], None, on=ON))) as book:
        before = io.BytesIO()
        book.save(before)
        spoil(book)
        after = io.BytesIO()
        book.save(after)
    assert len(remarks(after.getvalue())) > len(remarks(before.getvalue()))


def test_a_secret_document_is_no_archive():
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf.render(forms()["ANY-F2"], None, on=ON))) as book:
        book.save(out, encryption=pikepdf.Encryption(owner="x", user=""))
    assert remarks(out.getvalue())


def test_a_length_that_lies_is_read_again():
    made = pdf.render(forms()["ANY-F2"], None, on=ON)
    assert lengths_are_true(made)
    first = re.search(rb"/Length (\d+)", made)
    assert first
    wrong = b"/Length " + str(int(first[1]) - 1).encode().rjust(len(first[1]))
    assert not lengths_are_true(made[: first.start()] + wrong + made[first.end() :])
