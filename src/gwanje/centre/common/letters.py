"""Letters that documents can show (인쇄할 수 있는 글자): read from the fonts themselves, the others by their codes.

PDF/A refuses a whole document for one letter without a shape. Which letters have one stands in each font's own table
(``cmap`` of OpenType, formats 4 and 12); a letter that no font has is printed as ``[U+20BB7]``, never as an empty box.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from pathlib import Path

# controls, signs that turn the reading direction, private and unassigned places, line and paragraph separators
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# letters by their category, but nothing is seen of them: fillers of Hangul, the braille blank
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# these change the letter before them, so one font must have both
_JOINS = "\u200d"
_CHANGES = ("Mn", "Me")


def spelt(text: str, fonts: tuple[frozenset[int], ...]) -> str:
    """The same text with each letter that none of the fonts shows as its code, ``[U+1F600]``; line ends stay."""
    out: list[str] = []
    before = ""
    for letter in text:
        shown = letter == "\n" or _shown(letter, before, fonts)
        out.append(letter if shown else f"[U+{ord(letter):04X}]")
        # a row of signs on one letter (skin, sex) all lean on that letter
        if not (shown and (letter in _JOINS or unicodedata.category(letter) in _CHANGES)):
            before = letter if shown else ""
    return "".join(out)


def _shown(letter: str, before: str, fonts: tuple[frozenset[int], ...]) -> bool:
    code, kind = ord(letter), unicodedata.category(letter)
    if kind in _CHANGES or letter in _JOINS:
        # between letters and figures a joiner is only hidden, it joins nothing
        leans = before != "" and not (letter in _JOINS and before.isalnum())
        return leans and any(code in font and ord(before) in font for font in fonts)
    return kind not in _HIDDEN and letter not in _EMPTY and any(code in font for font in fonts)


@cache
def of_folder(folder: Path) -> tuple[frozenset[int], ...]:
    """Code points of every font file (.ttf, .otf) of a folder; ValueError for a file that is no such font."""
    return tuple(_read(path) for path in sorted(folder.iterdir()) if path.suffix in (".ttf", ".otf"))


def _read(path: Path) -> frozenset[int]:
    """Code points that the Unicode table of one font file gives a shape."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"\0\1\0\0", b"OTTO"):
            raise ValueError(f"글꼴 파일이 아닙니다 / no OpenType font: {path.name}")
        (count,) = struct.unpack(">H", head[4:6])
        for tag, _, start, length in struct.iter_unpack(">4sIII", file.read(16 * count)):
            if tag == b"cmap":
                file.seek(start)
                return _points(file.read(length))
    raise ValueError(f"글꼴에 글자표가 없습니다 / the font has no cmap: {path.name}")


def _points(table: bytes) -> frozenset[int]:
    (count,) = struct.unpack_from(">H", table, 2)
    found: set[int] = set()
    for number in range(count):
        (start,) = struct.unpack_from(">I", table, 8 + 8 * number)
        (kind,) = struct.unpack_from(">H", table, start)
        if kind == 12:
            (groups,) = struct.unpack_from(">I", table, start + 12)
            for first, last, glyph in struct.iter_unpack(">III", table[start + 16 : start + 16 + 12 * groups]):
                found.update(range(first + (glyph == 0), last + 1))
        elif kind == 4:
            found |= _segments(table, start)
    return frozenset(found)


def _segments(table: bytes, start: int) -> set[int]:
    """Format 4: segments of the first 65,536 code points; those that lead to glyph 0 have no shape."""
    segments = struct.unpack_from(">H", table, start + 6)[0] // 2
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{segments}H", table, start + 14 + at * 2 * segments + (2 if at else 0)) for at in range(4)
    )
    places = start + 16 + 6 * segments
    found: set[int] = set()
    for n, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", table, places + 2 * n + offset + 2 * (code - first))
            if glyph and (glyph + delta) % 65536:
                found.add(code)
    return found
