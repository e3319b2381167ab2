"""The policy object word by word: what each change of one operator in it would break (`./dev attack mutants`)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from gwanje.kernel.actor import ANONYMOUS, Actor
from gwanje.kernel.policy import (
    ALL,
    IDS_MAX,
    NOTHING,
    SYSTEM_ARTICLE,
    Policy,
    Resource,
    Scope,
    agencies,
    cameras,
)
from gwanje.law import ArticleRef, Decision, Reason

A, B, C = (UUID(int=number) for number in (1, 2, 3))
HERE = Actor(A, "요원", frozenset({"operator"}), B)
OWN = Resource("thing", agency=B, camera=C)


def said(allow):
    reasons = () if allow else (Reason("no", "안 됩니다", "no"),)
    article = ArticleRef("p", "1", "제1조", "조례", "조례")
    return Decision(allow, "test.act", ("access.least",), (article,), date(2026, 1, 1), (("p", "1"),), reasons)


def policy(rule, scope):
    made = Policy()
    made.register("test.act", rule, scope)
    return made


def code(decision):
    assert not decision.allow
    return decision.reasons[0].code


def test_each_kind_of_scope_looks_at_its_own_attribute():
    assert agencies(B).contains(OWN)
    assert not agencies(C).contains(OWN)
    assert cameras(C).contains(OWN)
    assert not cameras(B).contains(OWN)
    assert not Scope("nothing", frozenset({B, C})).contains(OWN)
    assert not cameras(C).contains(None)
    assert (ALL & cameras(C)).contains(OWN)
    assert not (NOTHING & cameras(C)).contains(OWN)
    assert (NOTHING | cameras(C)).contains(OWN)


def test_the_words_of_scopes_and_refusals():
    kinds = [NOTHING.kind, ALL.kind, agencies().kind, cameras().kind, (ALL | ALL).kind, (ALL & ALL).kind]
    assert kinds == ["nothing", "all", "agencies", "cameras", "either", "both"]
    assert (SYSTEM_ARTICLE.key, SYSTEM_ARTICLE.rank) == ("gwanje:default-deny", "방침")
    refusal = Policy().decide(HERE, "test.act")
    assert refusal.packs == (("gwanje", "1"),)
    assert code(refusal) == "unregistered"


def test_a_scope_of_too_many_ids_is_none():
    ids = [UUID(int=number) for number in range(100_001)]
    assert IDS_MAX == 100_000
    most = policy(lambda *a: said(True), lambda who: agencies(*ids[:-1]))
    assert most.decide(HERE, "test.act", OWN).allow
    over = policy(lambda *a: said(True), lambda who: agencies(*ids))
    assert over.scope(HERE, "test.act") == NOTHING
    assert code(over.decide(HERE, "test.act", OWN)) == "out_of_scope"


def test_a_scope_that_is_no_scope_is_none(caplog):
    strange = policy(lambda *a: said(True), lambda who: [B])
    assert strange.scope(HERE, "test.act") == NOTHING
    assert "no Scope or too many ids" in caplog.text
    assert Policy().scope(HERE, "test.act") == NOTHING
    assert "scope of an unregistered action: test.act" in caplog.text
    assert "failed" not in caplog.text


def test_a_rule_gets_a_context_even_when_none_is_given():
    seen = []

    def rule(who, resource, context):
        seen.append(context)
        return said(True)

    asked = policy(rule, lambda who: ALL)
    assert asked.decide(HERE, "test.act", OWN).allow
    assert asked.decide(HERE, "test.act", OWN, {"law": 1}).allow
    assert seen == [{}, {"law": 1}]


@pytest.mark.parametrize(
    ("error", "word"), [(KeyError("x"), "missing_attribute"), (AttributeError("x"), "missing_attribute"),
                        (ValueError("x"), "rule_failed")]
)  # fmt: skip
def test_what_a_failing_rule_is_called(error, word):
    def rule(who, resource, context):
        raise error

    assert code(policy(rule, lambda who: ALL).decide(HERE, "test.act", OWN)) == word


def test_a_rule_that_gives_no_decision_has_failed():
    assert code(policy(lambda *a: True, lambda who: ALL).decide(HERE, "test.act", OWN)) == "rule_failed"


def test_a_refusal_keeps_its_own_reason_outside_the_scope():
    """Of what is the own agency's: only an allow is turned round by the scope."""
    assert code(policy(lambda *a: said(False), lambda who: NOTHING).decide(HERE, "test.act", OWN)) == "no"
    assert code(policy(lambda *a: said(True), lambda who: NOTHING).decide(HERE, "test.act", OWN)) == "out_of_scope"
    assert code(policy(lambda *a: said(True), lambda who: agencies(B)).decide(HERE, "test.act")) == "out_of_scope"


def test_what_belongs_to_others_is_hidden_before_the_rule_is_asked():
    asked = policy(lambda *a: 1 / 0, lambda who: agencies(B))
    assert code(asked.decide(HERE, "test.act", Resource(agency=C))) == "not_found"
    nothing = policy(lambda *a: 1 / 0, lambda who: NOTHING)
    assert code(nothing.decide(ANONYMOUS, "test.act", OWN)) == "not_found"


def test_a_refusal_is_of_the_folders_day():
    class Fixed:
        @staticmethod
        def local():
            return datetime(2031, 5, 6, tzinfo=UTC)

    dated = Policy()
    dated.use_clock(Fixed())
    assert dated.hidden("test.act").on == date(2031, 5, 6)
    assert dated.actions == frozenset()
    assert policy(lambda *a: said(True), lambda who: ALL).actions == {"test.act"}
