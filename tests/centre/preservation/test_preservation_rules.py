"""Rules of preservation, both sides: what stands, who may, who decides, what a form needs."""

from __future__ import annotations

from datetime import date

import pytest

from gwanje.centre.preservation import rules
from gwanje.law import load

TODAY = load(("kr_national", "kr_anyang")).on(date(2026, 11, 21))
NOW = 1_795_000_000


def hold(**changes):
    """Facts of a hold that stands."""
    return {"ground": "trial", "case": "2026고단1", "reason": "재판의 증거", "reviewer": "r", "now": NOW,
            "ends": NOW + 86400, **changes}  # fmt: skip


def codes(decision):
    """Reasons of a refusal."""
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("hold.basis", "allow")
@pytest.mark.parametrize("ground", sorted(rules.KIND_OF))
def test_a_hold_stands_on_each_of_its_grounds(ground):
    found = rules.hold_stands(hold(ground=ground), TODAY)
    assert found.allow
    assert any(article.id.startswith("31(1)") for article in found.articles)


@pytest.mark.norm("hold.basis", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ground": "nonsense"}, "ground_unknown"), ({"ground": "urgent_relief"}, "ground_gate"),
        ({"case": " "}, "case_missing"), ({"reason": "짧다"}, "reason_missing"), ({"reviewer": ""}, "reviewer_missing"),
        ({"ends": NOW}, "end_missing"), ({"ends": NOW + 367 * 86400}, "end_too_far"),
    ],
)  # fmt: skip
def test_a_hold_without_its_parts_does_not_stand(changes, code):
    assert codes(rules.hold_stands(hold(**changes), TODAY)) == [code]


def named(**changes):
    """Facts of a reader."""
    return {"roles": ["auditor"], "needed": list(rules.READERS), "contractor": False, "action": "preservation.read",
            **changes}  # fmt: skip


@pytest.mark.norm("hold.apart", "allow")
def test_named_people_and_who_asked_read_it():
    assert rules.named_only(named(), TODAY).allow
    assert rules.named_only(named(roles=["operator"], own=True), TODAY).allow


@pytest.mark.norm("hold.apart", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"roles": ["operator"]}, "role_missing"), ({"roles": ["administrator"]}, "role_missing"),
     ({"contractor": True}, "contractor"), ({"duty_owed": True}, "off_duty")],
)  # fmt: skip
def test_nobody_else_touches_what_is_held(changes, code):
    assert codes(rules.named_only(named(**changes), TODAY)) == [code]


@pytest.mark.norm("hold.apart", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"person": "a"}, "same_person"), ({"roles": ["privacy_officer"]}, "approver_role"),
     ({"contractor": True}, "contractor"), ({"off_duty": True}, "off_duty"), ({}, "")],
)  # fmt: skip
def test_another_officer_decides(changes, code):
    facts = {"asked_by": "a", "person": "b", "roles": ["manager"], "contractor": False, "off_duty": False,
             "action": "preservation.decide", **changes}  # fmt: skip
    assert codes(rules.decided_by_another(facts, TODAY)) == ([code] if code else [])


def form(**changes):
    """Facts of form 3 as it should be."""
    whole = dict.fromkeys(("name", "phone", "birth", "address"), "x")
    agent = dict.fromkeys(("name", "phone", "birth", "relation", "address"), "")
    return {"subject": whole, "agent": agent, "purpose": "주차 사고 확인", "keep_from": "2026-11-21",
            "keep_until": "2026-12-31", "today": "2026-11-21", "consent": True, "ended": False, **changes}  # fmt: skip


@pytest.mark.norm("extension.form", "allow")
def test_a_whole_form_is_taken_with_and_without_an_agent():
    assert rules.form_stands(form(), TODAY).allow
    agent = dict.fromkeys(("name", "phone", "birth", "relation", "address"), "x")
    assert rules.form_stands(form(agent=agent), TODAY).allow


@pytest.mark.norm("extension.form", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": {"name": "x", "phone": "", "birth": "x", "address": "x"}}, "subject_missing"),
        ({"agent": {"name": "x", "phone": "", "birth": "", "relation": "", "address": ""}}, "agent_incomplete"),
        ({"purpose": "-"}, "purpose_missing"), ({"keep_until": "2026-11-21"}, "period_missing"),
        ({"keep_until": "2026-11-20"}, "period_missing"), ({"consent": False}, "consent_missing"),
        ({"ended": True}, "too_late"),
    ],
)  # fmt: skip
def test_a_form_with_a_hole_is_not_taken(changes, code):
    assert codes(rules.form_stands(form(**changes), TODAY)) == [code]


def deletion(**changes):
    """Facts of a deletion that stands."""
    return {"cameras": 1, "first": NOW, "until": NOW + 60, "case": "청구-1", "applicant": "홍길동",
            "reason": "집 안이 보임", **changes}  # fmt: skip


@pytest.mark.norm("deletion.exact", "allow")
def test_seconds_of_one_camera_are_deleted():
    assert rules.deletion_stands(deletion(), TODAY).allow
    assert rules.deletion_stands(deletion(until=NOW + 86400), TODAY).allow


@pytest.mark.norm("deletion.exact", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"cameras": 2}, "one_camera"), ({"cameras": 0}, "one_camera"), ({"until": NOW}, "range_missing"),
     ({"until": NOW + 86401}, "range_long"), ({"case": ""}, "case_missing"), ({"applicant": ""}, "applicant_missing"),
     ({"reason": "x"}, "reason_missing")],
)  # fmt: skip
def test_a_deletion_names_what_when_why_and_for_whom(changes, code):
    assert codes(rules.deletion_stands(deletion(**changes), TODAY)) == [code]
