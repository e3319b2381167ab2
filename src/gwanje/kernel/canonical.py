"""Canonical bytes (정규 바이트열): deterministic CBOR, RFC 8949 section 4.2.1.

The subset is closed on purpose: integers, byte strings, text in NFC, arrays, maps, booleans, null.
No floats, no tags, no indefinite lengths. What decodes is proved canonical by encoding it again.
"""

from __future__ import annotations

import unicodedata
from typing import Any

LIMIT_DEPTH = 16
LIMIT_ITEMS = 200_000


class NotCanonical(ValueError):
    """The value or the bytes are outside the canonical subset."""


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * size):
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise NotCanonical(f"integer needs more than 64 bits: {value}")


def encode(value: Any, _depth: int = 0) -> bytes:
    """Encode ``value`` as canonical CBOR bytes.

    Raises NotCanonical for floats, text that is not NFC, unknown types, and nesting over 16.
    """
    if _depth > LIMIT_DEPTH:
        raise NotCanonical("nested too deeply")
    if value is None:
        return b"\xf6"
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _head(2, len(value)) + bytes(value)
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise NotCanonical("text is not in NFC")
        raw = value.encode("utf-8")
        return _head(3, len(raw)) + raw
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(encode(v, _depth + 1) for v in value)
    if isinstance(value, dict):
        pairs = sorted((encode(k, _depth + 1), encode(v, _depth + 1)) for k, v in value.items())
        if len({k for k, _ in pairs}) != len(pairs):
            raise NotCanonical("a map key stands twice")
        return _head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    raise NotCanonical(f"type {type(value).__name__} has no canonical form")


class _Reader:
    """One pass over a byte string; every read is bounds-checked."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.items = data, 0, 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise NotCanonical("the bytes end too early")
        out = self.data[self.at : end]
        self.at = end
        return out

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info > 27:
            raise NotCanonical("indefinite or reserved length")
        return major, int.from_bytes(self.take(1 << (info - 24)), "big")

    def value(self, depth: int) -> Any:
        self.items += 1
        if depth > LIMIT_DEPTH or self.items > LIMIT_ITEMS:
            raise NotCanonical("nested too deeply or too many items")
        if self.at < len(self.data) and self.data[self.at] in (0xF4, 0xF5, 0xF6):
            return {0xF4: False, 0xF5: True, 0xF6: None}[self.take(1)[0]]
        major, number = self.head()
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            try:
                return self.take(number).decode("utf-8")
            except UnicodeDecodeError as error:
                raise NotCanonical("text is not UTF-8") from error
        if major == 4:
            return [self.value(depth + 1) for _ in range(self._count(number))]
        if major == 5:
            return self._map(number, depth)
        raise NotCanonical(f"major type {major} is outside the subset")

    def _count(self, number: int) -> int:
        if number > len(self.data) - self.at:
            raise NotCanonical("more items announced than bytes left")
        return number

    def _map(self, number: int, depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for _ in range(self._count(number)):
            key = self.value(depth + 1)
            if isinstance(key, list | dict):
                raise NotCanonical("a map key is a container")
            out[key] = self.value(depth + 1)
        return out


def decode(data: bytes) -> Any:
    """Decode canonical CBOR; raises NotCanonical unless ``encode`` gives back the same bytes."""
    reader = _Reader(bytes(data))
    value = reader.value(0)
    if reader.at != len(reader.data):
        raise NotCanonical("bytes follow the value")
    if encode(value) != reader.data:
        raise NotCanonical("the bytes are not in canonical form")
    return value


def nfc(text: str) -> str:
    """Text in NFC, as every canonical text must be."""
    return unicodedata.normalize("NFC", text)
