"""Forged evidence is told from true evidence by two verifiers that share no line (a seeded sample of the command)."""

from __future__ import annotations

import random
from functools import partial

import pytest

from attack.commands import Attack
from gwanje.kernel.canonical import decode, encode
from support import ahead
from tools.attack import _bytes, _changes, tamper
from tools.attack._bundles import Keys, boxed, boxes_of, clean

AHEAD = ("attack-tamper", partial(Attack, "tamper", "--count", "64", "--clean", "30"))


@pytest.fixture(scope="module")
def figures():
    made = ahead.take(*AHEAD)
    try:
        yield made.figures()
    finally:
        made.end()


def test_no_forgery_passes_and_nothing_true_is_refused(figures):
    assert (sum(figures["classes"].values()), figures["missed"]) == (64, 0)
    assert set(figures["classes"]) == set(_changes.NAMES)
    assert (figures["clean"], figures["false_alarms"]) == (30, 0)
    assert (figures["ledger"]["changed"], figures["ledger"]["missed"], figures["ledger"]["false_alarms"]) == (15, 0, 0)


def test_both_verifiers_say_the_same_of_every_file(figures):
    assert figures["verifiers_differ"] == 0


def test_a_stolen_ledger_key_is_found_by_the_outside_witness_only(figures):
    assert figures["control_passes_without_a_witness"]


def test_a_strangers_bundle_cannot_keep_a_verifier_busy():
    """Whoever signs for himself may write any number: no loop is as long as he likes."""
    keys = Keys(7)
    boxes = boxes_of(clean(random.Random(3), keys).build())
    protected, _, payload, _ = decode(boxes["manifest.cose"])
    body = decode(payload)
    body["until"] = 1 << 62
    boxes["manifest.cose"] = _bytes._signed(keys, protected, encode(body))
    vector = tamper.Vector("", "", boxed(boxes), (), 0)
    for code, lines in (tamper.judge_alone(vector, keys), *tamper.judge_page([vector], keys)):
        assert (code, lines[-1][:2]) == (1, ["signature", "wrong"])


def test_a_verifier_that_is_blind_would_be_counted():
    """The count itself can fail: a true bundle under a forged one's name is a miss, a forged one unnamed an alarm."""
    keys, counted = Keys(9), tamper.Figures(9)
    true = clean(random.Random(1), keys).build()
    _, forged = _changes.attacked(random.Random(2), clean(random.Random(2), keys), "segment re-encode")
    names = [("segment re-encode", true), ("", forged)]
    batch = [tamper.Vector(name, "holder", data, (str(keys.vkey),), n) for n, (name, data) in enumerate(names)]
    tamper.count_batch(counted, batch, keys)
    assert (len(counted.missed), counted.false_alarms, counted.differ) == (1, 1, [])
