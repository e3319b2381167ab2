"""Who left stays out, and the worker asks vaultd in its own name, outside its transactions, when something waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import NoReverseMatch, reverse

from gwanje.centre import common
from gwanje.centre.common import signing
from gwanje.centre.common.refusal import Problem
from gwanje.centre.staff import api, contracts, deciding, departures, duties, posts, services
from gwanje.centre.staff.models import Appointment, Person, RoleGrant, Shift
from gwanje.kernel.ids import uuid7
from gwanje.vault.client_consent import Registry
from support.centre import ledger_rows
from support.staff import law

pytestmark = pytest.mark.django_db
NOBODY = Registry((), frozenset())


@pytest.fixture(autouse=True)
def rules_of_the_city(monkeypatch):
    """The city has a rule of transfers."""
    monkeypatch.setattr(common, "packs", law)


@pytest.fixture
def asked(monkeypatch):
    """(whose name, how deep in transactions) of every question to vaultd, which is away."""
    out, depth = [], len(connection.savepoint_ids)
    monkeypatch.setattr(
        signing, "registry", lambda role="web": out.append((role, len(connection.savepoint_ids) - depth))
    )
    return out


@pytest.fixture
def chief(hire):
    return api.actor_for(hire("chief_officer"), "")


def today():
    return common.clock().local().date()


def test_the_worker_asks_in_its_own_name_outside_transactions_and_only_when_something_waits(chief, hire, asked):
    duties.run()
    assert asked == []
    departures.depart(hire("operator"), "전보", today(), "가온-94", chief)
    assert [role for role, _ in asked] == ["web"]
    asked.clear()
    duties.run()
    assert asked == [("worker", 0)]


def test_a_contract_that_runs_out_is_asked_about_in_the_workers_name(chief, hire, asked, advance):
    person = hire(contractor=True)
    items = dict.fromkeys(contracts.ITEMS, "적은 대로")
    terms = contracts.Terms("가온보안", "031-000-0000", "계약 가온-2", today(), today(), ("관제",), items)
    contracts.engage(contracts.conclude(terms, chief), person, chief)
    assert contracts.expire() == 0
    assert asked == [], "nothing has run out"
    advance(86400)
    assert contracts.expire() == 1
    assert asked == [("worker", 0)]
    assert person.departures.get().remainder == [departures.AWAY]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_each_process_asks_with_its_own_key(monkeypatch, role):
    class Client:
        """Answers with its own name."""

        def __init__(self, home, name):
            self.name = name

        def registry(self):
            return self.name

    signing._client.cache_clear()
    monkeypatch.setattr(signing, "VaultClient", Client)
    assert signing.registry(role) == role
    signing._client.cache_clear()


@pytest.fixture
def gone(chief, hire, asked):
    """Somebody who left, as a page that was opened before still has them."""
    person = hire("operator")
    departures.depart(Person.objects.get(pk=person.pk), "퇴직", today(), "가온-95", chief)
    assert person.active, "the page's copy is old"
    return person


def test_a_closed_account_gets_no_right_no_post_and_no_shift(gone, chief, seat):
    rows = (RoleGrant.objects.count(), Appointment.objects.count())
    post = posts.Post("operator", "스마트도시과", "인사발령 가온-9", today())
    for act in (
        lambda: services.grant_role(gone, "operator", "인사발령 가온-9", by=chief),
        lambda: services.grant_role(gone, "operator", "인사발령 가온-9", starts_at=common.clock().now() + timedelta(9)),
        lambda: posts.appoint(gone, post, chief),
    ):
        with pytest.raises(Problem) as problem, transaction.atomic():
            act()
        assert (problem.value.code, problem.value.status) == ("closed", 409)
    assert (RoleGrant.objects.count(), Appointment.objects.count()) == rows


def test_no_shift_begins_on_an_account_that_was_closed_meanwhile(hire, seat):
    person = hire("operator")
    Person.objects.filter(pk=person.pk).update(active=False)
    with pytest.raises(Problem) as problem, transaction.atomic():
        services.start_shift(person, seat.code)
    assert (problem.value.code, problem.value.status) == ("closed", 409)
    assert not Shift.objects.exists()


def test_a_departure_is_the_only_way_to_close_an_account(hire, chief, asked):
    assert not hasattr(services, "close_account")
    with pytest.raises(NoReverseMatch):
        reverse("staff:close", args=[uuid7()])
    person = hire("operator")
    services.grant_role(person, "seconded_police", "예정 발령", starts_at=common.clock().now() + timedelta(days=9))
    departures.depart(person, "퇴직", today(), "가온-96", chief)
    assert api.roles_of(person.pk, common.clock().now() + timedelta(days=10)) == set()


def test_a_shift_that_a_departure_ends_has_the_row_of_every_shift(hire, chief, seat, city, asked):
    person = hire("operator")
    for leave in (
        lambda: departures.depart(person, "퇴직", today(), "가온-97", chief),
        lambda: departures.lapse(person, "계약종료", today(), "가온-98", None),
    ):
        Person.objects.filter(pk=person.pk).update(active=True)
        if not api.roles_of(person.pk):
            services.grant_role(person, "operator", "재발령")
        shift = services.start_shift(person, seat.code)
        assert leave().ended["shifts"] == 1
        row = [(said["agency"], said["detail"]) for kind, _, said in ledger_rows() if kind == "staff.shift.ended"][-1]
        assert row[1]["shift"] == str(shift.pk)
        assert str(row[0]) == str(city.pk)
        shift.refresh_from_db()
        assert shift.ended_at is not None


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_delegation_table_is_found_in_every_language(chief, city, language):
    from django.utils import translation

    services.delegate(
        city, "영상 열람 승인", "총괄책임자", "manager", "위임전결 규정 제3조", starts_on=today() - timedelta(days=1)
    )
    with translation.override(language):
        approval = deciding.matters(city.pk, NOBODY)[0]
    assert [line.reference for one in approval.deciders for line in one.lines] == ["위임전결 규정 제3조"]
