"""Pages of staff (인력 화면)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import absent, clock, decide, demand
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, missing, say
from gwanje.centre.staff import api, keys, services
from gwanje.centre.staff.forms import GrantForm, PasswordForm, PersonForm
from gwanje.centre.staff.models import Delegation, Person, RoleGrant, Shift, Station
from gwanje.centre.staff.views_posts import posts_of
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

PAGE = 50


def _own(actor: Actor) -> Resource:
    return Resource("agency", agency=actor.agency)


def _person(actor: Actor, id_: UUID) -> Person:
    person = Person.objects.select_related("agency", "seconded_from").filter(pk=id_).first()
    if person is None:
        raise absent(actor, "staff.read", "person", id_)
    if actor.person != person.pk:
        demand(actor, "staff.read", Resource("person", person.pk, person.agency_id))
    return person


@signed_in
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody of the actor's agency with their rights today; POST opens an account."""
    actor = acting(request)
    demand(actor, "staff.read", _own(actor))
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        agency = api.agency(actor.agency) if actor.agency else None
        if agency is None:
            raise missing("기관", "agency")
        try:
            person = services.create_person(agency=agency, by=actor, **form.cleaned_data)
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            return redirect("staff:person", person.pk)
    found = Person.objects.select_related("agency").order_by("name", "account")
    search = request.GET.get("q", "").strip()[:60]
    if search:
        found = found.filter(name__icontains=search) | found.filter(account__icontains=search)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rights: dict[UUID, list[str]] = {}
    now = clock().now()
    for grant in RoleGrant.objects.filter(person__in=[p.pk for p in page], starts_at__lte=now).exclude(
        ends_at__lte=now
    ):
        rights.setdefault(grant.person_id, []).append(grant.role)
    open_shifts = set(Shift.objects.filter(ended_at__isnull=True).values_list("person_id", flat=True))
    rows = [(p, ", ".join(api.titles(rights.get(p.pk, []))), p.pk in open_shifts) for p in page]
    may_manage = decide(actor, "staff.manage", _own(actor)).allow
    context = {"rows": rows, "page_obj": page, "search": search, "form": form, "may_manage": may_manage}
    return render(request, "staff/people.html", context, status=422 if form.errors else 200)


@signed_in
@require_GET
def person(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One person with the whole history of rights and the last shifts."""
    actor = acting(request)
    return person_page(request, _person(actor, id_))


def person_page(request: HttpRequest, who: Person, status: int = 200, **forms: object) -> HttpResponse:
    """The page of a person; ``forms`` stand in for the empty ones (what was typed stays)."""
    now = clock().now()
    grants = [
        (g, api.titles([g.role])[0], g.starts_at <= now and (g.ends_at is None or g.ends_at > now))
        for g in who.grants.select_related("granted_by", "revoked_by")[:200]
    ]
    actor = acting(request)
    other = actor.person != who.pk
    context = {
        "who": who,
        "grants": grants,
        "shifts": who.shifts.select_related("station")[:20],
        "form": GrantForm(),
        "keys": keys.state_of(who.pk),
        "may_manage": other and decide(actor, "staff.manage", Resource("person", who.pk, who.agency_id)).allow,
        "may_transfer": other and decide(actor, "staff.transfer", Resource("person", who.pk, who.agency_id)).allow,
        **posts_of(who),
        **forms,
    }
    return render(request, "staff/person.html", context, status=status)


@signed_in
@require_POST
def grant(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Grant a role."""
    actor = acting(request)
    who = _person(actor, id_)
    form = GrantForm(request.POST)
    if not form.is_valid():
        return person_page(request, who, 422, form=form)
    services.grant_role(who, by=actor, **form.cleaned_data)
    messages.success(request, _("권한을 부여하였습니다."))
    return redirect("staff:person", who.pk)


@signed_in
@require_POST
def revoke(request: HttpRequest, id_: UUID) -> HttpResponse:
    """End one role grant."""
    actor = acting(request)
    found = RoleGrant.objects.select_related("person").filter(pk=id_).first()
    if found is None:
        raise absent(actor, "staff.revoke", "right", id_)
    services.revoke_role(found, request.POST.get("ground", ""), actor)
    messages.success(request, _("권한을 회수하였습니다."))
    return redirect("staff:person", found.person_id)


@signed_in
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """My account: shift, rights, password."""
    actor = acting(request)
    who = Person.objects.select_related("agency").get(pk=actor.person)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_password(who, form.cleaned_data["old"], form.cleaned_data["new"], actor)
        except Problem as problem:
            form.add_error(None, say(problem))
        else:
            update_session_auth_hash(request, who)
            messages.success(request, _("비밀번호를 바꾸었습니다."))
            return redirect("staff:me")
    context = {
        "who": who,
        "shift": api.shift_of(who.pk),
        "grants": [(g, api.titles([g.role])[0]) for g in api.grants_of(who.pk)],
        "playback_station": api.is_playback_station(actor.station),
        "form": form,
        "keys": keys.state_of(who.pk),
        "may_codes": decide(actor, "staff.codes", _own(actor)).allow,
    }
    return render(request, "staff/me.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """전화 승인코드 만들기: signed and shown on vaultd's own page."""
    actor = acting(request)
    back = request.build_absolute_uri(reverse("staff:me"))
    return HttpResponseRedirect(keys.new_codes(actor, actor.name, back).url)


@signed_in
@require_POST
def shift_start(request: HttpRequest) -> HttpResponse:
    """근무 시작 at this station."""
    actor = acting(request)
    services.start_shift(Person.objects.get(pk=actor.person), actor.station, by=actor)
    messages.success(request, _("근무를 시작하였습니다."))
    return redirect("/" if request.POST.get("next") == "/" else "staff:me")


@signed_in
@require_POST
def shift_end(request: HttpRequest) -> HttpResponse:
    """근무 종료."""
    actor = acting(request)
    services.end_shift(Person.objects.get(pk=actor.person), by=actor)
    messages.success(request, _("근무를 종료하였습니다."))
    return redirect("staff:me")


@signed_in
@require_GET
def organisation(request: HttpRequest) -> HttpResponse:
    """Stations, officers and the delegation table."""
    actor = acting(request)
    demand(actor, "staff.read", _own(actor))
    officers = [
        (api.titles([role])[0], list(api.holders(role)))
        for role in ("chief_officer", "manager", "privacy_officer", "auditor")
    ]
    context = {
        "officers": officers,
        "stations": Station.objects.select_related("agency")[:500],
        "delegations": [(d, api.titles([d.role])[0]) for d in Delegation.objects.all()[:500]],
    }
    return render(request, "staff/organisation.html", context)
