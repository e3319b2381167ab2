"""Event feed (알림): server-sent events over the rows, replayed from Last-Event-ID, with a heartbeat."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import UUID

from gwanje.centre.common import home
from gwanje.kernel.events import Event, Listener

HEARTBEAT_S = 15.0
STREAM_S = 3600.0
_listener: list[Listener] = []


async def listener() -> Listener:
    """The one LISTEN connection of this process, begun by its first reader."""
    if not _listener:
        _listener.append(Listener(home()))
    await _listener[0].start()
    return _listener[0]


async def stream(agency: UUID | None, seq: int) -> AsyncIterator[bytes]:
    """Lines of an SSE stream after ``seq``; another agency's events are left out, a comment is the heartbeat."""
    yield b": gwanje\nretry: 2000\n\n"
    try:
        source = await listener()
        async for page in source.read(seq, HEARTBEAT_S):
            text = "".join(line(event) for event in page if event.agency in (None, agency))
            yield text.encode() or b": .\n\n"
    except RuntimeError:
        yield b"event: full\ndata: {}\n\n"


def line(event: Event) -> str:
    """One event as SSE; its id is its seq."""
    return f"id: {event.seq}\ndata: {json.dumps(event.as_json(), ensure_ascii=False)}\n\n"
