"""The awaiting client's line: answers in pieces, a line that breaks, an answer that nobody asked for; nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gwanje.kernel import inbox, wire
from gwanje.vault.client_line import Line

LIMIT_S = 60


@contextlib.asynccontextmanager
async def served(path, *pieces: bytes | None) -> AsyncIterator[Line]:
    """A line to a peer that says these pieces, each behind one byte that it is asked with; None: it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            for piece in pieces:
                await reader.readexactly(1)
                if piece is None:
                    break
                writer.write(piece)
                await writer.drain()
            else:
                await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path / "s"))
    line = await Line.local(path / "s")
    try:
        yield line
    finally:
        line.close()
        server.close()


async def asked(line: Line, read: Any = inbox.message) -> Any:
    return await asyncio.wait_for(line.answer(read), LIMIT_S)


def clean(line: Line) -> bool:
    return not any(line._inbox._own)


async def test_answers_come_in_pieces_and_leave_nothing(tmp_path):
    key = os.urandom(32)
    frame = wire.pack({"key": key})
    async with served(tmp_path, frame[:2], frame[2:9], frame[9:], frame) as line:
        line.send(b"...")
        assert await asked(line, lambda f: bytes(inbox.views(f)["key"])) == key
        assert clean(line)
        line.send(b".")
        assert await asked(line) == {"key": key}
        assert clean(line)


@pytest.mark.parametrize(
    "pieces", [(None,), (b"\0\0",), (b"\0\0\0\7half",), (wire.pack({"a": 1}) + b"x",), (b"\xff\xff\xff\xff",)]
)
async def test_a_line_that_breaks_says_so_and_leaves_nothing(tmp_path, pieces):
    async with served(tmp_path, *pieces, None) as line:
        line.send(b"..")
        with pytest.raises(wire.WireError):
            await asked(line)
        assert clean(line)
        with pytest.raises(wire.WireError):
            await asked(line)
        with pytest.raises(wire.WireError):
            line.send(b".")


async def test_an_answer_that_came_whole_is_read_though_the_peer_has_gone(tmp_path):
    async with served(tmp_path, wire.pack({"last": 1}), None) as line:
        line.send(b"..")
        while line._lost is None:
            await asyncio.sleep(0.01)
        assert await asked(line) == {"last": 1}
        assert clean(line)


async def test_an_answer_nobody_waits_for_any_more_leaves_nothing(tmp_path):
    async with served(tmp_path, wire.pack({"key": b"k" * 32})) as line:
        waiting = asyncio.create_task(line.answer(inbox.message))
        await asyncio.sleep(0)
        waiting.cancel()
        line.send(b".")
        while not line._whole:
            await asyncio.sleep(0.01)
        line.close()
        assert clean(line)


async def test_a_reader_that_fails_leaves_nothing(tmp_path):
    async with served(tmp_path, wire.pack({"key": b"k" * 32})) as line:
        line.send(b".")
        with pytest.raises(KeyError):
            await asked(line, lambda f: inbox.views(f)["nodes"])
        assert clean(line)
