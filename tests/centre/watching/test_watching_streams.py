"""Event streams: how many one person and how many all together may hold open."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from gwanje.centre.watching import feed
from gwanje.kernel.events import Listener

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken(monkeypatch):
    """Who has streams open; empty."""
    found = Counter()
    monkeypatch.setattr(feed, "_reading", found)
    return found


def test_one_stream_too_many_of_a_person_is_refused(hire, sign_in, taken):
    officer, other = hire("operator"), hire("operator")
    taken[officer.pk] = feed.STREAMS_A_PERSON
    answer = sign_in(officer).get("/watch/events/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (503, "streams")
    assert "8" in answer.json()["rule"]
    assert not feed.full(other.pk)
    taken[officer.pk] -= 1
    assert not feed.full(officer.pk)


def test_all_streams_together_leave_room_for_pages(hire, sign_in, taken):
    taken.update({uuid4(): feed.STREAMS_A_PERSON for _ in range(feed.STREAMS_MAX // feed.STREAMS_A_PERSON)})
    # the web server answers 400 connections: as many pages as streams still get one
    assert feed.STREAMS_MAX <= 200
    answer = sign_in(hire("operator")).get("/watch/events/", headers={"Accept": "application/json"})
    assert answer.status_code == 503


def test_a_stream_that_is_left_is_counted_no_more(system, taken, monkeypatch):
    monkeypatch.setattr(Listener, "_page_blocking", lambda self, seq: [])
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.02)
    person = uuid4()

    async def leave() -> None:
        one = feed.stream(None, 0, person)
        await anext(one)
        await anext(one)
        assert taken[person] == 1
        # a browser that goes away in the middle: its task is cancelled
        await one.aclose()
        await feed._listener.pop().stop()

    asyncio.run(asyncio.wait_for(leave(), 10))
    assert not taken
