"""Footage times follow the wall clock within 40 ms, whatever the camera's crystal and a busy machine do."""

from __future__ import annotations

import random
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from gwanje.media.fmp4 import ROW
from gwanje.media.segments import CameraRecorder
from gwanje.media.stream import Part

HOUR_S, FILE_S = 3600, 300
PICTURE_US = 40_000
BEGAN_US = 1_795_000_000_000_000


def recorder() -> CameraRecorder:
    sealer: Any = SimpleNamespace(cameras=0)
    gaps: Any = SimpleNamespace()
    source: Any = SimpleNamespace(slot=0)
    return CameraRecorder(sealer, source, gaps)


def part(start_us: int, time: int, *, restart: bool) -> Part:
    made = Part()
    made.start_us, made.second, made.time, made.duration = start_us, start_us // 1_000_000, time, 90_000
    made.rows, made.reordered, made.restart = bytearray(ROW.size * 25), False, restart
    return made


class Run:
    """Parts of one second each for some hours; ``late_us``: how late the first picture of all was taken."""

    def __init__(self, ppm: float, seed: int, late_us: int, hours: float = 6) -> None:
        rng = random.Random(seed)
        self.recorder = recorder()
        self.off_ms: list[float] = []
        self.steps_ms: list[float] = []
        shift = None
        for second in range(round(hours * HOUR_S)):
            true_us = BEGAN_US + second * 1_000_000
            # a tick's length late, and now and then a process that was kept off its core for long
            arrived = true_us + rng.randrange(33_000) + (rng.randrange(400_000) if rng.random() < 0.02 else 0)
            if rng.random() < 0.02:
                arrived = true_us - rng.randrange(90_000)
            camera_ticks = round(second * 90_000 * (1 + ppm / 1e6))
            one = part(arrived, (BEGAN_US + late_us) * 9 // 100 + camera_ticks, restart=not second)
            if second % FILE_S == 0:
                self.recorder._follow(one)
            now = one.time + self.recorder._shift
            if shift is not None:
                self.steps_ms.append((self.recorder._shift - shift) / 90)
            shift = self.recorder._shift
            self.off_ms.append(abs(now - true_us * 9 / 100) / 90)
            self.recorder._timed(one)


@pytest.mark.parametrize("ppm", [-50, -20, 0, 20, 50])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_wrong_crystal_is_followed(ppm: float, seed: int) -> None:
    run = Run(ppm, seed, late_us=60_000)
    # four corrections of half a picture at most put a late beginning right
    assert max(run.off_ms[:40]) < 62
    assert max(run.off_ms[40:]) < 40


def test_decode_times_never_stand_or_go_back() -> None:
    for ppm in (-50, 50):
        steps = Run(ppm, 3, late_us=90_000).steps_ms
        assert min(steps) >= -PICTURE_US / 1000 / 2
        pairs = [one + two for one, two in pairwise(steps)]
        # two in one second would be a whole picture
        assert min(pairs) > -PICTURE_US / 1000


def test_without_corrections_an_hour_would_be_lost() -> None:
    """What the first test is worth: the same camera when nobody follows."""
    run = Run(50, 1, late_us=0, hours=1)
    followed = max(run.off_ms)
    alone = 3600 * 50 / 1000
    assert followed < 40 < alone


def test_a_camera_that_comes_back_is_anchored_anew_only_when_it_is_far_off() -> None:
    one = recorder()
    one._follow(part(BEGAN_US, BEGAN_US * 9 // 100, restart=True))
    assert one._shift == 0
    one._follow(part(BEGAN_US + 10_000_000, (BEGAN_US + 9_900_000) * 9 // 100, restart=True))
    assert one._shift == 0
    one._follow(part(BEGAN_US + 20_000_000, (BEGAN_US + 19_000_000) * 9 // 100, restart=True))
    assert one._shift == 90_000
