"""Open findings (진행 중 장애): kept in a small file, so that a recorder that was killed closes them later."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.findings import Finding

DETAIL_KEPT = ("alike", "lost", "energy", "sharp", "coarse", "shift", "change", "dark", "bright", "width", "height",
               "rate", "offset_s", "least")  # fmt: skip


def figures(said: dict[str, Any]) -> dict[str, Any]:
    """What of a look goes into a finding's row: numbers only."""
    return {name: said[name] for name in DETAIL_KEPT if name in said}


class OpenFindings:
    """The findings that last, by camera and kind; the file is written whole at each change (a fault, not a look)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[tuple[UUID, str], Finding] = {}
        try:
            rows = json.loads(path.read_text())
            for row in rows if isinstance(rows, list) else []:
                finding = _finding(row)
                self._open[finding.camera, finding.kind] = finding
        except (OSError, ValueError, TypeError, KeyError):
            self._open = {}

    def of(self, camera: UUID) -> list[Finding]:
        """What is open of a camera."""
        return [finding for (owner, _), finding in self._open.items() if owner == camera]

    def begin(self, finding: Finding) -> None:
        """Remember; the same camera and kind again replaces it."""
        self._open[finding.camera, finding.kind] = finding
        self._write()

    def end(self, camera: UUID, kind: str, at_us: int) -> Finding | None:
        """The closed finding, or None when none was open."""
        finding = self._open.pop((camera, kind), None)
        if finding is None:
            return None
        self._write()
        return replace(finding, ended_us=max(at_us, finding.started_us))

    def _write(self) -> None:
        part = self._path.with_suffix(".tmp")
        part.write_text(json.dumps([_plain(finding) for finding in self._open.values()]))
        os.replace(part, self._path)


def _plain(finding: Finding) -> dict[str, Any]:
    made = asdict(finding)
    return {name: value.hex() if isinstance(value, bytes) else str(value) if isinstance(value, UUID) else value
            for name, value in made.items()}  # fmt: skip


def _finding(row: dict[str, Any]) -> Finding:
    segment = row["segment_id"]
    return Finding(
        UUID(row["id"]), UUID(row["camera"]), UUID(row["agency"]), str(row["kind"]), int(row["started_us"]), None,
        dict(row["detail"]), bytes.fromhex(segment) if segment else None,
        int(row["picture_us"]) if row["picture_us"] is not None else None,
    )  # fmt: skip
