"""Steering a camera's head (회전·확대 제어): what a driver offers and what the steering asks; contract 0010.

Positions are ONVIF's generic spaces: pan and tilt in [-1, 1], zoom in [0, 1]; speeds are in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Position = tuple[float, float, float]
Speeds = tuple[float, float, float]


class HeadRefused(ConnectionError):
    """The device does not do it, or did not answer in time; the message names no address and no account."""


@dataclass(frozen=True)
class Standing:
    """Where a head looks (None: the device does not say) and whether it runs."""

    at: Position | None
    moving: bool


@dataclass(frozen=True)
class Preset:
    """A place that the device knows by a token; ``at`` None when it does not say where."""

    token: str
    name: str
    at: Position | None


class Head(Protocol):
    """A head that moves; each call has its own time limit and raises HeadRefused."""

    async def position(self) -> Standing:
        """Where it looks now."""

    async def move(self, speeds: Speeds, timeout_s: float) -> None:
        """Run at these speeds until stopped, or by itself until ``timeout_s`` has passed on the device."""

    async def stop(self) -> None:
        """Stop every axis."""

    async def to(self, at: Position) -> None:
        """Run to a position."""

    async def presets(self) -> list[Preset]:
        """The device's presets, 256 at most."""

    async def goto(self, token: str) -> None:
        """Run to a preset."""

    async def home(self) -> None:
        """Run to the device's own home."""

    async def close(self) -> None:
        """End the connection."""
