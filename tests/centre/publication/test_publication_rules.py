"""Rules of publication, pure: whole documents, changes announced in time, signs that say and stand as they must."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gwanje.centre.publication import items, rules
from gwanje.law import NotInForce, load
from support.publication import law

LAW = law().on(date(2026, 11, 21))
ALL = list(LAW.parameter("policy.items").value)


def codes(decision):
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("policy.complete", "allow")
@pytest.mark.parametrize("document", ["policy", "plan", "department"])
def test_a_whole_document_is_published(document):
    needed = LAW.parameter(rules.LISTS[document]).value
    assert rules.complete({"document": document, "items": [*needed, "더 적은 것"]}, LAW).allow


@pytest.mark.norm("policy.complete", "deny")
@pytest.mark.parametrize("gone", ALL)
def test_each_empty_item_is_named(gone):
    decision = rules.complete({"document": "policy", "items": [i for i in ALL if i != gone]}, LAW)
    assert codes(decision) == ["item_missing"]
    assert f"'{gone}'" in decision.reasons[0].ko
    assert decision.articles


@pytest.mark.norm("policy.complete", "deny")
def test_an_empty_document_lacks_everything():
    assert codes(rules.complete({"document": "policy", "items": []}, LAW)) == ["item_missing"] * len(ALL)


@pytest.mark.norm("policy.announce", "allow")
def test_seven_days_before_is_in_time():
    on = date(2026, 11, 21)
    assert rules.announced({"announced_on": on, "effective_on": on + timedelta(7), "reason": "기기 증설"}, LAW).allow


@pytest.mark.norm("policy.announce", "deny")
@pytest.mark.parametrize(
    ("days", "reason", "found"),
    [(6, "기기 증설", ["too_soon"]), (7, "  ", ["reason_missing"]), (-1, "", ["too_soon", "reason_missing"])],
)
def test_too_soon_or_without_a_reason(days, reason, found):
    on = date(2024, 2, 26)
    facts = {"announced_on": on, "effective_on": on + timedelta(days), "reason": reason}
    assert codes(rules.announced(facts, LAW)) == found


@pytest.mark.norm("policy.announce", "in_time")
@pytest.mark.norm("policy.announce", "late")
@pytest.mark.parametrize(("effective", "due"), [("2026-12-01", "2026-11-24"), ("2024-03-07", "2024-02-29")])
def test_the_last_day_to_announce(effective, due):
    day = date.fromisoformat(due)
    duty = rules.announce_by({"effective_on": date.fromisoformat(effective)}, LAW)
    assert duty.due_on == day
    assert not duty.late(day)
    assert duty.late(day + timedelta(1))
    announced = {"announced_on": day, "effective_on": date.fromisoformat(effective), "reason": "증설"}
    assert rules.announced(announced, LAW).allow
    assert not rules.announced({**announced, "announced_on": day + timedelta(1)}, LAW).allow


@pytest.mark.norm("sign.items", "allow")
def test_a_sign_that_says_everything():
    assert rules.sign_items({"items": list(LAW.parameter("sign.items").value)}, LAW).allow


@pytest.mark.norm("sign.items", "deny")
def test_a_sign_without_its_contractor():
    said = [i for i in LAW.parameter("sign.items").value if i != "수탁자 명칭·연락처"]
    decision = rules.sign_items({"items": said}, LAW)
    assert codes(decision) == ["item_missing"]
    assert "수탁자" in decision.reasons[0].ko


@pytest.mark.norm("sign.placement", "allow")
@pytest.mark.parametrize(
    ("place", "exemption", "seen"),
    [("site", "", True), ("entrance", "출입구/건물 안 여러 대", False), ("homepage", "홈페이지/원거리 촬영", False),
     ("none", "생략/국가보안시설", False)],
)  # fmt: skip
def test_where_a_sign_may_stand(place, exemption, seen):
    assert rules.sign_placement({"place": place, "exemption": exemption, "in_view": seen}, LAW).allow


@pytest.mark.norm("sign.placement", "deny")
@pytest.mark.parametrize(
    ("place", "exemption", "code"),
    [("site", "", "not_seen"), ("site", "생략/국가보안시설", "not_seen"), ("none", "", "no_exemption"),
     ("none", "홈페이지/원거리 촬영", "no_exemption"), ("homepage", "생략/국가보안시설", "no_exemption"),
     ("none", "생략/예산 부족", "no_exemption")],
)  # fmt: skip
def test_where_it_may_not(place, exemption, code):
    assert codes(rules.sign_placement({"place": place, "exemption": exemption, "in_view": False}, LAW)) == [code]


def test_where_no_rule_stands_nothing_is_allowed_silently():
    early = load(["kr_national", "kr_anyang"]).on(date(2010, 1, 1))
    with pytest.raises(NotInForce):
        rules.complete({"document": "policy", "items": []}, early)
    with pytest.raises(NotInForce):
        rules.sign_placement({"place": "site", "exemption": "", "in_view": True}, early)


def test_every_place_has_a_word_and_every_word_a_place():
    assert set(items.INSTEAD.values()) == set(items.PLACES) - {items.SITE}
