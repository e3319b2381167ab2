"""A simulated dome's body (모의 회전형 카메라): pan, tilt and zoom with real speeds, limits, presets and a home.

Positions and speeds are ONVIF's generic spaces: pan and tilt in [-1, 1], zoom in [0, 1]. Time is given by the caller
in seconds of any steady clock; the body is moved forward when it is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Position = tuple[float, float, float]

LOWEST: Position = (-1.0, -1.0, 0.0)
HIGHEST: Position = (1.0, 1.0, 1.0)
# a common dome: 120°/s over 360°, 90°/s over 180°, 3 s from wide to tele; full speed within 0.25 s
SPEED: Position = (0.667, 1.0, 0.333)
GAIN: Position = (2.67, 4.0, 1.33)
STEP_S = 0.01
STEPS_MAX = 6000
NEAR = 1e-4
PRESETS_MAX = 256


@dataclass
class Preset:
    """A place that the dome knows by a token."""

    token: str
    name: str
    at: Position


@dataclass
class Dome:
    """Body of one dome. ``faults``: stuck (motors dead, answers as if they ran), deaf (Stop does nothing)."""

    at: Position = (0.0, 0.0, 0.0)
    presets: dict[str, Preset] = field(default_factory=dict)
    home: Position = (0.0, 0.0, 0.0)
    stuck: bool = False
    deaf: bool = False
    _speed: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    _wanted: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    _target: list[float | None] = field(default_factory=lambda: [None, None, None])
    _pace: float = 1.0
    _until: float = math.inf
    _now: float = 0.0

    @property
    def moving(self) -> bool:
        """Does any axis run or mean to run?"""
        return any(self._speed) or any(self._wanted) or any(t is not None for t in self._target)

    def advance(self, now: float) -> Position:
        """Move to time ``now`` and say where the dome looks."""
        if not self.moving or self.stuck:
            self._now = max(self._now, now)
            if self.stuck:
                self._halt()
            return self.at
        steps = 0
        while self._now + STEP_S <= now and steps < STEPS_MAX:
            self._now += STEP_S
            steps += 1
            if self._now >= self._until:
                self._wanted, self._until = [0.0, 0.0, 0.0], math.inf
            self.at = (self._axis(0), self._axis(1), self._axis(2))
        if steps == STEPS_MAX:
            self._now = now
        return self.at

    def _axis(self, axis: int) -> float:
        here, target = self.at[axis], self._target[axis]
        gain = GAIN[axis] * STEP_S
        if target is not None:
            gap = target - here
            # the speed from which it can still brake in front of the target
            braking = math.sqrt(2 * GAIN[axis] * abs(gap))
            wanted = math.copysign(min(SPEED[axis] * self._pace, braking), gap)
            if abs(gap) < max(NEAR, abs(self._speed[axis]) * STEP_S):
                self._target[axis], self._speed[axis] = None, 0.0
                return target
        else:
            wanted = self._wanted[axis] * SPEED[axis]
        change = wanted - self._speed[axis]
        self._speed[axis] += max(-gain, min(gain, change))
        there = here + self._speed[axis] * STEP_S
        if not LOWEST[axis] <= there <= HIGHEST[axis]:
            there = min(HIGHEST[axis], max(LOWEST[axis], there))
            self._speed[axis] = self._wanted[axis] = 0.0
        return there

    def _halt(self) -> None:
        self._speed, self._wanted, self._target = [0.0] * 3, [0.0] * 3, [None] * 3
        self._until = math.inf

    def move(self, now: float, speeds: tuple[float | None, float | None, float | None], timeout_s: float) -> None:
        """ContinuousMove: speeds in [-1, 1] an axis (None: that axis stays as it is), until stopped or timed out."""
        self.advance(now)
        for axis, speed in enumerate(speeds):
            if speed is not None:
                self._wanted[axis], self._target[axis] = max(-1.0, min(1.0, speed)), None
        self._until = now + timeout_s

    def stop(self, now: float, *, pan_tilt: bool = True, zoom: bool = True) -> None:
        """Stop the named axes; they brake as fast as they started."""
        self.advance(now)
        if self.deaf:
            return
        for axis, named in enumerate((pan_tilt, pan_tilt, zoom)):
            if named:
                self._wanted[axis], self._target[axis] = 0.0, None

    def to(self, now: float, target: tuple[float | None, float | None, float | None], pace: float = 1.0) -> None:
        """AbsoluteMove: run to a position (None: that axis stays) at ``pace`` of full speed."""
        self.advance(now)
        self._wanted, self._until = [0.0, 0.0, 0.0], math.inf
        self._pace = max(0.05, min(1.0, pace))
        for axis, wanted in enumerate(target):
            self._target[axis] = None if wanted is None else min(HIGHEST[axis], max(LOWEST[axis], wanted))

    def keep(self, now: float, token: str, name: str) -> Preset:
        """SetPreset: remember where the dome looks now; KeyError when there is no room."""
        self.advance(now)
        if token not in self.presets and len(self.presets) >= PRESETS_MAX:
            raise KeyError("too many presets")
        self.presets[token] = Preset(token, name, self.at)
        return self.presets[token]
