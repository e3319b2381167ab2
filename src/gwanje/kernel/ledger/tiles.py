"""Tiles (관리대장 공개 조각): the ledger's tree and leaves as static files, byte for byte as C2SP tlog-tiles has them.

``tile/<L>/<N>[.p/<W>]``: 256 hashes of complete subtrees of 256**L leaves each; ``tile/entries/<N>[.p/<W>]``: leaves,
each behind its u16 length. Anybody computes every proof from them; nothing of a person stands in a leaf.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gwanje.kernel.ledger import tree

WIDTH = 256
HEIGHT = 8
HASH = 32
LEVEL_MAX = 63
ENTRY_MAX = 0xFFFF
KNOWN_MAX = 4096
CHECKPOINT = "checkpoint"
PATH = re.compile(
    r"checkpoint|tile/(?:entries|0|[1-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/){0,6}[0-9]{3}"
    r"(?:\.p/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)
Fetch = Callable[[str], bytes]


class BadTile(ValueError):
    """A tile is missing, has another length, or does not fit the tree that it is said to be of."""


@dataclass(frozen=True)
class Tile:
    """Which tile: ``level`` 0 to 63 (None: the bundle of entries), ``index`` in the level, ``width`` 1 to 256."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Below the log's prefix."""
        name = "entries" if self.level is None else str(self.level)
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{name}/{encode_index(self.index)}{part}"


def encode_index(index: int) -> str:
    """1234067 → ``x001/x234/067``."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def _width(size: int, level: int, index: int) -> int:
    """Hashes that tile ``index`` of a level has in a tree of ``size``; 0 or less when there is none."""
    return min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)


def changed(old_size: int, new_size: int) -> Iterator[Tile]:
    """Tiles and bundles that the tree of ``new_size`` has and that of ``old_size`` had not, lowest level first."""
    for level in range(LEVEL_MAX + 1):
        old, new = old_size >> HEIGHT * level, new_size >> HEIGHT * level
        if old == new:
            return
        for index in range(old // WIDTH, -(-new // WIDTH)):
            width = _width(new_size, level, index)
            yield Tile(level, index, width)
            if level == 0:
                yield Tile(None, index, width)


def bundle(leaves: Sequence[bytes]) -> bytes:
    """An entry bundle: each leaf behind its length, big-endian u16."""
    if any(len(leaf) > ENTRY_MAX for leaf in leaves):
        raise BadTile("an entry has at most 65,535 bytes")
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def unbundle(data: bytes, width: int) -> list[bytes]:
    """The leaves of a bundle; BadTile unless it has exactly ``width`` whole ones."""
    leaves: list[bytes] = []
    at = 0
    while at < len(data) and len(leaves) < width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        leaves.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(leaves) != width:
        raise BadTile(f"a bundle of {width} entries has another length")
    return leaves


class TileTree:
    """The tree of ``size`` leaves as tiles show it. ``fetch(path)`` gives a file's bytes, FileNotFoundError if none.

    Nothing is believed: the caller compares ``root`` with a signed checkpoint before it uses a proof.
    """

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self.size = fetch, size
        self._known: dict[tuple[int, int], bytes] = {}
        self._made: dict[tuple[int, int], bytes] = {}

    def _get(self, tile: Tile) -> bytes:
        try:
            return self._fetch(tile.path)
        except FileNotFoundError:
            if tile.width == WIDTH:
                raise BadTile(f"{tile.path} is missing") from None
        # a partial tile may be deleted once the full one stands
        whole = Tile(tile.level, tile.index)
        try:
            return self._fetch(whole.path)
        except FileNotFoundError:
            raise BadTile(f"{tile.path} is missing") from None

    def tile(self, level: int, index: int) -> bytes:
        """The hashes that this tree has in a tile, one behind the other."""
        known = self._known.get((level, index))
        if known is None:
            width = _width(self.size, level, index)
            if width < 1:
                raise BadTile(f"a tree of {self.size} has no tile {index} on level {level}")
            data = self._get(Tile(level, index, width))
            if len(data) not in {width * HASH, WIDTH * HASH}:
                raise BadTile(f"{Tile(level, index, width).path} has {len(data)} bytes")
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            known = self._known[level, index] = data[: width * HASH]
        return known

    def entries(self, index: int) -> list[bytes]:
        """The leaves of a bundle, as far as this tree has them; BadTile when they are not those of level 0."""
        width = _width(self.size, 0, index)
        if width < 1:
            raise BadTile(f"a tree of {self.size} has no bundle {index}")
        data = self._get(Tile(None, index, width))
        try:
            leaves = unbundle(data, width)
        except BadTile:
            leaves = unbundle(data, WIDTH)[:width]
        if b"".join(tree.leaf_hash(leaf) for leaf in leaves) != self.tile(0, index):
            raise BadTile(f"the entries of bundle {index} are not those of its tile")
        return leaves

    def node(self, level: int, index: int) -> bytes:
        """Hash of a complete subtree (``tree.Nodes``)."""
        at, inner = divmod(level, HEIGHT)
        if inner == 0:
            return self.tile(at, index // WIDTH)[index % WIDTH * HASH :][:HASH]
        made = self._made.get((level, index))
        if made is None:
            made = tree.node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))
            if len(self._made) >= KNOWN_MAX * WIDTH:
                self._made.clear()
            self._made[level, index] = made
        return made

    def root(self) -> bytes:
        """Root of the whole tree."""
        return tree.root(self.node, self.size)

    def check_tile(self, level: int, index: int) -> None:
        """Does a full tile hash to its place in the level above? BadTile when it does not."""
        above = self.tile(level + 1, index // WIDTH)[index % WIDTH * HASH :][:HASH]
        if tree.root(self._below(level, index), WIDTH) != above:
            raise BadTile(f"tile {index} of level {level} does not fit the level above")

    def _below(self, level: int, index: int) -> tree.Nodes:
        hashes = self.tile(level, index)

        def node(depth: int, place: int) -> bytes:
            if depth == 0:
                return hashes[place * HASH : (place + 1) * HASH]
            return tree.node_hash(node(depth - 1, 2 * place), node(depth - 1, 2 * place + 1))

        return node
