"""Figures of one picture (점검 수치): what the eye of the inspection measures in a key frame; no picture is kept.

All measures are made on luma scaled to 640 x 360, whatever the camera sends: 0 black, 255 white.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
GRID = 40
ROWS, COLUMNS = HEIGHT // GRID, WIDTH // GRID
COARSE = 20
Luma = NDArray[np.uint8]
Field = NDArray[np.float32]
Structure = NDArray[np.complex64]
STRONG_SHARE = 0.03
EDGE_FLOOR = 2.0
PEAK_NOISE = 1.5
ENERGY_NOISE = 0.9


@dataclass(frozen=True)
class Figures:
    """One look. ``dark``, ``bright``: 99th and 1st percentile of luma; ``sharp``: 0..1, how narrow edges are;

    ``structure``: 90 x 160 directions of edges (magnitude 0..1, angle doubled); ``energy``: 9 x 16 blocks, mean edge
    above noise; ``level``: mean luma of the blocks; ``coarse``: 18 x 32 luma, mean 0 and norm 1 (0 when flat);
    ``small``: 180 x 320 luma, for the comparison with the next look only.
    """

    dark: float
    bright: float
    contrast: float
    noise: float
    sharp: float
    structure: Structure
    energy: Field
    level: Field
    coarse: Field
    small: Luma


def halve(picture: Field) -> Field:
    """Mean of each 2 x 2; both sides even."""
    rows = picture[0::2] + picture[1::2]
    made: Field = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return made


def _gradient(picture: Field) -> tuple[Field, Field]:
    """Central differences, luma a pixel; the border is 0."""
    across, down = np.zeros_like(picture), np.zeros_like(picture)
    np.subtract(picture[:, 2:], picture[:, :-2], out=across[:, 1:-1])
    np.subtract(picture[2:], picture[:-2], out=down[1:-1])
    across *= np.float32(0.5)
    down *= np.float32(0.5)
    return across, down


def _blocks(field: Field, size: int) -> Field:
    height, width = field.shape
    made: Field = field.reshape(height // size, size, width // size, size).mean(axis=(1, 3))
    return made


def _sharp(fine: Field, wide: Field, noise: float) -> float:
    """How much of a strong edge's slope over 8 pixels stands in 2: near 1 for a sharp edge, near 0 for a blurred."""
    count = max(1, int(wide.size * STRONG_SHARE))
    strong = np.partition(wide.ravel(), wide.size - count)[-count]
    chosen = wide >= max(strong, EDGE_FLOOR, noise)
    if not chosen.any():
        return 0.0
    height, width = wide.shape
    peaks = fine.reshape(height, 4, width, 4).max(axis=(1, 3))[chosen] - np.float32(PEAK_NOISE * noise)
    return float(np.maximum(peaks, 0).sum() / (2 * wide[chosen].sum()))


def _noise(fine: Field) -> float:
    """Edge that noise alone makes, luma a pixel: the median in the flattest tenth of the blocks."""
    thin = fine[::2, ::2]
    height, width = thin.shape
    side = GRID // 2
    blocks = thin.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side * side)
    medians = np.sort(np.median(blocks, axis=1))
    return float(medians[: max(1, len(medians) // 10)].mean())


def _structure(across: Field, down: Field, magnitude: Field) -> Structure:
    """Edge directions, doubled so that dark-to-light and light-to-dark are one; weak edges fade by the local noise."""
    middle = float(np.median(magnitude))
    floor = max(EDGE_FLOOR, 2 * middle)
    squared = magnitude * magnitude
    weight = squared / (squared + np.float32(floor * floor))
    turned = (across + 1j * down).astype(np.complex64)
    turned *= turned
    made: Structure = turned * (weight / np.maximum(squared, np.float32(1e-3)))
    return made


def measure(luma: Luma) -> Figures:
    """Figures of a picture of 360 x 640 luma (uint8)."""
    full = luma.astype(np.float32)
    half = halve(full)
    quarter = halve(half)
    across, down = _gradient(full)
    fine = np.hypot(across, down)
    across_q, down_q = _gradient(quarter)
    wide = np.hypot(across_q, down_q)
    across_h, down_h = _gradient(half)
    middle = np.hypot(across_h, down_h)
    noise = _noise(fine)
    energy = _blocks(np.maximum(middle - np.float32(max(1.0, ENERGY_NOISE * noise)), 0), GRID // 2)
    coarse = _blocks(quarter[:, :], COARSE // 4)
    coarse = coarse - coarse.mean()
    norm = float(np.linalg.norm(coarse))
    darkest, brightest = np.percentile(half, (1, 99))
    return Figures(
        dark=float(brightest), bright=float(darkest), contrast=float(half.std()), noise=noise,
        sharp=_sharp(fine, wide, noise), structure=_structure(across_q, down_q, wide), energy=energy,
        level=_blocks(half, GRID // 2), coarse=coarse / np.float32(norm) if norm > 1e-3 else coarse,
        small=half.astype(np.uint8),
    )  # fmt: skip
