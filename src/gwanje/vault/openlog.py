"""Open-log (열람 기록): every tick vaultd opened, in append-only files of its own, sealed row by row and chained.

One file a month, ``<first number>-<YYYYMM>.log``: magic 8 ‖ SHA-256 of the row before, then rows: length u32 ‖
nonce 12 ‖ AES-256-GCM(canonical map) with associated data number u64 ‖ previous row's SHA-256. A row torn by a crash
was never answered; it is cut off at the next start. A month goes whole when its youngest row is two years old, as the
access log does; the chain goes on from what the next file's head says.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel.canonical import decode, encode
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import sync_folder

MAGIC: Final = b"GWOLG\0\1\n"
HEAD: Final = 40
YEARS: Final = 2
ROW_MAX: Final = 4096
PAGE_MAX: Final = 1000
_NAME = re.compile(r"(\d{12})-(\d{6})\.log")
log = logging.getLogger(__name__)


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


def month_of(at_us: int) -> int:
    """YYYYMM of a Unix µs, in UTC."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return at.year * 100 + at.month


@dataclass
class _Month:
    """One open file: its first row's number, its month, the row before it, where its rows begin and end."""

    path: Path
    first: int
    month: int
    fd: int
    before: bytes = bytes(32)
    offsets: list[int] = field(default_factory=list)
    end: int = HEAD
    digest: bytes = bytes(32)

    def read(self) -> None:
        """Find every whole row."""
        head = os.pread(self.fd, HEAD, 0)
        if len(head) < HEAD or head[:8] != MAGIC:
            raise VaultError("open_log", self.path.name)
        self.before = self.digest = head[8:]
        for offset, raw in self._raw():
            self.offsets.append(offset)
            self.digest = hashlib.sha256(raw).digest()
            self.end = offset + 4 + len(raw)

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        size, at = os.fstat(self.fd).st_size, HEAD
        while at + 4 <= size:
            length = int.from_bytes(os.pread(self.fd, 4, at), "big")
            if not 28 <= length <= ROW_MAX or at + 4 + length > size:
                return
            yield at, os.pread(self.fd, length, at + 4)
            at += 4 + length

    def sealed(self, number: int) -> bytes:
        """A row's sealed bytes by its number."""
        offset = self.offsets[number - self.first]
        return os.pread(self.fd, int.from_bytes(os.pread(self.fd, 4, offset), "big"), offset + 4)

    @property
    def next(self) -> int:
        """Number of the row that comes after the last one."""
        return self.first + len(self.offsets)


class OpenLog:
    """Appends and reads; ``append`` returns after the row is written, ``sync`` after it is durable."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._lock = threading.Lock()
        self._folder = folder
        folder.mkdir(exist_ok=True, mode=0o700)
        self._adopt(folder.with_name("open.log"))
        found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
        self._months = [self._opened(path, *map(int, path.stem.split("-"))) for path in found]
        for one, other in zip(self._months, self._months[1:], strict=False):
            if one.next != other.first or one.digest != other.before:
                log.critical("the open-log is broken between %s and %s", one.path.name, other.path.name)
        if self._months:
            last = self._months[-1]
            os.ftruncate(last.fd, last.end)
            if last.offsets:
                self.rows(last.next - 1, 1)

    @staticmethod
    def _opened(path: Path, first: int, month: int) -> _Month:
        made = _Month(path, first, month, os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
        made.read()
        return made

    def _adopt(self, single: Path) -> None:
        """Take over the one file of the first version; its last change tells its youngest month."""
        if not single.is_file() or single.is_symlink():
            return
        month = month_of(single.stat().st_mtime_ns // 1000)
        self._create(0, month, bytes(32), single.read_bytes())
        single.unlink()
        sync_folder(single.parent)

    def _create(self, first: int, month: int, before: bytes, rows: bytes = b"") -> Path:
        path = self._folder / f"{first:012d}-{month:06d}.log"
        part = path.with_suffix(".tmp")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(MAGIC + before + rows)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        sync_folder(self._folder)
        return path

    def __len__(self) -> int:
        return self._months[-1].next if self._months else 0

    def _month(self, at_us: int) -> _Month:
        """The file for a row of now; a clock that goes back stays in the newest month."""
        month, last = month_of(at_us), self._months[-1] if self._months else None
        if last is not None and month <= last.month:
            return last
        if last is not None:
            # what ``sync`` will be asked for lies in the new file only
            os.fdatasync(last.fd)
        first, before = (last.next, last.digest) if last else (0, bytes(32))
        self._months.append(self._opened(self._create(first, month, before), first, month))
        return self._months[-1]

    def append(self, row: dict[str, Any]) -> int:
        """Write a row (its number is set here, its month is that of ``at``); returns the number, counted from 0."""
        with self._lock:
            file = self._month(int(row["at"]))
            number = file.next
            nonce = os.urandom(12)
            associated = number.to_bytes(8, "big") + file.digest
            raw = nonce + self._aead.encrypt(nonce, encode({**row, "n": number}), associated)
            if len(raw) > ROW_MAX:
                raise VaultError("open_log", "row too long")
            data = len(raw).to_bytes(4, "big") + raw
            if os.pwrite(file.fd, data, file.end) != len(data):
                os.ftruncate(file.fd, file.end)
                raise VaultError("open_log", "short write")
            file.offsets.append(file.end)
            file.end += len(data)
            file.digest = hashlib.sha256(raw).digest()
            return number

    def sync(self) -> None:
        """Make everything appended durable (a thread may call it for many rows at once)."""
        with self._lock:
            handle = self._months[-1].fd if self._months else -1
        if handle >= 0:
            os.fdatasync(handle)

    def rows(self, after: int, limit: int) -> list[OpenRow]:
        """Rows with number ≥ ``after``, at most ``limit`` (1000); VaultError ``open_log`` when one was changed."""
        found: list[OpenRow] = []
        most = min(limit, PAGE_MAX)
        with self._lock:
            for file in self._months:
                for number in range(max(after, file.first), file.next):
                    if len(found) >= most:
                        return found
                    found.append(self._row(file, number))
        return found

    def _row(self, file: _Month, number: int) -> OpenRow:
        raw = file.sealed(number)
        previous = hashlib.sha256(file.sealed(number - 1)).digest() if number > file.first else file.before
        try:
            body = decode(self._aead.decrypt(raw[:12], raw[12:], number.to_bytes(8, "big") + previous))
        except InvalidTag:
            raise VaultError("open_log", f"row {number} was changed") from None
        return OpenRow.of(body)

    def drop_old(self, now_us: int) -> int:
        """Overwrite and unlink months whose youngest row is two years old or more; returns how many files went."""
        limit, gone = month_of(now_us) - 100 * YEARS, 0
        if self._months and self._months[-1].month < limit:
            with self._lock:
                # an empty file carries the numbers and the chain on
                self._month(now_us)
        while len(self._months) > 1 and self._months[0].month < limit:
            with self._lock:
                file = self._months.pop(0)
            size = os.fstat(file.fd).st_size
            os.pwrite(file.fd, bytes(size), 0)
            os.fdatasync(file.fd)
            os.close(file.fd)
            file.path.unlink()
            sync_folder(self._folder)
            gone += 1
        return gone

    def close(self) -> None:
        """Close the files."""
        while self._months:
            os.close(self._months.pop().fd)
