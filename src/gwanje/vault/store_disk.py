"""Segment files on this machine's disk (디스크 저장소), behind the seam of ``vault.store``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from gwanje.vault.segment import SegmentReader, blank, sync_folder
from gwanje.vault.store import Entry

CHUNK: Final = 1 << 20


def overwrite(path: Path) -> int:
    """Write zeros over a whole file in place and make them durable; returns the bytes. A vanished file counts 0."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        size, at, zeros = os.fstat(handle).st_size, 0, bytes(CHUNK)
        while at < size:
            at += os.pwrite(handle, zeros[: min(CHUNK, size - at)], at)
        os.fdatasync(handle)
        return size
    finally:
        os.close(handle)


class DiskShelf:
    """The store folder."""

    place = "disk"

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self, prefix: str = "") -> list[str]:
        """Names of folders right below a prefix, sorted."""
        folder = self.root / prefix
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def files(self, prefix: str = "") -> Iterator[Entry]:
        """Every file under a prefix, by name, also what is none of ours; one that vanishes meanwhile is left out."""
        for path in self._paths(prefix):
            try:
                yield Entry(str(path.relative_to(self.root)), path.stat().st_size)
            except FileNotFoundError:
                continue

    def _paths(self, prefix: str) -> list[Path]:
        found = (self.root / prefix).rglob("*") if (self.root / prefix).is_dir() else ()
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def open(self, name: str, *, whole: bool = False) -> SegmentReader:
        """A reader of one file."""
        return SegmentReader(self.root / name)

    def blank(self, name: str, keep: Collection[int]) -> int:
        """``segment.blank`` of one file."""
        return blank(self.root / name, keep)

    def erase(self, prefix: str) -> int:
        """Overwrite, fsync and unlink every file under a prefix, then its empty folders; safe to repeat."""
        paths = self._paths(prefix)
        for path in paths:
            overwrite(path)
            path.unlink(missing_ok=True)
        for folder in sorted({path.parent for path in paths}):
            sync_folder(folder)
        top = self.root / prefix
        if prefix and top.is_dir():
            for folder in [*sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True), top]:
                _remove(folder)
            sync_folder(top.parent)
        return len(paths)


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # something that is no file of ours lies there; it is left, and the next survey names it
        return
