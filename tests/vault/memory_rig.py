"""This process's own memory, searched for keys that must not stand in it; they are known masked only.

What is read is masked where it was read to and overwritten, so that a search leaves nothing for the next one to find.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tools.attack.search import Needles

MASK, CHUNK, OVERLAP = 0x5A, 8 << 20, 31


def masked(secret: bytes | bytearray | memoryview) -> bytes:
    """A secret so written that a search for it does not find what searches."""
    return bytes(byte ^ MASK for byte in secret)


def _stretches(but: int) -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        words = line.split()
        low, high = (int(word, 16) for word in words[0].split("-"))
        if words[1].startswith("rw") and "[v" not in line:
            # the kernel joins neighbouring maps: the search's own place is cut out
            yield from ((low, min(high, but)), (max(low, but + CHUNK), high))


def standing(secrets: Iterable[bytes]) -> set[bytes]:
    """Those of these masked secrets that stand in this process's memory, raw, at whatever byte."""
    needles, place = Needles(secrets), mmap.mmap(-1, CHUNK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    view, seen = memoryview(place), set[bytes]()
    bytes_of = np.frombuffer(place, dtype=np.uint8)
    own = ctypes.addressof(ctypes.c_char.from_buffer(place))
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for low, high in _stretches(own):
            for at in range(low, high, CHUNK - OVERLAP):
                memory.seek(at)
                try:
                    size = memory.readinto(view[: min(CHUNK, high - at)])
                except OSError:
                    break
                bytes_of[:size] ^= MASK
                seen.update(needle for _, needle in needles.hits(view[:size]))
    view[:] = bytes(CHUNK)
    return seen
