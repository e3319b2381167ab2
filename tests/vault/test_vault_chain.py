"""Answers from afar: one key each, forward only; what does not fit is refused, and nothing of a used key stays."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel import wire
from gwanje.vault.chain import Chain, Offer

MASK = bytes(byte ^ 0x5A for byte in range(256))


def pair() -> tuple[Chain, Chain]:
    ours, theirs = Offer(), Offer()
    return ours.chain(theirs.public, b"said"), theirs.chain(ours.public, b"said")


def own_memory() -> Iterator[bytes]:
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            words = line.split()
            if words[1].startswith("rw") and "[v" not in line:
                low, high = (int(word, 16) for word in words[0].split("-"))
                memory.seek(low)
                try:
                    yield memory.read(high - low)
                except OSError:
                    continue


def standing(masked: list[bytes]) -> int:
    """How often these stand in this process's memory; they are given masked, so as not to find themselves."""
    count = 0
    for piece in own_memory():
        plain = piece.translate(MASK)
        count += sum(plain.count(one) for one in masked)
    return count


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


def test_no_used_key_stays_in_memory(monkeypatch):
    used: list[bytes] = []

    class Watched(AESGCM.__base__ or object):  # type: ignore[misc]
        def __new__(cls, key):
            used.append(bytes(key).translate(MASK))
            return AESGCM(key)

    monkeypatch.setattr("gwanje.vault.chain.AESGCM", Watched)
    vaultd, recorder = pair()
    for number in range(20):
        assert bytes(recorder.open(memoryview(vaultd.seal(b"answer %d" % number)))) == b"answer %d" % number
    gc.collect()
    assert len(used) == 40
    assert standing(used) == 0
    # the control: what nobody overwrites is found this way
    kept = os.urandom(32)
    assert standing([kept.translate(MASK)]) >= 1
