"""Answers with secrets: read where they lie exactly as canonical bytes read, and overwritten whatever happens."""

from __future__ import annotations

import hmac
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje.kernel import secret, wire
from gwanje.kernel.canonical import NotCanonical, decode, encode, nfc
from gwanje.kernel.inbox import ROOM, Inbox, views


def copied(value: Any) -> Any:
    """The same with bytes for views."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [copied(one) for one in value]
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return value


leaves = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text().map(nfc)
keys = st.text(max_size=8).map(nfc) | st.binary(max_size=8) | st.integers(-9, 9)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(keys, inner, max_size=30),
    max_leaves=40,
)


@given(st.dictionaries(st.text(max_size=8).map(nfc), values, max_size=4))
def test_a_frame_says_the_same_in_place(value: dict[str, Any]) -> None:
    assert copied(views(memoryview(encode(value)))) == value


@given(st.dictionaries(st.text(max_size=4).map(nfc), values, max_size=3), st.data())
def test_one_changed_byte_is_judged_as_by_the_other_reader(value: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        wanted = decode(bytes(raw))
    except NotCanonical:
        wanted = None
    if isinstance(wanted, dict):
        assert copied(views(memoryview(raw))) == wanted
    else:
        with pytest.raises(wire.WireError):
            views(memoryview(raw))


@pytest.mark.parametrize(
    "raw",
    ["a1001800", "a10019ffff00", "a2616201616101", "a2616101616101", "a10161ff", "a1016365cc81", "a10180f5", "a18001",
     "a201f5f5f5", "80", "", "a1", "bf", "a101f7", "a101c000", "a1015f4101ff", "a1001b0000000000000001"],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(raw: str) -> None:
    if raw != "80":
        # an array is canonical, but no message
        with pytest.raises(NotCanonical):
            decode(bytes.fromhex(raw))
    with pytest.raises(wire.WireError):
        views(memoryview(bytes.fromhex(raw)))


def feed(inbox: Inbox, raw: bytes, step: int) -> bool:
    whole = False
    for at in range(0, len(raw), step):
        piece = raw[at : at + step]
        inbox.room()[: len(piece)] = piece
        whole = inbox.filled(len(piece))
    return whole


@pytest.mark.parametrize(("size", "step"), [(10, 1), (1000, 7), (1000, 4000), (ROOM - 30, 1000), (300_000, 1000)])
def test_a_frame_in_pieces_is_whole_and_then_overwritten(size, step):
    inbox, key = Inbox(), os.urandom(size)
    assert feed(inbox, wire.pack({"key": key}), step)
    frame = inbox.frame()
    assert views(frame)["key"] == key
    buffers = {id(inbox._buffer): inbox._buffer, id(inbox._own): inbox._own}.values()
    inbox.clear()
    assert not any(frame)
    assert not any(any(buffer) for buffer in buffers)
    assert feed(inbox, wire.pack({"key": b"next"}), 3)
    assert bytes(views(inbox.frame())["key"]) == b"next"


@pytest.mark.parametrize("raw", [(1 << 20 | 1).to_bytes(4, "big"), wire.pack({"a": b"secret"}) + b"\0"])
def test_too_much_is_refused_and_overwritten(raw):
    inbox = Inbox()
    with pytest.raises(wire.WireError):
        feed(inbox, raw, len(raw))
    assert not any(inbox._own)


def test_a_secret_is_overwritten_where_it_lies():
    digest, text = hmac.digest(os.urandom(32), b"x", "sha256"), bytearray(os.urandom(50))
    part, pages = memoryview(bytearray(os.urandom(9))), secret.pages(100)
    pages[:] = os.urandom(len(pages))
    secret.wipe(digest, text, part, pages, b"a", b"")
    assert digest == bytes(32)
    assert not any(text)
    assert not any(part)
    assert not any(pages)
    assert bytes([97]) == b"a"


def test_pages_are_empty_in_a_child_that_is_forked():
    pages = secret.pages(5000)
    pages[:] = b"\1" * len(pages)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.write(theirs, b"wiped" if not any(pages) else b"there")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 5) == b"wiped"
    assert all(pages)
    os.close(ours)
    os.close(theirs)
