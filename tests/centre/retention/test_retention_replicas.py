"""A certificate lists who signed that the key is gone, and which places two officers gave up."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gwanje.centre.retention import certificate, trying, words


def draft(peers, retired=()):
    status = SimpleNamespace(
        level="L1", replicas=1 + len(peers), single_replica=False, peers=peers, retired=retired
    )  # fmt: skip
    found = trying.Attempt(0, 0, True, 1, 1, 1)
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    hour = SimpleNamespace(
        class_number=1, epoch=5, series=0, generation=7, cause="hour", reference="", held=[], due_at=moment,
        key_died_at=moment, erased_at=None, segments=0, parts=0, root=None, detail=[], exceptions=[],
    )  # fmt: skip
    return certificate.Draft("파기-2026-0001", moment, b"c" * 16, "센터", (), [hour], found, status, {}, None)


def peer(number, acknowledged):
    return {"number": number, "acknowledged": acknowledged, "digest": b"d" * 32, "signature": b"s" * 64}


def fact(made) -> str:
    said = words.certificate_words(made, ("a", "b"), made.issued_at)
    return dict((row[0], row[1]) for row in said["facts"])["키 복제본"]


@pytest.mark.norm("retention.irrecoverable", "allow")
def test_each_acknowledgement_stands_in_the_body():
    body = draft([peer(1, 8), peer(2, 9)]).body()
    assert body["acknowledgements"] == [[1, 8, b"d" * 32, b"s" * 64], [2, 9, b"d" * 32, b"s" * 64]]
    assert (body["replicas"], body["replicas_retired"]) == (3, [])
    assert fact(draft([peer(1, 8), peer(2, 9)])) == "3/3 파기"


def test_a_place_that_still_has_the_key_is_not_counted():
    assert fact(draft([peer(1, 8), peer(2, 7)])) == "2/3 파기"


def test_a_place_that_was_given_up_is_said():
    made = draft([peer(1, 8)], [[2, 1_700_000_000]])
    assert made.body()["replicas_retired"] == [[2, 1_700_000_000]]
    assert "담당공무원 2명이 해제한 복제본 1개" in fact(made)
    assert "단일 복제본" in fact(draft([]))
