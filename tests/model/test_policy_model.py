"""Product and reference model, asked the same: a sample of `./dev attack policy`, and proof that a hole is seen."""

from __future__ import annotations

import ast
import logging
import random
from pathlib import Path

import pytest

from gwanje.kernel.policy import ALL, Policy
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
