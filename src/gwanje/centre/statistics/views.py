"""Pages of statistics (통계 화면): purpose by agency by year, files, print, a table to be checked, public numbers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from gwanje.centre.common import clock, decide, demand
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem
from gwanje.centre.statistics import counting, export, reading, rules, schemes, services, taking
from gwanje.centre.statistics.counting import Group
from gwanje.centre.statistics.reading import Shown
from gwanje.centre.statistics.tables import faults
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

YEARS = "years"
STAFF_BY = ("agency", "department")


def _own(actor: Actor) -> Resource:
    return Resource("agency", agency=actor.agency)


def _chosen(request: HttpRequest, by: tuple[str, ...]) -> tuple[str, str]:
    """The classification and the rows that were asked for; the first of each for anything else."""
    scheme, rows = request.GET.get("scheme", ""), request.GET.get("by", "")
    return scheme if scheme in schemes.SCHEMES else schemes.SCHEMES[0], rows if rows in by else by[0]


def _names(scheme: str, by: str) -> tuple[str, str]:
    named = schemes.NAMES[scheme][1 if get_language() == "en" else 0]
    return named, {"agency": _("기관"), "department": _("부서"), "year": _("설치연도")}[by]


def _tables(groups: list[Group], scheme: str, by: str) -> dict[str, Any]:
    """The three tables of a page: purposes by agency or department, by year of installation, and installations."""
    named, corner = _names(scheme, by)
    year = _("설치연도")
    return {
        "main": reading.purposes(groups, scheme, by, f"{_('용도별 설치 대수')} ({named})", corner),
        "series": reading.purposes(groups, scheme, "year", f"{_('연도별 용도')} ({named})", year),
        "years": reading.years(groups, by, _("연도별 설치 대수"), corner),
        "scheme": scheme,
        "by": by,
        "schemes": [(key, words[1 if get_language() == "en" else 0]) for key, words in schemes.NAMES.items()],
        "encodings": export.ENCODINGS,
    }


@signed_in
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Numbers of the actor's own agency (통계): every total counted again, and against the registry."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    groups = reading.groups()
    scheme, by = _chosen(request, STAFF_BY)
    context = _tables(groups, scheme, by) | {
        "agrees": reading.agrees(groups),
        "number": counting.number(groups),
        "may_check": decide(actor, rules.CHECK, _own(actor)).allow,
        "has_sources": reading.has_sources(),
        "now": clock().now(),
    }
    return render(request, "statistics/overview.html", context)


@signed_in
@require_GET
def printed(request: HttpRequest) -> HttpResponse:
    """The same tables on white paper, A4 across (인쇄)."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    scheme, by = _chosen(request, STAFF_BY)
    groups = reading.groups()
    tables = _tables(groups, scheme, by)
    sheets = [tables[name] for name in ("main", "years", "series")]
    context = tables | {"sheets": sheets, "now": clock().now(), "number": counting.number(groups)}
    return render(request, "statistics/print.html", context)


@signed_in
@require_GET
def table_csv(request: HttpRequest) -> HttpResponse:
    """One table as a file (CSV)."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    scheme, by = _chosen(request, STAFF_BY)
    return _file(request, _tables(reading.groups(), scheme, by))


def _file(request: HttpRequest, tables: dict[str, Any]) -> HttpResponse:
    kind = request.GET.get("table", "main")
    shown: Shown = tables[kind if kind in ("main", "series", YEARS) else "main"]
    encoding = request.GET.get("encoding", "utf-8-sig")
    try:
        content = export.write(
            shown.table, [word for _code, word in shown.heads], shown.corner,
            encoding=encoding if encoding in export.ENCODINGS else "utf-8-sig",
        )  # fmt: skip
    except export.NotWritable as error:
        raise Problem(
            "not_in_cp949", f"cp949에 없는 글자가 있습니다: {error}.", f"cp949 lacks these letters: {error}.",
            rule="CSV", next_="utf-8로 내려받으십시오.", next_en="Choose utf-8.",
        ) from error  # fmt: skip
    charset = "euc-kr" if encoding == "cp949" else "utf-8"
    response = HttpResponse(content, content_type=f"text/csv; charset={charset}")
    name = f"통계_{tables['scheme']}_{shown.id}_{clock().local():%Y%m%d}.csv"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


@signed_in
def check(request: HttpRequest) -> HttpResponse:
    """A table that somebody pastes is counted again (표 점검); nothing of it is stored, whatever comes out."""
    actor = acting(request)
    demand(actor, rules.CHECK, _own(actor))
    text, scheme = request.POST.get("text", ""), request.POST.get("scheme", "survey")
    scheme = scheme if scheme in schemes.SCHEMES else "survey"
    named = [(key, words[1 if get_language() == "en" else 0]) for key, words in schemes.NAMES.items()]
    context: dict[str, Any] = {"text": text, "scheme": scheme, "schemes": named}
    if request.method != "POST":
        return render(request, "statistics/check.html", context)
    try:
        table, refused = taking.take(text, scheme)
    except taking.NotATable as error:
        context["broken"] = error.en if get_language() == "en" else error.ko
        return render(request, "statistics/check.html", context, status=422)
    wrong, found = faults(table), [{"word": w.word, "proposed": w.proposed} for w in refused]
    told = [{"where": f.where, "printed": f.printed, "counted": f.counted or 0} for f in wrong]
    decision = services.judged(told, found)
    context |= {"done": True, "wrong": wrong, "words": refused, "decision": decision, "lines": len(table.rows)}
    return render(request, "statistics/check.html", context, status=422 if wrong or refused else 200)


@signed_in
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """Printed statistics of the centre's sources, and every total in them that does not add up (원문의 통계표)."""
    actor = acting(request)
    demand(actor, rules.READ, _own(actor))
    return render(request, "statistics/sources.html", {"sources": reading.sources()})


@require_safe
def public(request: HttpRequest) -> HttpResponse:
    """Numbers for everybody (공개 통계): of the last day that was published; nobody's name, no place, no department."""
    row = reading.published()
    scheme, _by = _chosen(request, ("agency",))
    context = _tables(reading.groups_of(row), scheme, "agency") if row else {}
    return render(request, "statistics/public.html", {**context, "row": row, "days": reading.published_days()})


@require_safe
def public_csv(request: HttpRequest) -> HttpResponse:
    """One of the public tables as a file; empty tables before the first publication."""
    row = reading.published()
    scheme, _by = _chosen(request, ("agency",))
    return _file(request, _tables(reading.groups_of(row) if row else [], scheme, "agency"))
