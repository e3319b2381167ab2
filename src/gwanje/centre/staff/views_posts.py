"""Pages of posts (보직·전보·위탁 화면): appoint, train, end all rights after a preview, contracts, who decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import absent, clock, decide, demand, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, say
from gwanje.centre.staff import contracts, deciding, departures, posts
from gwanje.centre.staff.forms_posts import (
    EVENT_WORDS,
    SCOPE_WORDS,
    AppointForm,
    ContractForm,
    DepartureForm,
    EngageForm,
    ReferenceForm,
    TrainingForm,
)
from gwanje.centre.staff.login import ANYWHERE, allowed_networks
from gwanje.centre.staff.models import Contract, Engagement, Person
from gwanje.centre.staff.rules import SCOPES
from gwanje.centre.staff.rules_posts import EVENTS
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

PAGE = 50
WORDS = {
    "rights": gettext_lazy("권한"), "sessions": gettext_lazy("접속"), "shifts": gettext_lazy("근무"),
    "appointments": gettext_lazy("보직"), "engagements": gettext_lazy("위탁계약 투입"),
    "emergencies": gettext_lazy("긴급 관제"), "steering": gettext_lazy("구역 밖 조작"),
    "glasses": gettext_lazy("비상 열람"), "requests": gettext_lazy("열람 신청"),
}  # fmt: skip


def _words(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(str(WORDS.get(word, word)), count) for word, count in counts.items()]


def _who(actor: Actor, id_: UUID, action: str) -> Person:
    person = Person.objects.select_related("agency").filter(pk=id_).first()
    if person is None:
        raise absent(actor, action, "person", id_)
    demand(actor, action, Resource("person", person.pk, person.agency_id))
    return person


def posts_of(who: Person) -> dict[str, Any]:
    """What the page of a person shows of posts, trainings, contracts and departures."""
    event = dict(zip(EVENTS, EVENT_WORDS, strict=True))
    gone = [(d, event[d.event], _words(d.ended)) for d in who.departures.select_related("decided_by")[:20]]
    return {
        "appointments": who.appointments.select_related("recorded_by")[:50],
        "trainings": who.trainings.all()[:50],
        "engagements": who.engagements.select_related("contract")[:20],
        "departures": gone,
        "appoint_form": AppointForm(initial={"starts_on": clock().local().date()}),
        "training_form": TrainingForm(initial={"held_on": clock().local().date()}),
        "readmit_form": ReferenceForm(prefix="back"),
        "must_train": who.contractor and law().has("training.before_access"),
    }


@signed_in
@require_POST
def appoint(request: HttpRequest, id_: UUID) -> HttpResponse:
    """보직·임명."""
    actor = acting(request)
    who = _who(actor, id_, "staff.manage")
    form = AppointForm(request.POST)
    if form.is_valid():
        posts.appoint(who, posts.Post(**form.cleaned_data), actor)
        messages.success(request, _("보직을 기록하고 권한을 부여하였습니다."))
        return redirect("staff:person", who.pk)
    return _back(request, who, appoint_form=form)


@signed_in
@require_POST
def train(request: HttpRequest, id_: UUID) -> HttpResponse:
    """교육 이수."""
    actor = acting(request)
    who = _who(actor, id_, "staff.manage")
    form = TrainingForm(request.POST)
    if form.is_valid():
        posts.record_training(who, posts.Course(**form.cleaned_data), actor)
        messages.success(request, _("교육 이수를 기록하였습니다."))
        return redirect("staff:person", who.pk)
    return _back(request, who, training_form=form)


def _back(request: HttpRequest, who: Person, **forms: Any) -> HttpResponse:
    from gwanje.centre.staff.views import person_page

    return person_page(request, who, status=422, **forms)


@signed_in
@require_http_methods(["GET", "POST"])
def departure(request: HttpRequest, id_: UUID) -> HttpResponse:
    """전보·퇴직·휴직·계약종료: what would end, then the act."""
    actor = acting(request)
    who = _who(actor, id_, "staff.transfer")
    form = DepartureForm(request.POST or None, initial={"event_on": clock().local().date()})
    if request.method == "POST" and form.is_valid():
        try:
            row = departures.depart(who, **form.cleaned_data, by=actor)
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            done = _("모든 권한과 접속을 끝냈습니다.")
            messages.success(request, done)
            if row.remainder:
                messages.warning(request, _("서명 담당자 등록이 남아 있습니다. 담당공무원 2명이 말소하여야 합니다."))
            return redirect("staff:person", who.pk)
    seen = departures.look(who)
    context = {"who": who, "form": form, "seen": seen, "counts": _words({k: n for k, n in seen.counts.items() if n}),
               "away": departures.AWAY in seen.remainder, "left": departures.OFFICER in seen.remainder}  # fmt: skip
    return render(request, "staff/departure.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def readmit(request: HttpRequest, id_: UUID) -> HttpResponse:
    """복직·재발령."""
    actor = acting(request)
    who = _who(actor, id_, "staff.manage")
    departures.readmit(who, request.POST.get("back-reference", ""), actor)
    messages.success(request, _("계정을 다시 열었습니다. 권한은 새로 부여하여야 합니다."))
    return redirect("staff:person", who.pk)


@signed_in
@require_http_methods(["GET", "POST"])
def contract_list(request: HttpRequest) -> HttpResponse:
    """위탁계약: all of the agency; POST records one."""
    actor = acting(request)
    own = Resource("agency", agency=actor.agency)
    demand(actor, "staff.read", own)
    form = ContractForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        items = form.items()
        values = {**form.cleaned_data, "scope": tuple(form.cleaned_data["scope"])}
        try:
            row = contracts.conclude(contracts.Terms(items=items, **values), actor)
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            return redirect("staff:contract", row.pk)
    page = Paginator(Contract.objects.all(), PAGE).get_page(request.GET.get("page"))
    rows = [(c, _scopes(c), c.people.filter(ended_at__isnull=True).count()) for c in page]
    context = {"rows": rows, "page_obj": page, "form": form, "today": clock().local().date(),
               "may_manage": decide(actor, "staff.manage", own).allow}  # fmt: skip
    return render(request, "staff/contracts.html", context, status=422 if form.errors else 200)


def _scopes(contract: Contract) -> str:
    words = dict(zip(SCOPES, SCOPE_WORDS, strict=True))
    return ", ".join(str(words.get(word, word)) for word in contract.scope)


@signed_in
@require_GET
def contract(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One contract: its items, its people, its end."""
    actor = acting(request)
    row = contracts.find(actor, id_)
    demand(actor, "staff.read", Resource("contract", row.pk, row.agency_id))
    busy = Engagement.objects.filter(ended_at__isnull=True).values("person")
    free = Person.objects.filter(contractor=True, active=True).exclude(pk__in=busy)
    english = request.LANGUAGE_CODE == "en"  # type: ignore[attr-defined]
    context = {
        "contract": row, "scopes": _scopes(row), "today": clock().local().date(),
        "items": [(names[english], row.items.get(word, "")) for word, names in contracts.ITEMS.items()],
        "people": row.people.select_related("person")[:500],
        "engage_form": EngageForm([(str(p.pk), str(p)) for p in free[:500]]), "end_form": ReferenceForm(),
        "may_manage": decide(actor, "staff.manage", Resource("contract", row.pk, row.agency_id)).allow,
    }  # fmt: skip
    return render(request, "staff/contract.html", context)


@signed_in
@require_POST
def engage(request: HttpRequest, id_: UUID) -> HttpResponse:
    """수탁업체 직원 투입."""
    actor = acting(request)
    row = contracts.find(actor, id_)
    form = EngageForm([], request.POST)
    if not form.is_valid():
        raise Problem("person", "직원을 고르십시오.", "Choose a person.")
    contracts.engage(row, _who(actor, form.cleaned_data["person"], "staff.manage"), actor)
    messages.success(request, _("계약에 투입하였습니다."))
    return redirect("staff:contract", row.pk)


@signed_in
@require_POST
def contract_end(request: HttpRequest, id_: UUID) -> HttpResponse:
    """계약 종료: with it all rights of its people."""
    actor = acting(request)
    row = contracts.end(contracts.find(actor, id_), request.POST.get("reference", ""), actor)
    messages.success(request, _("계약과 그 직원의 모든 권한을 끝냈습니다."))
    return redirect("staff:contract", row.pk)


@signed_in
@require_GET
def delegation(request: HttpRequest) -> HttpResponse:
    """오늘의 결정권자: per matter, with its article, and where accounts and signatures differ."""
    actor = acting(request)
    demand(actor, "staff.read", Resource("agency", agency=actor.agency))
    assert actor.agency is not None
    known = deciding.registry()
    context = {
        "matters": deciding.matters(actor.agency, known), "away": known is None,
        "registered": deciding.registered(known), "differences": deciding.differences(actor.agency, known),
        "vacancies": posts.vacancies(actor.agency), "today": clock().local(),
        "networks": [] if allowed_networks() == list(ANYWHERE) else allowed_networks(),
        "listed": law().has("access.allow_list"),
    }  # fmt: skip
    return render(request, "staff/delegation.html", context)
