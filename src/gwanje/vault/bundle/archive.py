"""The bundle's file (증거 묶음 파일): a ZIP that has exactly one form, so that no byte of it is nobody's.

Stored, never deflated; 1 January 1980; no extra field, no comment; local headers in the order of the directory.
Any ZIP tool opens it. At most 4 GiB and 1,000 members: a longer range is several bundles.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import BinaryIO, Final

from gwanje.vault.errors import VaultError

MEMBERS_MAX: Final = 1000
BYTES_MAX: Final = (1 << 32) - (1 << 20)
_LOCAL: Final = Struct("<IHHHHHIIIHH")
_ENTRY: Final = Struct("<IHHHHHHIIIHHHHHII")
_END: Final = Struct("<IHHHHIIH")
_DATE: Final = 0x21
_BLOCK: Final = 1 << 20


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def write(out: BinaryIO, members: Iterable[tuple[str, BinaryIO]]) -> None:
    """Write members (ASCII name, seekable source) to ``out``; VaultError ``bundle_limit`` over 4 GiB."""
    directory, count, at = bytearray(), 0, 0
    for name, source in members:
        crc = size = 0
        for block in _blocks(source):
            crc, size = zlib.crc32(block, crc), size + len(block)
        raw = name.encode("ascii")
        if at + size > BYTES_MAX or count >= MEMBERS_MAX:
            raise VaultError("bundle_limit", f"{at + size} bytes")
        out.write(_LOCAL.pack(0x04034B50, 20, 0, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw)
        source.seek(0)
        for block in _blocks(source):
            out.write(block)
        entry = (0x02014B50, 20, 20, 0, 0, 0, _DATE, crc, size, size, len(raw), 0, 0, 0, 0, 0, at)
        directory += _ENTRY.pack(*entry) + raw
        at += _LOCAL.size + len(raw) + size
        count += 1
    out.write(directory + _END.pack(0x06054B50, 0, 0, count, count, len(directory), at, 0))
