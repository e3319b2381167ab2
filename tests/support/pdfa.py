"""What a checker of others (page-validation, Rust, MIT) says of a PDF/A-2b: 144 rules of ISO 19005-2."""

from __future__ import annotations

import io
import re

import page
import pikepdf

LENGTH = "PDFA2B-STREAM-LENGTH-001"
STREAM = re.compile(rb"/Length (\d+)(?:(?!endobj)[\s\S]){0,400}?>>\s*stream\r?\n")


def remarks(pdf: bytes) -> list[str]:
    """Every rule that fails, one line each; none for a document that stands. qpdf's own complaints come last."""
    report = page.validate_pdf_bytes(pdf, profile="2b")
    said = [f"{one.rule_id}: {one.message}" for one in report.failures]
    # page-validation 0.11 takes a stream's last byte for a line end where it is 0D: then the lengths are read here
    if lengths_are_true(pdf):
        said = [line for line in said if not line.startswith(LENGTH)]
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return said + [str(line) for line in opened.check_pdf_syntax()]


def lengths_are_true(pdf: bytes) -> bool:
    """ISO 19005-2, 6.1.7.1 read again: behind as many bytes as Length says stands one line end, then endstream."""
    found = list(STREAM.finditer(pdf))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        streams = sum(isinstance(one, pikepdf.Stream) for one in opened.objects)
    ends = (pdf[m.end() + int(m[1]) : m.end() + int(m[1]) + 10] for m in found)
    return len(found) >= streams > 0 and all(end == b"\nendstream" for end in ends)
