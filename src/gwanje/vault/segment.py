"""Segment files (봉인 영상 파일): 128-byte header, sealed parts, trailer; self-delimiting, so a crash costs one part.

A file is one camera, one stream, one class, one hour at most; it is made with O_EXCL under a fresh salt, which
makes (key, nonce) unique across restarts, fail-overs and two writers in one second.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

from gwanje.law import upholds
from gwanje.vault import merkle, parts
from gwanje.vault.ciphers import AES_256_GCM, Buffer
from gwanje.vault.errors import PartRefused, SegmentBroken
from gwanje.vault.parts import PartHeader, PartKey
from gwanje.vault.tree import EPOCH_S, SLOTS

MAGIC: Final = b"GWSEG\0\1\n"
VERSION: Final = 1
HEADER: Final = Struct(">8sHBBIQII16sQ16sQ16s32s")
HEADER_SIZE: Final = 128
TRAILER_MAGIC: Final = b"GWEN"
TRAILER_SIZE: Final = 40
SALT_SIZE: Final = 16
SECONDS_MAX: Final = 300
PARTS_MAX: Final = 1 << 20
NO_INIT: Final = bytes(32)
BLANK_SUFFIX: Final = ".blank"
assert HEADER.size == HEADER_SIZE


@dataclass(frozen=True)
class SegmentHeader:
    """The 128 bytes at a file's beginning. ``epoch`` UTC hour, ``created_us`` Unix µs, ``writer`` 16-byte key id."""

    class_: int
    epoch: int
    slot: int
    stream: int
    salt: bytes
    fence: int
    writer: bytes
    created_us: int
    centre: UUID
    init_digest: bytes = NO_INIT
    cipher: int = AES_256_GCM
    flags: int = 0

    @classmethod
    def fresh(
        cls,
        *,
        class_: int,
        epoch: int,
        slot: int,
        stream: int,
        fence: int,
        writer: bytes,
        created_us: int,
        centre: UUID,
        init: bytes = b"",
        cipher: int = AES_256_GCM,
    ) -> SegmentHeader:
        """A header with a fresh random salt. ``init``: the exact plaintext of the kind-2 part, empty if none."""
        digest = hashlib.sha256(init).digest() if init else NO_INIT
        salt = os.urandom(SALT_SIZE)
        return cls(class_, epoch, slot, stream, salt, fence, writer, created_us, centre, digest, cipher)

    def pack(self) -> bytes:
        """The 128 header bytes; SegmentBroken when a field is out of range."""
        legal = (
            0 <= self.slot < SLOTS
            and len(self.salt) == SALT_SIZE
            and len(self.writer) == 16
            and len(self.init_digest) == 32
            and self.cipher in (1, 2)
            and self.flags == 0
            and 0 <= self.class_ < 1 << 32
            and 0 <= self.epoch < 1 << 40
        )
        if not legal:
            raise SegmentBroken("segment_field")
        return HEADER.pack(
            MAGIC,
            VERSION,
            self.cipher,
            self.flags,
            self.class_,
            self.epoch,
            self.slot,
            self.stream,
            self.salt,
            self.fence,
            self.writer,
            self.created_us,
            self.centre.bytes,
            self.init_digest,
        )

    @classmethod
    def unpack(cls, data: Buffer) -> SegmentHeader:
        """Read and check 128 bytes; SegmentBroken when they are no header of version 1."""
        if len(data) < HEADER_SIZE:
            raise SegmentBroken("segment_short")
        magic, version, cipher, flags, class_, epoch, slot, stream, *rest = HEADER.unpack_from(data)
        salt, fence, writer, created, centre, digest = rest
        if magic != MAGIC:
            raise SegmentBroken("segment_magic")
        if version != VERSION:
            raise SegmentBroken("segment_version", str(version))
        header = cls(
            class_, epoch, slot, stream, salt, fence, writer, created, UUID(bytes=centre), digest, cipher, flags
        )
        header.pack()
        return header

    @property
    def segment_id(self) -> bytes:
        """SHA-256 of the 128 header bytes: the file's identity, and part of every key derivation in it."""
        return hashlib.sha256(self.pack()).digest()


def segment_path(store: Path, header: SegmentHeader) -> Path:
    """``store/<class>/<epoch>/<slot>/<stream>-<created µs>-<first 8 hex of id>.gws``."""
    name = f"{header.stream}-{header.created_us}-{header.segment_id[:4].hex()}.gws"
    return store / str(header.class_) / str(header.epoch) / str(header.slot) / name


def sync_folder(path: Path) -> None:
    """fsync a folder, so that names made or removed in it survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@upholds("security.sealed")
def refuse_plaintext(data: Buffer, expected: int) -> None:
    """Only bytes that ``seal_into`` made and that were not written yet reach the disk; PartRefused ``plaintext``."""
    if len(data) > expected or bytes(data[:4]) != parts.MAGIC:
        raise PartRefused("plaintext", f"{len(data)} bytes, {expected} sealed")


class SegmentWriter:
    """Writes one new segment file: ``key`` per tick, ``seal_into`` per part, ``write`` what was sealed, ``finish``.

    Not thread-safe; ``flush`` and ``finish`` may run in a pool thread while nobody writes.
    """

    __slots__ = ("_fd", "_key", "_sealed", "_tick", "hashes", "header", "path", "segment_id", "size")

    def __init__(self, path: Path, header: SegmentHeader) -> None:
        """Create the file (O_EXCL, 0664 less the umask) and write its header; FileExistsError when the name stands."""
        packed = header.pack()
        self.path = path
        self.header = header
        self.segment_id = hashlib.sha256(packed).digest()
        self.hashes: list[bytes] = []
        self._key: PartKey | None = None
        self._tick = -1
        self._sealed = 0
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o664)
        # who takes a file without a trailer away asks this lock whether its writer lives
        with contextlib.suppress(OSError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.size = 0
        self._put(packed)

    @classmethod
    def create(cls, store: Path, header: SegmentHeader) -> SegmentWriter:
        """Make the folders of ``segment_path`` and the file in them."""
        path = segment_path(store, header)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o775)
        return cls(path, header)

    @property
    def parts(self) -> int:
        """Parts sealed so far; also the next ordinal."""
        return len(self.hashes)

    @property
    def closed(self) -> bool:
        """True after ``finish`` or ``abandon``."""
        return self._fd < 0

    def key(self, tick: int, leaf: Buffer) -> None:
        """Take the leaf of a tick for the parts that follow; ticks never go back. The leaf is not kept."""
        if tick < self._tick or tick >= EPOCH_S:
            raise PartRefused("part_order", f"tick {tick} after {self._tick}")
        if tick != self._tick or self._key is None:
            self._key = PartKey.of(leaf, self.segment_id, self.header.cipher)
            self._tick = tick

    def leave(self, tick: int) -> None:
        """Forget the key when it is of ``tick`` or before; ``key`` makes it again while the leaf stands."""
        if self._tick <= tick:
            self._key = None

    def keyed(self, tick: int, key: PartKey) -> None:
        """Take a key that was derived while the tick's leaf stood (derived segments); otherwise as ``key``."""
        if tick < self._tick or tick >= EPOCH_S:
            raise PartRefused("part_order", f"tick {tick} after {self._tick}")
        self._key, self._tick = key, tick

    def seal_into(  # noqa: PLR0917 - keywords cost on the packet path
        self, out: memoryview, kind: int, flags: int, start_us: int, duration_us: int, plaintext: Buffer
    ) -> int:
        """Seal one part of the current tick at the beginning of ``out`` and count it; returns its bytes.

        ``start_us`` lies in the tick (arrival of its first access unit). PartRefused otherwise, with nothing counted.
        """
        ordinal = len(self.hashes)
        if self._fd < 0:
            raise PartRefused("writer_closed")
        if self._key is None or start_us // 1_000_000 != self.header.epoch * EPOCH_S + self._tick:
            raise PartRefused("part_field", f"start {start_us} lies outside tick {self._tick}")
        if ordinal >= PARTS_MAX:
            raise PartRefused("part_limit", "parts")
        size = parts.seal_into(
            out, self._key, self.segment_id, kind, flags, self._tick, ordinal, start_us, duration_us, plaintext
        )
        self.hashes.append(hashlib.sha256(out[:size]).digest())
        self._sealed += size
        return size

    def write(self, sealed: Buffer) -> None:
        """Append what ``seal_into`` made (one or several parts in order).

        After an OSError the file ends at its last whole part and takes no more: the caller opens a new one.
        """
        if self._fd < 0:
            raise PartRefused("writer_closed")
        refuse_plaintext(sealed, HEADER_SIZE + self._sealed - self.size)
        self._put(sealed)

    def _put(self, data: Buffer) -> None:
        view, done = memoryview(data), 0
        try:
            while done < len(view):
                done += os.write(self._fd, view[done:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.size)
            self.abandon()
            raise
        self.size += done

    def flush(self) -> None:
        """Write out what stands and give its page-cache pages back: a power cut costs seconds (pool thread)."""
        handle = os.dup(self._fd)
        try:
            os.fdatasync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)

    def finish(self) -> bytes:
        """Trailer, fsync, close, fsync of the folder; returns the Merkle root over the part hashes."""
        if self._fd < 0 or self.size != HEADER_SIZE + self._sealed:
            self.abandon()
            raise PartRefused("writer_closed", "sealed parts were not written")
        root = merkle.root(self.hashes)
        self._put(TRAILER_MAGIC + len(self.hashes).to_bytes(4, "big") + root)
        os.fsync(self._fd)
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)
        self.abandon()
        sync_folder(self.path.parent)
        return root

    def abandon(self) -> None:
        """Close without a trailer (legal: the reader scans what stands) and forget the key."""
        self._key = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@dataclass(frozen=True)
class PartAt:
    """Where a part lies in its file."""

    offset: int
    header: PartHeader


class Source(Protocol):
    """Bytes of one segment file, wherever it lies."""

    def read(self, length: int, offset: int) -> bytes: ...
    def length(self) -> int: ...
    def close(self) -> None: ...


class FileSource:
    """A file on this disk."""

    __slots__ = ("_fd",)

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def read(self, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        return os.pread(self._fd, length, offset)

    def length(self) -> int:
        """Bytes that stand now."""
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class SegmentReader:
    """Reads a segment file, also one that is still growing: ``refresh`` goes on where the last scan ended.

    ``closed`` a trailer stands; ``torn`` bytes of an unfinished part at the end; ``problem`` why the scan stopped
    early (what stands before it is still readable). Only headers are read until ``read`` is called.
    """

    def __init__(self, path: Path, source: Source | None = None) -> None:
        """``source``: the bytes, where they do not lie at ``path`` on this disk."""
        self.path = path
        self._source = source if source is not None else FileSource(path)
        try:
            raw = self._source.read(HEADER_SIZE, 0)
            self.header = SegmentHeader.unpack(raw)
        except (SegmentBroken, OSError):
            self._source.close()
            raise
        self.segment_id = hashlib.sha256(raw).digest()
        self.parts: list[PartAt] = []
        self.closed = False
        self.root: bytes | None = None
        self.torn = 0
        self.problem: SegmentBroken | None = None
        self._end = HEADER_SIZE
        self.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def refresh(self) -> int:
        """Scan what was added since the last call; returns the number of new parts."""
        before = len(self.parts)
        size = self._source.length()
        self.torn = 0
        while not self.closed and self.problem is None and self._end < size:
            try:
                if not self._step(size):
                    break
            except SegmentBroken as error:
                self.problem = error
        return len(self.parts) - before

    def _step(self, size: int) -> bool:
        head = self._source.read(parts.HEADER_SIZE, self._end)
        if head[:4] == TRAILER_MAGIC and len(head) >= TRAILER_SIZE:
            self._trailer(head, size)
            return False
        if len(head) < parts.HEADER_SIZE or head == bytes(parts.HEADER_SIZE):
            self.torn = size - self._end
            return False
        header = PartHeader.unpack(head)
        self._check(header)
        if self._end + header.size > size:
            self.torn = size - self._end
            return False
        self.parts.append(PartAt(self._end, header))
        self._end += header.size
        return True

    def _check(self, header: PartHeader) -> None:
        last = self.parts[-1].header.tick if self.parts else 0
        second = self.header.epoch * EPOCH_S + header.tick
        if header.cipher != self.header.cipher or len(self.parts) >= PARTS_MAX:
            raise SegmentBroken("part_field", f"ordinal {header.ordinal}")
        if header.ordinal != len(self.parts) or header.tick < last or header.start_us // 1_000_000 != second:
            raise SegmentBroken("part_order", f"ordinal {header.ordinal} at byte {self._end}")

    def _trailer(self, head: bytes, size: int) -> None:
        count = int.from_bytes(head[4:8], "big")
        if count != len(self.parts) or self._end + TRAILER_SIZE != size:
            raise SegmentBroken("trailer", f"{count} parts named, {len(self.parts)} stand")
        self.root = head[8:TRAILER_SIZE]
        self.closed = True

    def read(self, part: PartAt) -> bytes:
        """header ‖ ciphertext ‖ tag of one part; SegmentBroken when the file got shorter meanwhile."""
        data = self._source.read(part.header.size, part.offset)
        if len(data) != part.header.size:
            raise SegmentBroken("part_field", "the file ends early")
        if data[: parts.HEADER_SIZE] != part.header.pack():
            raise SegmentBroken("part_field", "the file was changed since its headers were read")
        return data

    def of_tick(self, tick: int) -> list[PartAt]:
        """The parts of one second, in order (init first where the second has a key frame)."""
        return [part for part in self.parts if part.header.tick == tick]


def blank(path: Path, keep: Collection[int]) -> int:
    """Overwrite in place the ciphertext of every part whose ordinal is not in ``keep``; returns how many were.

    Headers stay, and each part's hash in its own place, so that its neighbours and the trailer stay provable. Safe to
    kill and to repeat: what is known of the hashes lies durable beside the file (``.blank``) before a byte is touched.
    A file that is still written to may be given: nothing behind its last whole part is looked at.
    """
    beside = path.with_name(path.name + BLANK_SUFFIX)
    known = _known(beside)
    with SegmentReader(path) as reader:
        # a part that a crash left half overwritten is finished whatever is kept now; its hash was noted before
        wanted = [part for part in reader.parts if part.header.ordinal not in keep or part.offset in known]
        marks = {part.offset: made for part in wanted if (made := _mark(reader, part)) is not None}
        if marks.keys() - known.keys():
            _note(beside, {**marks, **known})
        _overwrite(path, [(part, {**marks, **known}[part.offset]) for part in wanted if part.offset in marks])
    if marks or known:
        beside.unlink()
        sync_folder(path.parent)
    return len(marks)


def _mark(reader: SegmentReader, part: PartAt) -> bytes | None:
    """What will stand in a part's place; empty where there is no room for it, None where it stands already."""
    data = reader.read(part)
    if parts.blanked(reader.segment_id, data) is not None:
        return None
    if len(data) < parts.HEADER_SIZE + parts.MARK_SIZE:
        return b""
    return parts.mark(reader.segment_id, data[: parts.HEADER_SIZE], parts.part_hash(data))


def _note(beside: Path, marks: Mapping[int, bytes]) -> None:
    data = b"".join(at.to_bytes(8, "big") + made.ljust(parts.MARK_SIZE, b"\0") for at, made in sorted(marks.items()))
    tmp = beside.with_suffix(".tmp")
    tmp.unlink(missing_ok=True)
    handle = os.open(tmp, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(tmp, beside)
    sync_folder(beside.parent)


def _known(beside: Path) -> dict[int, bytes]:
    try:
        data = beside.read_bytes()
    except FileNotFoundError:
        return {}
    size = 8 + parts.MARK_SIZE
    rows = (data[at : at + size] for at in range(0, len(data), size))
    return {int.from_bytes(row[:8], "big"): row[8:] if any(row[8:]) else b"" for row in rows}


def _overwrite(path: Path, found: Sequence[tuple[PartAt, bytes]]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for part, made in found:
            left, at = made.ljust(part.header.size - parts.HEADER_SIZE, b"\0"), part.offset + parts.HEADER_SIZE
            view, done = memoryview(left), 0
            while done < len(view):
                done += os.pwrite(handle, view[done:], at + done)
        os.fdatasync(handle)
    finally:
        os.close(handle)
