"""Where segment files lie (영상 저장소): the seam between whoever reads, checks or destroys, and disk or S3.

A file has one name everywhere, ``<class>/<epoch>/<slot>/<file>.gws``. Where it lies is asked, never noted: the disk
first, then the object store, so that no row can be wrong about it. Only sealed bytes pass this seam.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

from gwanje.kernel.home import Home
from gwanje.vault import parts
from gwanje.vault.errors import SegmentBroken, VaultError
from gwanje.vault.segment import HEADER_SIZE, TRAILER_MAGIC, TRAILER_SIZE, SegmentReader

SUFFIX: Final = ".gws"
INDEX_SUFFIX: Final = ".gwx"
INDEX_MAGIC: Final = b"GWIDX\0\1\n"
INDEX_HEAD: Final = Struct(">8sQ32s")
INDEX_MAX: Final = 64 << 20


class StoreAway(OSError):
    """The object store does not answer or refuses; what lies there is neither gone nor read. Holds no account."""


class StoreRefused(VaultError):
    """The object store as it is set up must not be used; ``code`` says why."""


@dataclass(frozen=True)
class Entry:
    """One segment file: its name in the store, bytes."""

    name: str
    size: int


class Shelf(Protocol):
    """One place of segment files. Every method may raise StoreAway; a file that is gone is FileNotFoundError."""

    @property
    def place(self) -> str:
        """``disk`` or ``s3``."""
        ...

    def folders(self, prefix: str = "") -> list[str]:
        """Names right below a prefix ('' = classes, '3' = hours of class 3), sorted."""
        ...

    def files(self, prefix: str = "") -> Iterator[Entry]:
        """Every segment file under a prefix, by name."""
        ...

    def open(self, name: str, *, whole: bool = False) -> SegmentReader:
        """A reader of one file; ``whole``: everything will be read, so that headers come from the file itself."""
        ...

    def blank(self, name: str, keep: Collection[int]) -> int:
        """Overwrite every part of one file but these ordinals, hashes kept; returns how many. Safe to repeat."""
        ...

    def erase(self, prefix: str) -> int:
        """Remove everything under a prefix, also old versions and half uploads; returns how many segment files."""
        ...


def index_of(reader: SegmentReader, size: int, digest: bytes) -> bytes:
    """What is read of a segment before its parts: sizes, SHA-256, file header, part headers, trailer; no content.

    ``magic 8 ‖ u64 file bytes ‖ SHA-256 of the file ‖ header 128 ‖ part headers 64 each ‖ trailer 40 or nothing``.
    """
    trailer = b""
    if reader.closed and reader.root is not None:
        trailer = TRAILER_MAGIC + len(reader.parts).to_bytes(4, "big") + reader.root
    heads = b"".join(part.header.pack() for part in reader.parts)
    return INDEX_HEAD.pack(INDEX_MAGIC, size, digest) + reader.header.pack() + heads + trailer


@dataclass(frozen=True)
class Index:
    """An index read back: ``heads`` offset in the file → bytes there."""

    size: int
    digest: bytes
    heads: dict[int, bytes]

    @classmethod
    def read(cls, data: bytes) -> Index:
        """SegmentBroken when these are no index bytes, or do not add up to the file's size."""
        if len(data) < INDEX_HEAD.size + HEADER_SIZE:
            raise SegmentBroken("segment_short", "index")
        magic, size, digest = INDEX_HEAD.unpack_from(data)
        if magic != INDEX_MAGIC:
            raise SegmentBroken("segment_magic", "index")
        at, end = INDEX_HEAD.size + HEADER_SIZE, HEADER_SIZE
        heads = {0: data[INDEX_HEAD.size : at]}
        while len(data) - at >= parts.HEADER_SIZE:
            raw = data[at : at + parts.HEADER_SIZE]
            heads[end] = raw
            end += parts.PartHeader.unpack(raw).size
            at += parts.HEADER_SIZE
        if rest := data[at:]:
            heads[end] = rest
            end += TRAILER_SIZE
            if len(rest) != TRAILER_SIZE or end != size:
                raise SegmentBroken("trailer", "index")
        if end > size:
            raise SegmentBroken("part_field", "index")
        return cls(size, digest, heads)


def shelves(home: Home, timeout_s: int = 30) -> tuple[Shelf, ...]:
    """The disk, and S3 where the folder's config names one; StoreRefused when its account lies open."""
    from gwanje.vault.store_disk import DiskShelf

    found: list[Shelf] = [DiskShelf(home.store)]
    if not home.config.get("store"):
        # the client of object stores is large, and most centres have none
        return tuple(found)
    from gwanje.vault.store_s3 import S3Shelf, settings_of

    if (settings := settings_of(home)) is not None:
        found.append(S3Shelf(settings, home.store, timeout_s=timeout_s))
    return tuple(found)


def remote(home: Home, timeout_s: int = 5) -> tuple[Shelf, ...]:
    """The places behind the disk, for somebody who waits for a picture."""
    return shelves(home, timeout_s)[1:]


def entries(places: Sequence[Shelf], prefix: str) -> Iterator[tuple[Shelf, Entry]]:
    """Every file once, where it is found first; a file on its way to S3 lies in both places for a while."""
    seen: set[str] = set()
    for place in places:
        for entry in place.files(prefix):
            if entry.name not in seen:
                seen.add(entry.name)
                yield place, entry
