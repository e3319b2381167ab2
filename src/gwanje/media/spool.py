"""Spool of index rows (색인 임시보관): rows of segments, gaps and findings wait on disk until PostgreSQL has them.

``index-<n>.jsonl`` in the spool folder: lines are fsynced at least once a second; the forwarder inserts whole files
oldest first and unlinks each after its commit. Rows carry their own keys, so that a row sent twice counts once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel import findings
from gwanje.kernel.clock import Clock
from gwanje.kernel.findings import Finding, put_findings
from gwanje.kernel.footage import BATCH_MAX, Cursor, Gap, Segment, put_gaps, put_segments
from gwanje.kernel.ledger.minutes import Minute, put_minutes
from gwanje.media.gaps import REASONS

FILE_MAX = 4 << 20
SOFT_MAX = 256 << 20
HARD_MAX = 1 << 30
FILES_AT_ONCE = 64
log = logging.getLogger(__name__)
_INT4 = ("slot", "stream", "class_", "first_tick", "last_tick", "parts", "width", "height")
_INT8 = ("epoch", "size", "fence", "started_us", "ended_us", "picture_us")
_TEXT = {"codec": 40, "path": 200, "detail": 2000}
_PATH = re.compile(r"\d+/\d+/\d+/[\w.-]+\.gws")
_BYTES = ("segment_id", "idr_ticks", "root", "writer", "leaves")
_UUIDS = ("camera", "agency", "id")
_DETAIL_MAX = 2000
Row = Segment | Gap | Finding | Minute
_KINDS: dict[str, type[Row]] = {"s": Segment, "g": Gap, "f": Finding, "m": Minute}


class SpoolFull(RuntimeError):
    """The spool passes its hard limit; nothing more is taken until PostgreSQL is back."""


def _line(row: Row) -> bytes:
    plain: dict[str, Any] = {"k": next(letter for letter, kind in _KINDS.items() if isinstance(row, kind))}
    for name, value in asdict(row).items():
        plain[name] = value.hex() if isinstance(value, bytes) else str(value) if isinstance(value, UUID) else value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def parse_line(line: bytes) -> Row:
    """A row back from its line; ValueError, KeyError or TypeError when it is torn or no row of a recorder."""
    plain = json.loads(line)
    if not isinstance(plain, dict):
        raise TypeError("a row is a map")
    kind = _KINDS[plain.pop("k")]
    known = {f.name for f in fields(kind)}
    made: dict[str, Any] = {name: value for name, value in plain.items() if name in known}
    for name in _BYTES:
        if made.get(name) is not None:
            made[name] = bytes.fromhex(made[name])
    for name in _UUIDS:
        if name in made:
            made[name] = UUID(made[name])
    row: Row = kind(**made)
    _check(row)
    return row


def _check(row: Row) -> None:
    """ValueError for what the database would refuse: one such line must not keep all others waiting for ever."""
    said = asdict(row)
    for names, bits in ((_INT4, 31), (_INT8, 63)):
        for name in names:
            value = said.get(name, 0)
            if value is not None and not (type(value) is int and 0 <= value < 1 << bits):
                raise ValueError(name)
    if isinstance(row, Finding):
        _check_finding(row)
        return
    if isinstance(row, Minute):
        # what it can be, its own constructor has said
        return
    for name, most in _TEXT.items():
        value = said.get(name, "")
        if not isinstance(value, str) or len(value) > most or "\0" in value:
            raise ValueError(name)
    if isinstance(row, Gap):
        if row.reason not in REASONS:
            raise ValueError("reason")
        return
    fits = len(row.segment_id) == 32 and isinstance(row.closed, bool) and _PATH.fullmatch(row.path)
    if not fits or None in (row.idr_ticks, row.writer):
        raise ValueError("segment")


def _check_finding(row: Finding) -> None:
    figures = json.dumps(row.detail) if isinstance(row.detail, dict) else ""
    if row.kind not in findings.KINDS or not 2 <= len(figures) <= _DETAIL_MAX or "\\u0000" in figures:
        raise ValueError("finding")
    if row.segment_id is not None and len(row.segment_id) != 32:
        raise ValueError("segment_id")
    if row.ended_us is not None and row.ended_us < row.started_us:
        raise ValueError("ended_us")


def read_rows(path: Path) -> list[Row]:
    """Whole rows of one spool file; a last line torn by a power cut is left out and logged."""
    found: list[Row] = []
    for number, line in enumerate(path.read_bytes().splitlines()):
        try:
            found.append(parse_line(line))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            log.warning("spool file %s: line %d cannot be read", path.name, number + 1)
    return found


class IndexSpool:
    """Writer and forwarder of one recorder's spool. ``put`` from any thread; ``forward`` from one."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        """``clock``: dates the ledger rows of minutes; the wall's when none is given."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._clock = folder, clock or Clock()
        self._lock = threading.Lock()
        waiting = self.files()
        self._number = int(waiting[-1].stem.removeprefix("index-")) + 1 if waiting else 1
        self._file: int | None = None
        self._size = 0
        self._dirty = False
        self._waiting = sum(path.stat().st_size for path in waiting)
        self.rows = 0

    def files(self) -> list[Path]:
        """Spool files, oldest first."""
        return sorted(self._folder.glob("index-*.jsonl"))

    @property
    def waiting(self) -> int:
        """Bytes that wait for PostgreSQL."""
        return self._waiting

    def put(self, row: Row) -> None:
        """Append a row. Beyond the soft limit the states of segments still open are left out (their ends are not)."""
        if isinstance(row, Segment) and not row.closed and self._waiting > SOFT_MAX:
            return
        data = _line(row)
        with self._lock:
            if self._waiting + len(data) > HARD_MAX:
                raise SpoolFull("the index spool passes its limit")
            if self._file is None:
                path = self._folder / f"index-{self._number:012d}.jsonl"
                self._number += 1
                self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._size = 0
            os.write(self._file, data)
            self._size += len(data)
            self._waiting += len(data)
            self._dirty = True
            self.rows += 1
            if self._size > FILE_MAX:
                self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            self._dirty = False

    def sync(self) -> None:
        """fsync what was put since the last call."""
        with self._lock:
            if self._dirty and self._file is not None:
                os.fsync(self._file)
                self._dirty = False

    def close(self) -> None:
        """fsync and close the open file."""
        with self._lock:
            self._close()

    def forward(self, cursor_of: Callable[[], contextlib.AbstractContextManager[Cursor]]) -> int:
        """Send every waiting file; returns the rows sent. An exception of the database leaves the file for later.

        ``cursor_of`` opens a transaction and commits it at its end.
        """
        with self._lock:
            self._close()
        sent = 0
        for path in self.files()[:FILES_AT_ONCE]:
            with self._lock:
                # rows put meanwhile opened a newer file: the newest is not ours to unlink while it is open
                if self._file is not None and path.stem.endswith(f"{self._number - 1:012d}"):
                    break
            rows = read_rows(path)
            with cursor_of() as cursor:
                _insert(cursor, self._clock, rows)
            size = path.stat().st_size
            path.unlink()
            with self._lock:
                self._waiting -= size
            sent += len(rows)
        return sent


def _insert(cursor: Cursor, clock: Clock, rows: Iterable[Row]) -> None:
    rows = list(rows)
    segments = [row for row in rows if isinstance(row, Segment)]
    gaps = [row for row in rows if isinstance(row, Gap)]
    for start in range(0, len(segments), BATCH_MAX):
        put_segments(cursor, segments[start : start + BATCH_MAX])
    for start in range(0, len(gaps), BATCH_MAX):
        put_gaps(cursor, gaps[start : start + BATCH_MAX])
    found = [row for row in rows if isinstance(row, Finding)]
    for start in range(0, len(found), BATCH_MAX):
        put_findings(cursor, found[start : start + BATCH_MAX])
    put_minutes(cursor, clock, [row for row in rows if isinstance(row, Minute)])
