"""A form as a page (서식 화면): accessible HTML of the same layout as the PDF, blank or filled; prints on A4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from gwanje.centre.common.papers.layout import sheet
from gwanje.law.forms import FormSchema

TEMPLATE = "partials/paper.html"


def context(schema: FormSchema, values: Mapping[str, Any] | None, note: str = "") -> dict[str, Any]:
    """What ``partials/paper.html`` draws; the paper itself is Korean, an English page adds a gloss to each label."""
    return {"sheet": sheet(schema, values, note), "gloss": get_language() == "en"}


def render(schema: FormSchema, values: Mapping[str, Any] | None, note: str = "") -> SafeString:
    """The form's markup alone (needs ``css/paper.css``); ``Faults`` when a value is not to be taken."""
    return render_to_string(TEMPLATE, context(schema, values, note))
