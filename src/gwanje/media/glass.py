"""Break-glass at the recorder (비상 열람): its minutes are counted here, too, whatever the web says later.

A token that names a break-glass names its end. The first end that this recorder saw of it stands: it is not moved, no
token outlives it, and it lies fifteen minutes ahead at most (half a minute more where two machines' clocks differ).
"""

from __future__ import annotations

from uuid import UUID

from gwanje.kernel.permit import LiveToken

GLASS_MAX_S = 15 * 60 + 30
PANES_MAX = 1000
CAMERAS_MAX = 5
KEPT_S = 3600


class Panes:
    """What this recorder knows of break-glasses: the end of each and its cameras, until an hour after its end."""

    def __init__(self) -> None:
        self._ends: dict[UUID, int] = {}
        self._cameras: dict[UUID, set[UUID]] = {}

    def refusal(self, token: LiveToken, now: int) -> str:
        """Why a token's break-glass opens nothing now; empty when it does, or when the token names none.

        ``now``: Unix seconds. Codes: ``glass over``, ``glass too long``, ``glass moved``, ``glass full``.
        """
        if token.glass is None:
            return ""
        if token.until <= now:
            return "glass over"
        if token.until > now + GLASS_MAX_S:
            return "glass too long"
        if token.glass not in self._ends and not self._room(now):
            return "glass full"
        end = self._ends.setdefault(token.glass, token.until)
        seen = self._cameras.setdefault(token.glass, set())
        if token.until != end:
            return "glass moved"
        if token.camera not in seen and len(seen) >= CAMERAS_MAX:
            return "glass full"
        seen.add(token.camera)
        return ""

    def _room(self, now: int) -> bool:
        if len(self._ends) >= PANES_MAX:
            for id_ in [id_ for id_, end in self._ends.items() if end + KEPT_S < now]:
                del self._ends[id_], self._cameras[id_]
        return len(self._ends) < PANES_MAX
