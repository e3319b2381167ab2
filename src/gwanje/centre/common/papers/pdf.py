"""A form as PDF/A-2b (서식 PDF): one Typst template for every form of every pack; all text is its data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gwanje.centre.common import documents
from gwanje.centre.common.papers.layout import sheet
from gwanje.law.forms import FormSchema


def render(
    schema: FormSchema, values: Mapping[str, Any] | None, *, on: date, author: str = "", note: str = ""
) -> bytes:
    """PDF/A-2b of a form, blank when ``values`` is None; ``Faults`` when a value is not to be taken.

    ``on``: the day in the document's own data; ``author``: the centre; ``note``: last words of the foot.
    """
    data = {**sheet(schema, values, note), "author": author, "date": [on.year, on.month, on.day]}
    return documents.render("gwanje.centre.common.papers", "form.typ", data, documents.fonts())
