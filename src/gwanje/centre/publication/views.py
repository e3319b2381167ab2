"""Public pages (공개 화면): the law and its evidence today; anyone may read them, nothing personal is on them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gwanje.centre.common import law
from gwanje.centre.publication import evidence, reading


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every article of the centre's packs with its state (조문별 이행 현황)."""
    today = law()
    packs = [(p, reading.counts(p, today.on), reading.lines(p, today.on)) for p in reading.packs()]
    return render(
        request, "publication/index.html", {"packs": packs, "today": today.on, "conflicts": today.conflicts()}
    )


@require_safe
def article(request: HttpRequest, pack: str, article: str) -> HttpResponse:
    """One article: its text, and what stands behind it today (조문의 이행 증거)."""
    today = law()
    try:
        found, source = today.article(pack, article), today.law.pack(pack)
    except KeyError as error:
        raise Http404 from error
    before, after = reading.neighbours(source, found)
    conflicts = [c for c in today.conflicts() if found.ref in (c.lower, c.higher)]
    return render(
        request,
        "publication/article.html",
        {
            "pack": source,
            "article": found,
            "line": reading.line(found, today.on),
            "evidence": evidence.of(found),
            "parameters": reading.parameters_of(found, today),
            "grounds": reading.grounds_of(found, today),
            "conflicts": conflicts,
            "before": before,
            "after": after,
            "today": today.on,
        },
    )
