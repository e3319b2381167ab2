"""Verifying segment files (무결성 확인): structure, hashes and trailer without keys; tags and init with keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gwanje.vault import merkle, parts
from gwanje.vault.errors import GONE, PartRefused, SegmentBroken, VaultError
from gwanje.vault.segment import PartAt, SegmentHeader, SegmentReader

OkmOf = Callable[[SegmentHeader, bytes, int], bytes]


@dataclass(frozen=True)
class SegmentReport:
    """What was found in one file. ``root``: Merkle root over the parts; ``problems``: empty = sound.

    ``blanked``: parts whose ciphertext was overwritten and whose hash stands; with keys one of them is a problem when
    its second still opens.
    """

    path: Path
    header: SegmentHeader | None
    segment_id: bytes
    parts: int
    size: int
    ticks: tuple[int, int] | None
    closed: bool
    torn: int
    root: bytes
    hashes: tuple[bytes, ...]
    opened: int
    problems: tuple[str, ...]
    blanked: int = 0


def verify_file(path: Path, okm_of: OkmOf | None = None) -> SegmentReport:
    """Read a whole file and check it; a missing trailer and a torn last part are legal and reported.

    ``okm_of(header, segment_id, tick)`` gives 64 bytes of key material; with it every part is opened in memory.
    """
    try:
        reader = SegmentReader(path)
    except (SegmentBroken, OSError) as error:
        return SegmentReport(path, None, b"", 0, 0, None, False, 0, merkle.root([]), (), 0, (str(error),))
    with reader:
        return verify_reader(reader, okm_of)


def verify_reader(reader: SegmentReader, okm_of: OkmOf | None = None) -> SegmentReport:
    """The same over a reader that is open already, wherever its bytes lie."""
    problems = [str(reader.problem)] if reader.problem else []
    hashes: list[bytes] = []
    opened = gone = 0
    material: tuple[int, bytes] = (-1, b"")
    for part in reader.parts:
        try:
            data = reader.read(part)
            kept = parts.blanked(reader.segment_id, data)
            hashes.append(parts.part_hash(data) if kept is None else kept)
            gone += kept is not None
            if kept is not None and (okm_of is None or _dead(reader, part, okm_of)):
                continue
            if okm_of is not None:
                tick = part.header.tick
                if material[0] != tick:
                    material = (tick, okm_of(reader.header, reader.segment_id, tick))
                _open(reader, part, data, material[1])
                opened += 1
        except VaultError as error:
            problems.append(f"ordinal {part.header.ordinal}: {error}")
    # of a part shorter than a mark not even the hash is left: then the trailer is all there is
    root = merkle.root(hashes) if all(hashes) or reader.root is None else reader.root
    if reader.closed and reader.root != root:
        problems.append(str(SegmentBroken("trailer", "Merkle root")))
    ticks = (reader.parts[0].header.tick, reader.parts[-1].header.tick) if reader.parts else None
    size = sum(part.header.size for part in reader.parts)
    return SegmentReport(
        reader.path,
        reader.header,
        reader.segment_id,
        len(reader.parts),
        size,
        ticks,
        reader.closed,
        reader.torn,
        root,
        tuple(hashes),
        opened,
        tuple(problems),
        gone,
    )


def _dead(reader: SegmentReader, part: PartAt, okm_of: OkmOf) -> bool:
    try:
        okm_of(reader.header, reader.segment_id, part.header.tick)
    except VaultError as error:
        return error.code in GONE
    return False


def _open(reader: SegmentReader, part: PartAt, data: bytes, material: bytes) -> None:
    plaintext = parts.open_part(material, reader.segment_id, data)
    if part.header.kind == parts.INIT and hashlib.sha256(plaintext).digest() != reader.header.init_digest:
        raise PartRefused("init_digest")
