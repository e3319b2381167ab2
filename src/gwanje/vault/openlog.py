"""Open-log (열람 기록): every tick vaultd opened, in an append-only file of its own, sealed row by row and chained.

Row on disk: length u32 ‖ nonce 12 ‖ AES-256-GCM(canonical map) with associated data number u64 ‖ previous row's
SHA-256. A row torn by a crash was never answered; it is cut off at the next start.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel.canonical import decode, encode
from gwanje.vault.errors import VaultError

ROW_MAX: Final = 4096
PAGE_MAX: Final = 1000


@dataclass(frozen=True)
class OpenRow:
    """One opened tick: who, under which Permit and session, which second of which slot, when (Unix µs)."""

    number: int
    permit: UUID
    session: bytes
    person: UUID
    station: str
    camera: UUID
    class_: int
    slot: int
    epoch: int
    tick: int
    segments: int
    at_us: int

    def body(self) -> dict[str, Any]:
        """The canonical map; ``session`` is a digest, never the token."""
        return {
            "n": self.number,
            "permit": self.permit.bytes,
            "session": self.session,
            "person": self.person.bytes,
            "station": self.station,
            "camera": self.camera.bytes,
            "class": self.class_,
            "slot": self.slot,
            "epoch": self.epoch,
            "tick": self.tick,
            "segments": self.segments,
            "at": self.at_us,
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> OpenRow:
        """Back from the map."""
        return cls(
            body["n"],
            UUID(bytes=body["permit"]),
            body["session"],
            UUID(bytes=body["person"]),
            body["station"],
            UUID(bytes=body["camera"]),
            body["class"],
            body["slot"],
            body["epoch"],
            body["tick"],
            body["segments"],
            body["at"],
        )


class OpenLog:
    """Appends and reads; ``append`` returns after the row is written, ``sync`` after it is durable."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._offsets: list[int] = []
        self._digest = bytes(32)
        self._end = 0
        for _, offset, raw in self._raw():
            self._offsets.append(offset)
            self._digest = hashlib.sha256(raw).digest()
            self._end = offset + 4 + len(raw)
        os.ftruncate(self._fd, self._end)
        self._check_last()

    def _check_last(self) -> None:
        if self._offsets:
            self.rows(len(self._offsets) - 1, 1)

    def _raw(self) -> Iterator[tuple[int, int, bytes]]:
        """(number, offset, sealed row) of every whole row."""
        size, at, number = os.fstat(self._fd).st_size, 0, 0
        while at + 4 <= size:
            length = int.from_bytes(os.pread(self._fd, 4, at), "big")
            if not 28 <= length <= ROW_MAX or at + 4 + length > size:
                return
            yield number, at, os.pread(self._fd, length, at + 4)
            at += 4 + length
            number += 1

    def __len__(self) -> int:
        return len(self._offsets)

    def append(self, row: dict[str, Any]) -> int:
        """Write a row (its number is set here); returns the number, counted from 0."""
        with self._lock:
            number = len(self._offsets)
            nonce = os.urandom(12)
            associated = number.to_bytes(8, "big") + self._digest
            raw = nonce + self._aead.encrypt(nonce, encode({**row, "n": number}), associated)
            if len(raw) > ROW_MAX:
                raise VaultError("open_log", "row too long")
            data = len(raw).to_bytes(4, "big") + raw
            if os.pwrite(self._fd, data, self._end) != len(data):
                os.ftruncate(self._fd, self._end)
                raise VaultError("open_log", "short write")
            self._offsets.append(self._end)
            self._end += len(data)
            self._digest = hashlib.sha256(raw).digest()
            return number

    def sync(self) -> None:
        """Make everything appended durable (a thread may call it for many rows at once)."""
        os.fdatasync(self._fd)

    def rows(self, after: int, limit: int) -> list[OpenRow]:
        """Rows with number ≥ ``after``, at most ``limit`` (1000); VaultError ``open_log`` when one was changed."""
        found: list[OpenRow] = []
        with self._lock:
            offsets = list(self._offsets)
        for number in range(max(0, after), min(len(offsets), after + min(limit, PAGE_MAX))):
            raw = self._sealed(offsets[number])
            previous = hashlib.sha256(self._sealed(offsets[number - 1])).digest() if number else bytes(32)
            try:
                body = decode(self._aead.decrypt(raw[:12], raw[12:], number.to_bytes(8, "big") + previous))
            except InvalidTag:
                raise VaultError("open_log", f"row {number} was changed") from None
            found.append(OpenRow.of(body))
        return found

    def _sealed(self, offset: int) -> bytes:
        length = int.from_bytes(os.pread(self._fd, 4, offset), "big")
        return os.pread(self._fd, length, offset + 4)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
