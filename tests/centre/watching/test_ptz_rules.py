"""Rules of steering, pure: a zone, a named emergency, and the stricter of two clauses."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from gwanje.centre.watching import rules_ptz
from gwanje.kernel.actor import Actor
from gwanje.law import load

ON = date(2026, 11, 21)
LAW = {name: load(["kr_national", name]).on(ON) for name in ("kr_anyang", "kr_osan", "kr_seoul")}
ASKED = {"reason": "112", "minutes": 10, "extended": 0, "contractor": False}


def codes(decision):
    assert decision.articles
    assert decision.allow is (not decision.reasons)
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("ptz.purpose", "deny")
@pytest.mark.parametrize(("steerable", "zone", "code"), [(False, True, "no_ptz"), (True, False, "no_zone")])
def test_what_has_no_zone_is_not_steered(steerable, zone, code):
    for law in LAW.values():
        assert codes(rules_ptz.inside({"steerable": steerable, "zone": zone}, law)) == [code]


@pytest.mark.norm("ptz.purpose", "allow")
def test_inside_its_zone_a_camera_is_steered():
    for law in LAW.values():
        assert codes(rules_ptz.inside({"steerable": True, "zone": True}, law)) == []


@pytest.mark.norm("ptz.purpose", "deny")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "그냥"}, "reason"),
        ({"minutes": 11}, "too_long"),
        ({"minutes": 0}, "too_long"),
        ({"extended": 2}, "too_long"),
        ({"contractor": True}, "contractor"),
    ],
)
def test_outside_needs_a_named_short_emergency(change, code):
    assert codes(rules_ptz.outside({**ASKED, **change}, LAW["kr_anyang"])) == [code]


@pytest.mark.norm("ptz.purpose", "allow")
@pytest.mark.parametrize("reason", rules_ptz.REASONS)
def test_each_preset_reason_opens_it(reason):
    assert codes(rules_ptz.outside({**ASKED, "reason": reason, "extended": 1}, LAW["kr_anyang"])) == []


@pytest.mark.norm("ptz.purpose", "deny")
def test_of_two_clauses_the_one_without_exception_stands_and_both_are_shown():
    decision = rules_ptz.outside(ASKED, LAW["kr_osan"])
    assert codes(decision) == ["no_exception"]
    assert {a.key for a in decision.articles} >= {"kr_osan:18(1)", "kr_osan:29(1)", "kr_national:25(5)"}
    assert "제29조제1항" in decision.reasons[0].ko
    assert codes(rules_ptz.outside(ASKED, LAW["kr_seoul"])) == ["no_exception"]


def test_without_a_rule_that_names_an_exception_there_is_none():
    assert codes(rules_ptz.outside(ASKED, load(["kr_national"]).on(ON))) == ["no_exception"]


def test_whose_hand_is_first():
    operator = Actor(UUID(int=1), "요원", frozenset({"operator"}), None)
    manager = Actor(UUID(int=1), "관리", frozenset({"manager", "operator"}), None)
    ranks = [rules_ptz.rank_of(operator, False), rules_ptz.rank_of(manager, False), rules_ptz.rank_of(operator, True)]
    assert ranks == [0, 1, 2]
