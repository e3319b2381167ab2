"""A citizen's own forms (청구서 내려받기): blank, for everybody; nothing typed here reaches the centre."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gwanje.centre.common import clock
from gwanje.centre.common.papers import html, today
from gwanje.centre.papers import printing


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The citizen's forms of this centre's packs."""
    listed = [(pack, [f for f in found if f.public]) for pack, found in today.forms(clock().local().date())]
    return render(request, "papers/public.html", {"packs": [(pack, found) for pack, found in listed if found]})


@require_safe
def form(request: HttpRequest, pack: str, form: str) -> HttpResponse:
    """One form, blank, to be read or printed."""
    schema = printing.find(pack, form, public=True)
    return render(request, "papers/public_form.html", {"schema": schema, **html.context(schema, None)})


@require_safe
def file(request: HttpRequest, pack: str, form: str, kind: str) -> HttpResponse:
    """The same as PDF/A or HWPX; made once a day, because every citizen gets the same bytes."""
    return printing.blank(printing.find(pack, form, public=True), kind)
