"""Publishing the ledger (관리대장 공개): tiles and the newest checkpoint as files that any web server can hand out.

Tiles first, each whole or not there (temporary file, fsync, rename), the checkpoint last: what it names stands. A run
that was killed begins again at the checkpoint's size; whoever deletes the folder gets it written anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import cosign, note, tiles
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.tiles import HEIGHT, WIDTH, Tile

TILES_A_RUN = 2048
LINES_MAX = 16


class NotReady(LookupError):
    """The database has not the rows or nodes that the checkpoint names."""


def folder(home: Home) -> Path:
    """Where the files lie: ``log_folder`` of config.json, else ``out/log``."""
    return Path(home.config.get("log_folder") or home.root / "out" / "log")


def witnesses(home: Home) -> list[tuple[VKey, str]]:
    """(verifier key, address or empty) of each witness in config.json: ``witnesses: [{"key": …, "url": …}]``.

    BadNote when a key is malformed or two have one name.
    """
    listed = home.config.get("witnesses") or []
    found = [(VKey.parse(str(each["key"])), str(each.get("url") or "")) for each in listed[:LINES_MAX]]
    if len({key.name for key, _ in found}) != len(found) or any(key.kind != cosign.COSIGNATURE for key, _ in found):
        raise note.BadNote("each witness needs a name of its own and a cosignature key (type 4)")
    return found


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".tmp")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part, path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def published(root: Path) -> int:
    """Size of the checkpoint that stands in the folder; 0 when there is none."""
    try:
        return note.parse((root / tiles.CHECKPOINT).read_text(encoding="utf-8"))[0].size
    except (FileNotFoundError, note.BadNote, UnicodeDecodeError):
        return 0


def _rows(cursor: Cursor, tile: Tile) -> list[bytes]:
    first = tile.index * WIDTH
    if tile.level is None:
        cursor.execute(
            "select leaf from ledger_leaf where idx >= %s and idx < %s order by idx", [first, first + tile.width]
        )
    else:
        cursor.execute(
            "select hash from ledger_node where level = %s and idx >= %s and idx < %s order by idx",
            [HEIGHT * tile.level, first, first + tile.width],
        )
    found = [bytes(row[0]) for row in cursor.fetchall()]
    if len(found) != tile.width:
        raise NotReady(f"{tile.path} has {len(found)} of its rows")
    return found


def _lines(cursor: Cursor, size: int) -> Sequence[str]:
    cursor.execute("select line from ledger_cosignature where size = %s order by name limit %s", [size, LINES_MAX])
    return [str(row[0]) for row in cursor.fetchall()]


def publish(cursor: Cursor, root: Path, size: int, signed: str) -> int:
    """Write what the tree of ``size`` adds, then its checkpoint with the cosignatures it has; returns files written.

    A backlog is published a piece at a time: beyond 2,048 tiles the checkpoint waits for the next call.
    """
    root.mkdir(parents=True, exist_ok=True)
    old, written = published(root), 0
    text = cosign.with_lines(signed, _lines(cursor, size)).encode()
    for tile in tiles.changed(min(old, size), size):
        path = root / tile.path
        if tile.width == WIDTH and path.exists():
            continue
        if written >= TILES_A_RUN:
            return written
        rows = _rows(cursor, tile)
        _write(path, tiles.bundle(rows) if tile.level is None else b"".join(rows))
        _sync(path.parent)
        written += 1
        if tile.width == WIDTH:
            # clients that want the partial one take this one
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(path.with_name(path.name + ".p"))
    place = root / tiles.CHECKPOINT
    if size > old or (size == old and place.read_bytes() != text):
        _write(place, text)
        _sync(root)
        written += 1
    return written
