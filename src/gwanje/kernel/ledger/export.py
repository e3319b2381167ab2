"""Export of the ledger (관리대장 내보내기): JSON lines that anybody can verify offline with ``ledger/verify.py``.

Lines: ``header``, then a ``row`` per leaf in index order with ``checkpoint`` lines where they fall, then ``end``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from gwanje.kernel.clock import Clock

FORMAT = "gwanje ledger 1"
FETCH = 2000


def _b64(data: Any) -> str | None:
    return None if data is None else base64.b64encode(bytes(data)).decode()


def _dump(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def lines(connection: Any, clock: Clock, origin: str, key: bytes) -> Iterator[str]:
    """The export, a line at a time, from one snapshot; memory does not grow with the ledger.

    ``connection``: psycopg, as auditor (sees every opening). ``key``: vaultd's checkpoint key, 32 bytes.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        (count,) = connection.execute("select coalesce(max(idx) + 1, 0) from ledger_leaf").fetchone()
        # a witness's line behind the note it signed: a signed note has as many signatures as it likes
        checkpoints = connection.execute(
            "select c.size, c.note || coalesce((select string_agg(s.line, '' order by s.name) "
            "from ledger_cosignature s where s.size = c.size), '') from ledger_checkpoint c order by c.size"
        ).fetchall()
        head = {"type": "header", "format": FORMAT, "origin": origin, "key": _b64(key), "rows": count}
        yield _dump({**head, "checkpoints": len(checkpoints), "at": clock.now().isoformat()})
        waiting = iter([*checkpoints, (None, None)])
        size, note = next(waiting)
        with connection.cursor(name="ledger_export") as cursor:
            cursor.itersize = FETCH
            cursor.execute(
                "select l.idx, l.leaf, n.hash, o.salt, o.body from ledger_leaf l "
                "left join ledger_node n on n.level = 0 and n.idx = l.idx "
                "left join ledger_opening o on o.row = l.row where l.idx is not null order by l.idx"
            )
            for index, leaf, node, salt, body in cursor:
                row = {"type": "row", "index": index, "leaf": _b64(leaf), "node": _b64(node)}
                yield _dump({**row, "salt": _b64(salt), "opening": _b64(body)})
                while size is not None and size <= index + 1:
                    yield _dump({"type": "checkpoint", "size": size, "note": note})
                    size, note = next(waiting)
        while size is not None:
            yield _dump({"type": "checkpoint", "size": size, "note": note})
            size, note = next(waiting)
        yield _dump({"type": "end", "rows": count, "checkpoints": len(checkpoints)})
