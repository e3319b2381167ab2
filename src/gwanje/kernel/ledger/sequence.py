"""Sequencer (순번 부여): one process gives committed leaves their index, keeps the tree and asks for checkpoints.

A leaf gets its index only after its act was committed, so an abort leaves no hole. An advisory lock keeps the
sequencer single; the unique index and the trigger on ``ledger_leaf`` hold even if two tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger import note as notes
from gwanje.kernel.ledger import tree
from gwanje.kernel.ledger.read import last_checkpoint, size

T = TypeVar("T")
BATCH = 2000
LOCK = 0x67776C64
ASKED_MAX = 64
log = logging.getLogger(__name__)


class Notary(Protocol):
    """Who signs checkpoints: vaultd, after it checked the consistency proof from the last one it signed."""

    def checkpoint(self, origin: str, size: int, root: bytes, old_size: int, proof: Sequence[bytes]) -> str: ...


class LedgerBroken(RuntimeError):
    """The stored tree contradicts itself; sequencing stops until an officer has looked."""


def _lock(cursor: Cursor) -> bool:
    cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
    return bool(cursor.fetchone()[0])


def _hashes(cursor: Cursor, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    cursor.execute(
        "select n.level, n.idx, n.hash from unnest(%s::smallint[], %s::bigint[]) k (level, idx) "
        "join ledger_node n on n.level = k.level and n.idx = k.idx",
        [[level for level, _ in keys], [index for _, index in keys]],
    )
    found = {(int(level), int(index)): bytes(value) for level, index, value in cursor.fetchall()}
    missing = [key for key in keys if key not in found]
    if missing:
        raise LedgerBroken(f"tree node {missing[0]} is missing")
    return found


def with_nodes(cursor: Cursor, ask: Callable[[tree.Nodes], T]) -> T:
    """Run a function of ``kernel.ledger.tree`` over the stored nodes, with one query."""
    keys: list[tuple[int, int]] = []

    def record(level: int, index: int) -> bytes:
        keys.append((level, index))
        return tree.EMPTY

    ask(record)
    known = _hashes(cursor, list(dict.fromkeys(keys)))
    return ask(lambda level, index: known[level, index])


class Sequencer:
    """``step`` gives indexes, ``checkpoint`` asks the notary; both on a psycopg connection in autocommit."""

    def __init__(self, connection: Any, origin: str, notary: Notary) -> None:
        self._connection, self._origin, self._notary = connection, origin, notary

    def step(self, limit: int = BATCH) -> int:
        """Give up to ``limit`` committed leaves their index, in order of arrival; 0 when another process does it."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            if not _lock(cursor):
                return 0
            cursor.execute(
                "select row, leaf from ledger_leaf where idx is null order by arrival limit %s", [max(1, limit)]
            )
            found = cursor.fetchall()
            if found:
                self._place(cursor, [(row, bytes(leaf)) for row, leaf in found])
            return len(found)

    def _place(self, cursor: Cursor, found: list[tuple[Any, bytes]]) -> None:
        start = size(cursor)
        edge_keys = [(bit, (start >> bit) - 1) for bit in range(start.bit_length()) if start >> bit & 1]
        edge = {level: value for (level, _), value in _hashes(cursor, edge_keys).items()}
        made: list[tuple[int, int, bytes]] = []
        for index, (_, leaf) in enumerate(found, start):
            value, level = tree.leaf_hash(leaf), 0
            made.append((0, index, value))
            while index >> level & 1:
                value = tree.node_hash(edge.pop(level), value)
                level += 1
                made.append((level, index >> level, value))
            edge[level] = value
        rows = [row for row, _ in found]
        # arrays go as binary: as text, quoting them costs more than hashing the tree
        cursor.execute(
            "insert into ledger_node (level, idx, hash) "
            "select * from unnest(%b::smallint[], %b::bigint[], %b::bytea[])",
            [[m[0] for m in made], [m[1] for m in made], [m[2] for m in made]],
        )
        cursor.execute(
            "update ledger_leaf l set idx = u.idx from unnest(%b::uuid[], %b::bigint[]) u (row, idx) "
            "where l.row = u.row",
            [rows, list(range(start, start + len(rows)))],
        )
        cursor.execute(
            "insert into ledger_tally as t (norm, outcome, n) select norm, outcome, count(*) from ledger_opening o, "
            "unnest(o.norms) norm where o.row = any(%b::uuid[]) group by norm, outcome order by norm, outcome "
            "on conflict (norm, outcome) do update set n = t.n + excluded.n",
            [rows],
        )

    def checkpoint(self) -> notes.Checkpoint | None:
        """A signed checkpoint over all indexed leaves; None when the newest one covers them.

        Whatever the notary raises goes up: nothing is lost, the next call asks again.
        """
        connection = self._connection
        with connection.cursor() as cursor:
            last = last_checkpoint(cursor)
            old_size, now_size = (last[0] if last else 0), size(cursor)
            if now_size == old_size:
                return None
            cursor.execute("select size from ledger_asked where size > %s and size <= %s", [old_size, now_size])
            asked = sorted((int(row[0]) for row in cursor.fetchall()), reverse=True)[:ASKED_MAX]
            root = with_nodes(cursor, lambda nodes: tree.root(nodes, now_size))
            cursor.execute("insert into ledger_asked values (%s) on conflict do nothing", [now_size])
        signed = self._ask(now_size, root, [old_size, *asked])
        said, _, _ = notes.parse(signed)
        if said != notes.Checkpoint(self._origin, now_size, root):
            raise LedgerBroken("the notary signed something else")
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "insert into ledger_checkpoint (size, root, note) values (%s, %s, %s) on conflict do nothing",
                [now_size, root, signed],
            )
            cursor.execute("delete from ledger_asked where size <= %s", [now_size])
        return said

    def _proof(self, old: int, now_size: int) -> list[bytes]:
        with self._connection.cursor() as cursor:
            return with_nodes(cursor, lambda nodes: tree.consistency(nodes, old, now_size))

    def _ask(self, now_size: int, root: bytes, olds: Sequence[int]) -> str:
        """Ask from our newest checkpoint; if it is refused, from each size whose answer may have been lost."""
        refused: Exception | None = None
        for old in olds:
            proof = self._proof(old, now_size)
            try:
                return self._notary.checkpoint(self._origin, now_size, root, old, proof)
            except ConnectionError:
                raise
            except Exception as error:
                refused = error
                if len(olds) > 1:
                    log.warning("checkpoint from size %d refused (%s)", old, type(error).__name__)
        assert refused is not None
        raise refused


def origin(centre: object) -> str:
    """The log's name in checkpoints: no city, no address, the centre's identity."""
    return f"gwanje/{centre}"


def sequence_all(sequencer: Sequencer, rounds_max: int = 10_000) -> int:
    """Give every waiting leaf its index; returns how many."""
    total = 0
    for _ in range(rounds_max):
        done = sequencer.step()
        total += done
        if done < BATCH:
            break
    return total
