"""Requests of holds as anybody may write them: a clear refusal, no change, no other exception."""

from __future__ import annotations

import asyncio
import random

import pytest
from hold_rig import DAY_S, digest, made
from test_vault_core import code

from gwanje.kernel.ids import uuid7
from gwanje.vault.errors import VaultError
from gwanje.vault.ops_hold import HoldOps

CAUGHT = (VaultError, KeyError, TypeError, ValueError, AttributeError, OverflowError)


@pytest.fixture
def rig(centre):
    found = made(centre)
    found.lend(1)
    yield found
    found.vault.close()


def requests(rig):
    """One good request of each kind that changes something."""
    said = [a.body() for a in rig.said(digest("d"))]
    camera, slot, class_, first, until = rig.span()
    common = {"decision": digest("d"), "approvals": said}
    words = {"ground": "trial", "case": "2026가합1"}
    id_ = rig.hold(rig.span(1))
    spans = [[camera.bytes, slot, class_, first, until]]
    reviewer = rig.centre.second.id.bytes
    return {
        "hold": {"id": uuid7().bytes, "kind": "trial", "reviewer": reviewer, "spans": spans,
                 "ends": rig.now[0] + DAY_S, **words, **common},
        "prolong_hold": {"id": id_.bytes, "kind": "trial", "ends": rig.now[0] + 90 * DAY_S, **words, **common},
        "puncture": {"camera": camera.bytes, "slot": slot, "spans": [[class_, first, until]], **common},
        "end_hold": {"id": id_.bytes, **common},
    }  # fmt: skip


def spoilt(value, rng):
    """The same value with one thing in it replaced."""
    odd = (None, "", "x" * 5000, b"", b"\0" * 16, -1, 1 << 70, 1.5, True, [], {}, [[]], "\0")
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return (
            {**value, key: spoilt(value[key], rng)}
            if rng.random() < 0.9
            else {k: v for k, v in value.items() if k != key}
        )
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [spoilt(one, rng) if n == at else one for n, one in enumerate(value)]
    return rng.choice(odd)


def test_spoilt_requests_are_refused_and_change_nothing(rig):
    ops, rng = HoldOps(rig.vault).table(), random.Random(4)
    good = requests(rig)
    generation = rig.vault.keystore.generation
    for _ in range(500):
        name = rng.choice(sorted(good))
        bad = spoilt(good[name], rng)
        if bad == good[name] or not isinstance(bad, dict):
            continue
        try:
            asyncio.run(ops[name].run(bad))
        except CAUGHT:
            assert rig.vault.keystore.generation == generation, bad
            continue
        # what was still legal is done: a fresh start
        assert bad.keys() == good[name].keys()
        good, generation = requests(rig), rig.vault.keystore.generation
    for name in good:
        asyncio.run(ops[name].run(good[name]))
    assert rig.vault.keystore.generation == generation + 4


def test_many_holds_come_page_by_page(rig, monkeypatch):
    monkeypatch.setattr("gwanje.vault.ops_hold.HOLDS_A_PAGE", 3)
    for tick in range(5):
        rig.hold(rig.span(0, tick, tick + 1))
    ops = HoldOps(rig.vault).table()
    first = asyncio.run(ops["holds"].run({}))
    rest = asyncio.run(ops["holds"].run({"after": first["holds"][-1]["id"]}))
    assert (len(first["holds"]), first["more"], len(rest["holds"]), rest["more"]) == (3, True, 2, False)
    ids = [h["id"] for h in (*first["holds"], *rest["holds"])]
    assert set(ids) == {h.bytes for h in rig.vault.state.holds}
    assert not any("key" in name for h in first["holds"] for name in h)


def test_who_may_hold_has_an_end(rig, monkeypatch):
    monkeypatch.setattr("gwanje.vault.holds.PROVISIONAL_MAX", 2)
    monkeypatch.setattr("gwanje.vault.holds.HOLDS_MAX", 3)
    for tick in (1, 2):
        rig.hold(rig.span(0, tick, tick + 1), kind="provisional", ends=rig.now[0] + DAY_S)
    wanted = rig.wanted(kind="provisional", ends=rig.now[0] + DAY_S)
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "limit"
    rig.hold()
    more = rig.wanted()
    assert code(lambda: rig.holds.hold(more, rig.said(more.decision))) == "limit"
    monkeypatch.undo()
    monkeypatch.setattr("gwanje.vault.holds.NODES_MAX", 8)
    many = rig.wanted(rig.span(0, 1, 3599))
    assert code(lambda: rig.holds.hold(many, rig.said(many.decision))) == "limit"
