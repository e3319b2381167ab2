"""Pages of inspection (점검 화면): the journal of a month, a fault, form 1 as PDF/A, the contractor's tickets."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import clock, cursor, decide, demand, documents
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.papers import files, today
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.inspection import document, duties, reading, rules, services
from gwanje.centre.inspection.forms import EnterForm, SendForm, SignForm
from gwanje.centre.inspection.models import Fault, Month, Ticket
from gwanje.centre.inspection.words import KIND_NAMES
from gwanje.centre.staff import api as staff
from gwanje.kernel import ledger
from gwanje.kernel.actor import MAINTENANCE, Actor
from gwanje.kernel.ledger import Entry

PAGE = 50
CAMERAS_MAX = 5000


def _choices(actor: Actor) -> list[tuple[UUID, str]]:
    return [(c.id, c.label) for c in cameras.cameras(active_only=True) if c.agency == actor.agency][:CAMERAS_MAX]


@signed_in
@require_GET
def journal(request: HttpRequest) -> HttpResponse:
    """The journal of a month (점검일지), the newest fault first on the screen; form 1 prints them in order."""
    actor = acting(request)
    demand(actor, rules.READ, services.own(actor))
    may = decide(actor, rules.ENTER, services.own(actor)).allow
    return _journal(
        request, EnterForm(cameras=_choices(actor), initial={"occurred_at": clock().local()}) if may else None
    )


def _journal(request: HttpRequest, entering: EnterForm | None, status: int = 200) -> HttpResponse:
    actor = acting(request)
    year, month = reading.month_of(request.GET.get("month", ""))
    today = clock().local().date()
    rows = reading.rows(actor.agency, year, month)
    left = rows.filter(signed_at__isnull=True)
    only_left = request.GET.get("left") == "1"
    shown = left if only_left else rows
    assert actor.agency is not None
    since = duties.first_day(actor.agency)
    context = {
        "page_obj": Paginator(shown.order_by("-occurred_at", "-id"), PAGE).get_page(request.GET.get("page")),
        "month": f"{year}-{month:02}",
        "before": reading.beside(year, month, -1),
        "after": reading.beside(year, month, 1) if (year, month) < (today.year, today.month) else "",
        "only_left": only_left,
        "counts": {"all": rows.count(), "left": left.count(), "lasting": rows.filter(handled_at__isnull=True).count()},
        "closed": Month.objects.filter(agency_id=actor.agency, year=year, month=month).first(),
        "due": reading.due(actor.agency, since) if since else None,
        "articles": reading.articles(),
        "entering": entering,
        "may_close": decide(actor, rules.CLOSE, services.own(actor)).allow,
        "kinds": KIND_NAMES,
        "cameras": bool(since),
    }
    for row in context["page_obj"]:
        row.kind_name = KIND_NAMES[row.kind]
    return render(request, "inspection/journal.html", context, status=status)


@signed_in
@require_GET
def form(request: HttpRequest) -> HttpResponse:
    """A month's journal on the city's form 1, PDF/A or HWPX (``as``); who took it stands in the ledger."""
    actor = acting(request)
    demand(actor, rules.READ, services.own(actor))
    year, month = reading.month_of(request.GET.get("month", ""))
    agency = staff.agency(actor.agency) if actor.agency else None
    name = agency.name if agency else ""
    rows = list(reading.rows(actor.agency, year, month)[: document.ROWS_MAX])
    made = _printed(name, year, month, rows, request.GET.get("as", "pdf"))
    entry = Entry.by(actor, "inspection.form.exported", "done", detail={"month": f"{year}-{month:02}"}, dies="access")
    ledger.append(cursor(), clock(), entry)
    return made


def _printed(name: str, year: int, month: int, rows: list[Fault], kind: str) -> HttpResponse:
    saved, now = f"점검일지_{year}-{month:02}", clock().local()
    schema = today.serving("inspection.journal", now.date())
    if schema is not None:
        return files.response(schema, document.values(name, year, month, rows), kind, saved)
    pdf = document.render(document.form_one(name, year, month, rows, now), documents.fonts())
    made = HttpResponse(pdf, content_type="application/pdf")
    made.headers["Content-Disposition"] = content_disposition_header(True, f"{saved}.pdf") or ""
    return made


@signed_in
@require_POST
def enter(request: HttpRequest) -> HttpResponse:
    """Enter a fault that a person saw."""
    actor = acting(request)
    demand(actor, rules.ENTER, services.own(actor))
    given = EnterForm(request.POST, cameras=_choices(actor))
    if not given.is_valid():
        return _journal(request, given, 422)
    said = given.cleaned_data
    try:
        row = services.enter(actor, said["camera"], said["said"], said["occurred_at"])
    except Problem as problem:
        given.add_error(None, say(problem))
        return _journal(request, given, problem.status)
    return redirect("inspection:fault", row.pk)


@signed_in
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Close a month's self-inspection."""
    year, month = reading.month_of(request.POST.get("month", ""))
    services.close_month(acting(request), year, month, request.POST.get("summary", ""))
    messages.success(request, _("월 자체 점검을 마감하였습니다."))
    response = redirect("inspection:journal")
    response["Location"] += f"?month={year}-{month:02}"
    return response


@signed_in
@require_GET
def fault(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One fault: its nine columns, the sealed thumbnail, the ticket's times."""
    return _fault(request, id_, SignForm(), None)


def _fault(
    request: HttpRequest, id_: UUID, signing: SignForm, sending: SendForm | None, status: int = 200
) -> HttpResponse:
    actor = acting(request)
    row, _decision = services.fault(actor, rules.READ, id_)
    ticket = Ticket.objects.filter(fault=row).first()
    may_send = row.signed_at is None and ticket is None and decide(actor, rules.SEND, services.own(actor)).allow
    context = {
        "row": row,
        "kind": KIND_NAMES[row.kind],
        "camera": cameras.camera(row.camera_id),
        "ticket": ticket,
        "signing": signing if row.signed_at is None and decide(actor, rules.SIGN, services.own(actor)).allow else None,
        "sending": (sending or SendForm(people=_people(actor))) if may_send else None,
        "may_ask": decide(actor, "playback.ask", services.own(actor)).allow,
        "month": f"{row.occurred_at.astimezone(clock().zone):%Y-%m}",
    }
    return render(request, "inspection/fault.html", context, status=status)


def _people(actor: Actor) -> list[tuple[UUID, str]]:
    return [(person.pk, person.name) for person in staff.holders(MAINTENANCE, agency=actor.agency)[:200]]


@signed_in
@require_POST
def sign(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Sign 점검내역 and 처리결과."""
    given = SignForm(request.POST)
    if not given.is_valid():
        services.fault(acting(request), rules.SIGN, id_)
        return _fault(request, id_, given, None, 422)
    said = given.cleaned_data
    services.sign(acting(request), id_, said["inspected"], said["result"], said["note"])
    messages.success(request, _("점검 결과를 확인하였습니다."))
    return redirect("inspection:fault", id_)


@signed_in
@require_POST
def send(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Hand the fault to the maintenance contractor."""
    actor = acting(request)
    given = SendForm(request.POST, people=_people(actor))
    if not given.is_valid():
        services.fault(actor, rules.SEND, id_)
        return _fault(request, id_, SignForm(), given, 422)
    services.send(actor, id_, given.cleaned_data["contractor"], given.cleaned_data["asked"])
    messages.success(request, _("유지관리 담당자에게 의뢰하였습니다."))
    return redirect("inspection:fault", id_)


@signed_in
@require_GET
def tickets(request: HttpRequest) -> HttpResponse:
    """The contractor's own tickets: what is wrong where, and the times; no picture, no stream."""
    actor = acting(request)
    demand(actor, rules.TICKETS, services.own(actor))
    rows = Ticket.objects.filter(agency_id=actor.agency, contractor_id=actor.person).select_related("fault")
    page = Paginator(rows.order_by(F("repaired_at").desc(nulls_first=True), "-sent_at"), PAGE).get_page(
        request.GET.get("page")
    )
    for row in page:
        row.kind_name = KIND_NAMES[row.fault.kind]
    return render(request, "inspection/tickets.html", {"page_obj": page})


@signed_in
@require_POST
def step(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The contractor's next step."""
    services.progress(acting(request), id_, request.POST.get("step", ""), request.POST.get("report", ""))
    return redirect("inspection:tickets")
