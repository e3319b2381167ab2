"""Doors (출입): log-in at a registered station, and log-out."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from gwanje.centre.common import clock, cursor
from gwanje.centre.common.doors import acting, address_of
from gwanje.centre.staff import api
from gwanje.centre.staff.login import failed, locked_until, name_of, network_of, refused_here, succeeded
from gwanje.centre.staff.models import Person, Station
from gwanje.kernel import ledger
from gwanje.kernel.ledger import Entry
from gwanje.kernel.rls import set_scope


@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """The log-in page; five failures of an account from one address lock it there for fifteen minutes."""
    # nobody is known yet, so the person and the station are looked up in the system's scope
    set_scope(cursor(), "system")
    if request.method == "GET":
        return _page(request, "", 200)
    account = name_of(request.POST.get("account", ""))
    address = network_of(address_of(request))
    until = locked_until(account, address)
    if until is not None:
        return _page(
            request,
            _("로그인을 다섯 번 실패하여 %(until)s까지 잠겼습니다. 급하면 시스템관리자에게 알리십시오.")
            % {"until": localtime(until).strftime("%H:%M:%S")},
            429,
        )
    station = api.station(request.POST.get("station", ""))
    if station is None:
        return _page(request, _("등록된 단말을 고르십시오."), 422)
    person = authenticate(request, account=account, password=request.POST.get("password", "")[:200])
    # a seat of another agency is refused like a wrong password: it must not tell that the password was right
    if not isinstance(person, Person) or person.agency_id != station.agency_id:
        failed(account, address)
        return _page(request, _("계정이나 비밀번호가 맞지 않습니다."), 401)
    no = refused_here(person, station, address_of(request))
    if no is not None:
        return _page(request, no, 403)
    succeeded(account, address)
    return _admit(request, person, station)


def _admit(request: HttpRequest, person: Person, station: Station) -> HttpResponse:
    login(request, person)
    request.session["station"] = str(station.pk)
    actor = api.actor_for(person, station.code)
    detail = {"address": address_of(request)}
    ledger.append(cursor(), clock(), Entry.by(actor, "staff.login.done", "done", detail=detail, dies="access"))
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    response = HttpResponseRedirect(wanted if safe else "/")
    response.set_signed_cookie(
        settings.STATION_COOKIE,
        str(station.pk),
        salt="station",
        max_age=api.STATION_AGE_S,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _page(request: HttpRequest, error: str, status: int) -> HttpResponse:
    seat = api.seated_at(request)
    stations = list(Station.objects.filter(active=True).select_related("agency")[:200])
    return render(
        request,
        "login.html",
        {
            "error": error,
            "stations": stations,
            "chosen": request.POST.get("station") or (seat.code if seat else ""),
            "account": request.POST.get("account", ""),
            "next": request.POST.get("next") or request.GET.get("next", ""),
        },
        status=status,
    )


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Log out; the shift goes on until it is ended."""
    actor = acting(request)
    if not actor.anonymous:
        ledger.append(cursor(), clock(), Entry.by(actor, "staff.logout.done", "done", dies="access"))
    logout(request)
    return redirect("/login/")


urlpatterns = [path("login/", enter, name="login"), path("logout/", leave, name="logout")]
