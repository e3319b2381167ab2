"""Memory for secrets (비밀값 메모리): pages of our own for what must not stay, and overwriting what Python would leave.

Pages are locked where the limit allows, left out of core dumps, and empty in a child that is forked.
"""

from __future__ import annotations

import ctypes
import hmac
import mmap
from typing import Final

Buffer = bytes | bytearray | memoryview
# where CPython's bytes object keeps its bytes: the last field of its head is the byte of the closing zero
_INSIDE: Final = bytes.__basicsize__ - 1
_NOTHING: Final = bytes(64)
_MLOCK: Final = ctypes.CDLL(None, use_errno=True).mlock
# madvise(2), Linux 4.14: Python 3.11 has no name for it
_WIPE_ON_FORK: Final = 18


def wipe(*secrets: Buffer) -> None:
    """Overwrite secrets with zeros, where they lie.

    A ``bytes`` is overwritten too, although Python calls it immutable: give only one that nobody else has, of more
    than one byte (shorter ones are shared by the interpreter and are left alone), that was never a key of a map.
    """
    for secret in secrets:
        size = len(secret)
        if not isinstance(secret, bytes):
            secret[:] = bytes(size)
        elif size > 1:
            ctypes.memset(id(secret) + _INSIDE, 0, size)


def overlay() -> None:
    """Overwrite what the last digest left on the C stack (``md`` of HMAC, 64 bytes): by the digest of nothing."""
    hmac.digest(_NOTHING, _NOTHING, "sha512")


def pages(size: int) -> memoryview:
    """At least ``size`` bytes of pages of their own, zeroed, for as long as the view lives."""
    whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    made = mmap.mmap(-1, whole, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    made.madvise(mmap.MADV_DONTDUMP)
    made.madvise(_WIPE_ON_FORK)
    view = memoryview(made)
    # best effort: beyond RLIMIT_MEMLOCK the pages serve unlocked, as the rest of the process does
    _MLOCK(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(made))), ctypes.c_size_t(whole))
    return view
