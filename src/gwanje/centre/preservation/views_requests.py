"""Pages of citizens' requests (연장 신청·삭제 청구 화면): entered by staff, decided by another officer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import absent, clock, cursor, decide, demand, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.papers import files, today
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.common.typed import editing, refillable
from gwanje.centre.preservation import applications as forms3
from gwanje.centre.preservation import deletion, document, reading, services
from gwanje.centre.preservation.forms import ApplicationForm, DeletionForm
from gwanje.centre.preservation.models import WAITING, Application, Deletion, Hold
from gwanje.centre.preservation.signing import SignFirst
from gwanje.centre.preservation.views import PAGE, at, own
from gwanje.centre.preservation.views_signing import fixed_of, lead, own_deletion
from gwanje.kernel import ledger
from gwanje.kernel.ledger import Entry

DELETION_WORDS = {
    "waiting": (_lazy("결정 대기"), "warn"),
    "deleted": (_lazy("삭제함"), "ok"),
    "refused": (_lazy("반려"), "bad"),
    "cancelled": (_lazy("취소"), ""),
}


@signed_in
@require_GET
def applications(request: HttpRequest) -> HttpResponse:
    """Applications of form 3, the newest first."""
    actor = acting(request)
    demand(actor, "preservation.read", own(actor))
    page = Paginator(Application.objects.select_related("hold", "entered_by"), PAGE).get_page(request.GET.get("page"))
    rows = [
        (row, reading.STATE_WORDS[reading.state_now(row.hold)], reading.days_left(row.hold.ends_at)) for row in page
    ]
    may = decide(actor, "preservation.apply", own(actor)).allow
    return render(request, "preservation/applications.html", {"rows": rows, "page_obj": page, "may_apply": may})


@signed_in
@refillable
@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """Enter a first application: what it asks for is held at once."""
    demand(acting(request), "preservation.apply", own(acting(request)))
    today = clock().local().date()
    form = (
        ApplicationForm(request.POST)
        if request.method == "POST"
        else ApplicationForm(initial={"received_on": today, "keep_from": today})
    )
    return _entered(request, form, None)


@signed_in
@refillable
@require_http_methods(["GET", "POST"])
def again(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Enter a re-application (재신청) for a hold that stands."""
    actor = acting(request)
    hold = services.readable(id_, actor)
    demand(actor, "preservation.apply", services.resource(hold))
    last = hold.applications.first()
    before = (
        {
            f"{s}_{n}": getattr(last, f"{s}_{n}")
            for s, names in (("subject", forms3.SUBJECT), ("agent", forms3.AGENT))
            for n in names
        }
        if last
        else {}
    )
    start = {
        **before,
        "place": last.place if last else "",
        "received_on": clock().local().date(),
        "keep_from": clock().local().date(),
    }
    form = (
        ApplicationForm(request.POST, again=True)
        if request.method == "POST"
        else ApplicationForm(initial=start, again=True)
    )
    return _entered(request, form, id_)


def _entered(request: HttpRequest, form: ApplicationForm, hold: UUID | None) -> HttpResponse:
    status = 200
    if request.method == "POST" and not editing(request):
        status = 422
        if form.is_valid():
            try:
                made = forms3.enter(form.form(hold), acting(request), fixed_of(request))
            except SignFirst as first:
                return lead(request, first, request.path)
            except Problem as problem:
                if problem.status not in (409, 422):
                    raise
                form.add_error(None, say(problem))
                status = problem.status
            else:
                messages.success(request, _("신청을 접수하였습니다. 영상은 지금부터 보존됩니다."))
                return redirect("preservation:hold", made.hold_id)
    context = {"form": form, "hold": hold, "articles": law().articles("extension.form")}
    return render(request, "preservation/apply.html", context, status=status)


@signed_in
@require_GET
def form_pdf(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The city's form of the application, PDF/A or HWPX (``as``)."""
    actor = acting(request)
    row = Application.objects.select_related("hold", "entered_by").filter(pk=id_).first()
    if row is None:
        raise absent(actor, "preservation.read", "application", id_)
    demand(actor, "preservation.read", services.resource(row))
    schema = today.serving("extension.application", clock().local().date())
    if schema is None:
        raise Problem(
            "no_form",
            "이 기관의 규정에는 보존기간 연장 신청서 서식이 없습니다.",
            "This centre's rules have no form of the application.",
            next_="신청 내용은 목록과 보존 화면에 있습니다.",
            next_en="What was applied for stands in the list and on the hold's page.",
        )
    made = files.response(schema, document.values(row), request.GET.get("as", "pdf"), row.number)
    entry = Entry.by(actor, "preservation.application.exported", "done", case=row.number,
                     detail={"application": row.pk}, dies="access")  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    return made


@signed_in
@require_GET
def deletions(request: HttpRequest) -> HttpResponse:
    """Deletions, the newest first."""
    actor = acting(request)
    demand(actor, "preservation.read", own(actor))
    page = Paginator(Deletion.objects.select_related("asked_by"), PAGE).get_page(request.GET.get("page"))
    rows = [(row, DELETION_WORDS[row.state], at(row.first), at(row.until)) for row in page]
    may = decide(actor, "preservation.delete", own(actor)).allow
    return render(request, "preservation/deletions.html", {"rows": rows, "page_obj": page, "may_delete": may})


@signed_in
@refillable
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """``step=look`` shows what would die and which holds keep it; ``step=ask`` asks."""
    actor = acting(request)
    demand(actor, "preservation.delete", own(actor))
    if request.method == "GET":
        return _deletion_form(request, DeletionForm())
    form = DeletionForm(request.POST)
    if editing(request):
        return _deletion_form(request, form)
    if not form.is_valid():
        return _deletion_form(request, form, 422)
    unwanted = form.unwanted()
    try:
        if request.POST.get("step") == "ask":
            made = deletion.ask(unwanted, actor)
            messages.success(request, _("삭제를 신청하였습니다. 다른 책임자가 결정합니다."))
            return own_deletion(request, made)
        seen, kept = deletion.look(unwanted.cameras[0], unwanted.first, unwanted.until, actor)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        form.add_error(None, say(problem))
        return _deletion_form(request, form, problem.status)
    return _deletion_form(request, form, seen=seen, kept=kept, first=at(unwanted.first), until=at(unwanted.until))


def _deletion_form(request: HttpRequest, form: DeletionForm, status: int = 200, **seen: Any) -> HttpResponse:
    context = {"form": form, "articles": law().articles("deletion.exact"), **seen}
    return render(request, "preservation/delete.html", context, status=status)


@signed_in
@require_GET
def deletion_page(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One deletion: what, for whom, what is kept by holds, who decided."""
    return _deletion(request, id_)


def _deletion(request: HttpRequest, id_: UUID, status: int = 200, problem: str = "") -> HttpResponse:
    actor = acting(request)
    row = deletion.readable(id_, actor)
    waiting = row.state == WAITING
    verdict = decide(actor, "preservation.decide", services.resource(row), asked_by=str(row.asked_by_id))
    context = {
        "row": row,
        "state": DELETION_WORDS[row.state],
        "first": at(row.first),
        "until": at(row.until),
        "closed": Hold.objects.filter(pk__in=row.kept),
        "kept": deletion.keeping(row.camera, row.first, row.until) if waiting else [],
        "may_decide": waiting and verdict.allow,
        "why_not": verdict.reason if waiting and not verdict.allow else None,
        "may_cancel": waiting and row.asked_by_id == actor.person,
        "articles": law().articles("deletion.exact"),
        "problem": problem,
        "typed": {"note": request.POST.get("note", "")},
        "to_sign": waiting and row.asked_by_id == actor.person and deletion.unsigned(row),
    }
    return render(request, "preservation/deletion.html", context, status=status)


@signed_in
@require_POST
def delete_agree(request: HttpRequest, id_: UUID) -> HttpResponse:
    """삭제 결정."""
    try:
        deletion.agree(id_, acting(request), request.POST.get("note", ""))
    except SignFirst as first:
        return lead(request, first, reverse("preservation:deletion", args=[id_]), id_)
    except Problem as problem:
        if problem.status == 503:
            raise
        return _deletion(request, id_, problem.status, say(problem))
    messages.success(request, _("삭제하였습니다. 키는 지금 지워졌고 파일은 곧 덮어씁니다."))
    return redirect("preservation:deletion", id_)


@signed_in
@require_POST
def delete_refuse(request: HttpRequest, id_: UUID) -> HttpResponse:
    """반려."""
    try:
        deletion.refuse(id_, acting(request), request.POST.get("note", ""))
    except Problem as problem:
        return _deletion(request, id_, problem.status, say(problem))
    messages.success(request, _("반려하였습니다."))
    return redirect("preservation:deletion", id_)


@signed_in
@require_POST
def delete_cancel(request: HttpRequest, id_: UUID) -> HttpResponse:
    """취소."""
    deletion.cancel(id_, acting(request))
    messages.success(request, _("신청을 취소하였습니다."))
    return redirect("preservation:deletion", id_)
