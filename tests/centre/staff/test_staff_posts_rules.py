"""Rules of posts, pure: who leaves keeps nothing, where one signs in from, who is trained, who decides."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from gwanje.centre.staff import rules, rules_posts
from gwanje.kernel.actor import ROLES, Actor
from gwanje.kernel.policy import ALL, Policy
from gwanje.law import load
from support.staff import law

ON = date(2026, 11, 21)
LAW = law().on(ON)
PLAIN = load(["kr_national", "kr_anyang"]).on(ON)
BARE = load(["kr_national"]).on(ON)


def codes(decision):
    assert decision.articles
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("access.transfer", "deny")
@pytest.mark.parametrize("left", [(1, 0), (0, 1), (3, 2)])
def test_what_would_go_on_is_refused(left):
    facts = {"event": "퇴직", "rights_left": left[0], "sessions_left": left[1]}
    assert codes(rules_posts.rights_end(facts, LAW)) == ["rights_left"]
    assert codes(rules_posts.rights_end({"event": "휴가", "rights_left": 0, "sessions_left": 0}, LAW)) == [
        "event_unknown"
    ]


@pytest.mark.norm("access.transfer", "allow")
@pytest.mark.parametrize("event", rules_posts.EVENTS)
def test_nothing_left_is_a_departure(event):
    assert rules_posts.rights_end({"event": event, "rights_left": 0, "sessions_left": 0}, LAW).allow


@pytest.mark.norm("access.transfer", "late")
def test_it_is_due_the_same_day_even_on_a_sunday():
    duty = rules_posts.removal_due({"event_on": "2026-11-22"}, LAW)
    assert (duty.starts_on, duty.due_on) == (date(2026, 11, 22), date(2026, 11, 22))
    assert duty.late(date(2026, 11, 23))
    assert not duty.late(date(2026, 11, 22))


@pytest.mark.norm("access.allow_list", "deny")
@pytest.mark.parametrize(
    ("station", "address", "allowed", "wanted"),
    [
        ("", "10.1.2.3", ["10.0.0.0/8"], ["station_unknown"]),
        ("관제석-1", "192.0.2.7", ["10.0.0.0/8"], ["address_refused"]),
        ("관제석-1", "not an address", ["0.0.0.0/0", "::/0"], ["address_refused"]),
        ("관제석-1", "10.1.2.3", [], ["address_refused"]),
        ("관제석-1", "10.1.2.3", ["nonsense"], ["address_refused"]),
        ("", "2001:db8::1", ["10.0.0.0/8"], ["station_unknown", "address_refused"]),
    ],
)
def test_only_known_stations_and_addresses(station, address, allowed, wanted):
    facts = {"station": station, "address": address, "allowed": allowed}
    assert codes(rules_posts.may_enter(facts, LAW)) == wanted


@pytest.mark.norm("access.allow_list", "allow")
@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"])
def test_an_address_of_the_list_enters(address):
    facts = {"station": "관제석-1", "address": address, "allowed": ["10.0.0.0/8", "2001:db8::/32"]}
    assert rules_posts.may_enter(facts, LAW).allow


@pytest.mark.norm("training.before_access", "deny")
@pytest.mark.parametrize(("on", "months"), [(None, 0), ("2026-11-22", 0), ("2025-11-20", 12), (date(2026, 8, 20), 3)])
def test_a_contractor_without_a_training_that_counts(on, months):
    facts = {"contractor": True, "role": "operator", "trained_on": on, "valid_months": months}
    assert codes(rules_posts.trained(facts, LAW)) == ["not_trained"]


@pytest.mark.norm("training.before_access", "allow")
@pytest.mark.parametrize(
    ("contractor", "on", "months"),
    [(True, "2026-11-21", 0), (True, "2025-11-21", 12), (True, "2001-01-01", None), (False, None, 0)],
)
def test_a_trained_contractor_and_every_official(contractor, on, months):
    facts = {"contractor": contractor, "role": "operator", "trained_on": on, "valid_months": months}
    assert rules_posts.trained(facts, LAW).allow


@pytest.mark.norm("outsourcing.no_approval", "deny")
@pytest.mark.parametrize("act", sorted(rules_posts.DECIDING))
def test_a_contractor_decides_nothing(act):
    assert codes(rules_posts.official_decides({"contractor": True, "act": act}, LAW)) == ["contractor_decides"]


@pytest.mark.norm("outsourcing.no_approval", "allow")
def test_a_contractor_reads_and_an_official_decides():
    assert rules_posts.official_decides({"contractor": True, "act": "read"}, LAW).allow
    assert rules_posts.official_decides({"contractor": False, "act": "approve"}, LAW).allow


@pytest.mark.norm("outsourcing.no_approval", "deny")
def test_the_policy_object_asks_it_of_every_deciding_act_whatever_the_room_allows():
    policy = Policy()
    policy.guard(rules_posts.deciding)
    allowing = LAW.judge("x.y.approve", "access.least")
    for action in ("disclosure.letter.approve", "inspection.round.sign", "inspection.round.read"):
        policy.register(action, lambda actor, resource, context: allowing, lambda actor: ALL)
    mine = Actor(UUID(int=1), "김수탁", frozenset({"maintenance"}), UUID(int=2), contractor=True)
    official = Actor(UUID(int=3), "이공무", frozenset({"manager"}), UUID(int=2))
    asked = {action: policy.decide(mine, action, None, {"law": LAW}) for action in policy.actions}
    assert {action: decision.allow for action, decision in asked.items()} == {
        "disclosure.letter.approve": False, "inspection.round.sign": False, "inspection.round.read": True,
    }  # fmt: skip
    assert codes(asked["inspection.round.sign"]) == ["contractor_decides"]
    assert policy.decide(official, "disclosure.letter.approve", None, {"law": LAW}).allow
    # without the day's law nobody knows, so it is refused
    assert not policy.decide(mine, "inspection.round.sign", None, {}).allow
    assert policy.decide(mine, "inspection.round.read", None, {}).allow
    # where no article says so the room's own rule stands alone
    assert policy.decide(mine, "inspection.round.sign", None, {"law": BARE}).allow


@pytest.mark.norm("access.officers", "deny")
def test_the_offices_are_those_that_the_pack_names():
    assert rules.officers_required(PLAIN) == ("chief_officer", "manager")
    assert codes(rules.officers_stand({"standing": {"chief_officer": 0, "manager": 1}}, PLAIN)) == ["no_chief_officer"]


@pytest.mark.norm("access.officers", "allow")
def test_an_office_that_no_rule_names_may_be_vacant():
    assert rules.officers_stand({"standing": {role: 0 for role in ROLES if role not in rules.LEADERS}}, PLAIN).allow


@pytest.mark.norm("outsourcing.not_whole", "deny")
@pytest.mark.parametrize("scope", [[rules.WHOLE], list(rules.SCOPES), [rules.WHOLE, "관제"]])
def test_no_contract_is_about_the_whole(scope):
    assert codes(rules.contractor_limits({"role": "", "contractor": True, "scope": scope}, PLAIN)) == [
        "whole_operation"
    ]


@pytest.mark.norm("outsourcing.not_whole", "allow")
def test_a_contract_is_about_parts():
    assert rules.contractor_limits({"role": "", "contractor": True, "scope": ["관제", "유지보수"]}, PLAIN).allow
