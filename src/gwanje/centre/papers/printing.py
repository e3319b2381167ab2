"""A form as a file (서식 파일): PDF/A and HWPX of the same values, with the name under which it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from gwanje.centre.common import clock, cursor, home
from gwanje.centre.common.papers import hwpx, pdf, today
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.law.forms import FormSchema

KINDS = ("pdf", "hwpx")


def find(pack: str, form: str, *, public: bool = False) -> FormSchema:
    """The form in force today, a citizen's own when ``public``; 404 when the centre's packs have none such."""
    found = today.named(pack, form, clock().local().date())
    if found is None or (public and not found.public):
        raise Http404
    return found


def response(schema: FormSchema, values: Mapping[str, Any] | None, kind: str) -> HttpResponse:
    """The file, to be saved; 404 for a kind that there is not; ``Faults`` when a value cannot stand in the form."""
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
    name = f"{schema.title}{'' if values is None else f'_{now:%Y%m%d}'}.{kind}"
    made.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    return made


def record(actor: Actor, schema: FormSchema, kind: str, source: str) -> None:
    """One ledger row of a paper that left the system with something in it; what stood in it is not in the row.

    ``source``: ``rows`` or ``typed``.
    """
    detail = {"pack": schema.pack, "form": schema.id, "as": kind, "of": source}
    ledger.append(cursor(), clock(), Entry.by(actor, "papers.form.printed", "done", detail=detail, dies="access"))
