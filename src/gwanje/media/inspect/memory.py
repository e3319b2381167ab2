"""Memory of a view (화면 기억): what one camera's picture is like when nothing is wrong, and what it is not now.

A camera is learnt from its own good looks. What is learnt is edge directions and block figures, in the child's memory
only; it dies with the process and is learnt again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gwanje.media.inspect.figures import Field, Figures, Luma, Structure

KINDS = ("black", "white", "frozen", "covered", "blurred", "moved")


@dataclass(frozen=True)
class Limits:
    """Thresholds; tuned on other clips than those they are judged on (``./dev bench inspection``)."""

    learn: int = 40
    least: int = 5
    chance: float = 1e-5
    needed_most: int = 15
    pace: float = 0.12
    modes: int = 4
    dark_max: float = 30.0
    dark_contrast: float = 7.0
    bright_min: float = 205.0
    bright_contrast: float = 14.0
    still_mean: float = 0.55
    still_block: float = 1.4
    still_share: float = 0.97
    block_floor: float = 0.6
    lost_block: float = 0.3
    covered_lost: float = 0.28
    covered_energy: float = 0.64
    covered_alike: float = 0.65
    empty_lost: float = 0.8
    empty_energy: float = 0.15
    blur_sharp: float = 0.72
    blur_coarse: float = 0.66
    moved_alike: float = 0.42
    shift_gain: float = 1.25
    shift_min: int = 3


LIMITS = Limits()


@dataclass(frozen=True)
class Said:
    """What a look says: the kind ("" when all is well), and the numbers it rests on.

    ``needed``: looks in a row that must say so before it is believed: more where passing lorries fill the view.
    ``alike``: agreement of edges with the memory, as a share of what is usual here. ``lost``: share of the blocks with
    edges that have none now. ``energy``: all edges, ``sharp``: their narrowness, both as shares of the memory's.
    ``coarse``: agreement of light and dark areas, -1..1. ``shift``: rows and columns (of 90 x 160) the view moved by.
    ``change``: median luma difference to the look before. ``dark``, ``bright``: 99th and 1st percentile of luma.
    """

    kind: str
    learnt: bool
    needed: int
    alike: float
    lost: float
    energy: float
    sharp: float
    coarse: float
    shift: tuple[int, int]
    change: float
    dark: float
    bright: float


def _alike(one: Structure, other: Structure) -> float:
    """Normalised agreement of two edge fields at the same place, -1..1."""
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.vdot(other, one).real) / norm if norm > 1e-6 else 0.0


def _shift(one: Structure, other: Structure) -> tuple[int, int, float]:
    """Where the fields agree best: rows, columns (pixels of 90 x 160) and the agreement there."""
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    if norm <= 1e-6:
        return 0, 0, 0.0
    field = np.fft.ifft2(np.fft.fft2(one) * np.conj(np.fft.fft2(other))).real
    row, column = np.unravel_index(int(field.argmax()), field.shape)
    height, width = field.shape
    down = int(row) - height if row > height // 2 else int(row)
    right = int(column) - width if column > width // 2 else int(column)
    return down, right, float(field[row, column]) / norm


class Memory:
    """One camera's memory; ``look`` judges, and learns from what is well."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.looks = 0
        self._structure: Structure | None = None
        self._modes: list[Structure] = []
        self._energy: Field | None = None
        self._coarse: Field | None = None
        self._sharp = 0.0
        self._alike = 0.0
        self._before: Luma | None = None
        self._odd = 0.1
        self._counted = 20.0
        self._run = 0

    def look(self, seen: Figures, ignore: Field | None = None) -> Said:
        """Judge one look. ``ignore``: 9 x 16 blocks (1 = burnt-in clock, left out of the frozen comparison)."""
        change, still = self._still(seen, ignore)
        self._before = seen.small
        said, gain, raw = self._compare(seen, change)
        kind = self._plain(said, seen.contrast)
        odd = "" if kind or self.looks < self.limits.least else self._odd_kind(said, gain)
        if not kind and not said.learnt:
            # a view is learnt as it comes, whatever passes; how often it was odd is learnt too
            self._count(bool(odd))
            self._learn(seen, raw)
            return replace(said, kind="frozen" if still else "")
        kind = kind or odd or ("frozen" if still else "")
        if kind:
            self._run += 1
        else:
            self._well(said.needed)
            self._learn(seen, raw)
        return replace(said, kind=kind)

    def _well(self, needed: int) -> None:
        """A run of odd looks too short to be believed was none: the view is that unsteady."""
        for _ in range(self._run if self._run < needed else 0):
            self._count(True)
        self._run = 0
        self._count(False)

    def _count(self, odd: bool) -> None:
        if self._counted >= 300:
            self._odd, self._counted = self._odd * 299 / 300, 299.0
        self._odd += odd
        self._counted += 1

    def _needed(self) -> int:
        """Looks in a row whose being odd by chance is less likely than ``chance``."""
        share = min(self._odd / self._counted, 0.5)
        return min(self.limits.needed_most, max(2, math.ceil(math.log(self.limits.chance) / math.log(share))))

    def _still(self, seen: Figures, ignore: Field | None) -> tuple[float, bool]:
        if self._before is None:
            return 255.0, False
        difference = np.abs(seen.small.astype(np.int16) - self._before).astype(np.float32)
        height, width = difference.shape
        blocks = difference.reshape(9, height // 9, 16, width // 16).mean(axis=(1, 3))
        if ignore is not None:
            blocks = blocks[ignore < 0.5]
        change = float(np.median(blocks))
        limits = self.limits
        share = float((blocks <= limits.still_block).mean())
        return change, change <= limits.still_mean and share >= limits.still_share

    def _compare(self, seen: Figures, change: float) -> tuple[Said, float, float]:
        """The look beside the memory; also the gain of agreement by a shift, and the agreement as such."""
        learnt = self.looks >= self.limits.learn
        nothing = Said("", learnt, self._needed(), 1.0, 0.0, 1.0, 1.0, 1.0, (0, 0), change, seen.dark, seen.bright)
        if self._structure is None or self._energy is None or self._coarse is None:
            return nothing, 1.0, 1.0
        fields = [self._structure, *self._modes]
        raw = max(_alike(seen.structure, field) for field in fields)
        limits = self.limits
        known = self._energy > limits.block_floor
        lost = float((seen.energy[known] < limits.lost_block * self._energy[known]).mean()) if known.any() else 0.0
        down, right, best = 0, 0, raw
        if raw < 0.8 * self._alike:
            down, right, best = max((_shift(seen.structure, field) for field in fields), key=lambda found: found[2])
        said = replace(
            nothing, alike=raw / max(self._alike, 0.05), lost=lost,
            energy=float(seen.energy.sum()) / max(float(self._energy.sum()), 1e-3),
            sharp=seen.sharp / self._sharp if self._sharp > 0.05 else 1.0,
            coarse=float((seen.coarse * self._coarse).sum()), shift=(down, right),
        )  # fmt: skip
        # what agrees nowhere has no shift either: a peak of noise is not taken for one
        gain = best / max(raw, 0.05) if best > 0.3 * self._alike else 1.0
        return said, gain, raw

    def _plain(self, said: Said, contrast: float) -> str:
        """What needs no memory."""
        limits = self.limits
        if said.dark < limits.dark_max and contrast < limits.dark_contrast:
            return "black"
        if said.bright > limits.bright_min and contrast < limits.bright_contrast:
            return "white"
        return ""

    def _odd_kind(self, said: Said, gain: float) -> str:
        """What is not as it was."""
        limits = self.limits
        if said.sharp < limits.blur_sharp and said.coarse > limits.blur_coarse:
            return "blurred"
        emptied = said.lost > limits.covered_lost and said.energy < limits.covered_energy
        if emptied and said.alike < limits.covered_alike:
            return "covered"
        if said.lost > limits.empty_lost and said.energy < limits.empty_energy:
            return "blurred" if said.coarse > limits.blur_coarse else "covered"
        if said.alike < limits.moved_alike:
            return "moved"
        far = max(abs(said.shift[0]), abs(said.shift[1])) >= limits.shift_min
        return "moved" if far and gain > limits.shift_gain else ""

    def _learn(self, seen: Figures, alike: float) -> None:
        self.looks += 1
        if self._structure is None or self._energy is None or self._coarse is None:
            self._structure, self._energy = seen.structure.copy(), seen.energy.copy()
            self._coarse, self._sharp, self._alike = seen.coarse.copy(), seen.sharp, 0.7
            return
        pace = np.float32(max(self.limits.pace, 1 / (self.looks + 1)))
        self._structure += pace * (seen.structure - self._structure)
        self._energy += pace * (seen.energy - self._energy)
        self._coarse += pace * (seen.coarse - self._coarse)
        self._sharp += float(pace) * (seen.sharp - self._sharp)
        self._alike += float(pace) * (alike - self._alike)
        if all(_alike(self._structure, mode) < 0.8 for mode in self._modes) and self.looks >= self.limits.learn:
            # another light of the same view (night, lamps): kept, so that its return is no surprise
            self._modes = [*self._modes[-self.limits.modes + 1 :], self._structure.copy()]
