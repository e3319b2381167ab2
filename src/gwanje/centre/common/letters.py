"""Letters that documents can show (인쇄할 수 있는 글자): read from the fonts themselves, the others by their codes.

PDF/A refuses a whole document for one letter without a shape. Which letters have one stands in each font's own table
(``cmap`` of OpenType, formats 4 and 12); a letter that no font has is printed as ``[U+20BB7]``, never as an empty box.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# controls, signs that turn the reading direction, private and unassigned places, line and paragraph separators
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# letters by their category, but nothing is seen of them: fillers of Hangul, the braille blank
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# one shape with what stands before them: marks, variants and joiners, skin colours, vowels and endings of old Hangul
_FOLLOWS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u1160-\u11ff\ud7b0-\ud7fb]")
# no font needs a shape for these
_SILENT = frozenset("\u200d\ufe0e\ufe0f")


def spelt(text: str, fonts: tuple[frozenset[int], ...]) -> str:
    """The same text with each letter that none of the fonts shows as its code, ``[U+1F600]``; line ends stay.

    ``fonts``: the code points of each, in the order in which the document asks them.
    """
    return "".join(_drawn(cluster, fonts) for cluster in _clusters(text))


def _clusters(text: str) -> Iterator[str]:
    """Letters with what leans on them: a compiler looks for one font for all of it."""
    cluster = ""
    for letter in text:
        leans = _FOLLOWS.match(letter) or unicodedata.category(letter) in ("Mn", "Me", "Mc")
        if cluster and not leans and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


def _drawn(cluster: str, fonts: tuple[frozenset[int], ...]) -> str:
    if cluster == "\n":
        return cluster
    first, seen = cluster[0], [ord(c) for c in cluster if c not in _SILENT]
    # the first font that knows a part of it draws it, and a part that this font lacks would be drawn by nobody
    font: frozenset[int] = next((font for font in fonts if any(code in font for code in seen)), frozenset())
    # between letters and figures a joiner is only hidden, it joins nothing
    hidden = len(cluster) > len(seen) and first.isalnum() and "\u20e3" not in cluster
    if _visible(first) and all(code in font for code in seen) and not hidden:
        return cluster
    return "".join(
        c if _visible(c) and _stands(c, at) and _known(c, fonts) else _code(c) for at, c in enumerate(cluster)
    )


def _stands(letter: str, at: int) -> bool:
    """True for a letter that is no part of the one before it."""
    return at == 0 or not (_FOLLOWS.match(letter) or unicodedata.category(letter) in ("Mn", "Me", "Mc"))


def _visible(letter: str) -> bool:
    return unicodedata.category(letter) not in _HIDDEN and letter not in _EMPTY


def _known(letter: str, fonts: tuple[frozenset[int], ...]) -> bool:
    return any(ord(letter) in font for font in fonts)


def _code(letter: str) -> str:
    return f"[U+{ord(letter):04X}]"


@cache
def of_files(folder: Path, names: tuple[str, ...]) -> tuple[frozenset[int], ...]:
    """Code points of the named font files of a folder, in that order; ValueError for a file that is no such font."""
    return tuple(_read(folder / name) for name in names)


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
