"""Charts (도표): plain SVG made here, with title and description; the table with the same numbers stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

BARS_MAX = 60
ROW, LABEL, WIDTH, NUMBER, HIGH = 26, 190, 720, 60, 180
LETTERS = 14
LATIN = 0.55


def _short(label: str) -> str:
    """A label that fits its room: a Latin letter is about half as wide as a syllable of Hangul."""
    wide = 0.0
    for at, letter in enumerate(label):
        wide += 1 if ord(letter) > 0x2E7F else LATIN
        if wide > LETTERS:
            return label[: max(1, at - 1)] + "…"
    return label


def bars(id_: str, title: str, desc: str, values: Sequence[tuple[str, int]]) -> SafeString:
    """Horizontal bars, one for each value from the first to the last; the longest is as wide as there is room."""
    shown = list(values)[:BARS_MAX]
    most = max((number for _, number in shown), default=0) or 1
    rows = format_html_join("", BAR, (_bar(at, label, number, most) for at, (label, number) in enumerate(shown)))
    return _svg(id_, title, desc, rows, (WIDTH, max(1, len(shown)) * ROW + 6))


BAR = (
    '<text x="{}" y="{}" class="label">{}</text><rect x="{}" y="{}" width="{}" height="{}" rx="2"/>'
    '<text x="{}" y="{}" class="number">{}</text>'
)


def _bar(at: int, label: str, number: int, most: int) -> tuple[object, ...]:
    top, wide = at * ROW, (WIDTH - LABEL - NUMBER) * number // most
    text = (LABEL - 10, top + 18, _short(label))
    return (*text, LABEL, top + 5, max(1 if number else 0, wide), ROW - 9, LABEL + wide + 6, top + 18, f"{number:,}")


def columns(id_: str, title: str, desc: str, values: Sequence[tuple[str, int]]) -> SafeString:
    """Vertical bars in the order of time, the last 60; a label stands where there is room for it."""
    shown = list(values)[-BARS_MAX:]
    most = max((number for _, number in shown), default=0) or 1
    step = max(12, min(90, (WIDTH - 20) // max(1, len(shown))))
    rows = format_html_join("", POST, (_post(at, one, step, most) for at, one in enumerate(shown)))
    return _svg(id_, title, desc, rows, (max(WIDTH, 20 + step * len(shown)), HIGH + 52))


POST = (
    '<rect x="{}" y="{}" width="{}" height="{}" rx="2"/><text x="{}" y="{}" class="middle">{}</text>'
    '<text x="{}" y="{}" class="middle number">{}</text>'
)


def _post(at: int, value: tuple[str, int], step: int, most: int) -> tuple[object, ...]:
    label, number = value
    left, high = 10 + at * step, HIGH * number // most
    middle, every = left + step // 2, max(1, -(-44 // step))
    bar = (left + step // 8, 24 + HIGH - high, step - step // 4, high)
    named = label if at % every == 0 else ""
    return (*bar, middle, HIGH + 42, named, middle, 18 + HIGH - high, f"{number:,}" if step >= 34 else "")


def _svg(id_: str, title: str, desc: str, inner: SafeString, size: tuple[int, int]) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t {}-d"><title id="{}-t">{}</title>'
        '<desc id="{}-d">{}</desc>{}</svg>',
        *size, id_, id_, id_, title, id_, desc, inner,
    )  # fmt: skip
