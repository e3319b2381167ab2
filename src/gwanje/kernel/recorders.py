"""State of the fleet (녹화기 현황), as a page shows it: who lives, who holds how many cameras, what nobody records.

Read only, inside the caller's fence: another agency's cameras and gaps are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gwanje.kernel.footage import Cursor
from gwanje.kernel.leases import DEADLINE_S, NODES_MAX

ORPHANS_MAX = 100
# a recorder that is alone has no leases: it says every few seconds that it was seen, and records every camera
ALONE_S = 90
_LEASED = "(exists (select from footage_lease) or exists (select from footage_recorder where alive_until is not null))"
_LIVES = (
    f"case when {_LEASED} then coalesce(r.alive_until > clock_timestamp(), false) "
    f"else coalesce(r.seen_at > clock_timestamp() - interval '{ALONE_S} s', false) end"
)
_HOLDS = f"(l.recorder = r.id or (not {_LEASED} and {_LIVES}))"


@dataclass(frozen=True)
class Node:
    """One recorder. ``heard_at``: its last heartbeat; ``since``: beginning of the unbroken row of them.

    ``cameras``: of the given agency that it holds now; ``locked``: of these, accounts that it has no slot of.
    """

    id: UUID
    name: str
    alive: bool
    heard_at: datetime | None
    since: datetime | None
    cameras: int
    locked: int


@dataclass(frozen=True)
class Hole:
    """Gap rows of one reason: how many, and their seconds together."""

    reason: str
    count: int
    seconds: int


def nodes(cursor: Cursor, agency: UUID) -> list[Node]:
    """Every registered recorder by name, 1,000 at most."""
    cursor.execute(
        f"select r.id, r.name, {_LIVES}, "
        "greatest(r.alive_until - make_interval(secs => %s), r.seen_at), r.alive_since, "
        "count(s.camera), "
        "count(s.camera) filter (where s.sealed <> '{}'::jsonb and not jsonb_exists(s.sealed, r.id::text)) "
        "from footage_recorder r left join (footage_source s left join footage_lease l on l.camera = s.camera) "
        f"on s.active and s.agency = %s and {_HOLDS} "
        "group by r.id order by r.name limit %s",
        [DEADLINE_S, agency, NODES_MAX],
    )
    return [
        Node(id_, name, bool(alive), heard, since if alive else None, int(cameras), int(locked))
        for id_, name, alive, heard, since, cameras, locked in cursor.fetchall()
    ]


def orphans(cursor: Cursor, agency: UUID, limit: int = ORPHANS_MAX) -> tuple[int, list[str]]:
    """Active cameras that no living recorder holds: how many, and the labels of the first ones."""
    source = (
        "from footage_source s left join footage_lease l on l.camera = s.camera where s.active and s.agency = %s "
        f"and not exists (select from footage_recorder r where {_HOLDS} and {_LIVES})"
    )
    cursor.execute(f"select count(*) {source}", [agency])
    count = int(cursor.fetchone()[0])
    if not count:
        return 0, []
    cursor.execute(f"select s.label {source} order by s.label limit %s", [agency, max(1, min(limit, ORPHANS_MAX))])
    return count, [row[0] for row in cursor.fetchall()]


def holes(cursor: Cursor, agency: UUID, since_us: int, now_us: int) -> list[Hole]:
    """What main streams did not record from ``since_us`` on (Unix µs), by reason, the longest first."""
    cursor.execute(
        "select reason, count(*), ceil(sum(least(coalesce(ended_us, %s), %s) - greatest(started_us, %s)) / 1e6) "
        "from footage_gap where agency = %s and stream = 0 and started_us < %s and coalesce(ended_us, %s) > %s "
        "group by reason order by 3 desc, 1",
        [now_us, now_us, since_us, agency, now_us, now_us, since_us],
    )
    return [Hole(reason, int(count), max(0, int(seconds))) for reason, count, seconds in cursor.fetchall()]
