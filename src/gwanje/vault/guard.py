"""Clock guard (시각 감시): a jump of the wall clock must not destroy anything before two officers have looked.

Stops destruction: a step over 60 s against the monotonic clock while running; at start more than 60 s behind the
highest clock seen or more than 24 h ahead of it. A settable folder's own offset counts as legitimate when it was
moved forward through the folder's clock file; ordinary folders have no offset.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from gwanje.kernel.clock import AHEAD_LIMIT_S, STEP_LIMIT_S, Clock

_US = 1_000_000
REREAD_S = 0.15


class ClockGuard:
    """Compares the folder's clock with what the keystore has seen; ``problem`` is None or why destruction stops."""

    def __init__(self, clock: Clock, offset_file: Path | None) -> None:
        self._clock = clock
        self._file = offset_file if clock.settable else None
        self._offset_us = self.offset_us()

    def offset_us(self) -> int:
        """The settable clock's present offset in µs; 0 on an ordinary folder."""
        if self._file is None:
            return 0
        try:
            return int(json.loads(self._file.read_text())["offset_us"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _machine_us(self) -> int:
        return self._clock.now_us() - self.offset_us()

    def at_start(self, seen_us: int, seen_offset_us: int) -> str | None:
        """Compare with the highest clock in the keystore (0: never seen one); both in Unix µs."""
        if seen_us == 0:
            return None
        problem = self._compare(seen_us, seen_offset_us)
        if problem and self._file is not None:
            # the clock re-reads its file ten times a second: look again before an alarm that only that explains
            time.sleep(REREAD_S)
            problem = self._compare(seen_us, seen_offset_us)
        return problem

    def _compare(self, seen_us: int, seen_offset_us: int) -> str | None:
        gone = self._machine_us() - (seen_us - seen_offset_us)
        back = self.offset_us() - seen_offset_us
        if gone < -STEP_LIMIT_S * _US:
            return f"at start the clock is {-gone // _US} s behind the highest clock seen"
        if gone > AHEAD_LIMIT_S * _US:
            return f"at start the clock is {gone // _US} s ahead of the highest clock seen"
        if back < -STEP_LIMIT_S * _US:
            return f"the settable clock was moved back by {-back // _US} s"
        return None

    def running(self) -> str | None:
        """Compare wall and monotonic clock since the last ``accept``."""
        step = self._clock.step_us()
        if abs(step) > STEP_LIMIT_S * _US:
            return f"the wall clock stepped by {step / _US:+.0f} s while running"
        offset = self.offset_us()
        if offset < self._offset_us - STEP_LIMIT_S * _US:
            return f"the settable clock was moved back by {(self._offset_us - offset) // _US} s"
        self._offset_us = max(self._offset_us, offset)
        return None

    def accept(self) -> None:
        """Two officers confirmed the present clock."""
        self._clock.accept()
        self._offset_us = self.offset_us()
