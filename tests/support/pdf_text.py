"""A small reader of PDF text for tests: which letters stand on a page and where, by ToUnicode and the fonts' widths."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import pikepdf

Matrix = tuple[float, float, float, float, float, float]
HEX = re.compile(rb"<([0-9A-Fa-f]+)>")


@dataclass(frozen=True)
class Run:
    """Letters shown at once: left and right edge and base line in points, from the page's lower left corner."""

    text: str
    left: float
    right: float
    base: float


@dataclass(frozen=True)
class Page:
    """One page: its size in points and its runs in the order in which they are drawn."""

    width: float
    height: float
    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        """All letters as drawn."""
        return "".join(run.text for run in self.runs)


def _utf16(code: bytes) -> str:
    return bytes.fromhex(code.decode()).decode("utf-16-be")


def _cmap(stream: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", stream, re.S):
        codes = HEX.findall(part)
        found |= {int(a, 16): _utf16(b) for a, b in zip(codes[::2], codes[1::2], strict=True)}
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", stream, re.S):
        for low, high, first in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", part):
            for step in range(int(high, 16) - int(low, 16) + 1):
                found[int(low, 16) + step] = chr(ord(_utf16(first)) + step)
    return found


def _widths(font: Any) -> tuple[dict[int, float], float]:
    inner = font.DescendantFonts[0]
    found: dict[int, float] = {}
    listed = list(inner.get("/W", []))
    while listed:
        first, second = int(listed.pop(0)), listed.pop(0)
        if isinstance(second, pikepdf.Array):
            found |= {first + n: float(w) for n, w in enumerate(second)}
        else:
            width = float(listed.pop(0))
            found |= dict.fromkeys(range(first, int(second) + 1), width)
    return found, float(inner.get("/DW", 1000))


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


class _Reader:
    """The few operators that place text; everything else is passed over."""

    def __init__(self, fonts: dict[str, Any]) -> None:
        self.fonts = fonts
        self.kept: list[Matrix] = []
        self.now: Matrix = (1, 0, 0, 1, 0, 0)
        self.text: Matrix = self.now
        self.font, self.size = "", 1.0
        # per marked content: what it says in words (ISO 32000-1, 14.9.4), empty once said, None where the glyphs speak
        self.spoken: list[str | None] = []
        self.runs: list[Run] = []

    def step(self, name: str, given: list[Any]) -> None:
        """One operator."""
        if name == "q":
            self.kept.append(self.now)
        elif name == "Q":
            self.now = self.kept.pop()
        elif name == "cm":
            self.now = _times(tuple(map(float, given)), self.now)  # type: ignore[arg-type]
        elif name == "Tf":
            self.font, self.size = str(given[0]), float(given[1])
        elif name == "Tm":
            self.text = tuple(map(float, given))  # type: ignore[assignment]
        elif name == "Td":
            self.text = _times((1, 0, 0, 1, float(given[0]), float(given[1])), self.text)
        elif name in ("BDC", "BMC"):
            words = given[1].get("/ActualText") if isinstance(given[-1], pikepdf.Dictionary) else None
            self.spoken.append(None if words is None else str(words))
        elif name == "EMC":
            self.spoken.pop()
        elif name in ("Tj", "TJ"):
            self._show(given[0] if name == "TJ" else [given[0]])

    def _show(self, parts: Any) -> None:
        letters, (widths, usual), at, said = *self.fonts[self.font], 0.0, ""
        for part in parts:
            if isinstance(part, pikepdf.String):
                raw = bytes(part)
                for n in range(0, len(raw), 2):
                    code = int.from_bytes(raw[n : n + 2], "big")
                    said += letters.get(code, "\ufffd")
                    at += widths.get(code, usual) * self.size / 1000
            else:
                at -= float(part) * self.size / 1000
        if self.spoken and self.spoken[-1] is not None:
            said, self.spoken[-1] = self.spoken[-1], ""
        placed = _times(self.text, self.now)
        ended = _times((1, 0, 0, 1, at, 0), placed)
        self.runs.append(Run(said, placed[4], ended[4], placed[5]))


def pages(pdf: bytes) -> list[Page]:
    """Every page of a PDF whose fonts are composite, as Typst writes them."""
    out = []
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for page in opened.pages:
            fonts = {
                name: (_cmap(font.ToUnicode.read_bytes()), _widths(font))
                for name, font in page.Resources.get("/Font", {}).items()
            }
            reader = _Reader(fonts)
            for given, operator in pikepdf.parse_content_stream(page):
                reader.step(str(operator), list(given))
            box = [float(n) for n in page.MediaBox]
            out.append(Page(box[2] - box[0], box[3] - box[1], tuple(reader.runs)))
    return out
