"""Track types of an fMP4 (트랙 종류 확인): just enough of ISO BMFF to say what a part holds; nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gwanje.vault.errors import VaultError

BOXES_MAX: Final = 4096
_KINDS: Final = {b"vide": "video", b"soun": "audio"}


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at, count = 0, 0
    while at < len(data):
        count += 1
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if at + head > len(data) or size < head or at + size > len(data) or count > BOXES_MAX:
            raise VaultError("fmp4", f"box at byte {at}")
        yield bytes(data[at + 4 : at + 8]), data[at + head : at + size]
        at += size


def _find(data: memoryview, *path: bytes) -> Iterator[memoryview]:
    for kind, body in _boxes(data):
        if kind == path[0]:
            if len(path) == 1:
                yield body
            else:
                yield from _find(body, *path[1:])


def _field(body: memoryview, at: int) -> int:
    if len(body) < at + 4:
        raise VaultError("fmp4", "a box is too short")
    return int.from_bytes(body[at : at + 4], "big")


def tracks_of_init(init: bytes) -> dict[int, str]:
    """Track id → ``video``, ``audio`` or ``other:xxxx`` of an init segment; VaultError ``fmp4`` when malformed."""
    found: dict[int, str] = {}
    for trak in _find(memoryview(init), b"moov", b"trak"):
        headers = list(_find(trak, b"tkhd"))
        handlers = list(_find(trak, b"mdia", b"hdlr"))
        if len(headers) != 1 or len(handlers) != 1:
            raise VaultError("fmp4", "a track without header or handler")
        number = _field(headers[0], 20 if headers[0][0] == 1 else 12)
        if len(handlers[0]) < 12 or number in found:
            raise VaultError("fmp4", "track")
        handler = bytes(handlers[0][8:12])
        found[number] = _KINDS.get(handler, "other:" + handler.decode("latin-1"))
    return found


def tracks_of_fragment(fragment: bytes) -> set[int]:
    """Track ids that the movie fragments of a part use; VaultError ``fmp4`` when it is no moof + mdat."""
    view = memoryview(fragment)
    kinds = [kind for kind, _ in _boxes(view)]
    if b"moof" not in kinds or b"mdat" not in kinds:
        raise VaultError("fmp4", "no moof and mdat")
    return {_field(body, 4) for body in _find(view, b"moof", b"traf", b"tfhd")}


def kinds_of(init: bytes, fragment: bytes) -> list[str]:
    """Sorted track kinds that an init and a fragment (either may be empty) hold; unknown ids are ``unknown:n``.

    Without an init the fragment's handler types are not known: its tracks are all ``unknown:n`` then.
    """
    known = tracks_of_init(init) if init else {}
    kinds = set(known.values())
    if fragment:
        kinds |= {known.get(number, f"unknown:{number}") for number in tracks_of_fragment(fragment)}
    return sorted(kinds)
