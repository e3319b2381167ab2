"""Finding a form and recording that it left (서식 찾기·출력 기록)."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpResponse

from gwanje.centre.common import clock, cursor
from gwanje.centre.common.kept import Kept
from gwanje.centre.common.papers import files, today
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.law.forms import FormSchema

BLANK_MAX = 32
# the form itself stands with its bytes: so long as it is kept, no other one has its identity
_blank: Kept[tuple[int, str, date], tuple[FormSchema, bytes, dict[str, str]]] = Kept(BLANK_MAX)


def find(pack: str, form: str, *, public: bool = False) -> FormSchema:
    """The form in force today, a citizen's own when ``public``; 404 when the centre's packs have none such."""
    found = today.named(pack, form, clock().local().date())
    if found is None or (public and not found.public):
        raise Http404
    return found


def blank(schema: FormSchema, kind: str) -> HttpResponse:
    """A blank form as a file (빈 서식), the same bytes the whole day; 404 for a kind that there is not."""

    def make() -> tuple[FormSchema, bytes, dict[str, str]]:
        made = files.response(schema, None, kind)
        return schema, made.content, dict(made.headers)

    if kind not in files.KINDS:
        raise Http404
    _schema, content, headers = _blank.get((id(schema), kind, clock().local().date()), make)
    return HttpResponse(content, headers=headers)


def record(actor: Actor, schema: FormSchema, kind: str, source: str) -> None:
    """One ledger row of a paper that left the system with something in it; what stood in it is not in the row.

    ``source``: ``rows`` or ``typed``.
    """
    detail = {"pack": schema.pack, "form": schema.id, "as": kind, "of": source}
    ledger.append(cursor(), clock(), Entry.by(actor, "papers.form.printed", "done", detail=detail, dies="access"))
