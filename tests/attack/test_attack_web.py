"""The web's host is the attacker's, officers have keys: nothing opens without two of them."""

from __future__ import annotations

from functools import partial

from attack.commands import Attack
from support import ahead

AHEAD = ("attack-web", partial(Attack, "web", "--parts", "160"))


def test_nothing_opens_without_two_officers():
    made = ahead.take(*AHEAD)
    try:
        found = made.figures()
    finally:
        made.end()
    assert found["opened"] == 0
    assert "granted" not in found["answers"]
    assert found["tries"] > 400
    # the control: with the signatures of two officers exactly what they signed opens
    assert found["control_opened"] == 20
    refusals = {"signature_missing", "consent_other", "consent_forged", "consent_key", "op_denied", "hello"}
    assert refusals <= set(found["answers"]), found["answers"]
