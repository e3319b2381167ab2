"""Contracts, trainings, appointments on the real database: parts of the work, trained first, ended together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from gwanje.centre import common
from gwanje.centre.common import signing
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api, contracts, deciding, departures, posts, rules, services
from gwanje.centre.staff.models import Appointment, Engagement, Person, RoleGrant
from gwanje.kernel.ids import uuid7
from gwanje.vault.client_consent import Registered, Registry
from gwanje.vault.records import Delegation
from support.centre import ledger_rows
from support.staff import law

pytestmark = pytest.mark.django_db
ITEMS = dict.fromkeys(contracts.ITEMS, "계약서에 적은 대로")


@pytest.fixture(autouse=True)
def rules_of_the_city(monkeypatch):
    """The city has rules of training and transfer; vaultd knows nobody."""
    monkeypatch.setattr(common, "packs", law)
    monkeypatch.setattr(signing, "registry", lambda role="web": Registry((), frozenset()))


@pytest.fixture
def chief(hire):
    return api.actor_for(hire("chief_officer"), "")


def today():
    return common.clock().local().date()


def terms(**more):
    said = {"company": "가온보안", "contact": "031-000-0000", "reference": "계약 가온-1", "starts_on": today(),
            "ends_on": today() + timedelta(days=30), "scope": ("관제",), "items": ITEMS}  # fmt: skip
    return contracts.Terms(**{**said, **more})


def course(**more):
    return posts.Course(**{"course": "영상정보 보호", "provider": "자체", "held_on": today(), **more})


@pytest.fixture
def worker(hire, chief):
    """A trained contractor's employee who watches."""
    person = hire(contractor=True)
    posts.record_training(person, course(), chief)
    services.grant_role(person, "operator", "위탁계약", by=chief)
    return person


@pytest.mark.norm("outsourcing.not_whole", "deny")
@pytest.mark.parametrize("scope", [(rules.WHOLE,), rules.SCOPES])
def test_the_whole_is_not_handed_over(chief, scope):
    with pytest.raises(Refused) as refused, transaction.atomic():
        contracts.conclude(terms(scope=scope), chief)
    assert [r.code for r in refused.value.decision.reasons] == ["whole_operation"]


@pytest.mark.parametrize(
    ("more", "code"),
    [({"items": {**ITEMS, "liability": " "}}, "items"), ({"scope": ()}, "scope"), ({"scope": ("청소",)}, "scope"),
     ({"company": ""}, "missing_text"), ({"company": "가" * 101}, "too_long"), ({"ends_on": "before"}, "bad_range")],
)  # fmt: skip
def test_a_contract_says_everything_that_the_decree_asks(chief, more, code):
    if more.get("ends_on"):
        more = {"ends_on": today() - timedelta(days=1)}
    with pytest.raises(Problem) as problem, transaction.atomic():
        contracts.conclude(terms(**more), chief)
    assert problem.value.code == code


@pytest.mark.norm("training.before_access", "deny")
def test_no_training_no_right_whoever_grants_it(chief, hire):
    person = hire(contractor=True)
    for by in (chief, None):
        with pytest.raises(Refused) as refused, transaction.atomic():
            services.grant_role(person, "operator", "위탁계약", by=by)
        assert [r.code for r in refused.value.decision.reasons] == ["not_trained"]
    with pytest.raises(Problem), transaction.atomic():
        posts.record_training(person, course(held_on=today() + timedelta(days=1)), chief)


@pytest.mark.norm("training.before_access", "allow")
def test_after_the_training_the_right_is_given(worker):
    assert api.roles_of(worker.pk) == {"operator"}


@pytest.mark.norm("access.transfer", "allow")
def test_the_end_of_a_contract_ends_all_its_people(chief, worker):
    row = contracts.conclude(terms(), chief)
    contracts.engage(row, worker, chief)
    with pytest.raises(Problem), transaction.atomic():
        contracts.engage(contracts.conclude(terms(company="다른 회사"), chief), worker, chief)
    contracts.end(row, "해지 가온-2", chief)
    assert api.roles_of(worker.pk) == set()
    assert not Person.objects.get(pk=worker.pk).active
    assert not Engagement.objects.filter(ended_at__isnull=True).exists()
    assert ledger_rows()[-1][0] == "staff.contract.ended"
    with pytest.raises(Problem), transaction.atomic():
        contracts.end(row, "다시", chief)


@pytest.mark.norm("access.transfer", "allow")
def test_a_contract_that_runs_out_ends_by_the_clock_once(chief, worker, advance):
    row = contracts.conclude(terms(ends_on=today()), chief)
    contracts.engage(row, worker, chief)
    assert contracts.expire() == 0, "the last day is a day"
    advance(86400)
    assert contracts.expire() == 1
    assert contracts.expire() == 0
    assert not RoleGrant.objects.filter(person=worker, revoked_ground="").exists()
    assert worker.departures.get().event == "계약종료"
    with pytest.raises(Problem), transaction.atomic():
        contracts.engage(row, worker, chief)


def test_who_left_is_not_engaged_by_whoever_still_holds_an_old_page(chief, worker):
    row = contracts.conclude(terms(), chief)
    seen = Person.objects.get(pk=worker.pk)
    departures.depart(worker, "퇴직", today(), "가온-71", chief)
    with pytest.raises(Problem) as problem, transaction.atomic():
        contracts.engage(row, seen, chief)
    assert problem.value.code == "closed"
    assert not row.people.exists()


def test_the_registry_is_asked_once_for_all_who_leave(chief, hire, monkeypatch):
    asked = []
    monkeypatch.setattr(signing, "registry", lambda role="web": asked.append(role) or Registry((), frozenset()))
    row = contracts.conclude(terms(), chief)
    for _ in range(3):
        person = hire(contractor=True)
        posts.record_training(person, course(), chief)
        contracts.engage(row, person, chief)
    contracts.end(row, "해지 가온-2", chief)
    assert asked == ["web"]


def test_an_official_is_not_engaged(chief, hire):
    with pytest.raises(Problem) as problem, transaction.atomic():
        contracts.engage(contracts.conclude(terms(), chief), hire("operator"), chief)
    assert problem.value.code == "not_contractor"


@pytest.mark.norm("access.least", "allow")
def test_an_appointment_gives_its_right_from_its_day(chief, hire, advance):
    person, start = hire(), today() + timedelta(days=2)
    row = posts.appoint(
        person,
        posts.Post("manager", "스마트도시과", "인사발령 가온-7", start, "관제팀장", start + timedelta(days=9)),
        chief,
    )
    assert (row.title, row.post) == ("관리책임자", "관제팀장")
    assert api.roles_of(person.pk) == set()
    advance(3 * 86400)
    assert api.roles_of(person.pk) == {"manager"}
    advance(12 * 86400)
    assert api.roles_of(person.pk) == set()


@pytest.mark.norm("access.least", "deny")
def test_an_appointment_that_its_right_forbids_is_not_recorded(chief, hire):
    person = hire("administrator")
    with pytest.raises(Refused), transaction.atomic():
        posts.appoint(person, posts.Post("manager", "스마트도시과", "인사발령 가온-8", today()), chief)
    assert not Appointment.objects.exists()


def test_who_decides_today_and_where_accounts_and_signatures_differ(chief, hire, city):
    manager, gone = hire("manager", name="김관리"), uuid7()
    now = common.clock().now_s()
    entry = Registered(
        gone, "mayor", "시장", "", 0, None, 1, (Delegation(manager.pk, now - 9, now + 86400, ("open",)),)
    )
    known = Registry((entry,), frozenset())
    found = {m.name: m for m in deciding.matters(city.pk, known)}
    assert {d.title for d in found["저장 영상의 열람·재생 승인"].deciders} == {"총괄책임자", "관리책임자"}
    mayor = found["영상정보의 열람·제공 승인"].deciders[0]
    assert (mayor.title, mayor.own) == ("시장", ())
    assert mayor.instead[0].startswith("김관리 (")
    assert found["통합관제센터 출입 승인"].vacant is False
    told = deciding.differences(city.pk, known)
    assert any(str(gone)[:8] in text and "닫혔습니다" in text for text in told)
    assert any(text.startswith("김관리(관리책임자)") for text in told)
    # without vaultd nothing is said to differ, and the mayor's matters have nobody
    assert deciding.differences(city.pk, None) == []
    assert {m.name: m for m in deciding.matters(city.pk, None)}["영상정보의 열람·제공 승인"].vacant
