"""Course of a fault (장애 경과): a finding opens when a second look agrees, and closes after two good looks."""

from __future__ import annotations

from dataclasses import dataclass

CONFIRM = 2
CONFIRM_STILL = 3
HEAL = 2


@dataclass(frozen=True)
class Change:
    """A finding begins (``begins``) or ends; ``since_us`` Unix µs of the first look that said so."""

    kind: str
    begins: bool
    since_us: int


class Course:
    """One camera and one kind of question; ``heard`` takes what a look said, "" for well."""

    def __init__(self) -> None:
        self.open = ""
        self._said = ""
        self._times = 0
        self._since_us = 0
        self._good = 0
        self._good_us = 0

    @property
    def uneasy(self) -> bool:
        """Should the next look come sooner? Something is wrong, or just became well."""
        return bool(self.open or self._times)

    def heard(self, kind: str, at_us: int) -> list[Change]:
        """Changes that this look brings, oldest first; never more than two."""
        if not kind:
            return self._well(at_us)
        self._good = 0
        if kind == self.open:
            self._times = 0
            return []
        if kind != self._said or not self._times:
            self._said, self._since_us, self._times = kind, at_us, 0
        self._times += 1
        needed = CONFIRM_STILL if kind == "frozen" else CONFIRM
        if self._times < needed:
            return []
        changes = [Change(self.open, False, self._since_us)] if self.open else []
        self.open, self._times = kind, 0
        return [*changes, Change(kind, True, self._since_us)]

    def _well(self, at_us: int) -> list[Change]:
        self._times = 0
        if not self.open:
            return []
        self._good += 1
        if self._good == 1:
            self._good_us = at_us
        if self._good < HEAL:
            return []
        ended, self.open, self._good = self.open, "", 0
        return [Change(ended, False, self._good_us)]

    def resume(self, kind: str) -> None:
        """A finding that was open when the recorder ended goes on."""
        self.open = kind
