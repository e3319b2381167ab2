"""Refusals of people who have not signed in (익명 거부): counted per minute, never one row each."""

from __future__ import annotations

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger.entry import Entry, append

SOURCE_MAX = 64
SOURCES_A_MINUTE = 256
OTHERS = "*"


def count_refusal(cursor: Cursor, clock: Clock, kind: str, source: str) -> int:
    """Count one refusal of ``source`` (an address) in this minute; returns how many it had, for a rate limit.

    At most 256 sources a minute are told apart; the rest share one counter, so a flood cannot fill the table.
    """
    minute = clock.now_s() // 60
    cursor.execute(
        "insert into ledger_refusal as r (minute, kind, source, n) select %s, %s, case when exists "
        "(select from ledger_refusal where minute = %s and kind = %s and source = %s) or "
        "(select count(*) from ledger_refusal where minute = %s and kind = %s) < %s then %s else %s end, 1 "
        "on conflict (minute, kind, source) do update set n = r.n + 1 returning n",
        [
            *(minute, kind, minute, kind, source[:SOURCE_MAX], minute, kind),
            *(SOURCES_A_MINUTE, source[:SOURCE_MAX], OTHERS),
        ],
    )
    return int(cursor.fetchone()[0])


def flush_refusals(cursor: Cursor, clock: Clock) -> int:
    """Turn the counters of finished minutes into one row a minute and kind; returns the rows written.

    The addresses die here: the row says only how many refusals came from how many sources.
    """
    cursor.execute(
        "with gone as (delete from ledger_refusal where (minute, kind, source) in "
        "(select minute, kind, source from ledger_refusal where minute < %s order by minute limit 10000 "
        "for update skip locked) returning minute, kind, n) "
        "select minute, kind, sum(n)::bigint, count(*) from gone group by minute, kind order by minute, kind",
        [clock.now_s() // 60],
    )
    found = cursor.fetchall()
    for minute, kind, count, sources in found:
        detail = {"minute": minute * 60, "count": int(count), "sources": int(sources), "anonymous": True}
        append(cursor, clock, Entry(kind, "refused", detail=detail))
    return len(found)
