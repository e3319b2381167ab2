"""Budget of looks (점검 예산): a token bucket of measured CPU seconds, 5 % of one core per 100 cameras."""

from __future__ import annotations

SHARE = 0.05 / 100
SAVED_S = 120.0
SAVED_LEAST = 0.5


class Budget:
    """CPU seconds that looks may still cost; filled by time, emptied by what the child says it used."""

    def __init__(self, now: float) -> None:
        self._at = now
        self.left = SAVED_LEAST
        self.spent = 0.0

    def fill(self, now: float, cameras: int) -> None:
        """Time has passed, seconds of a monotonic clock."""
        rate = SHARE * cameras
        self.left = min(self.left + max(0.0, now - self._at) * rate, max(SAVED_LEAST, SAVED_S * rate))
        self._at = now

    @property
    def allows(self) -> bool:
        """May another look begin? What it will cost is not known before, so the bucket may go below zero by it."""
        return self.left > 0

    def spend(self, seconds: float) -> None:
        """One look has cost this much."""
        self.left -= seconds
        self.spent += seconds
