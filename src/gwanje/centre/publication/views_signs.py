"""Pages of signs (안내판 화면): which stand, which are stale, which cameras have none; the record, the print."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import clock, cursor, decide, demand, documents, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say, uuid_of
from gwanje.centre.publication import items, reading_versions, rules, services, showing, sign_document, signs
from gwanje.centre.publication.forms import PLACE_WORDS, SignForm
from gwanje.centre.publication.models import Sign
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry

PAGE, CHOICES_MAX = 50, 500
STATE_ORDER = (signs.EMPTY, signs.STALE, signs.UNSEEN, signs.SEEN)


def _agency(actor: Actor) -> UUID:
    assert actor.agency is not None
    return actor.agency


def _articles() -> list[Any]:
    today = law()
    norms = [norm for norm in ("sign.items", "sign.placement") if today.has(norm)]
    return list(dict.fromkeys(article for norm in norms for article in today.articles(norm)))


@signed_in
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Every standing sign, the worst first, and the cameras without one (안내판 현황)."""
    actor = acting(request)
    demand(actor, rules.READ, services.own(actor))
    found = signs.overview(_agency(actor))
    rows = sorted(found.signs, key=lambda pair: (STATE_ORDER.index(pair[1]), pair[0].title))
    context = {
        "page_obj": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "overview": found,
        "counts": {state: found.count(state) for state in STATE_ORDER},
        "without": found.without[:PAGE],
        "more": max(0, len(found.without) - PAGE),
        "places": dict(PLACE_WORDS),
        "articles": _articles(),
        "may_write": decide(actor, rules.SIGN, services.own(actor)).allow,
    }
    return render(request, "publication/signs.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Record a sign for some cameras; what it will say is shown before it is recorded."""
    actor = acting(request)
    demand(actor, rules.SIGN, services.own(actor))
    rows = reading_versions.rows(_agency(actor))
    ids = [uuid_of(text) for text in (request.POST or request.GET).getlist("camera")[: signs.CAMERAS_MAX]]
    cameras = [c for c in rows.cameras if c.id in ids]
    choices = signs.exemptions(rows)
    if request.method != "POST":
        start = {"put_up_on": clock().local().date(), "title": cameras[0].place if cameras else ""}
        return _new(request, rows, cameras, SignForm(exemptions=choices, initial=start))
    given = SignForm(request.POST, request.FILES, exemptions=choices)
    if not given.is_valid():
        return _new(request, rows, cameras, given, 422)
    said = given.cleaned_data
    photo = said.pop("photo")
    try:
        row = signs.record(actor, signs.NewSign(cameras=tuple(ids), photo=photo.read() if photo else b"", **said))
    except Problem as problem:
        given.add_error(None, say(problem))
        return _new(request, rows, cameras, given, problem.status)
    messages.success(request, _("안내판을 기록하였습니다."))
    return redirect("publication:sign", row.pk)


def _new(request: HttpRequest, rows: Any, cameras: list[CameraView], form: SignForm, status: int = 200) -> HttpResponse:
    lang = "en" if get_language() == "en" else "ko"
    said = signs.text(cameras, rows) if cameras else {}
    context = {
        "form": form, "cameras": cameras, "all": rows.cameras[:CHOICES_MAX] if not cameras else (),
        "more": max(0, len(rows.cameras) - CHOICES_MAX),
        "said": showing.sign_items(said, lang), "missing": [i for i in signs.needed(rows) if i not in said],
    }  # fmt: skip
    return render(request, "publication/sign_new.html", context, status=status)


@signed_in
@require_GET
def sign(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One sign: what it says, its map, what has changed since."""
    actor = acting(request)
    row = signs.sign(actor, rules.READ, id_)
    rows = reading_versions.rows(row.agency_id)
    known = {str(c.id): c for c in rows.cameras}
    lang = "en" if get_language() == "en" else "ko"
    cameras = [known[i] for i in row.cameras if i in known]
    state = signs.state(row, known, rows) if row.ended_at is None else "ended"
    context = {
        "row": row, "state": state, "place": dict(PLACE_WORDS)[row.place], "cameras": cameras,
        "items": showing.sign_items(row.text, lang), "photo": bool(row.photo_sha256),
        "now": showing.sign_items(signs.text(cameras, rows), lang) if state == signs.STALE else [],
        # our own drawing: numbers, and labels that were escaped
        "map": mark_safe(signs.svg(row, rows)) if row.place != items.NONE and cameras else "",  # noqa: S308 - drawn here, labels escaped
        "may_write": row.ended_at is None and decide(actor, rules.SIGN, services.own(actor)).allow,
    }  # fmt: skip
    return render(request, "publication/sign.html", context)


@signed_in
@require_GET
def pdf(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The sign for printing (PDF/A); who took it stands in the ledger."""
    actor = acting(request)
    row = signs.sign(actor, rules.READ, id_)
    if row.place == items.NONE:
        raise Http404
    rows = reading_versions.rows(row.agency_id)
    made = sign_document.render(row, rows.agency, signs.svg(row, rows), documents.fonts())
    entry = Entry.by(actor, "publication.sign.printed", "done", detail={"sign": str(row.pk)}, dies="registry")
    ledger.append(cursor(), clock(), entry)
    response = HttpResponse(made, content_type="application/pdf")
    response.headers["Content-Disposition"] = content_disposition_header(True, f"안내판_{row.title[:60]}.pdf") or ""
    return response


@signed_in
@require_GET
def photo(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The photo of a sign where it was put up."""
    row: Sign = signs.sign(acting(request), rules.READ, id_)
    if row.photo is None:
        raise Http404
    data = bytes(row.photo)
    kind = "image/png" if data.startswith(signs.PNG) else "image/jpeg"
    return HttpResponse(data, content_type=kind)
