"""Course of a fault (장애 경과): a finding opens when a second look agrees, and closes after two good looks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

CONFIRM = 2
CONFIRM_STILL = 3
HEAL = 2
PLAIN = ("black", "white", "standard", "clock")


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
        self._said: Counter[str] = Counter()
        self._since_us = 0
        self._good = 0
        self._good_us = 0

    @property
    def uneasy(self) -> bool:
        """Should the next look come sooner? Something is wrong, or just became well."""
        return bool(self.open or self._said)

    def heard(self, kind: str, at_us: int, needed: int = CONFIRM) -> list[Change]:
        """Changes that this look brings, oldest first; never more than two.

        ``needed``: looks in a row that must find something wrong; three at least for a picture that stands still. What
        most of them say is the finding's kind: a lorry that passes a covered lens does not begin the count anew.
        """
        if not kind:
            return self._well(at_us)
        self._good = 0
        if kind == self.open:
            self._said.clear()
            return []
        if not self._said:
            self._since_us = at_us
        self._said[kind] += 1
        named, times = self._said.most_common(1)[0]
        least = CONFIRM if named in PLAIN else max(needed, CONFIRM_STILL if named == "frozen" else CONFIRM)
        if self._said.total() < least or times < CONFIRM:
            return []
        changes = [Change(self.open, False, self._since_us)] if self.open else []
        self.open = named
        self._said.clear()
        return [*changes, Change(named, True, self._since_us)]

    def _well(self, at_us: int) -> list[Change]:
        self._said.clear()
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
