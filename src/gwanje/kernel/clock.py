"""Clock (시각): the one place that is asked for the time, with the step guard.

A settable clock exists only in a data folder created for tests (``clock: settable`` in its config.json);
its offset lies in ``clock.json`` there, so that every process of the folder sees the same time.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

STEP_LIMIT_S = 60
AHEAD_LIMIT_S = 24 * 3600


class ClockStep(RuntimeError):
    """The wall clock and the monotonic clock disagree by more than the step limit."""


def file_age_s(stat: os.stat_result) -> float:
    """Seconds since a file was written to, by the machine's clock, which stamps files: a settable clock set ahead
    must not make a file that is being written look abandoned."""
    return time.time() - stat.st_mtime


class Clock:
    """Wall time in Unix microseconds, and a monotone variant for recording ticks.

    ``offset_file``: the settable clock's file, or None on an ordinary folder.
    """

    def __init__(self, offset_file: Path | None = None, zone: str = "Asia/Seoul") -> None:
        self.zone = ZoneInfo(zone)
        self._file = offset_file
        self._stamp: tuple[int, int] = (0, 0)
        self._offset_us = 0
        self._checked_ns = 0
        self._floor_us = 0
        self._base = self._pair()

    @property
    def settable(self) -> bool:
        """True only in a data folder made for tests."""
        return self._file is not None

    def _pair(self) -> tuple[int, int]:
        return time.time_ns() // 1000, time.monotonic_ns() // 1000

    def _offset(self) -> int:
        if self._file is None:
            return 0
        now = time.monotonic_ns()
        # the file is looked at ten times a second at most: the packet path asks for the time at every tick
        if now - self._checked_ns > 100_000_000:
            self._checked_ns = now
            try:
                stat = os.stat(self._file)
            except FileNotFoundError:
                return self._offset_us
            if (stat.st_mtime_ns, stat.st_ino) != self._stamp:
                self._offset_us = int(json.loads(self._file.read_text())["offset_us"])
                self._stamp = (stat.st_mtime_ns, stat.st_ino)
        return self._offset_us

    def now_us(self) -> int:
        """Wall time, Unix microseconds."""
        return time.time_ns() // 1000 + self._offset()

    def now_s(self) -> int:
        """Wall time, whole Unix seconds."""
        return self.now_us() // 1_000_000

    def now(self) -> datetime:
        """Wall time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.now_us() / 1e6, UTC)

    def local(self) -> datetime:
        """Wall time as an aware datetime in the centre's zone."""
        return self.now().astimezone(self.zone)

    def tick_us(self) -> int:
        """Wall time that never goes backwards in this process: recording ticks stay monotone when NTP steps back."""
        self._floor_us = max(self._floor_us, self.now_us())
        return self._floor_us

    def step_us(self) -> int:
        """How far the wall clock moved against the monotonic clock since this object was made or ``accept``ed.

        The settable clock's own offset does not count: setting it is what it is for.
        """
        wall, mono = self._pair()
        return (wall - self._base[0]) - (mono - self._base[1])

    def guard(self) -> None:
        """Raise ClockStep when the wall clock stepped more than 60 s while running."""
        step = self.step_us()
        if abs(step) > STEP_LIMIT_S * 1_000_000:
            raise ClockStep(f"the wall clock stepped by {step / 1e6:+.1f} s")

    def accept(self) -> None:
        """Take the present wall time as right (two officers confirmed it)."""
        self._base = self._pair()

    def set_offset(self, offset_us: int) -> None:
        """Set the settable clock; PermissionError on an ordinary folder."""
        if self._file is None:
            raise PermissionError("this data folder has no settable clock")
        part = self._file.with_suffix(".tmp")
        part.write_text(json.dumps({"offset_us": int(offset_us)}))
        # every process of the folder asks it, also one with a user of its own: whoever may read the folder may read it
        part.chmod(0o600 | self._file.parent.stat().st_mode & 0o040)
        os.replace(part, self._file)
        self._checked_ns = 0
