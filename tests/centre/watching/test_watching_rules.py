"""Rules of watching, pure: shift and role, purpose of the seat, emergency."""

from __future__ import annotations

from datetime import date

import pytest

from gwanje.centre.watching import rules
from gwanje.law import load

LAW = load(["kr_national", "kr_anyang"]).on(date(2026, 11, 20))
ASKED = {"trigger": "범죄", "reason": "시청 앞 폭행 신고", "minutes": 15}


def codes(rule, facts):
    decision = rule(facts, LAW)
    assert decision.articles
    assert decision.allow is (not decision.reasons)
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("live.on_duty", "deny")
@pytest.mark.parametrize(
    ("roles", "duty", "code"),
    [
        (["operator"], False, "off_duty"),
        (["manager", "operator"], False, "off_duty"),
        (["administrator"], True, "role"),
        (["maintenance"], True, "role"),
        (["auditor", "privacy_officer"], True, "role"),
        ([], True, "role"),
    ],
)
def test_who_is_off_duty_or_in_another_role_does_not_watch(roles, duty, code):
    assert codes(rules.on_duty, {"roles": roles, "on_duty": duty}) == [code]


@pytest.mark.norm("live.on_duty", "allow")
@pytest.mark.parametrize("role", ["operator", "seconded_police", "manager", "chief_officer"])
def test_a_watching_role_on_duty_watches(role):
    assert codes(rules.on_duty, {"roles": [role], "on_duty": True}) == []


@pytest.mark.norm("live.by_purpose", "deny")
def test_a_seat_watches_its_purposes_only():
    facts = {"camera_purposes": ["교통단속"], "seat_purposes": ["범죄예방"], "emergency": False}
    assert codes(rules.by_purpose, facts) == ["other_purpose"]


@pytest.mark.norm("live.by_purpose", "allow")
def test_the_seats_own_purpose_an_open_seat_and_an_emergency_are_allowed():
    facts = {"camera_purposes": ["교통단속", "범죄예방"], "seat_purposes": ["범죄예방"], "emergency": False}
    assert codes(rules.by_purpose, facts) == []
    assert codes(rules.by_purpose, {**facts, "seat_purposes": []}) == []
    assert codes(rules.by_purpose, {**facts, "camera_purposes": ["교통단속"], "emergency": True}) == []


@pytest.mark.norm("live.emergency", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trigger": "궁금함"}, "trigger"),
        ({"trigger": ""}, "trigger"),
        ({"reason": "  폭행 "}, "reason_missing"),
        ({"minutes": 16}, "too_long"),
        ({"minutes": 0}, "too_long"),
    ],
)
def test_an_emergency_has_a_named_trigger_a_reason_and_an_end(changes, code):
    assert codes(rules.emergency, {**ASKED, **changes}) == [code]


@pytest.mark.norm("live.emergency", "allow")
def test_every_trigger_of_the_ordinance_opens_it():
    for trigger in LAW.parameter("live.emergency_triggers").value:
        assert codes(rules.emergency, {**ASKED, "trigger": trigger}) == []
