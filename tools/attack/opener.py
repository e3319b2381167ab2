"""The attacker's own opener: sealed parts, keystore files, the key tree, from the written format alone.

It imports nothing of the product: what the vault's code gets wrong, this does not get wrong with it. Whatever is found
is tried as everything that it could be: 32 bytes as a generation key, a root, a slot's node, a leaf; a keystore file
with every generation key; roots, frontiers and holds of every content that opens.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEGMENT = struct.Struct(">8sHBBIQII16sQ16sQ16s32s")
PART = struct.Struct(">4sBBBBIIQII32s")
KEYSTORE = struct.Struct(">8sHHQI32s12s")
ROOT = struct.Struct(">IQ32s")
FRONTIER = struct.Struct(">BI32s")
HELD = struct.Struct(">IQIBH32s")
FILES_MAX = 500_000


@dataclass(frozen=True)
class Part:
    """One sealed second as it lies on a disk. ``key``: (class, epoch, slot, tick)."""

    key: tuple[int, int, int, int]
    kind: int
    ordinal: int
    commitment: bytes
    segment: bytes
    salt: bytes
    sealed: bytes


def parts_of(path: Path) -> Iterator[Part]:
    """Every part of a segment file until it ends or is no file of ours."""
    data = path.read_bytes()
    if len(data) < SEGMENT.size or data[:8] != b"GWSEG\0\1\n":
        return
    head = SEGMENT.unpack_from(data)
    class_, epoch, slot, salt = head[4], head[5], head[6], head[8]
    segment, at = hashlib.sha256(data[: SEGMENT.size]).digest(), SEGMENT.size
    while at + PART.size <= len(data) and data[at : at + 4] == b"GWPT":
        _, _, _, kind, _, tick, ordinal, _, _, length, commitment = PART.unpack_from(data, at)
        end = at + PART.size + length + 16
        yield Part((class_, epoch, slot, tick), kind, ordinal, commitment, segment, salt, data[at:end])
        at = end


def opens(leaf: bytes, part: Part) -> bytes | None:
    """The plaintext under a leaf, None when it does not open."""
    return opens_with(hmac.digest(leaf, b"gwanje/v1/part\0" + part.segment, "sha512"), part)


def opens_with(material: bytes, part: Part) -> bytes | None:
    """The plaintext under 64 bytes of key material."""
    if material[32:64] != part.commitment or part.sealed[5] != 1:
        return None
    nonce = struct.pack(">B3xQ", part.kind, part.ordinal)
    try:
        return AESGCM(material[:32]).decrypt(nonce, part.sealed[64:], part.segment + part.sealed[:64])
    except InvalidTag:
        return None


def below(node: bytes, path: int, bits: int) -> bytes:
    """The node ``bits`` levels down along ``path``."""
    for shift in range(bits - 1, -1, -1):
        node = hmac.digest(node, b"gwanje/v1/ggm\0" + bytes([path >> shift & 1]), "sha256")
    return node


@dataclass
class Loot:
    """Everything that was found: keystore files and 32-byte candidates; then what of it opened.

    ``oracles``: tokens that the thief has the PIN of; each answers what every key inside makes of a message.
    """

    stores: set[bytes] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)
    contents: list[dict[Any, Any]] = field(default_factory=list)
    files: int = 0
    oracles: list[Callable[[bytes], list[bytes]]] = field(default_factory=list)

    def take(self, *folders: Path) -> None:
        """Look at every file for what it is, not for what it is called."""
        for folder in folders:
            for base, _, names in os.walk(folder):
                for name in names:
                    self._file(Path(base, name))
        self._unseal()

    def _file(self, path: Path) -> None:
        self.files += 1
        if self.files > FILES_MAX:
            raise ValueError(f"more than {FILES_MAX} files")
        if path.is_symlink() or not path.is_file() or path.suffix == ".gws":
            return
        size = path.stat().st_size
        with path.open("rb") as handle:
            if size == 32:
                self.keys.add(handle.read())
            elif size >= KEYSTORE.size and handle.read(8) == b"GWKEY\0\1\n":
                handle.seek(0)
                self.stores.add(handle.read())

    def _unseal(self) -> None:
        for data in self.stores:
            _, _, _, generation, replica, salt, nonce = KEYSTORE.unpack_from(data)
            said = b"gwanje/v1/keystore\0" + salt + struct.pack(">QI", generation, replica)
            made = [hmac.digest(key, said, "sha256") for key in self.keys]
            for key in (*made, *(each for ask in self.oracles for each in ask(said))):
                try:
                    plain = AESGCM(key).decrypt(nonce, data[KEYSTORE.size :], data[: KEYSTORE.size])
                except InvalidTag:
                    continue
                self.contents.append(cbor(plain)[0])

    def nodes(self) -> list[tuple[int, int, int, int, bytes]]:
        """(class, epoch, depth, path, key) of every root, frontier and held node of every content."""
        found = []
        for body in self.contents:
            found += [(c, e, 0, 0, key) for c, e, key in ROOT.iter_unpack(body["roots"])]
            for class_, epoch, packed in body.get("frontiers", ()):
                found += [(class_, epoch, d, p, key) for d, p, key in FRONTIER.iter_unpack(packed)]
            for hold in body.get("holds", ()):
                for class_, epoch, slot, height, first, key in HELD.iter_unpack(hold[6]):
                    found.append((class_, epoch, 32 - height, (slot << 12 | first) >> height, key))
        return found

    def secrets(self) -> list[bytes]:
        """Every key in every content: roots, frontier nodes, held nodes and vaultd's own three."""
        own = [body[name] for body in self.contents for name in ("permit_key", "checkpoint_key", "log_key")]
        return list(dict.fromkeys([*(node[4] for node in self.nodes()), *own]))


def count_opened(parts: Iterable[Part], loot: Loot, *, wild: bool = True) -> tuple[int, int]:
    """(tried, opened). ``wild``: also try each 32-byte candidate as root, as slot's node and as leaf of each part."""
    held = index(loot.nodes())
    tried = opened = 0
    for part in parts:
        tried += 1
        opened += any(opens(leaf, part) is not None for leaf in _leaves(part, held, loot.keys if wild else ()))
    return tried, opened


Index = dict[tuple[int, int], list[tuple[int, int, bytes]]]


def index(nodes: Iterable[tuple[int, int, int, int, bytes]]) -> Index:
    """Nodes by class and hour."""
    found: Index = {}
    for class_, epoch, depth, path, key in nodes:
        found.setdefault((class_, epoch), []).append((depth, path, key))
    return found


def _leaves(part: Part, held: Index, keys: Iterable[bytes]) -> Iterator[bytes]:
    class_, epoch, slot, tick = part.key
    leaf = slot << 12 | tick
    for depth, path, key in held.get((class_, epoch), ()):
        if leaf >> 32 - depth == path:
            yield below(key, leaf & (1 << 32 - depth) - 1, 32 - depth)
    for key in keys:
        yield key
        yield below(key, tick, 12)
        yield below(key, leaf, 32)


def cbor(data: bytes, at: int = 0) -> tuple[Any, int]:
    """One value of canonical CBOR and where it ends."""
    first = data[at]
    if first in (0xF4, 0xF5, 0xF6):
        return {0xF4: False, 0xF5: True, 0xF6: None}[first], at + 1
    major, number, at = first >> 5, first & 31, at + 1
    if number > 23:
        size = 1 << number - 24
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major in (2, 3):
        raw = data[at : at + number]
        return raw if major == 2 else raw.decode(), at + number
    if major == 4:
        out = []
        for _ in range(number):
            item, at = cbor(data, at)
            out.append(item)
        return out, at
    if major == 5:
        map_ = {}
        for _ in range(number):
            name, at = cbor(data, at)
            map_[name], at = cbor(data, at)
        return map_, at
    return (number if major == 0 else -1 - number), at
