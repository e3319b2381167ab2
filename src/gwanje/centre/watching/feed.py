"""Event feed (알림): server-sent events over the rows, replayed from Last-Event-ID, with a heartbeat."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from time import monotonic
from typing import cast
from uuid import UUID

from gwanje.centre.common import home
from gwanje.centre.common.refusal import Problem
from gwanje.kernel.events import Event, Listener

HEARTBEAT_S = 15.0
# a stream ends by itself, and the browser asks anew with its last number: who has lost the right gets no new one
STREAM_S = 600.0
# the web server takes 400 connections in all: streams must leave room for pages
STREAMS_MAX, STREAMS_A_PERSON = 200, 8
FULL = b"retry: 30000\nevent: full\ndata: {}\n\n"
_listener: list[Listener] = []
_reading: Counter[UUID | None] = Counter()


def full(person: UUID | None) -> bool:
    """Has this person, or have all together, as many streams open as there may be?"""
    return _reading[person] >= STREAMS_A_PERSON or _reading.total() >= STREAMS_MAX


def admit(person: UUID | None) -> None:
    """Problem (503) instead of one stream too many; the page asks again some seconds later."""
    if full(person):
        raise Problem(
            "streams",
            "열린 알림 연결이 너무 많습니다.",
            "Too many event streams are open.",
            rule=f"1인 {STREAMS_A_PERSON}개, 전체 {STREAMS_MAX}개",
            next_="쓰지 않는 창을 닫으십시오.",
            status=503,
        )


async def listener() -> Listener:
    """The one LISTEN connection of this process, begun by its first reader."""
    if not _listener:
        _listener.append(Listener(home()))
    await _listener[0].start()
    return _listener[0]


async def stream(agency: UUID | None, seq: int, person: UUID | None = None) -> AsyncIterator[bytes]:
    """Lines of an SSE stream after ``seq``; another agency's events are left out, a comment is the heartbeat."""
    yield b": gwanje\nretry: 2000\n\n"
    # asked again here: between the view and the first byte others may have come
    if full(person):
        yield FULL
        return
    _reading[person] += 1
    ends = monotonic() + STREAM_S
    try:
        source = await listener()
        async with aclosing(cast("AsyncGenerator[list[Event], None]", source.read(seq, HEARTBEAT_S))) as pages:
            async for page in pages:
                text = "".join(line(event) for event in page if event.agency in (None, agency))
                yield text.encode() or b": .\n\n"
                if monotonic() >= ends:
                    return
    except RuntimeError:
        yield FULL
    finally:
        _reading[person] -= 1
        if not _reading[person]:
            del _reading[person]


def line(event: Event) -> str:
    """One event as SSE; its id is its seq."""
    return f"id: {event.seq}\ndata: {json.dumps(event.as_json(), ensure_ascii=False)}\n\n"
