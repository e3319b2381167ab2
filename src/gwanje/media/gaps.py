"""Gap rows (영상 공백 기록): what was not recorded, from when to when, and why.

One outage is open at a time per camera; open ones are also kept in a small file, so that a recorder that was killed
closes them when it comes back.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from gwanje.kernel.footage import Gap
from gwanje.kernel.ids import uuid7

REASONS = ("network", "camera", "disk", "overload", "clock", "no key", "not due", "restart")
DETAIL_MAX = 300
LOSS_QUIET_US = 2_000_000
log = logging.getLogger(__name__)


class OpenGaps:
    """The file of gaps that are open, by camera; written whole at each change (an outage, not a packet)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[str, dict[str, object]] = {}
        try:
            loaded = json.loads(path.read_text())
            self._open = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            self._open = {}

    def of(self, camera: UUID, stream: int, fence: int = 1) -> Gap | None:
        """The gap that was open when the file was written last; one of another lease has been ended by others."""
        said = self._open.get(f"{camera}/{stream}")
        if not said or said.get("fence", 1) != fence:
            return None
        try:
            return Gap(
                UUID(str(said["id"])), camera, UUID(str(said["agency"])), stream, str(said["reason"]),
                int(str(said["started_us"])), None, str(said["detail"]), fence,
            )  # fmt: skip
        except (KeyError, ValueError):
            return None

    def note(self, gap: Gap, *, closed: bool) -> None:
        """Remember or forget an open gap."""
        name = f"{gap.camera}/{gap.stream}"
        if closed:
            self._open.pop(name, None)
        else:
            self._open[name] = {
                "id": str(gap.id), "agency": str(gap.agency), "reason": gap.reason,
                "started_us": gap.started_us, "detail": gap.detail, "fence": gap.fence,
            }  # fmt: skip
        part = self._path.with_suffix(".tmp")
        part.write_text(json.dumps(self._open))
        os.replace(part, self._path)


class GapLog:
    """One recorded stream's gaps. Times are Unix µs."""

    def __init__(  # noqa: PLR0917 - the order of a gap row
        self, camera: UUID, agency: UUID, stream: int, put: Callable[[Gap], None], open_gaps: OpenGaps, fence: int = 1
    ) -> None:
        self._camera, self._agency, self._stream, self._fence = camera, agency, stream, fence
        self._put = put
        self._open_gaps = open_gaps
        self.open: Gap | None = open_gaps.of(camera, stream, fence)
        self._loss: Gap | None = None
        self._lost = 0
        self._lost_us = 0
        self.count = 0

    def begin(self, reason: str, at_us: int, detail: str = "") -> None:
        """An outage begins; one of the same reason goes on, one of another reason ends here."""
        assert reason in REASONS
        if self.open is not None:
            if self.open.reason == reason:
                return
            self.end(max(at_us, self.open.started_us))
        self.open = self._made(reason, at_us, detail)
        self._open_gaps.note(self.open, closed=False)

    def end(self, at_us: int) -> None:
        """Pictures are stored again from ``at_us``."""
        gap, self.open = self.open, None
        if gap is not None:
            ended = max(at_us, gap.started_us)
            self._put(replace(gap, ended_us=ended))
            self._open_gaps.note(gap, closed=True)

    def whole(self, reason: str, started_us: int, ended_us: int, detail: str = "") -> None:
        """A gap that is over already."""
        self._made(reason, started_us, detail, max(started_us, ended_us))

    def damaged(self, packets: int, at_us: int, reason: str = "network") -> None:
        """Packets were lost on the way, or since we did not read: no whole picture until a key frame after a while."""
        self._lost += packets
        self._lost_us = at_us
        if self._loss is None and self.open is None:
            self._loss = self._made(reason, at_us, "packets lost")

    def key_frame(self, at_us: int) -> None:
        """A whole key frame was stored."""
        if self._loss is not None and at_us - self._lost_us > LOSS_QUIET_US:
            gap, self._loss = self._loss, None
            detail = f"packets lost: {self._lost}"
            self._lost = 0
            self._put(replace(gap, ended_us=at_us, detail=detail))

    @property
    def losing(self) -> bool:
        """Is a gap of lost packets open?"""
        return self._loss is not None

    def close(self, at_us: int) -> None:
        """The recorder stops: damage ends with it; an outage stays open and is closed by the next start."""
        if self._loss is not None:
            self._lost_us = 0
            self.key_frame(max(at_us, LOSS_QUIET_US + 1))

    def _made(self, reason: str, at_us: int, detail: str, ended_us: int | None = None) -> Gap:
        gap = Gap(
            uuid7(), self._camera, self._agency, self._stream, reason, at_us, ended_us, detail[:DETAIL_MAX],
            self._fence,
        )  # fmt: skip
        self.count += 1
        self._put(gap)
        return gap
