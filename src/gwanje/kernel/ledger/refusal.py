"""Refusals (거부) counted per minute: of strangers only their number, of a person 30 in full and then the number."""

from __future__ import annotations

from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger.entry import Entry, append

SOURCE_MAX = 64
SOURCES_A_MINUTE = 256
OTHERS = "*"
PERSON = "person:"
IN_FULL = 30


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


def in_full(cursor: Cursor, clock: Clock, kind: str, person: UUID) -> bool:
    """Count one refusal of a person who has signed in; is it one of the 30 a minute that get a row of their own?

    Accounts are few and known, so nobody shares a counter; a script of one of them must not flood the ledger either.
    """
    cursor.execute(
        "insert into ledger_refusal as r (minute, kind, source, n) values (%s, %s, %s, 1) "
        "on conflict (minute, kind, source) do update set n = r.n + 1 returning n",
        [clock.now_s() // 60, kind, f"{PERSON}{person}"],
    )
    return int(cursor.fetchone()[0]) <= IN_FULL


def flush_refusals(cursor: Cursor, clock: Clock) -> int:
    """Turn the counters of finished minutes into one row a minute and kind; returns the rows written.

    The addresses die here: the row says only how many refusals came from how many sources. What a person was refused
    beyond the rows of its own becomes one row with its name and the number.
    """
    cursor.execute(
        "with gone as (delete from ledger_refusal where (minute, kind, source) in "
        "(select minute, kind, source from ledger_refusal where minute < %s order by minute limit 10000 "
        "for update skip locked) returning minute, kind, source, n) "
        "select minute, kind, sum(n)::bigint, count(*), case when source like %s then source end as person from gone "
        "group by minute, kind, person order by minute, kind, person",
        [clock.now_s() // 60, f"{PERSON}%"],
    )
    written = 0
    for minute, kind, count, sources, person in cursor.fetchall():
        detail: dict[str, object] = {"minute": minute * 60}
        if person is None:
            detail |= {"count": int(count), "sources": int(sources), "anonymous": True}
            append(cursor, clock, Entry(kind, "refused", detail=detail))
        elif count > IN_FULL:
            detail |= {"count": int(count) - IN_FULL, "more_than": IN_FULL}
            append(cursor, clock, Entry(kind, "refused", actor=UUID(person.removeprefix(PERSON)), detail=detail))
        else:
            continue
        written += 1
    return written
