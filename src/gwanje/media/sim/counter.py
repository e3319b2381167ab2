"""Burnt-in frame counter (화면 프레임 번호): digits for people, a strip of squares for machines.

Geometry, all in cells of ``width / 32`` (40 px at 1280, 20 px at 640, 9.4 px in a tile 300 px wide):

* the strip is a row of 24 square cells; its left edge lies 4 cells from the left of the picture, its lower edge
  half a cell above the bottom of the picture; a black frame of half a cell surrounds it;
* cell 0 white, cell 1 black (sync); cells 2..17 the counter, most significant bit first; cells 18..21 the check
  ``n0 ^ n1 ^ n2 ^ n3 ^ 10`` of the counter's four nibbles, most significant bit first; cell 22 black, 23 white (sync);
* white = 1, black = 0. A reader averages the middle half of each cell and takes the middle between the sync
  cells as the threshold.

The counter is the frame's number within the loop of the clip: 0 .. frames-1, 16 bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CELLS = 24
COLUMNS = 32
LEFT = 4
WIDTH_MIN = 128
LIMIT = 1 << 16
_SYNC = {0: True, 1: False, 22: False, 23: True}
_CONTRAST_MIN = 70.0

Picture = NDArray[np.uint8]


def bits(value: int) -> list[bool]:
    """The 24 cells for a counter of 16 bits, left to right, True = white; ValueError outside 16 bits."""
    if not 0 <= value < LIMIT:
        raise ValueError(f"the counter {value} does not fit 16 bits")
    check = (value >> 12 ^ value >> 8 ^ value >> 4 ^ value ^ 10) & 15
    word = value << 4 | check
    return [True, False, *(bool(word >> (19 - i) & 1) for i in range(20)), False, True]


@lru_cache(maxsize=64)
def _digits(size: int) -> tuple[Picture, ...]:
    font = ImageFont.load_default(size)
    out = []
    for digit in "0123456789":
        image = Image.new("L", (int(size * 0.7), int(size * 1.2)), 0)
        ImageDraw.Draw(image).text((size * 0.05, 0), digit, font=font, fill=255)
        out.append(np.asarray(image))
    return tuple(out)


def draw(picture: Picture, value: int) -> None:
    """Burn the counter into an RGB picture (height, width, 3) in place; widths from 128 px on."""
    height, width = picture.shape[:2]
    if width < WIDTH_MIN:
        raise ValueError(f"a picture {width} px wide is too small for the counter")
    cell = width / COLUMNS
    top, bottom = round(height - 1.5 * cell), round(height - 0.5 * cell)
    picture[round(top - cell / 2) :, round((LEFT - 0.5) * cell) : round((LEFT + CELLS + 0.5) * cell)] = 0
    for index, white in enumerate(bits(value)):
        if white:
            left = (LEFT + index) * cell
            picture[top:bottom, round(left) : round(left + cell)] = 255
    _draw_digits(picture, value, int(cell), round(top - cell / 2))


def _draw_digits(picture: Picture, value: int, size: int, bottom: int) -> None:
    glyphs = _digits(size)
    step, height = glyphs[0].shape[1], glyphs[0].shape[0]
    left = round((LEFT - 0.5) * picture.shape[1] / COLUMNS)
    top = bottom - height
    picture[top:bottom, left : left + 5 * step] = 0
    for place, digit in enumerate(f"{value:05d}"):
        at = left + place * step
        picture[top:bottom, at : at + step] = glyphs[int(digit)][:, :, None]


def read(picture: NDArray[np.generic]) -> int | None:
    """Read the counter from an RGB or grey picture of any width from 128 px; None when no valid strip is there.

    The picture must be exactly the video's frame (no letterbox bars, nothing drawn over the strip).
    """
    pixels = np.asarray(picture, dtype=np.float32)
    if pixels.ndim == 3:
        pixels = pixels[:, :, :3].mean(axis=2)
    height, width = pixels.shape
    cell = width / COLUMNS
    if width < WIDTH_MIN or height < 2 * cell:
        return None
    rows = pixels[round(height - 1.25 * cell) : max(round(height - 0.75 * cell), round(height - 1.25 * cell) + 1)]
    levels = []
    for index in range(CELLS):
        left = (LEFT + index + 0.25) * cell
        start = round(left)
        levels.append(float(rows[:, start : max(round(left + cell / 2), start + 1)].mean()))
    return _decode(levels)


def _decode(levels: list[float]) -> int | None:
    white = min(levels[i] for i, on in _SYNC.items() if on)
    black = max(levels[i] for i, on in _SYNC.items() if not on)
    if white - black < _CONTRAST_MIN:
        return None
    threshold = (white + black) / 2
    word = 0
    for level in levels[2:22]:
        if abs(level - threshold) < (white - black) / 8:
            return None
        word = word << 1 | (level > threshold)
    value = word >> 4
    cells = bits(value)
    return value if [level > threshold for level in levels] == cells else None
