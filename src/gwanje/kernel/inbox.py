"""Answers with secrets (비밀값을 담은 응답): received into memory of our own, read where they lie, overwritten at once.

Frames as ``kernel.wire`` has them. Nothing of a frame stands anywhere else in this process: the socket writes into the
inbox, byte strings are read as views of it, and ``clear`` overwrites all that came.
"""

from __future__ import annotations

import unicodedata
from struct import Struct
from typing import Any, Final

from gwanje.kernel import secret, wire
from gwanje.kernel.canonical import LIMIT_DEPTH, LIMIT_ITEMS, NotCanonical

ROOM: Final = 32 * 1024
_HEAD: Final = 4
_NUMBERS: Final = {24: Struct(">B"), 25: Struct(">H"), 26: Struct(">I"), 27: Struct(">Q")}
_LEAST: Final = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
_SIMPLE: Final = {20: False, 21: True, 22: None}


class Inbox:
    """One frame at a time: ``room`` for the socket to write into, ``filled``, ``frame``, ``clear``. Not thread-safe."""

    __slots__ = ("_buffer", "_fill", "_own")

    def __init__(self) -> None:
        self._own = secret.pages(ROOM)
        self._buffer = self._own
        self._fill = 0

    def room(self) -> memoryview:
        """Where the next bytes belong; never empty while a frame is not whole."""
        return self._buffer[self._fill :]

    def filled(self, count: int) -> bool:
        """``count`` bytes were written into ``room``; True when the frame is whole. WireError when it passes the limit.

        Nothing may follow a frame: vaultd speaks when it is asked. WireError then, too.
        """
        self._fill += count
        if self._fill < _HEAD:
            return False
        size = int.from_bytes(self._buffer[:_HEAD], "big")
        end = _HEAD + size
        if size > wire.FRAME_MAX or self._fill > end:
            self.clear()
            raise wire.WireError(f"a frame of {size} bytes passes the limit, or something follows it")
        if end > len(self._buffer):
            # no answer with keys is that large: this one is wiped as well, but stands in the heap meanwhile
            larger = memoryview(bytearray(end))
            larger[: self._fill] = self._buffer[: self._fill]
            secret.wipe(self._buffer[: self._fill])
            self._buffer = larger
        return self._fill == end

    def frame(self) -> memoryview:
        """The body of the whole frame, as it lies in the inbox, until ``clear``."""
        return self._buffer[_HEAD : self._fill]

    def clear(self) -> None:
        """Overwrite all that came; the next frame begins."""
        secret.wipe(self._buffer[: self._fill])
        self._buffer, self._fill = self._own, 0


class _Views:
    """One strict pass over a frame; what is read was canonical, though nothing is encoded again."""

    __slots__ = ("_at", "_data", "_items", "_size")

    def __init__(self, data: memoryview) -> None:
        self._data, self._size, self._at, self._items = data, len(data), 0, 0

    def whole(self) -> Any:
        value = self._value(0)
        if self._at != self._size:
            raise NotCanonical("bytes follow the value")
        return value

    def _take(self, count: int) -> memoryview:
        start, self._at = self._at, self._at + count
        if self._at > self._size:
            raise NotCanonical("the bytes end too early")
        return self._data[start : self._at]

    def _number(self, info: int) -> int:
        if info < 24:
            return info
        form = _NUMBERS.get(info)
        if form is None:
            raise NotCanonical("indefinite or reserved length")
        number = int(form.unpack(self._take(form.size))[0])
        if number < _LEAST[info]:
            raise NotCanonical("the bytes are not in canonical form")
        return number

    def _value(self, depth: int) -> Any:
        self._items += 1
        if depth > LIMIT_DEPTH or self._items > LIMIT_ITEMS:
            raise NotCanonical("nested too deeply or too many items")
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7 and info in _SIMPLE:
            return _SIMPLE[info]
        if major > 5:
            raise NotCanonical(f"major type {major} is outside the subset")
        number = self._number(info)
        if major == 2:
            return self._take(number)
        if major == 3:
            return _text(self._take(number))
        if major == 4:
            return [self._value(depth + 1) for _ in range(self._count(number))]
        if major == 5:
            return self._map(number, depth)
        return number if major == 0 else -1 - number

    def _count(self, number: int) -> int:
        if number > self._size - self._at:
            raise NotCanonical("more items announced than bytes left")
        return number

    def _map(self, number: int, depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        before, count = b"", self._count(number)
        for _ in range(count):
            start = self._at
            key = self._value(depth + 1)
            if isinstance(key, list | dict):
                raise NotCanonical("a map key is a container")
            # names of fields and segments, never a secret
            said = bytes(self._data[start : self._at])
            if said <= before:
                raise NotCanonical("the bytes are not in canonical form")
            before = said
            out[bytes(key) if isinstance(key, memoryview) else key] = self._value(depth + 1)
        if len(out) != count:
            # Python takes 1 and true for one key, CBOR does not
            raise NotCanonical("the bytes are not in canonical form")
        return out


def _text(raw: memoryview) -> str:
    try:
        text = str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise NotCanonical("text is not UTF-8") from error
    if not unicodedata.is_normalized("NFC", text):
        raise NotCanonical("text is not in NFC")
    return text


def views(frame: memoryview) -> dict[str, Any]:
    """A frame's map, every byte string a view of the frame (keys of maps are ``bytes``); WireError when it is none."""
    try:
        message = _Views(frame).whole()
    except ValueError as error:
        raise wire.WireError("a frame is not canonical") from error
    if not isinstance(message, dict):
        raise wire.WireError("a frame is not a map")
    return message


def message(frame: memoryview) -> dict[str, Any]:
    """A frame's map with copies of all that it says: for answers without secrets."""
    return wire.message(bytes(frame))
