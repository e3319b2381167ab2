"""Hours and agreements: pure rules, and the watching decision that asks them of the cameras that have any."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gwanje.centre.watching import rules, rules_hours
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Policy, Resource
from gwanje.law import load
from support.staff import law

LAW = law().on(date(2026, 11, 23))
PLAIN = load(["kr_national", "kr_anyang"]).on(date(2026, 11, 23))
SEOUL = ZoneInfo("Asia/Seoul")
CITY = UUID(int=2)
WHO = Actor(UUID(int=1), "김관제", frozenset({"operator"}), CITY, "관제석-1", on_duty=True)
BUS = {"days": [0, 1, 2, 3, 4], "spans": [["07:00", "09:00"], ["17:00", "20:00"]]}
WEEKDAYS = {"days": [0, 1, 2, 3, 4], "spans": []}
NIGHT = {"spans": [["22:00", "06:00"]], "days": [4]}
AGREED = {
    "agreement": "협약 2026-3",
    "agreed_purposes": ["범죄예방"],
    "from": date(2026, 1, 1),
    "until": date(2026, 12, 31),
}
POLICY = Policy()
rules.register(POLICY)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


def codes(decision):
    assert decision.articles
    return [reason.code for reason in decision.reasons]


@pytest.mark.parametrize(
    ("hours", "moment", "inside"),
    [
        ({}, "2026-11-22T03:00", True),
        # days alone: all day on those days, and not on another
        (WEEKDAYS, "2026-11-23T03:00", True), (WEEKDAYS, "2026-11-20T23:59", True),
        (WEEKDAYS, "2026-11-22T03:00", False), ({"days": [6], "spans": []}, "2026-11-22T03:00", True),
        (BUS, "2026-11-23T07:00", True), (BUS, "2026-11-23T09:00", False), (BUS, "2026-11-22T08:00", False),
        (BUS, "2026-11-23T19:59", True),
        # over midnight: the span belongs to the day it begins on (Friday), and ends on Saturday morning
        (NIGHT, "2026-11-20T22:00", True), (NIGHT, "2026-11-21T05:59", True), (NIGHT, "2026-11-21T06:00", False),
        (NIGHT, "2026-11-20T05:00", False), (NIGHT, "2026-11-21T23:00", False),
    ],
)  # fmt: skip
def test_a_moment_lies_in_the_hours_or_not(hours, moment, inside):
    assert rules_hours.within(hours, at(moment)) is inside


def hours(**more):
    return {"purpose": "범죄예방", "within_hours": False, "secondary": ["범죄예방"], "on_sign": True, **more}


@pytest.mark.norm("live.purpose_hours", "deny")
@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"secondary": []}, ["outside_hours", "secondary_not_approved"]),
        ({"purpose": "시설물 관리"}, ["secondary_not_approved"]),
        ({"on_sign": False}, ["not_on_sign"]),
    ],
)
def test_outside_the_hours_only_what_is_approved_and_on_the_sign(changed, wanted):
    assert codes(rules_hours.purpose_hours(hours(**changed), LAW)) == wanted


@pytest.mark.norm("live.purpose_hours", "allow")
def test_inside_the_hours_or_approved_and_on_the_sign():
    assert rules_hours.purpose_hours(hours(), LAW).allow
    assert rules_hours.purpose_hours(hours(within_hours=True, secondary=[], on_sign=False), LAW).allow


def other(**more):
    return {"foreign": True, "purpose": "범죄예방", **AGREED, **more}


@pytest.mark.norm("live.agreement", "deny")
@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"agreement": " "}, ["no_agreement"]),
        ({"purpose": "교통단속"}, ["beyond_agreement"]),
        ({"until": "2026-11-22"}, ["agreement_over"]),
        ({"from": "2026-11-24"}, ["agreement_over"]),
        ({"from": None}, ["agreement_over"]),
    ],
)
def test_another_agencys_camera_only_as_agreed(changed, wanted):
    assert codes(rules_hours.agreement(other(**changed), LAW)) == wanted


@pytest.mark.norm("live.agreement", "allow")
def test_within_the_agreement_and_the_own_camera():
    assert rules_hours.agreement(other(), LAW).allow
    assert rules_hours.agreement(other(until=None), LAW).allow
    assert rules_hours.agreement(other(foreign=False, agreement=""), LAW).allow


def watch(moment="2026-11-23T12:00", today=LAW, emergency=False, seat=(), **facts):
    """What the policy object says of one camera, codes only; allowed = []."""
    resource = Resource("camera", UUID(int=3), CITY, UUID(int=3), {"purposes": ["범죄예방"], **facts})
    context = {"law": today, "now": at(moment), "seat_purposes": list(seat), "emergency": emergency}
    return codes(POLICY.decide(WHO, rules.WATCH, resource, context))


@pytest.mark.norm("live.purpose_hours", "deny")
def test_the_wall_follows_the_clock_of_the_camera():
    parking = {"hours": {**BUS, "secondary": [], "on_sign": False}}
    assert watch("2026-11-23T08:00", **parking) == []
    assert watch("2026-11-23T12:00", **parking) == ["outside_hours", "secondary_not_approved", "not_on_sign"]
    # an emergency goes beyond the hours, and a city without the rule does not ask
    assert watch("2026-11-23T12:00", emergency=True, **parking) == []
    assert watch("2026-11-23T12:00", today=PLAIN, **parking) == []
    night = {"hours": {**BUS, "secondary": ["범죄예방"], "on_sign": True}}
    assert watch("2026-11-23T23:00", **night) == []


@pytest.mark.norm("live.agreement", "deny")
def test_an_emergency_does_not_go_beyond_an_agreement():
    assert watch(agreement=AGREED) == []
    assert watch(agreement={**AGREED, "until": date(2026, 11, 22)}, emergency=True) == ["agreement_over"]
    assert watch(agreement={**AGREED, "agreement": ""}) == ["no_agreement"]
    school = {**AGREED, "hours": {"spans": [["18:00", "08:00"]]}}
    assert watch("2026-11-23T19:00", agreement=school) == []
    assert watch("2026-11-23T12:00", agreement=school) == ["beyond_agreement"]


@pytest.mark.norm("live.purpose_hours", "deny")
@pytest.mark.norm("live.agreement", "deny")
def test_days_without_hours_are_days():
    weekdays = {"hours": {**WEEKDAYS, "secondary": [], "on_sign": False}}
    assert watch("2026-11-23T12:00", **weekdays) == []
    assert watch("2026-11-22T12:00", **weekdays) == ["outside_hours", "secondary_not_approved", "not_on_sign"]
    assert watch("2026-11-23T12:00", agreement={**AGREED, "hours": WEEKDAYS}) == []
    assert watch("2026-11-22T12:00", agreement={**AGREED, "hours": WEEKDAYS}) == ["beyond_agreement"]


def test_an_ordinary_camera_is_asked_nothing_more():
    assert rules_hours.judged(Resource("camera", facts={"purposes": []}), {"law": LAW}) == []
