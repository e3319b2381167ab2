"""The clip (영상 파일): init and fragments as they were recorded, their decode times moved so that it begins at 0.

Nothing else is changed, so that a verifier makes the same file from the sealed parts: in every ``moof`` the ``tfdt``
of its one ``traf`` is lowered by one number for the whole clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gwanje.vault import fmp4
from gwanje.vault.errors import VaultError

BOXES_MAX: Final = 4096


def _boxes(data: bytes | bytearray, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its body begins, where it ends) in data[at:end]; VaultError ``bundle_clip``."""
    for _ in range(BOXES_MAX):
        if at == end:
            return
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > end:
            break
        yield bytes(data[at + 4 : at + 8]), at + 8, at + size
        at += size
    raise VaultError("bundle_clip", f"box at byte {at}")


def times(fragment: bytes) -> list[tuple[int, int]]:
    """(where the decode time lies, how many bytes it has) of every ``moof``; VaultError ``bundle_clip``."""
    found = []
    for kind, body, end in _boxes(fragment, 0, len(fragment)):
        if kind != b"moof":
            continue
        trafs = [(a, b) for inner, a, b in _boxes(fragment, body, end) if inner == b"traf"]
        tfdts = [(a, b) for at, to in trafs for inner, a, b in _boxes(fragment, at, to) if inner == b"tfdt"]
        if len(trafs) != 1 or len(tfdts) != 1:
            raise VaultError("bundle_clip", "a fragment with more or less than one track")
        at, to = tfdts[0]
        width = 8 if fragment[at] == 1 else 4
        if at + 4 + width != to:
            raise VaultError("bundle_clip", "tfdt")
        found.append((at + 4, width))
    if not found:
        raise VaultError("bundle_clip", "no fragment")
    return found


def begins(fragment: bytes) -> int:
    """Decode time of the first fragment, in the track's own units."""
    at, width = times(fragment)[0]
    return int.from_bytes(fragment[at : at + width], "big")


def shifted(fragment: bytes, base: int) -> bytes:
    """The same fragments, each decode time lowered by ``base``; VaultError ``bundle_clip`` below zero."""
    out = bytearray(fragment)
    for at, width in times(fragment):
        moved = int.from_bytes(fragment[at : at + width], "big") - base
        if moved < 0:
            raise VaultError("bundle_clip", "decode times go back")
        out[at : at + width] = moved.to_bytes(width, "big")
    return bytes(out)


def video_only(init: bytes, fragment: bytes = b"") -> None:
    """Refuse whatever is not one video track: a bundle has no sound (법 제25조제5항); VaultError ``bundle_track``."""
    known = fmp4.tracks_of_init(init)
    used = fmp4.tracks_of_fragment(fragment) if fragment else set()
    if sorted(known.values()) != ["video"] or not used <= known.keys():
        raise VaultError("bundle_track")
