"""Rights, shifts and accounts: what the rules let through, and the history that stays."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api, services
from gwanje.centre.staff.models import RoleGrant, Shift
from support.centre import CONTRACTOR_ROLES, PASSWORD, ledger_rows

pytestmark = pytest.mark.django_db


def code(refused):
    return refused.value.decision.reasons[0].code


@pytest.fixture
def admin(hire):
    """The administrator as an actor."""
    return api.actor_for(hire("administrator"), "")


@pytest.mark.norm("access.least", "allow")
def test_a_right_is_granted_with_its_ground_and_a_five_year_row(admin, hire):
    person = hire()
    grant = services.grant_role(person, "operator", "인사발령 가온-77", by=admin)
    assert api.roles_of(person.pk) == {"operator"}
    assert grant.granted_by_id == admin.person
    kind, outcome, row = ledger_rows()[-1]
    assert (kind, outcome, row["dies"]) == ("staff.right.granted", "granted", "rights")
    assert row["detail"]["ground"] == "인사발령 가온-77"
    assert "access.least" in row["norms"]


@pytest.mark.norm("access.least", "deny")
@pytest.mark.parametrize(
    ("held", "role", "ground", "wanted"),
    [
        ((), "operator", " ", "ground_missing"),
        (("operator",), "operator", "인사발령", "already_held"),
        (("operator",), "auditor", "인사발령", "roles_apart"),
        (("administrator",), "manager", "인사발령", "roles_apart"),
    ],
)
def test_more_than_needed_is_refused(admin, hire, held, role, ground, wanted):
    person = hire(*held)
    with pytest.raises(Refused) as refused:
        services.grant_role(person, role, ground, by=admin)
    assert code(refused) == wanted
    assert api.roles_of(person.pk) == set(held)


@pytest.mark.norm("access.least", "deny")
def test_nobody_grants_to_themselves(admin):
    from gwanje.centre.staff.models import Person

    with pytest.raises(Refused) as refused:
        services.grant_role(Person.objects.get(pk=admin.person), "privacy_officer", "인사발령", by=admin)
    assert code(refused) == "self_grant"


@pytest.mark.norm("access.least", "deny")
def test_headcount_is_limited(admin, hire):
    for _ in range(services.LIMITS["administrator"] - 1):
        hire("administrator")
    with pytest.raises(Refused) as refused:
        services.grant_role(hire(), "administrator", "인사발령", by=admin)
    assert code(refused) == "headcount"


@pytest.mark.norm("access.least", "deny")
def test_an_operator_grants_nothing(hire):
    with pytest.raises(Refused) as refused:
        services.grant_role(hire(), "operator", "인사발령", by=api.actor_for(hire("operator"), ""))
    assert code(refused) == "role_missing"


@pytest.mark.norm("outsourcing.not_whole", "deny")
@pytest.mark.parametrize(
    "role", ["chief_officer", "manager", "privacy_officer", "auditor", "administrator", "seconded_police"]
)
def test_a_contractor_holds_no_office(admin, hire, role):
    person = hire(contractor=True)
    for by in (admin, None):
        with pytest.raises(Refused) as refused, transaction.atomic():
            services.grant_role(person, role, "위탁계약", by=by)
        assert code(refused) == "contractor_office"
    assert not RoleGrant.objects.filter(person=person).exists()


@pytest.mark.norm("outsourcing.not_whole", "allow")
def test_a_contractor_may_watch_or_maintain(admin, hire):
    person = hire(contractor=True)
    for role in ("operator", *CONTRACTOR_ROLES):
        services.grant_role(person, role, "위탁계약", by=admin)
    assert api.roles_of(person.pk) == {"operator", "maintenance"}


@pytest.mark.norm("access.officers", "deny")
@pytest.mark.parametrize("role", ["chief_officer", "manager"])
def test_the_last_officer_stays(admin, officers, role):
    grant = officers[role].grants.get()
    with pytest.raises(Refused) as refused:
        services.revoke_role(grant, "전보", admin)
    assert code(refused) == ("no_chief_officer" if role == "chief_officer" else "no_manager")
    assert api.roles_of(officers[role].pk) == {role}


@pytest.mark.norm("access.officers", "allow")
def test_a_second_manager_may_go_and_the_history_stays(admin, officers, hire):
    second = hire("manager")
    services.revoke_role(second.grants.get(), "전보", admin)
    assert api.roles_of(second.pk) == set()
    grant = second.grants.get()
    assert grant.revoked_by_id == admin.person
    assert grant.revoked_ground == "전보"
    with pytest.raises(Problem):
        services.revoke_role(grant, "다시", admin)


def test_roles_and_shifts_of_a_past_moment(hire, seat, advance, admin, officers):
    from gwanje.centre import common

    person = hire("operator")
    services.start_shift(person, seat.code)
    moment = common.clock().now()
    advance(3600)
    services.end_shift(person)
    services.revoke_role(person.grants.get(), "전보", admin)
    advance(60)
    assert not api.on_duty(person.pk)
    assert api.roles_of(person.pk) == set()
    assert api.on_duty(person.pk, moment)
    assert api.roles_of(person.pk, moment) == {"operator"}
    assert person in api.holders("operator", moment)
    assert person not in api.holders("operator")


def test_one_shift_at_a_time_at_one_seat(hire, seat, room):
    person = hire("operator")
    services.start_shift(person, seat.code)
    with pytest.raises(Problem) as problem:
        services.start_shift(person, room.code)
    assert problem.value.code == "shift_open"
    assert api.actor_for(person, seat.code).on_duty
    assert not api.actor_for(person, room.code).on_duty


def test_a_role_less_account_starts_no_shift(hire, seat):
    with pytest.raises(Refused):
        services.start_shift(hire(), seat.code)
    assert not Shift.objects.exists()


@pytest.mark.parametrize(
    ("account", "password", "wanted"),
    [("", PASSWORD, "bad_text"), ("x" * 41, PASSWORD, "bad_text"), ("kim", "짧다", "weak_password"),
     ("kim", "password123", "weak_password")],
)  # fmt: skip
def test_bad_accounts_say_why(city, account, password, wanted):
    with pytest.raises(Problem) as problem:
        services.create_person(account, "김", city, password)
    assert problem.value.code == wanted
    assert problem.value.ko
    assert problem.value.en


def test_one_account_name_once(city):
    services.create_person("kim", "김", city, PASSWORD)
    with pytest.raises(Problem) as problem:
        services.create_person("KIM", "김", city, PASSWORD)
    assert problem.value.code == "taken"


@pytest.mark.parametrize("table", ["staff_rolegrant", "staff_person", "staff_shift", "staff_agency"])
def test_history_cannot_be_deleted(hire, table):
    hire("operator")
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"delete from {table}")


def test_every_page_renders_for_the_administrator(officers, sign_in, hire):
    browser = sign_in(officers["administrator"], duty=True)
    person = hire("operator")
    for url in ("/staff/", "/staff/me/", "/staff/organisation/", f"/staff/people/{person.pk}/", "/staff/?q=홍&page=9"):
        page = browser.get(url)
        assert page.status_code == 200
        assert "관제요원" in page.content.decode() or url != "/staff/"


def test_changing_ones_password_keeps_the_session(hire, sign_in):
    person = hire("operator")
    browser = sign_in(person)
    assert browser.post("/staff/me/", {"old": PASSWORD, "new": "새로운-긴-비밀번호-9"}).status_code == 302
    assert browser.get("/staff/me/").status_code == 200
    person.refresh_from_db()
    assert person.check_password("새로운-긴-비밀번호-9")
    assert browser.post("/staff/me/", {"old": PASSWORD, "new": "또-다른-긴-비밀번호-9"}).status_code == 422
