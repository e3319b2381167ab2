"""Sealed parts with their part keys (봉인 원본): what a verifier opens again and compares with the clip.

Records ``kind u8 ‖ length u32 ‖ body`` (big-endian) after "GWSLD\\0\\1\\n":
``A`` canonical map {about, salt}, first · ``S`` segment header 128 (segments count from 0) · ``K`` segment u32 ‖
tick u16 ‖ okm 64 · ``P`` segment u32 ‖ sealed part · ``Z`` number of parts u32, last.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from gwanje.kernel.canonical import encode
from gwanje.vault.bundle.age import Locked

MAGIC: Final = b"GWSLD\0\1\n"
ABOUT: Final = b"gwanje/v1/about\0"


def about_digest(about: Mapping[str, Any], salt: bytes) -> bytes:
    """HMAC-SHA-256 that stands in the manifest for what only the recipient reads (case, ground, officers)."""
    return hmac.digest(salt, ABOUT + encode(dict(about)), "sha256")


class Container:
    """Writes the records in order into a locked file."""

    def __init__(self, out: Locked, about: Mapping[str, Any], salt: bytes) -> None:
        self._out, self._segments, self._keyed = out, dict[bytes, int](), (-1, -1)
        self.hashes: list[bytes] = []
        out.write(MAGIC)
        self._record(b"A", encode({"about": dict(about), "salt": salt}))

    def _record(self, kind: bytes, *body: bytes | bytearray) -> None:
        self._out.write(kind + sum(map(len, body)).to_bytes(4, "big"))
        for piece in body:
            self._out.write(piece)

    def part(self, header: bytes, tick: int, okm: bytes | bytearray, part: bytes) -> None:
        """One sealed part: its segment's 128-byte header, second of the hour, 64 bytes of key material, the part."""
        number = self._segments.get(header)
        if number is None:
            number = self._segments[header] = len(self._segments)
            self._record(b"S", header)
        if self._keyed != (number, tick):
            self._keyed = (number, tick)
            self._record(b"K", number.to_bytes(4, "big") + tick.to_bytes(2, "big"), okm)
        self._record(b"P", number.to_bytes(4, "big"), part)
        self.hashes.append(hashlib.sha256(part).digest())

    def close(self) -> None:
        """The last record."""
        self._record(b"Z", len(self.hashes).to_bytes(4, "big"))
        self._out.close()
