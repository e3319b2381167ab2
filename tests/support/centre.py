"""Fixtures of the centre: agencies, people with roles, stations, and a browser that has signed in."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.conf import settings
from django.core import signing
from django.db import connection
from django.test import Client

from gwanje.centre import common
from gwanje.centre.staff import api, services
from gwanje.kernel.actor import ROLES
from gwanje.kernel.ledger.entry import read_opening
from gwanje.kernel.rls import set_scope

PASSWORD = "열람-시험-2026-길다"
CONTRACTOR_ROLES = ("maintenance",)
CITY = UUID("01990000-0000-7000-8000-0000000000c1")
_count = [0]


class Browser(Client):
    """A test client; the database scope of the test is the system's again after each request."""

    def request(self, **request):
        try:
            return super().request(**request)
        finally:
            if not connection.needs_rollback:
                set_scope(connection.cursor(), "system")


@pytest.fixture
def system(db):
    """The test's transaction sees every agency's rows, as a service does."""
    set_scope(connection.cursor(), "system")


@pytest.fixture
def city(system):
    """The centre's own agency."""
    return services.create_agency("가온시", "city", id_=CITY)


@pytest.fixture
def police(system):
    """Another agency."""
    return services.create_agency("가온경찰서", "police")


@pytest.fixture
def seat(city):
    """An ordinary station."""
    return services.add_station("관제석-1", "관제실", city)


@pytest.fixture
def room(city):
    """The station where stored video may be viewed."""
    return services.add_station("열람실-1", "열람실", city, playback=True)


@pytest.fixture
def hire(city):
    """``hire("operator", …)`` → Person of the city with these roles; ``agency=``, ``contractor=`` as wanted."""

    def make(*roles, agency=None, contractor=False, name=None):
        _count[0] += 1
        person = services.create_person(
            f"user{_count[0]}", name or f"홍길동{_count[0]}", agency or city, PASSWORD, contractor=contractor
        )
        for role in roles:
            services.grant_role(person, role, "인사발령 가온-1")
        return person

    return make


@pytest.fixture
def officers(hire):
    """One person per role, by role id."""
    return {role: hire(role, contractor=role in CONTRACTOR_ROLES) for role in ROLES}


def enter(browser: Client, person, station) -> Client:
    """Sign a person in at a station, without the price of the log-in page."""
    browser.force_login(person)
    session = browser.session
    session["station"] = str(station.pk)
    session.save()
    signer = signing.get_cookie_signer(salt=settings.STATION_COOKIE + "station")
    browser.cookies[settings.STATION_COOKIE] = signer.sign(str(station.pk))
    return browser


@pytest.fixture
def sign_in(seat):
    """``sign_in(person, station=seat, duty=False)`` → a browser of that person."""

    def make(person, station=None, duty=False):
        if duty and api.shift_of(person.pk) is None:
            services.start_shift(person, (station or seat).code)
        return enter(Browser(), person, station or seat)

    return make


@pytest.fixture
def stranger(system):
    """A browser of somebody who has not signed in."""
    return Browser()


@pytest.fixture
def advance():
    """``advance(seconds)`` moves the settable clock; it is put back after the test."""
    clock = common.clock()
    moved = [0]

    def move(seconds: int) -> None:
        moved[0] += seconds
        clock.set_offset(moved[0] * 1_000_000)

    yield move
    if moved[0]:
        clock.set_offset(0)


def ledger_rows():
    """(kind, outcome, opening) of every ledger row of the test, oldest first, sequenced or not."""
    cursor = connection.cursor()
    cursor.execute(
        "select o.kind, o.outcome, o.body from ledger_opening o join ledger_leaf l using (row) order by l.arrival"
    )
    return [(kind, outcome, read_opening(bytes(body))) for kind, outcome, body in cursor.fetchall()]
