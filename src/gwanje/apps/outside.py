"""What the ledger shows to outsiders (외부 공개·증인): the worker publishes, asks witnesses and time-stampers, and
looks whether rows and published files still agree.

Settings in config.json, all optional: ``witnesses`` (``[{"key": verifier key, "url": add-checkpoint prefix}]``),
``witness_quorum`` (how many must have signed within a minute), ``log_folder``, ``tsa_url`` with ``tsa_roots`` (a PEM
file) and ``tsa_every_s``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from gwanje.apps import fetch, stamping
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import cosign, tiles, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.note import BadNote
from gwanje.kernel.ledger.publish import NotReady, folder, publish, published, witnesses
from gwanje.kernel.ledger.read import last_checkpoint
from gwanje.kernel.ledger.sequence import with_nodes
from gwanje.kernel.ledger.tiles import WIDTH

EVERY_S = 5.0
LATE_S = 60.0
AUDIT_BUNDLES = 32
KEEP_DAYS = 2
TIDY_S = 600.0
# a minute is older than this before it may die: the rows of its footage have come by then
AGE_S = 86_400
Alarm = Callable[[Any, str, dict[str, Any]], None]
# size and signed note of a checkpoint
Head = tuple[int, str]
log = logging.getLogger("gwanje.worker")


class Outside:
    """One round every five seconds; ``step`` on a psycopg connection in autocommit. Nothing in it needs to last."""

    def __init__(self, home: Home, alarm: Alarm) -> None:
        self.home, self._alarm = home, alarm
        self._root, self._quorum = folder(home), int(home.config.get("witness_quorum") or 0)
        try:
            self._witnesses = witnesses(home)
        except (BadNote, KeyError, TypeError) as error:
            log.error("the witnesses in config.json cannot be read: %s", error)
            self._witnesses = []
        self._since = monotonic()
        self._audited = 0
        self._stamped = self._tidied = -1e9

    def step(self, connection: Any) -> float:
        """One round; returns the seconds to rest."""
        with connection.cursor() as cursor:
            last = last_checkpoint(cursor)
            if last is None:
                return EVERY_S
            size, _, signed = last
            self._ask_all(connection, cursor, (size, signed))
            try:
                written = publish(cursor, self._root, size, signed)
            except NotReady as error:
                self._alarm(connection, "ledger.published.differs", {"why": str(error)[:200]})
                return EVERY_S
            self._audit(connection, cursor)
            self._stamp(cursor, size, signed)
            if self._quorum:
                self._check_quorum(connection, cursor)
            self._tidy(cursor)
        return 0.2 if written >= tiles.WIDTH else EVERY_S

    # --- witnesses ------------------------------------------------------------------------------------------------

    def _ask_all(self, connection: Any, cursor: Cursor, head: Head) -> None:
        for key, url in self._witnesses:
            if not url:
                continue
            try:
                self._ask(connection, cursor, (key, url), head)
            except (fetch.Unreachable, BadNote, ValueError) as error:
                log.warning("witness %s: %s", key.name, error)

    def _ask(self, connection: Any, cursor: Cursor, witness: tuple[VKey, str], head: Head) -> None:
        """Push one checkpoint (C2SP tlog-witness); a witness that remembers another size is asked again from there."""
        (key, url), (size, signed) = witness, head
        cursor.execute("select coalesce(max(size), 0) from ledger_cosignature where name = %s", [key.name])
        old = int(cursor.fetchone()[0])
        if old == size:
            return
        status, data = 0, b""
        for _ in range(2):
            status, data = self._post(cursor, url, old, head)
            told = data.decode(errors="replace").strip()
            if status != 409 or not told.isdigit() or int(told) > size or int(told) == old:
                break
            old = int(told)
        if status == 200:
            keep(cursor, key, size, cosign.with_lines(signed, [data.decode()]))
            return
        if status in {403, 409, 422}:
            # it knows another history of this ledger than we do
            self._alarm(connection, "ledger.witness.refused", {"witness": key.name, "status": status, "size": size})
        raise fetch.Unreachable(f"status {status}")

    def _post(self, cursor: Cursor, url: str, old: int, head: Head) -> tuple[int, bytes]:
        proof: Sequence[bytes] = with_nodes(cursor, lambda nodes: tree.consistency(nodes, old, head[0]))
        body = cosign.request(old, proof, head[1])
        return fetch.ask(f"{url.rstrip('/')}/add-checkpoint", body, {"content-type": "text/plain"})

    def _check_quorum(self, connection: Any, cursor: Cursor) -> None:
        """k of n witnesses have signed within the last minute (증인 정족수), else an alarm."""
        if monotonic() - self._since < LATE_S:
            return
        cursor.execute(
            "select count(distinct name) from ledger_cosignature where name = any(%s) "
            "and signed_at > %s - interval '1 second' * %s",
            [[key.name for key, _ in self._witnesses], self.home.clock.now(), LATE_S],
        )
        found = int(cursor.fetchone()[0])
        if found < self._quorum:
            self._alarm(connection, "ledger.witness.missing", {"signed": found, "needed": self._quorum})

    # --- rows against files ---------------------------------------------------------------------------------------

    def _audit(self, connection: Any, cursor: Cursor) -> None:
        """A further piece of the whole log: row → leaf hash → tile file; whatever was edited on one side is named."""
        size = published(self._root)
        count = -(-size // WIDTH)
        if not count:
            return
        for index in [(self._audited + n) % count for n in range(min(count, AUDIT_BUNDLES))]:
            for row in differing(cursor, self._root, index, size):
                self._alarm(connection, "ledger.published.differs", {"row": row})
                break
        self._audited = (self._audited + AUDIT_BUNDLES) % count

    # --- time stamps ----------------------------------------------------------------------------------------------

    def _stamp(self, cursor: Cursor, size: int, signed: str) -> None:
        url, every = self.home.config.get("tsa_url"), float(self.home.config.get("tsa_every_s") or 3600)
        if not url or monotonic() - self._stamped < every:
            return
        self._stamped = monotonic()
        try:
            roots = stamping.roots_of(str(self.home.config.get("tsa_roots")))
            token = stamping.stamp(str(url), signed.encode(), roots)
        except (fetch.Unreachable, ValueError) as error:
            log.warning("time stamp: %s", error)
            return
        cursor.execute(
            "insert into ledger_timestamp (size, token, signed_at) values (%s, %s, %s) on conflict (size) do nothing",
            [size, token, self.home.clock.now()],
        )

    def _tidy(self, cursor: Cursor) -> None:
        """Cosignatures older than two days stay once an hour and witness; a minute dies with its last footage."""
        if monotonic() - self._tidied < TIDY_S:
            return
        self._tidied = monotonic()
        cursor.execute(
            "delete from ledger_cosignature where (size, name) in (select size, name from ledger_cosignature o "
            "where signed_at < %s - interval '1 day' * %s and exists (select from ledger_cosignature n where "
            "n.name = o.name and n.size > o.size "
            "and date_trunc('hour', n.signed_at) = date_trunc('hour', o.signed_at)) limit 20000)",
            [self.home.clock.now(), KEEP_DAYS],
        )
        cursor.execute(
            "delete from footage_minute where row in (select row from (select * from footage_minute "
            "where minute_s < %s order by minute_s limit 20000) m where not exists (select from footage_class c "
            "join footage_segment s on s.class = c.number and s.destroyed_at is null "
            "and s.epoch between m.minute_s / 3600 - 1 and m.minute_s / 3600 where s.writer = m.writer))",
            [self.home.clock.now_s() - AGE_S],
        )


def keep(cursor: Cursor, key: VKey, size: int, both: str) -> bool:
    """Store a witness's cosignature of our checkpoint of ``size``; False when it is there already.

    BadNote unless the note carries this witness's signature.
    """
    at = cosign.cosigned_at(both, key)
    if at is None:
        raise BadNote("the witness did not sign this checkpoint")
    cursor.execute(
        "insert into ledger_cosignature (size, name, line, signed_at) values (%s, %s, %s, %s) "
        "on conflict (size, name) do nothing returning size",
        [size, key.name, cosign.lines_of(both, key)[-1], datetime.fromtimestamp(at, UTC)],
    )
    return cursor.fetchone() is not None


def differing(cursor: Cursor, root: Any, index: int, size: int) -> Iterator[int]:
    """Rows of bundle ``index`` whose leaf, node and published files do not agree, lowest first."""
    first, width = index * WIDTH, min(WIDTH, size - index * WIDTH)
    cursor.execute(
        "select l.idx, l.leaf, n.hash from ledger_leaf l left join ledger_node n on n.level = 0 and n.idx = l.idx "
        "where l.idx >= %s and l.idx < %s order by l.idx",
        [first, first + width],
    )
    rows = {int(at): (bytes(leaf), bytes(node or b"")) for at, leaf, node in cursor.fetchall()}
    seen = tiles.TileTree(fetch.reader(str(root)), size)
    try:
        entries, hashes = seen.entries(index), seen.tile(0, index)
    except (tiles.BadTile, fetch.Unreachable):
        yield first
        return
    for place, leaf in enumerate(entries):
        node = hashes[place * tiles.HASH : (place + 1) * tiles.HASH]
        if rows.get(first + place) != (leaf, node):
            yield first + place
