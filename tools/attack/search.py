"""Known bytes looked for in everything: files as they lie there, raw, as hex, as base64 at each of its alignments."""

from __future__ import annotations

import base64
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

LEAST = 8


def forms(secret: bytes) -> list[bytes]:
    """How a secret may stand in a file: raw, hex in both cases, base64 (both alphabets) at three alignments."""
    if len(secret) < LEAST:
        raise ValueError("too short to be looked for")
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + secret)
        # the first and last letters hold neighbours' bits
        core = text[4 if shift else 0 : -4]
        found += [core, core.translate(bytes.maketrans(b"+/", b"-_"))]
    return list(dict.fromkeys(form for form in found if len(form) >= LEAST))


def files(*folders: Path) -> Iterator[Path]:
    """Every regular file below, each inode once."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        for base, _, names in os.walk(folder):
            for name in names:
                path = Path(base, name)
                try:
                    about = path.lstat()
                except FileNotFoundError:
                    continue
                if path.is_symlink() or not path.is_file() or (about.st_dev, about.st_ino) in seen:
                    continue
                seen.add((about.st_dev, about.st_ino))
                yield path


def found_in(data: bytes | mmap.mmap, needles: Iterable[bytes]) -> int:
    """How many of the needles stand in the bytes."""
    return sum(data.find(needle) >= 0 for needle in needles)


def search(folders: Iterable[Path], secrets: Iterable[bytes], skip: Iterable[Path] = ()) -> tuple[list[str], int, int]:
    """(files in which a secret stands, files read, bytes read); ``skip`` are files that may hold them."""
    needles = [form for secret in secrets for form in forms(secret)]
    hits, count, size, past = [], 0, 0, {path.resolve() for path in skip}
    for path in files(*folders):
        if path.resolve() in past:
            continue
        try:
            with path.open("rb") as handle:
                length = os.fstat(handle.fileno()).st_size
                count, size = count + 1, size + length
                if not length:
                    continue
                with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    if found_in(data, needles):
                        hits.append(str(path))
        except FileNotFoundError:
            continue  # a living centre's spools come and go
    return hits, count, size
