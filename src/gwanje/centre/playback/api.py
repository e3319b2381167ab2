"""What other rooms may ask playback (열람 조회): spoken approvals that wait for this person."""

from __future__ import annotations

from gwanje.centre.playback.spoken import waiting

__all__ = ["waiting"]
