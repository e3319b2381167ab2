"""Pages of the forms (서식 화면): every form of the packs, blank, typed, and filled from rows where there are any."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from gwanje.centre.common import clock, decide, demand
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.papers import files, html, today
from gwanje.centre.common.papers.web import LINES_MAX, PaperForm
from gwanje.centre.common.refusal import Problem, josa
from gwanje.centre.common.typed import editing, refillable
from gwanje.centre.papers import filling, printing, rules
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.law.forms import FormSchema, Register

LINES = 3


def _own(actor: Actor) -> Resource:
    return Resource("agency", agency=actor.agency)


def _may(actor: Actor, action: str) -> bool:
    return decide(actor, action, _own(actor)).allow


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The forms of this centre, the city's own first."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    listed = [
        (pack, [(f, f.serves in filling.SOURCES, filling.ELSEWHERE.get(f.serves)) for f in found])
        for pack, found in today.forms(clock().local().date())
    ]
    context = {"packs": listed, "may_type": _may(actor, rules.TYPE), "may_fill": _may(actor, rules.ROWS)}
    return render(request, "papers/index.html", context)


def _context(actor: Actor, schema: FormSchema) -> dict[str, object]:
    return {
        "schema": schema,
        "may_type": _may(actor, rules.TYPE),
        "may_fill": schema.serves in filling.SOURCES and _may(actor, rules.ROWS),
        "elsewhere": filling.ELSEWHERE.get(schema.serves),
    }


@signed_in
@require_GET
def form(request: HttpRequest, pack: str, form: str) -> HttpResponse:
    """One form, blank."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    schema = printing.find(pack, form)
    return render(request, "papers/form.html", {**_context(actor, schema), **html.context(schema, None)})


@signed_in
@require_GET
def file(request: HttpRequest, pack: str, form: str, kind: str) -> HttpResponse:
    """One form, blank, as PDF/A or HWPX."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    return files.response(printing.find(pack, form), None, kind)


@refillable
@signed_in
@require_http_methods(["GET", "POST"])
def fill(request: HttpRequest, pack: str, form: str) -> HttpResponse:
    """Type into a form and take it as a page, a PDF or an HWPX; nothing typed is stored."""
    actor = acting(request)
    demand(actor, rules.TYPE, _own(actor))
    schema = printing.find(pack, form)
    given = request.POST if request.method == "POST" else None
    lines = _lines(request.POST.get("lines", "")) if given is not None else LINES
    kind = request.POST.get("as", "")
    if given is None or editing(request) or kind == "more":
        more = PaperForm(schema, given, lines=lines + (LINES if kind == "more" else 0))
        # a longer form, or what was sent only to be shown again, is not judged yet
        more.is_valid()
        more.errors.clear()
        return _typing(request, actor, more)
    typed = PaperForm(schema, given, lines=lines)
    if not typed.is_valid():
        return _typing(request, actor, typed, 422)
    if kind in files.KINDS:
        made = files.response(schema, typed.values, kind)
        printing.record(actor, schema, kind, "typed")
        return made
    shown = html.context(schema, typed.values)
    return _typing(request, actor, typed, 200, **shown)


def _lines(text: str) -> int:
    return min(int(text), LINES_MAX) if text.isdecimal() and len(text) < 4 else LINES


def _typing(request: HttpRequest, actor: Actor, typed: PaperForm, status: int = 200, **shown: object) -> HttpResponse:
    schema = typed.schema
    registers = any(isinstance(block, Register) and not block.fixed for block in schema.blocks)
    context = {
        **_context(actor, schema), "form": typed, "lines": typed.lines, "most": LINES_MAX,
        "more": registers and typed.lines < LINES_MAX, **shown,
    }  # fmt: skip
    return render(request, "papers/fill.html", context, status=status)


def _rows(request: HttpRequest, pack: str, form: str) -> tuple[Actor, FormSchema, dict[str, object]]:
    actor = acting(request)
    demand(actor, rules.ROWS, _own(actor))
    schema = printing.find(pack, form)
    source = filling.SOURCES.get(schema.serves)
    if source is None:
        raise Problem(
            "not_from_rows",
            f"{josa(schema.title, '은', '는')} 등록 자료로 작성되는 서식이 아닙니다.",
            "This form is not filled from rows.",
            rule=str(schema.article.ref),
            next_="입력하여 작성하거나 그 자료가 있는 화면에서 인쇄하십시오.",
            next_en="Type it in, or print it in the room that has its rows.",
        )
    return actor, schema, source(actor)


@signed_in
@require_GET
def filled(request: HttpRequest, pack: str, form: str) -> HttpResponse:
    """One form, filled from the rows of the actor's agency."""
    actor, schema, values = _rows(request, pack, form)
    nobody = filling.nobody(schema.serves, values)
    context = {**_context(actor, schema), "rows": True, "nobody": nobody, **html.context(schema, values)}
    return render(request, "papers/form.html", context)


@signed_in
@require_GET
def filled_file(request: HttpRequest, pack: str, form: str, kind: str) -> HttpResponse:
    """The same as PDF/A or HWPX; who took it stands in the ledger."""
    actor, schema, values = _rows(request, pack, form)
    made = files.response(schema, values, kind)
    printing.record(actor, schema, kind, "rows")
    return made
