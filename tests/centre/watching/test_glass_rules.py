"""Rules of break-glass, pure: off where no rule allows it, an urgent ground, few cameras, once, another's review."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from gwanje.centre.watching import rules_glass
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Policy, Resource
from gwanje.law import load

ON = date(2026, 11, 21)
LAW = load(["kr_national", "kr_anyang", "model_policy"]).on(ON)
OFF = load(["kr_national", "kr_anyang"]).on(ON)
ASKED = {"ground": "urgent_relief", "words": "하천에 사람이 빠졌다", "cameras": 2, "beyond": 1, "contractor": False}
WELL = {"waiting": 0, "late": 0, "misuse": 0}
CITY, CAMERA, WHO = UUID(int=1), UUID(int=2), UUID(int=3)
POLICY = Policy()
rules_glass.register(POLICY)


def actor(*roles, duty=False, **more):
    return Actor(WHO, "김관제", frozenset(roles), CITY, "관제석 1", duty, **more)


def asked(who, action, law=LAW, resource=None, **context):
    thing = resource or Resource("glass", agency=CITY, camera=CAMERA, facts={"opened_by": UUID(int=9)})
    decision = POLICY.decide(who, action, thing, {"law": law, **context})
    assert decision.articles
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("live.glass", "allow")
def test_an_urgent_ground_words_and_few_cameras_open_it():
    assert rules_glass.broken(ASKED, LAW).allow
    assert {a.key for a in rules_glass.broken(ASKED, LAW).articles} == {"model_policy:2"}
    # off duty: that is what it is for
    assert asked(actor("operator"), rules_glass.BREAK, glass=ASKED, standing=WELL) == []


@pytest.mark.norm("live.glass", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ground": "investigation"}, "ground"),
        ({"ground": "pipa.18.2.3"}, "ground"),  # the city's own list narrows the statute's
        ({"ground": ""}, "ground"),
        ({"words": "  급함 "}, "words"),
        ({"words": "가" * 301}, "words"),
        ({"cameras": 6}, "cameras"),
        ({"cameras": 0}, "cameras"),
        ({"beyond": 0}, "not_needed"),
        ({"contractor": True}, "contractor"),
    ],
)
def test_what_opens_nothing(changes, code):
    assert [reason.code for reason in rules_glass.broken({**ASKED, **changes}, LAW).reasons] == [code]


def test_where_no_rule_allows_it_it_is_off():
    """The ordinance does not speak of it: nothing is opened and nothing that was open is shown."""
    assert rules_glass.minutes(OFF) == 0
    who = actor("operator")
    shown = {"person": WHO, "station": "관제석 1", "cameras": frozenset([CAMERA]), "open": True}
    assert asked(who, rules_glass.BREAK, OFF, glass=ASKED, standing=WELL) == ["glass_off"]
    assert asked(who, rules_glass.WATCH, OFF, glass=shown) == ["glass_off"]
    # what had been opened before is still ended and reviewed
    assert asked(actor("manager"), rules_glass.END, OFF) == []
    assert asked(actor("manager"), rules_glass.REVIEW, OFF) == []


@pytest.mark.parametrize("role", ["administrator", "auditor", "privacy_officer", "maintenance"])
def test_who_does_not_watch_breaks_no_glass(role):
    assert asked(actor(role, duty=True), rules_glass.BREAK, glass=ASKED, standing=WELL) == ["role"]


@pytest.mark.norm("live.glass_review", "deny")
@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"waiting": 1}, ["review_waits"]),
        ({"waiting": 1, "late": 1}, ["suspended_late"]),
        ({"misuse": 1}, ["suspended_misuse"]),
        ({"waiting": 1, "late": 1, "misuse": 1}, ["suspended_misuse", "suspended_late"]),
    ],
)
def test_once_until_it_is_reviewed(changes, codes):
    assert [reason.code for reason in rules_glass.standing({**WELL, **changes}, LAW).reasons] == codes
    assert asked(actor("operator"), rules_glass.BREAK, glass=ASKED, standing={**WELL, **changes}) == codes


@pytest.mark.norm("live.glass_review", "allow")
def test_who_is_in_good_standing_may_and_another_officer_reviews():
    assert rules_glass.standing(WELL, LAW).allow
    for role in ("manager", "chief_officer", "privacy_officer"):
        assert asked(actor(role), rules_glass.REVIEW) == []


@pytest.mark.norm("live.glass_review", "deny")
def test_nobody_reviews_their_own_and_no_other_role_does():
    own = Resource("glass", agency=CITY, facts={"opened_by": WHO})
    assert asked(actor("manager"), rules_glass.REVIEW, resource=own) == ["own_act"]
    assert asked(actor("chief_officer"), rules_glass.RESTORE, resource=own) == ["own_act"]
    for role in ("operator", "auditor", "administrator", "maintenance"):
        assert asked(actor(role), rules_glass.REVIEW) == ["review_role"]
    assert asked(actor("manager"), rules_glass.RESTORE) == ["review_role"]
    assert asked(actor("operator"), rules_glass.END) == ["not_own"]


@pytest.mark.norm("live.glass", "deny")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person": UUID(int=9)}, "over"),
        ({"station": "관제석 2"}, "over"),
        ({"open": False}, "over"),
        ({"cameras": frozenset([UUID(int=7)])}, "unlisted"),
    ],
)
def test_it_shows_named_cameras_to_who_opened_it_at_that_seat_while_it_lasts(changes, code):
    shown = {"person": WHO, "station": "관제석 1", "cameras": frozenset([CAMERA]), "open": True}
    assert asked(actor("operator"), rules_glass.WATCH, glass=shown) == []
    assert asked(actor("operator"), rules_glass.WATCH, glass={**shown, **changes}) == [code]
    assert asked(actor("operator", contractor=True), rules_glass.WATCH, glass=shown) == ["over"]
    foreign = Resource("camera", CAMERA, UUID(int=8), CAMERA)
    assert asked(actor("operator"), rules_glass.WATCH, resource=foreign, glass=shown) == ["not_found"]


def test_a_pack_narrows_its_limits_and_never_widens_them(tmp_path):
    import shutil

    from gwanje.law.packs import folder

    place = tmp_path / "packs"
    shutil.copytree(folder(), place)
    file = place / "model_policy" / "parameters.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("value: 15", "value: 600").replace("value: 5,", "value: 2,"), encoding="utf-8")
    changed = load(["kr_national", "kr_anyang", "model_policy"], place).on(ON)
    assert (rules_glass.minutes(changed), rules_glass.cameras_max(changed)) == (15, 2)
    assert [r.code for r in rules_glass.broken({**ASKED, "cameras": 3}, changed).reasons] == ["cameras"]
