"""Product and reference model, asked the same: a sample of `./dev attack policy`, and proof that a hole is seen."""

from __future__ import annotations

import ast
import logging
import random
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from gwanje import law
from gwanje.centre.staff import rules_posts
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import ALL, Policy, Resource
from tests.model import model
from tools.attack import policy as attack


@pytest.fixture(autouse=True)
def quiet():
    """Rules that cannot decide are logged with a trace each, and thousands are asked on purpose."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_twenty_thousand_requests_are_answered_alike():
    found = attack.compare(20_000, seed=4)
    assert not found.wrong, "\n".join(found.shown)
    assert set(found.acts) == set(model.ACTS), "every act was allowed to somebody, or the sample shows nothing of it"
    assert min(found.answers.values()) > 1_000


@pytest.mark.parametrize("action", ["playback.view", "playback.approve", "watching.live.watch", "staff.grant"])
def test_a_hole_is_seen(action):
    whole, holed = attack.product(), Policy()
    for name in whole.actions:
        rule, scope = whole._rules[name]
        wide = whole._rules["watching.events.read"][0]  # allows whoever has signed in
        holed.register(name, wide if name == action else rule, scope)
    assert attack.compare(3_000, seed=5, policy=holed).wrong["wrong_allow"]


def test_a_scope_too_wide_is_seen():
    whole, holed = attack.product(), Policy()
    for name in whole.actions:
        holed.register(name, whole._rules[name][0], lambda who: ALL)
    found = attack.compare(3_000, seed=6, policy=holed)
    assert found.wrong["wrong_allow"]
    assert found.wrong["wrong_word"], "what is another agency's was told apart from what is not there"


def test_the_model_is_small_and_knows_nothing_of_the_product():
    text = Path(model.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 360
    names = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names == {"__future__", "re", "collections.abc", "dataclasses", "datetime", "functools", "typing"}


def test_the_same_seed_asks_the_same():
    assert list(attack.questions(random.Random(7), 50)) == list(attack.questions(random.Random(7), 50))


def test_every_action_of_every_room_is_in_the_model():
    """A new action without its sentence in the model is allowed by nobody's text."""
    rooms = {path.parent.name for path in Path("src/gwanje/centre").glob("*/rules.py")}
    assert rooms == set(attack.ROOMS)
    assert attack.product().actions == set(model.ACTS) - {"cameras.camera.register"}


# last words of the acts by which nobody decides: they read, ask, write down, watch, or end what is one's own
NOT_DECIDING = frozenset({
    "apply", "ask", "begin", "break", "certificate", "close", "delete", "end", "enter", "export", "fill", "hold",
    "open", "progress", "read", "request", "seat", "send", "shift", "steer", "tell", "type", "view", "watch", "write",
})  # fmt: skip


def test_every_action_is_known_to_decide_or_not_to():
    """A new action stands in one of the two lists, or a contractor might decide by it (수탁자의 승인 금지)."""
    words = {action: rules_posts.word_of(action) for action in attack.product().actions}
    assert {action for action, word in words.items() if word not in rules_posts.DECIDING | NOT_DECIDING} == set()
    assert not rules_posts.DECIDING & NOT_DECIDING
    assert (words["inspection.month.close"], words["duties.close"]) == ("month.close", "close")
    deciding = {action for action, word in words.items() if word in rules_posts.DECIDING}
    assert {"publication.version.announce", "retention.set_class", "statistics.table.check"} <= deciding


@pytest.mark.norm("outsourcing.no_approval", "deny")
def test_no_room_lets_a_contractor_decide_whatever_its_own_rule_says():
    whole, open_ = attack.product(), Policy()
    wide = whole._rules["watching.events.read"][0]  # allows whoever has signed in
    for action in whole.actions:
        open_.register(action, wide, whole._rules[action][1])
    open_.guard(rules_posts.deciding)
    today = law.load(("kr_national", "kr_anyang")).at(datetime(2026, 11, 21, 3, tzinfo=UTC))
    official = Actor(UUID(int=1), "이공무", frozenset({"operator"}), UUID(int=9))
    contractor = Actor(UUID(int=2), "김수탁", frozenset({"operator", "maintenance"}), UUID(int=9), contractor=True)
    for action in sorted(whole.actions):
        resource = Resource("any", UUID(int=3), UUID(int=9), UUID(int=3))
        said = {who: open_.decide(who, action, resource, {"law": today}).allow for who in (official, contractor)}
        assert said[official], action
        assert said[contractor] is (rules_posts.word_of(action) in NOT_DECIDING), action
