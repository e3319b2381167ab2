"""The law of a day: dates, ranks, grounds, and what never answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gwanje import law
from gwanje.kernel import canonical
from gwanje.law import BadDecision, NotInForce, PackError, Reason
from gwanje.law.cases import stacks
from gwanje.law.force import InForce, Law, may_stand
from gwanje.law.packs import folder
from gwanje.law.words import NORMS, PARAMETERS, ParameterWord

FIRST = date(2020, 7, 10)
WHY = Reason("no_permit", "허가가 없습니다", "there is no permit")


def test_value_with_its_article(today: InForce) -> None:
    found = today.parameter("retention.days_max")
    assert (found.value, found.unit, found.article.id) == (30, "day", "31(1)")
    assert str(found.article) == "안양시 조례 제31조제1항"


@pytest.mark.norm("law.in_force", "deny")
def test_before_the_first_day_nothing_answers(city: Law) -> None:
    before = city.on(FIRST - timedelta(days=1))
    for ask in (lambda: before.parameter("retention.days_max"), lambda: before.articles("playback.default_deny")):
        with pytest.raises(NotInForce):
            ask()
    with pytest.raises(NotInForce):
        before.allow("playback.view", "playback.default_deny")


@pytest.mark.norm("law.in_force", "allow")
def test_on_the_first_day_it_answers(city: Law) -> None:
    assert city.on(FIRST).parameter("retention.days_max").value == 30
    assert city.on(FIRST).articles("playback.default_deny")


def test_unverified_text_never_decides(city: Law) -> None:
    national = law.load(["kr_national"])
    assert [d for d in national.packs[0].parameters if d.name == "retention.days_max" and not d.verified]
    with pytest.raises(NotInForce):
        national.on(date(2026, 11, 20)).parameter("retention.days_max")
    assert all(a.id != "지침41(2)" for a in city.on(date(2026, 11, 20)).articles("retention.max"))


def test_the_day_is_the_centres_day(city: Law) -> None:
    # 15:00 UTC is midnight in Seoul: the first second of the first day in force
    assert city.at(datetime(2020, 7, 9, 15, 0, tzinfo=UTC)).on == FIRST
    assert city.at(datetime(2020, 7, 9, 14, 59, 59, tzinfo=UTC)).on == FIRST - timedelta(days=1)
    with pytest.raises(TypeError):
        city.at(datetime(2020, 7, 9, 15, 0))  # noqa: DTZ001
    with pytest.raises(TypeError):
        city.on(datetime(2020, 7, 9, 15, 0, tzinfo=UTC))


def _said(ask: Callable[[str], object], name: str) -> list[object]:
    try:
        return [ask(name)]
    except NotInForce:
        return []


def test_every_norm_and_parameter_that_is_enforced_has_an_article(today: InForce) -> None:
    local = [law.load(names) for names in stacks()]
    awaited = {n for whole in local for p in whole.packs for a in p.articles for n in a.awaits}
    for norm in NORMS:
        assert norm in awaited or [a for whole in local for a in _said(whole.on(today.on).articles, norm)]
    unread = {d.name for whole in local for p in whole.packs for d in p.parameters if not d.verified}
    for name in PARAMETERS:
        assert name in unread or [p for whole in local for p in _said(whole.on(today.on).parameter, name)]
    assert unread <= {"retention.days_max", "notice.days"}
    with pytest.raises(KeyError):
        today.parameter("retention.days")
    with pytest.raises(KeyError):
        today.articles("playback.anything")


@pytest.mark.norm("law.precedence", "deny")
@pytest.mark.parametrize(
    ("stricter", "higher", "lower"),
    [("lower", 30, 31), ("higher", 3, 2), ("subset", ("a",), ("a", "b")), ("superset", ("a", "b"), ("a",)),
     ("same", 3, 2)],
)  # fmt: skip
def test_a_lower_rule_that_widens_does_not_stand(stricter: str, higher: object, lower: object) -> None:
    word = ParameterWord("x", int, "u", stricter, "가", "x")
    assert not may_stand(word, higher, lower)
    assert may_stand(word, higher, higher)


@pytest.mark.norm("law.precedence", "allow")
@pytest.mark.parametrize(
    ("stricter", "higher", "lower"),
    [("lower", 30, 7), ("higher", 3, 5), ("subset", ("a", "b"), ("a",)), ("superset", ("a",), ("a", "b"))],
)
def test_a_lower_rule_that_narrows_stands(stricter: str, higher: object, lower: object) -> None:
    assert may_stand(ParameterWord("x", int, "u", stricter, "가", "x"), higher, lower)


@pytest.mark.norm("law.precedence", "deny")
def test_a_ground_dies_with_the_one_it_rests_on(city: Law) -> None:
    last, after = city.on(date(2020, 8, 4)), city.on(date(2020, 8, 5))
    assert "statistics" in [g.code for g in last.grounds("playback")]
    assert "statistics" not in [g.code for g in after.grounds("playback")]
    repealed = after.ground("statistics")
    assert not repealed.in_force
    assert "pipa.18.2.4" in repealed.why_not_ko
    assert [c.name for c in after.conflicts()] == ["statistics"]
    assert last.conflicts() == ()


def test_repealed_and_new_items_of_the_act(today: InForce, city: Law) -> None:
    old = today.ground("pipa.18.2.4")
    assert not old.in_force
    assert "2020-08-04" in old.why_not_ko
    assert today.ground("pipa.18.2.10").in_force
    assert not city.on(date(2023, 9, 14)).ground("pipa.18.2.10").in_force
    with pytest.raises(KeyError):
        today.ground("because")


def test_a_citys_list_narrows_the_list_above(today: InForce) -> None:
    codes = [g.code for g in today.grounds("disclosure")]
    assert "investigation" in codes
    assert not [c for c in codes if c.startswith("pipa.")]
    assert [g.code for g in today.grounds("installation")] == [f"pipa.25.1.{n}" for n in range(1, 7)]
    assert all(g.document for g in today.grounds("playback"))


def test_a_city_alone_has_no_ground_to_rest_on() -> None:
    assert law.load(["kr_anyang"]).on(date(2026, 11, 20)).grounds("playback") == ()


def test_titles(today: InForce) -> None:
    assert today.title("chief_officer") == "총괄책임자"
    assert today.title("operator", "en") == "Operator"
    with pytest.raises(KeyError):
        today.title("king")


def test_decision_has_one_canonical_form(today: InForce) -> None:
    facts = {"on": date(2026, 11, 20), "roles": {"b", "a"}, "n": 3, "name": "한글".encode().decode()}
    made = today.deny("playback.view", "playback.default_deny", reasons=[WHY], facts=facts)
    assert not made
    assert made.reason == WHY
    body = made.body()
    assert canonical.decode(canonical.encode(body)) == body
    assert body["facts"]["roles"] == ["a", "b"]
    assert ["kr_anyang", "2020-07-10.2"] in body["packs"]
    assert "kr_anyang:28(2)" in body["articles"]


def test_decisions_that_do_not_exist(today: InForce) -> None:
    with pytest.raises(BadDecision):
        today.deny("playback.view", "playback.default_deny", reasons=[])
    with pytest.raises(TypeError):
        today.allow("playback.view", "playback.default_deny", facts={"share": 0.5}).body()


def test_combined_all_must_allow(today: InForce, city: Law) -> None:
    yes = today.allow("a.b", "playback.ground")
    no = today.deny("a.c", "playback.approval", reasons=[WHY])
    both = law.combine("playback.view", [yes, no])
    assert not both.allow
    assert both.norms == ("playback.ground", "playback.approval")
    assert law.combine("playback.view", [yes, yes]).allow
    with pytest.raises(BadDecision):
        law.combine("playback.view", [yes, city.on(FIRST).allow("a.b", "playback.ground")])
    with pytest.raises(BadDecision):
        law.combine("playback.view", [])


@pytest.mark.norm("law.precedence", "deny")
@pytest.mark.parametrize(("own", "stands", "conflicts"), [(14, 10, 1), (10, 10, 0), (7, 7, 0)])
def test_a_city_cannot_take_longer_than_the_act_allows(tmp_path: Path, own: int, stands: int, conflicts: int) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    file = tmp_path / "packs" / "kr_anyang" / "parameters.yaml"
    line = "value: 10, unit: day, article: 별지2"
    text = file.read_text(encoding="utf-8")
    assert line in text
    file.write_text(text.replace(line, f"value: {own}, unit: day, article: 별지2"), encoding="utf-8")
    day = law.load(["kr_national", "kr_anyang"], tmp_path / "packs").on(date(2026, 11, 20))
    assert day.parameter("request.days").value == stands
    found = [c for c in day.conflicts() if c.name == "request.days"]
    assert len(found) == conflicts
    if found:
        assert (found[0].higher.id, found[0].lower.id) == ("영41(4)", "별지2")


def test_unknown_pack_is_named() -> None:
    with pytest.raises(PackError, match="kr_nowhere"):
        law.load(["kr_nowhere"])


def test_has_says_whether_a_norm_has_an_article_that_day() -> None:
    whole = law.load(("kr_national", "kr_anyang"))
    assert whole.on(date(2026, 11, 20)).has("playback.default_deny")
    assert not whole.on(date(2019, 1, 1)).has("playback.default_deny")
    assert not whole.on(date(2026, 11, 20)).has("live.glass")
    with pytest.raises(KeyError):
        whole.on(date(2026, 11, 20)).has("playback.anything")
