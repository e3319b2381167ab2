"""A form as a file to be saved (서식 파일): PDF/A or HWPX of the same values, under its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from gwanje.centre.common import clock, home
from gwanje.centre.common.papers import hwpx, pdf
from gwanje.law.forms import FormSchema

KINDS = ("pdf", "hwpx")


def response(schema: FormSchema, values: Mapping[str, Any] | None, kind: str, name: str = "") -> HttpResponse:
    """The file; 404 for a kind that there is not; ``Faults`` when a value cannot stand in the form.

    ``name``: what it is saved as, without ending; else the form's title with the day when it is filled.
    """
    if kind not in KINDS:
        raise Http404
    now = clock().local()
    note = "" if values is None else f"출력 {now:%Y-%m-%d %H:%M}"
    if kind == "hwpx":
        content, media = hwpx.render(schema, values, note), hwpx.MEDIA_TYPE
    else:
        author = str(home().config.get("name", ""))
        content, media = pdf.render(schema, values, on=now.date(), author=author, note=note), "application/pdf"
    made = HttpResponse(content, content_type=media)
    saved = name or f"{schema.title}{'' if values is None else f'_{now:%Y%m%d}'}"
    made.headers["Content-Disposition"] = content_disposition_header(True, f"{saved}.{kind}") or ""
    return made
