"""The report of a source of law (조문별 이행 보고서): page, PDF/A, JSON, for officers and the auditor; no video."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from gwanje.centre.common import clock, cursor, demand, documents, packs
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem
from gwanje.centre.duties import api as duties
from gwanje.centre.publication import report, rules, services
from gwanje.centre.staff import api as staff
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry

KINDS = {"pdf": "application/pdf", "json": "application/json"}


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        raise Problem(
            "day", f"날짜가 아닙니다: {text[:20]}", f"Not a date: {text[:20]}",
            next_="2026-11-20처럼 적으십시오.", next_en="Write it like 2026-11-20.", status=400,
        ) from None  # fmt: skip


def _asked(request: HttpRequest) -> report.Period:
    today = clock().local().date()
    last = _day(request.GET.get("to", ""), today)
    try:
        return report.Period(_day(request.GET.get("from", ""), last.replace(month=1, day=1)), last)
    except report.BadPeriod as error:
        ko, _, en = str(error).partition(" / ")
        raise Problem("period", ko, en, next_="기간을 고치십시오.", next_en="Correct the period.", status=400) from None


@signed_in
@require_GET
def law_report(request: HttpRequest, pack: str = "", kind: str = "") -> HttpResponse:
    """The city's own source by default; ``?from=&to=`` days, both included, this year by default."""
    actor = acting(request)
    decision = demand(actor, rules.READ, services.own(actor))
    known = {p.id: p for p in reversed(packs().packs)}
    source = known.get(pack or next(iter(known)))
    if source is None:
        raise Http404
    span = _asked(request)
    late = duties.late_by_norm(*span.moments(), agency=actor.agency)
    body = report.build(source, span, report.last_results(report.outcomes_file()), late, _name(actor))
    if kind:
        detail = {"pack": source.id, "from": str(span.first), "to": str(span.last), "kind": kind}
        entry = Entry.by(actor, "publication.report.taken", "done", decision, detail=detail, dies="registry")
        ledger.append(cursor(), clock(), entry)
        return _file(body, kind)
    context: dict[str, Any] = {"body": body, "pack": source, "packs": list(known.values()), "span": span}
    context["lines"] = [(a, [(n, body["norms"][n["norm"]]) for n in a["norms"]]) for a in body["articles"]]
    return render(request, "publication/law_report.html", context)


def _name(actor: Actor) -> str:
    found = staff.agency(actor.agency) if actor.agency is not None else None
    return found.name if found is not None else ""


def _file(body: dict[str, Any], kind: str) -> HttpResponse:
    made = report.document(body, documents.fonts()) if kind == "pdf" else json.dumps(body, ensure_ascii=False).encode()
    answer = HttpResponse(made, content_type=KINDS[kind])
    name = f"law_report_{body['pack']['id']}_{body['first']}_{body['last']}.{kind}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
