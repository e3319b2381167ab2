"""Public pages of documents (방침 공개): what was announced, as it was announced; anyone may read."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from gwanje.centre.common import clock
from gwanje.centre.publication import pages, reading_versions


def _link(name: str, number: int | None = None) -> str:
    if name == "law":
        return reverse("publication:index")
    if name in ("policy", "plan"):
        return reverse(f"publication:{name}", kwargs={"number": number} if number else None)
    return reverse("publication:page", kwargs={"page": name})


def _site() -> pages.Site:
    lang = "en" if get_language() == "en" else "ko"
    return pages.Site(reading_versions.centre_agency(), clock().local().date(), lang, _link)


@require_safe
def document(request: HttpRequest, name: str, number: int | None = None) -> HttpResponse:
    """A policy or plan as announced (운영·관리 방침): the one in force, or any announced version."""
    context = pages.document(_site(), name, number)
    if context is None:
        raise Http404
    return render(request, "publication/document.html", {"base": "public.html", **context})


@require_safe
def page(request: HttpRequest, page: str) -> HttpResponse:
    """One of the pages beside the policy: departments, status, contractors, signs on the home page, uses."""
    if page not in pages.MAKERS:
        raise Http404
    context = pages.MAKERS[page](_site())
    return render(request, f"publication/public_{page}.html", {"base": "public.html", **context})
