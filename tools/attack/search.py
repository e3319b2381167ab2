"""Known bytes looked for in everything: files as they lie there, raw, as hex, as base64 at each of its alignments."""

from __future__ import annotations

import base64
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

LEAST = 8
MASK = (1 << 24) - 1
BLOCK = 32 << 20


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


class Needles:
    """Many byte strings looked for at once, at every byte of an image: by their first eight bytes, then whole."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._whole: dict[int, list[bytes]] = {}
        for needle in set(needles):
            if len(needle) < LEAST:
                raise ValueError("too short to be looked for")
            self._whole.setdefault(int.from_bytes(needle[:LEAST], "little"), []).append(needle)
        self._heads = np.array(sorted(self._whole), dtype=np.uint64)
        self._sieve = np.zeros(MASK + 1, dtype=bool)
        self._sieve[self._heads & np.uint64(MASK)] = True

    def hits(self, data: bytes | memoryview | mmap.mmap) -> Iterator[tuple[int, bytes]]:
        """(offset, needle) of each that stands in the bytes."""
        size = len(data)
        for block in range(0, size, BLOCK):
            for shift in range(LEAST):
                start = block + shift
                count = (min(block + BLOCK, size - LEAST + 1) - start + LEAST - 1) // LEAST
                count = min(count, (size - start) // LEAST)
                if count <= 0:
                    continue
                words = np.frombuffer(data, dtype="<u8", offset=start, count=count)
                likely = np.flatnonzero(self._sieve[words & np.uint64(MASK)])
                places = [int(at) for at in likely[np.isin(words[likely], self._heads)]]
                heads = [int(words[at]) for at in places]
                # numpy lets go of the map, or it could not be closed
                del words, likely
                for at, head in zip(places, heads, strict=True):
                    offset = start + LEAST * at
                    for needle in self._whole[head]:
                        if data[offset : offset + len(needle)] == needle:
                            yield offset, needle


def search(folders: Iterable[Path], secrets: Iterable[bytes], skip: Iterable[Path] = ()) -> tuple[list[str], int, int]:
    """(files in which a secret stands, files read, bytes read); ``skip`` are files that may hold them."""
    needles = Needles(form for secret in secrets for form in forms(secret))
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
                    if next(needles.hits(data), None) is not None:
                        hits.append(str(path))
        except FileNotFoundError:
            continue  # a living centre's spools come and go
    return hits, count, size
