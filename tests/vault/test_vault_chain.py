"""Answers from afar: one key each, forward only; what does not fit is refused, nothing of it stays."""

from __future__ import annotations

import pytest

from gwanje.kernel import wire
from gwanje.vault.chain import Chain, Offer


def pair() -> tuple[Chain, Chain]:
    ours, theirs = Offer(), Offer()
    return ours.chain(theirs.public, b"said"), theirs.chain(ours.public, b"said")


def test_answers_open_in_their_order_and_once():
    vaultd, recorder = pair()
    sealed = [vaultd.seal(b"answer %d" % number * 3000) for number in range(4)]
    assert [bytes(recorder.open(memoryview(one))) for one in sealed] == [b"answer %d" % n * 3000 for n in range(4)]
    with pytest.raises(wire.WireError):
        recorder.open(memoryview(sealed[3]))
    assert len(set(sealed)) == 4


@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: one[:5] + b"\0" + one[6:], lambda _: b"short"])
def test_a_changed_answer_does_not_open_and_leaves_nothing(change):
    vaultd, recorder = pair()
    with pytest.raises(wire.WireError):
        recorder.open(memoryview(change(vaultd.seal(b"secret" * 9))))
    assert not any(recorder._room)


def test_another_greeting_is_another_chain():
    ours, theirs = Offer(), Offer()
    vaultd, recorder = ours.chain(theirs.public, b"said"), theirs.chain(ours.public, b"other")
    with pytest.raises(wire.WireError):
        recorder.open(memoryview(vaultd.seal(b"x")))


@pytest.mark.parametrize("theirs", [None, b"", 1 << 40, "text", bytes(32), [1]])
def test_what_is_no_key_is_refused(theirs):
    with pytest.raises(wire.WireError):
        Offer().chain(theirs, b"said")


def test_an_offer_is_taken_once():
    ours, theirs = Offer(), Offer()
    ours.chain(theirs.public, b"said")
    with pytest.raises(wire.WireError):
        ours.chain(theirs.public, b"said")
