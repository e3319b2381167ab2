"""The publication desk (공개 업무): items and texts, departments, drafts, announcements, the home page's archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from gwanje.centre.common import absent, clock, cursor, decide, demand, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.publication import (
    bodies,
    gathering,
    items,
    pages,
    reading_versions,
    rules,
    sections,
    services,
    showing,
    signs,
    site,
)
from gwanje.centre.publication.forms import DepartmentForm, DraftForm, TextForm
from gwanje.centre.publication.models import DRAFT, Version
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.law import NotInForce


def _lang() -> str:
    return "en" if get_language() == "en" else "ko"


def _reader(request: HttpRequest) -> Actor:
    actor = acting(request)
    demand(actor, rules.READ, services.own(actor))
    return actor


def _agency(actor: Actor) -> UUID:
    assert actor.agency is not None
    return actor.agency


@signed_in
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """What is published, what is being prepared, which signs are missing (공개 업무 현황)."""
    actor = _reader(request)
    agency, today = _agency(actor), clock().local().date()
    rows = reading_versions.rows(agency)
    documents = []
    for name in items.DOCUMENTS:
        now = reading_versions.current(agency, name, today)
        history = reading_versions.history(agency, name)
        documents.append({
            "name": name, "title": items.TITLES[name][_lang() == "en"], "now": now, "empty": _empty(name, rows),
            "draft": Version.objects.filter(agency_id=agency, document=name, state=DRAFT).defer("body").first(),
            "versions": [(v, reading_versions.state_of(v, now, today)) for v in history[:20]],
        })  # fmt: skip
    context = {
        "documents": documents, "signs": signs.overview(agency, rows), "departments": _departments(rows),
        "may_announce": decide(actor, rules.ANNOUNCE, services.own(actor)).allow,
    }  # fmt: skip
    return render(request, "publication/desk.html", context)


def _empty(document: str, rows: gathering.Rows) -> list[str] | None:
    """Items without a text; None where no rule of this city lists the items."""
    try:
        needed = rows.today.parameter(rules.LISTS[document]).value
    except NotInForce:
        return None
    return [item for item in needed if not sections.section(document, item, rows)["parts"]]


def _departments(rows: gathering.Rows) -> list[tuple[str, int, Any]]:
    """(name, running cameras, its line or None) of every department that has a camera or a line."""
    counted = {name: len(cameras) for name, cameras in rows.by_department().items()}
    names = dict.fromkeys([*counted, *rows.departments])
    return [(name, counted.get(name, 0), rows.departments.get(name)) for name in names]


@signed_in
@require_GET
def document(request: HttpRequest, document: str) -> HttpResponse:
    """A document's items: what the rows say, what an officer types, what is still empty (방침 항목)."""
    return _document(request, document)


def _document(
    request: HttpRequest, document: str, drafting: DraftForm | None = None, status: int = 200
) -> HttpResponse:
    actor = _reader(request)
    agency, rows = _agency(actor), reading_versions.rows(_agency(actor))
    try:
        body = bodies.content(document, rows)
    except NotInForce:
        raise services.no_rule(document) from None
    sections = showing.sections(body, _lang())
    for section, raw in zip(sections, body["sections"], strict=True):
        ko, en = rows.texts.get((document, raw["item"]), ("", ""))
        section["form"] = TextForm(
            initial={"item": raw["item"], "ko": ko, "en": en}, auto_id=f"i{section['number']}_%s"
        )
        section["typed"] = bool(ko)
    context = {
        "name": document, "title": items.TITLES[document][_lang() == "en"], "sections": sections,
        "articles": _articles(), "empty": services.missing(body, rows.today.parameter(rules.LISTS[document]).value),
        "notice": rows.value("policy.notice_days"), "departments": document == items.POLICY,
        "first": not reading_versions.standing(agency, document).exists(),
        "drafting": drafting or DraftForm(initial={"effective_on": _earliest(agency, document, rows)}),
        "may_write": decide(actor, rules.WRITE, services.own(actor)).allow,
        "may_announce": decide(actor, rules.ANNOUNCE, services.own(actor)).allow,
    }  # fmt: skip
    return render(request, "publication/items.html", context, status=status)


def _articles() -> list[Any]:
    return list(law().articles("policy.complete")) if law().has("policy.complete") else []


def _earliest(agency: UUID, document: str, rows: gathering.Rows) -> Any:
    changed = reading_versions.standing(agency, document).exists()
    days = int(rows.value("policy.notice_days") or 0) if changed else 0
    return clock().local().date() + timedelta(days=days)


@signed_in
@require_POST
def text(request: HttpRequest, document: str) -> HttpResponse:
    """Write an item's text."""
    given = TextForm(request.POST)
    if not given.is_valid():
        raise Problem("text", "본문이 너무 깁니다.", "The text is too long.", rule=f"{services.TEXT_MAX}")
    said = given.cleaned_data
    services.write_text(acting(request), document, said["item"], said["ko"], said["en"])
    messages.success(request, _("본문을 저장하였습니다."))
    return redirect("publication:items", document)


@signed_in
@require_POST
def draft(request: HttpRequest, document: str) -> HttpResponse:
    """Make a draft of what the rows say now."""
    actor = acting(request)
    demand(actor, rules.ANNOUNCE, services.own(actor))
    given = DraftForm(request.POST)
    if not given.is_valid():
        return _document(request, document, given, 422)
    try:
        row = services.draft(actor, document, given.cleaned_data["effective_on"], given.cleaned_data["reason"])
    except Problem as problem:
        given.add_error(None, say(problem))
        return _document(request, document, given, problem.status)
    return redirect("publication:version", row.pk)


@signed_in
@require_GET
def version(request: HttpRequest, id_: UUID) -> HttpResponse:
    """A version before it is announced, and after: what it says and changes, and whether it may be announced today."""
    actor = _reader(request)
    row = Version.objects.filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, rules.READ, "version", id_)
    today, lang = clock().local().date(), _lang()
    body, before = reading_versions.body(row), reading_versions.before(row)
    now = reading_versions.current(row.agency_id, row.document, today)
    judged = services.judge(row, body, today) if row.state == DRAFT else None
    context = {
        "row": row, "body": body, "title": items.TITLES[row.document][lang == "en"], "before": before,
        "state": reading_versions.state_of(row, now, today), "sections": showing.sections(body, lang),
        "changes": pages.changes(row, before, lang),
        "reasons": judged.reasons if judged is not None else (),
        "articles": judged.articles if judged is not None else (),
        "may_announce": decide(actor, rules.ANNOUNCE, services.own(actor)).allow,
    }  # fmt: skip
    return render(request, "publication/version.html", context)


@signed_in
@require_POST
def announce(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Announce a draft."""
    services.announce(acting(request), id_, request.POST.get("sha256", ""))
    messages.success(request, _("공지하였습니다. 홈페이지 자료를 내려받아 올리십시오."))
    return redirect("publication:version", id_)


@signed_in
@require_POST
def withdraw(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Take back what is not yet in force."""
    services.withdraw(acting(request), id_, request.POST.get("reason", ""))
    messages.success(request, _("공지를 철회하였습니다."))
    return redirect("publication:version", id_)


@signed_in
@require_GET
def departments(request: HttpRequest) -> HttpResponse:
    """Departments and what no register knows of them (부서별 운영정보)."""
    return _lines(request, None)


def _lines(request: HttpRequest, given: DepartmentForm | None, status: int = 200) -> HttpResponse:
    actor = _reader(request)
    rows = reading_versions.rows(_agency(actor))
    lines = _departments(rows)
    wanted = request.GET.get("name", "")
    own = rows.departments.get(wanted)
    start = {"name": wanted} | ({k: getattr(own, k) for k in services.LINES} if own else {})
    may = decide(actor, rules.WRITE, services.own(actor)).allow
    context = {"lines": lines, "form": (given or DepartmentForm(initial=start)) if may else None, "wanted": wanted}
    return render(request, "publication/desk_departments.html", context, status=status)


@signed_in
@require_POST
def write_department(request: HttpRequest) -> HttpResponse:
    """Write a department's line."""
    given = DepartmentForm(request.POST)
    if not given.is_valid():
        return _lines(request, given, 422)
    services.write_department(acting(request), given.cleaned_data["name"], given.cleaned_data)
    messages.success(request, _("부서별 운영정보를 저장하였습니다."))
    return redirect("publication:desk_departments")


@signed_in
@require_GET
def archive(request: HttpRequest) -> HttpResponse:
    """The static site for the city's home page as one ZIP (홈페이지 자료); who took it stands in the ledger."""
    actor = _reader(request)
    if actor.agency != reading_versions.centre_agency():
        raise Http404
    made = site.archive(_agency(actor))
    entry = Entry.by(actor, "publication.site.exported", "done", detail={"sha256": bodies.digest_of(made)},
                     dies="registry")  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    response = HttpResponse(made, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="homepage.zip"'
    return response
