"""Finding a form and recording that it left (서식 찾기·출력 기록)."""

from __future__ import annotations

from django.http import Http404

from gwanje.centre.common import clock, cursor
from gwanje.centre.common.papers import today
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.law.forms import FormSchema


def find(pack: str, form: str, *, public: bool = False) -> FormSchema:
    """The form in force today, a citizen's own when ``public``; 404 when the centre's packs have none such."""
    found = today.named(pack, form, clock().local().date())
    if found is None or (public and not found.public):
        raise Http404
    return found


def record(actor: Actor, schema: FormSchema, kind: str, source: str) -> None:
    """One ledger row of a paper that left the system with something in it; what stood in it is not in the row.

    ``source``: ``rows`` or ``typed``.
    """
    detail = {"pack": schema.pack, "form": schema.id, "as": kind, "of": source}
    ledger.append(cursor(), clock(), Entry.by(actor, "papers.form.printed", "done", detail=detail, dies="access"))
