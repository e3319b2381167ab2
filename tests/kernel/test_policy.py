"""The policy object: default deny, scope and decision never disagree, a foreign agency is not found."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.actor import ANONYMOUS, ROLES, Actor
from gwanje.kernel.policy import ALL, NOTHING, Policy, Resource, Scope, agencies, cameras
from gwanje.law import ArticleRef, Decision, Reason

IDS = [UUID(int=n) for n in range(1, 5)]
ARTICLE = ArticleRef("pack", "1", "제1조", "조례", "조례")


def decision(allow=True):
    reasons = () if allow else (Reason("no", "안 됨", "no"),)
    return Decision(allow, "test.act", ("access.least",), (ARTICLE,), date(2026, 11, 20), (("pack", "1"),), reasons)


def actor(agency=IDS[0], *roles):
    return Actor(uuid4(), "김", frozenset(roles or {"operator"}), agency)


ids = st.sampled_from(IDS)
scopes = st.recursive(
    st.one_of(
        st.just(NOTHING),
        st.just(ALL),
        st.builds(lambda i: agencies(*i), st.lists(ids)),
        st.builds(lambda i: cameras(*i), st.lists(ids)),
    ),
    lambda inner: st.one_of(st.builds(Scope.__or__, inner, inner), st.builds(Scope.__and__, inner, inner)),
    max_leaves=6,
)
resources = st.one_of(
    st.none(), st.builds(Resource, agency=st.one_of(st.none(), ids), camera=st.one_of(st.none(), ids))
)
answers = st.sampled_from(["allow", "deny", "raise", "key", "none", "scope-raise", "scope-junk", "unregistered"])


@settings(max_examples=2000, deadline=None)
@given(scopes, resources, answers, st.one_of(st.none(), ids))
def test_decide_never_allows_what_scope_excludes(scope, resource, answer, own):
    policy = Policy()
    who = Actor(uuid4(), "김", frozenset({"operator"}), own)

    def rule(actor, resource, context):
        if answer == "raise":
            raise ValueError
        if answer == "key":
            return context["missing"]
        return None if answer == "none" else decision(answer != "deny")

    def scope_rule(actor):
        if answer == "scope-raise":
            raise ValueError
        return "everything" if answer == "scope-junk" else scope

    if answer != "unregistered":
        policy.register("test.act", rule, scope_rule)
    found = policy.decide(who, "test.act", resource, {})
    assert isinstance(found, Decision)
    if found.allow:
        assert answer == "allow"
        assert policy.scope(who, "test.act").contains(resource)
    else:
        assert found.reasons
        assert found.articles
    if answer == "allow" and scope.contains(resource):
        assert found.allow
    if resource is not None and resource.agency != own and not policy.scope(who, "test.act").contains(resource):
        assert found.reasons[0].code in ("not_found", "unregistered")


@settings(max_examples=500, deadline=None)
@given(scopes, scopes, resources)
def test_the_algebra(a, b, resource):
    assert (a | b).contains(resource) == (a.contains(resource) or b.contains(resource))
    assert (a & b).contains(resource) == (a.contains(resource) and b.contains(resource))


def test_an_own_resource_is_forbidden_and_a_foreign_one_is_not_found():
    policy = Policy()
    asked = []

    def rule(who, resource, context):
        asked.append(resource)
        return decision(False)

    policy.register("test.act", rule, lambda who: agencies(who.agency))
    who = actor()
    assert policy.decide(who, "test.act", Resource(agency=IDS[0])).reasons[0].code == "no"
    assert policy.decide(who, "test.act", Resource(agency=IDS[1])).reasons[0].code == "not_found"
    assert len(asked) == 1, "the rule is not even asked about what belongs to others"
    assert policy.decide(ANONYMOUS, "test.act", Resource(agency=IDS[1])).reasons[0].code == "not_found"


def test_what_a_failing_rule_says(caplog):
    policy = Policy()

    def rule(who, resource, context):
        raise RuntimeError("secret of a rule")

    policy.register("test.act", rule, lambda who: ALL)
    found = policy.decide(actor(), "test.act")
    assert (found.allow, found.reasons[0].code) == (False, "rule_failed")
    assert "secret" not in str(found.body())
    assert "test.act" in caplog.text
    assert policy.decide(actor(), "test.other").reasons[0].code == "unregistered"
    assert policy.scope(actor(), "test.other") == NOTHING


def test_an_action_has_one_pair_of_rules():
    policy = Policy()

    def rule(who, resource, context):
        return decision()

    def everything(who):
        return ALL

    policy.register("test.act", rule, everything)
    policy.register("test.act", rule, everything)
    with pytest.raises(ValueError, match="already"):
        policy.register("test.act", rule, lambda who: ALL)
    with pytest.raises(ValueError, match="dotted"):
        policy.register("act", rule, everything)


def test_an_actor_has_known_roles_only():
    assert actor(IDS[0], *ROLES).has("auditor")
    assert not ANONYMOUS.has(*ROLES)
    with pytest.raises(ValueError, match="unknown roles"):
        actor(IDS[0], "root")


def test_a_contractor_holds_no_office_and_a_stranger_no_role():
    assert Actor(IDS[0], "", frozenset(ROLES), IDS[1], contractor=True).roles == {"operator", "maintenance"}
    assert Actor(IDS[0], "", frozenset(ROLES), IDS[1]).roles == frozenset(ROLES)
    stranger = Actor(None, "", frozenset(ROLES), IDS[1])
    assert (stranger.roles, stranger.agency) == (frozenset(), None)
