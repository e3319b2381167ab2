"""Departures on the real database: one act ends everything, what vaultd still knows stays a duty until it is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from gwanje.centre import common
from gwanje.centre.common import signing
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.duties import api as owing
from gwanje.centre.staff import api, departures, duties, services
from gwanje.centre.staff.models import Departure, Person, RoleGrant, Shift
from gwanje.centre.watching.models import Emergency
from gwanje.kernel.ids import uuid7
from gwanje.vault.ceremony import NewOfficer, add_officers
from gwanje.vault.client import ConsoleClient
from gwanje.vault.client_consent import Registry
from support import home, vault
from support.centre import PASSWORD, ledger_rows
from support.staff import law

pytestmark = pytest.mark.django_db
NOBODY = Registry((), frozenset())
ASKED = signing.registry


@pytest.fixture(autouse=True)
def rules_of_the_city(monkeypatch):
    """The city has a rule of transfers, and vaultd knows none of the test's people unless a test says otherwise."""
    monkeypatch.setattr(common, "packs", law)
    monkeypatch.setattr(signing, "registry", lambda role="web": NOBODY)


@pytest.fixture
def chief(hire):
    return api.actor_for(hire("chief_officer"), "")


def today():
    return common.clock().local().date()


def events(kind):
    with connection.cursor() as cursor:
        cursor.execute("select body from event where kind = %s", [kind])
        return cursor.fetchall()


def busy(hire, sign_in, seat, city, *roles):
    """A person on shift, signed in at a station, with an open emergency."""
    person = hire(*roles)
    browser = sign_in(person, seat, duty=True)
    now = common.clock().now()
    Emergency.objects.create(
        agency_id=city.pk, station=seat.code, person_id=person.pk, trigger="범죄", reason="열린 긴급 관제",
        started_at=now, until=now + timedelta(minutes=9),
    )  # fmt: skip
    return person, browser


@pytest.mark.norm("access.transfer", "allow")
def test_one_act_ends_rights_sessions_shift_and_what_is_open(chief, hire, sign_in, seat, city):
    person, browser = busy(hire, sign_in, seat, city, "operator", "privacy_officer")
    services.grant_role(person, "manager", "예정 발령", starts_at=common.clock().now() + timedelta(days=9))
    assert browser.get("/staff/me/").status_code == 200
    seen = departures.look(person)
    assert (seen.counts["rights"], seen.counts["sessions"], seen.counts["shifts"], seen.counts["emergencies"]) == (
        3,
        1,
        1,
        1,
    )

    row = departures.depart(person, "전보", today(), "인사발령 가온-88", chief)

    assert row.ended == {"rights": 3, "sessions": 1, "shifts": 1, "emergencies": 1}
    assert (row.due_on, row.remainder) == (today(), [])
    assert api.roles_of(person.pk, common.clock().now() + timedelta(days=10)) == set()
    assert browser.get("/staff/me/").status_code == 302
    assert authenticate(None, account=person.account, password=PASSWORD) is None
    assert not Shift.objects.filter(person=person, ended_at__isnull=True).exists()
    assert not Emergency.objects.filter(person_id=person.pk, ended_at__isnull=True).exists()
    kinds = [kind for kind, _, _ in ledger_rows()]
    assert (kinds.count("staff.right.revoked"), kinds.count("staff.shift.ended")) == (3, 1)
    last = ledger_rows()[-1]
    assert (last[0], last[2]["dies"], last[2]["norms"]) == ("staff.departure.done", "rights", ["access.transfer"])
    # the history stays: who granted, who ended it, on which paper
    assert all(g.revoked_ground == "전보: 인사발령 가온-88" for g in RoleGrant.objects.filter(person=person))


@pytest.mark.norm("access.transfer", "deny")
def test_a_departure_that_leaves_a_session_is_rolled_back_whole(chief, hire, sign_in, seat, city, monkeypatch):
    person, browser = busy(hire, sign_in, seat, city, "operator")
    real = departures.sessions_of
    asked = []

    def once_blind(who):
        asked.append(who)
        return [] if len(asked) == 1 else real(who)

    # the first look, by which sessions are deleted, finds none: the rule must see the one that goes on
    monkeypatch.setattr(departures, "sessions_of", once_blind)
    with pytest.raises(Refused) as refused, transaction.atomic():
        departures.depart(person, "퇴직", today(), "인사발령 가온-89", chief)
    assert [r.code for r in refused.value.decision.reasons] == ["rights_left"]
    assert api.roles_of(person.pk) == {"operator"}
    assert Person.objects.get(pk=person.pk).active
    assert browser.get("/staff/me/").status_code == 200
    assert not Departure.objects.exists()


def test_a_room_that_fails_ends_nothing(chief, hire, sign_in, seat, city, monkeypatch):
    person, _ = busy(hire, sign_in, seat, city, "operator")

    def broken(who, by):
        raise RuntimeError("the room fell over")

    monkeypatch.setitem(api._enders, "watching", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        departures.depart(person, "퇴직", today(), "인사발령 가온-90", chief)
    assert api.roles_of(person.pk) == {"operator"}
    assert Session.objects.exists()
    assert [k for k, _, _ in ledger_rows() if k.startswith("staff.right.revoked")] == []


def test_an_office_that_falls_vacant_is_an_alarm_not_a_right_that_lives_on(hire):
    last = hire("chief_officer")
    assert departures.look(last).vacant == ["총괄책임자"]
    departures.depart(last, "퇴직", today(), "인사발령 가온-91", api.actor_for(hire("administrator"), ""))
    assert api.roles_of(last.pk) == set()
    assert "총괄책임자" in events("staff.office.vacant")[0][0]


@pytest.mark.parametrize(
    ("event", "ahead", "reference", "wanted"),
    [
        ("전보", 1, "가온-1", "event_on"),
        ("전보", -400, "가온-1", "event_on"),
        ("전보", 0, " ", "reference"),
        ("휴가", 0, "가온-1", "event"),
    ],
)
def test_bad_input_writes_nothing(chief, hire, event, ahead, reference, wanted):
    person = hire("operator")
    with pytest.raises(Problem) as problem, transaction.atomic():
        departures.depart(person, event, today() + timedelta(days=ahead), reference, chief)
    assert problem.value.code == wanted
    assert api.roles_of(person.pk) == {"operator"}


def test_nobody_does_their_own_and_an_operator_does_none(chief, hire):
    own = Person.objects.get(pk=chief.person)
    with pytest.raises(Problem), transaction.atomic():
        departures.depart(own, "전보", today(), "가온-1", chief)
    with pytest.raises(Refused), transaction.atomic():
        departures.depart(own, "전보", today(), "가온-1", api.actor_for(hire("operator"), ""))


def test_who_comes_back_has_an_account_and_no_right(chief, hire):
    person = hire("operator")
    row = departures.depart(person, "휴직", today(), "휴직 가온-1", chief)
    departures.readmit(person, "복직 가온-2", chief)
    row.refresh_from_db()
    assert row.returned_reference == "복직 가온-2"
    assert Person.objects.get(pk=person.pk).active
    assert api.roles_of(person.pk) == set()
    with pytest.raises(Problem), transaction.atomic():
        departures.readmit(person, "복직 가온-3", chief)


def test_while_vaultd_is_away_the_rest_stays_a_duty_and_an_alarm(chief, hire, monkeypatch, advance):
    monkeypatch.setattr(signing, "registry", lambda role="web": None)
    row = departures.depart(hire("operator"), "전보", today(), "가온-92", chief)
    assert row.remainder == [departures.AWAY]
    assert len(events("staff.departure.remains")) == 1
    owed = owing.latest("access.transfer", "departure", row.pk)
    assert (owed.due_on, owed.state, owed.hand) == (today(), "open", False)
    assert departures.remain(None) == (0, 0)
    advance(3 * 86400)
    assert departures.remain(None) == (0, 1)
    assert departures.remain(None) == (0, 0), "one alarm a day"
    assert departures.remain(NOBODY) == (1, 0)
    row.refresh_from_db()
    assert row.remainder_done_at is not None
    assert ledger_rows()[-1][0] == "staff.departure.completed"
    owed.refresh_from_db()
    assert owed.state == "late_done"


@pytest.mark.norm("access.history", "deny")
@pytest.mark.parametrize("table", ["departure", "appointment", "training", "contract", "engagement", "rolegrant"])
def test_the_history_cannot_be_deleted(table):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"delete from staff_{table}")


def test_what_vaultd_knows_stays_owed_until_two_officers_ended_it(chief, city, monkeypatch):
    """A real vaultd: the officer's entry is the remainder; it goes when the console ended it, and only then."""
    with vault.running():
        monkeypatch.setattr(signing, "registry", ASKED)
        officer = services.create_person(f"left-{uuid7().hex[:6]}", "떠나는 이", city, PASSWORD, id_=uuid7())
        services.grant_role(officer, "auditor", "인사발령 가온-9")
        console = ConsoleClient(home())
        two = [(vault.OFFICERS[role], vault.PASSWORD) for role in ("chief_officer", "manager")]
        add_officers(home(), [NewOfficer(officer.pk, "auditor", city.pk, vault.PASSWORD)], two)
        row = departures.depart(officer, "퇴직", today(), "가온-93", chief)
        assert row.remainder == [departures.OFFICER]
        duties.run()
        row.refresh_from_db()
        assert row.remainder_done_at is None
        console.ask("officer_end", two, id=officer.pk.bytes, role="auditor")
        duties.run()
        row.refresh_from_db()
        assert row.remainder_done_at is not None
