"""Leases of the recorder fleet (녹화기 임대): heartbeats, who takes whose cameras, and what is known of them.

Every decision is one transaction of PostgreSQL by PostgreSQL's clock. A node lives while its heartbeat row does; who
lives and has lived for a while plans for all, and only one plans at a time. What a row of an older fence still counts
for is decided by the triggers of ``sql/fleet.sql``, not here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from gwanje.kernel.footage import Cursor
from gwanje.kernel.sources import Source

HEARTBEAT_S = 1.0
DEADLINE_S = 4.0
STEADY_S = 5.0
PLAN_S = 2.0
HANDOVER_S = 15.0
MOVES_MAX = 8
TAKEN_MAX = 2000
NODES_MAX = 1000
CAMERAS_MAX = 100_000
REIGN_DAYS = 60
BELL = "footage_lease"
_LOCK = 0x67776C65
# a heartbeat too far ahead is one from before the database's clock was set back
_ALIVE = f"alive_until between clock_timestamp() and clock_timestamp() + interval '{2 * DEADLINE_S} s'"
_COLUMNS = "s.camera, s.agency, s.slot, s.class, s.label, s.main_url, s.sub_url, s.sealed, s.active, s.version, {}, " \
    "s.driver, s.device"  # fmt: skip


@dataclass(frozen=True)
class Beat:
    """What a heartbeat learns. ``told``: grows when this node's leases change; ``due``: somebody should plan now."""

    told: int
    due: bool


@dataclass(frozen=True)
class Wanting:
    """A camera without a living holder; ``able``: recorders its account is sealed to, None = it needs none."""

    camera: UUID
    able: frozenset[UUID] | None


def beat(cursor: Cursor, recorder: UUID) -> Beat:
    """Renew every lease of one node; LookupError when the node is not registered."""
    cursor.execute(
        f"update footage_recorder set alive_since = case when {_ALIVE} then alive_since else clock_timestamp() end, "
        f"alive_until = clock_timestamp() + interval '{DEADLINE_S} s' where id = %s returning told",
        [recorder],
    )
    found = cursor.fetchone()
    if found is None:
        raise LookupError(f"recorder {recorder} is not registered")
    cursor.execute(
        f"select exists (select from footage_recorder r where not coalesce({_ALIVE}, false) "
        "and exists (select from footage_lease l where l.recorder = r.id)) "
        f"or (select planned_at < clock_timestamp() - interval '{PLAN_S} s' from footage_fleet)"
    )
    return Beat(int(found[0]), bool(cursor.fetchone()[0]))


def resign(cursor: Cursor, recorder: UUID) -> None:
    """An orderly end: the others need not wait for the deadline."""
    cursor.execute("update footage_recorder set alive_until = null, alive_since = null where id = %s", [recorder])
    cursor.execute("select pg_notify(%s, '')", [BELL])


def spread(wanting: Sequence[Wanting], loads: Mapping[UUID, int]) -> dict[UUID, UUID]:
    """Camera → node for cameras without a holder, each to the least laden node that can open its account.

    Pure. A camera that no living node can open stays without a holder.
    """
    loaded = dict(loads)
    moves: dict[UUID, UUID] = {}
    # those with few nodes to choose from choose first
    for item in sorted(wanting, key=lambda w: (len(w.able) if w.able is not None else NODES_MAX + 1, w.camera.int)):
        able = [node for node in loaded if item.able is None or node in item.able]
        if able:
            node = min(able, key=lambda n: (loaded[n], n.int))
            loaded[node] += 1
            moves[item.camera] = node
    return moves


def surplus(loads: Mapping[UUID, int], moves_max: int = MOVES_MAX) -> list[tuple[UUID, UUID]]:
    """(from, to) of at most ``moves_max`` moves that bring the nodes nearer to one load. Pure."""
    loaded = dict(loads)
    found: list[tuple[UUID, UUID]] = []
    while loaded and len(found) < moves_max:
        most = max(loaded, key=lambda n: (loaded[n], n.int))
        least = min(loaded, key=lambda n: (loaded[n], n.int))
        if loaded[most] - loaded[least] <= 1:
            break
        loaded[most] -= 1
        loaded[least] += 1
        found.append((most, least))
    return found


def plan(cursor: Cursor, recorder: UUID, *, moves_max: int = MOVES_MAX) -> int:
    """One planning pass for the whole fleet, in the caller's transaction; returns the cameras that moved.

    0 when another node plans at this moment, or when this node has not lived long enough to call others dead: after
    an outage of the database everybody's heartbeat is old, and who comes back first must not take what the others
    still record.
    """
    cursor.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(
        f"select coalesce({_ALIVE} and alive_since < clock_timestamp() - interval '{STEADY_S} s', false) "
        f"and pg_postmaster_start_time() < clock_timestamp() - interval '{STEADY_S} s' "
        "from footage_recorder where id = %s",
        [recorder],
    )
    found = cursor.fetchone()
    if found is None or not found[0]:
        return 0
    cursor.execute("update footage_fleet set planned_at = clock_timestamp()")
    loads = _loads(cursor)
    wanting = _wanting(cursor)
    moves = spread(wanting, loads)
    for node in moves.values():
        loads[node] += 1
    taken = _move(cursor, moves)
    if not moves:
        taken += _move(cursor, _rebalancing(cursor, loads, moves_max))
    return taken


def _loads(cursor: Cursor) -> dict[UUID, int]:
    cursor.execute(
        "select r.id, count(l.camera) from footage_recorder r left join footage_lease l on l.recorder = r.id "
        f"where {_ALIVE} group by r.id limit {NODES_MAX}"
    )
    return {row[0]: int(row[1]) for row in cursor.fetchall()}


def _wanting(cursor: Cursor) -> list[Wanting]:
    cursor.execute(
        "select s.camera, array(select jsonb_object_keys(s.sealed)) from (select s.camera from footage_source s "
        "left join footage_lease l on l.camera = s.camera left join footage_recorder r on r.id = l.recorder "
        f"where s.active and not coalesce({_ALIVE}, false) order by l.camera nulls last, s.camera limit {TAKEN_MAX}) w "
        "join footage_source s on s.camera = w.camera"
    )
    return [Wanting(row[0], frozenset(map(UUID, row[1])) if row[1] else None) for row in cursor.fetchall()]


def _rebalancing(cursor: Cursor, loads: Mapping[UUID, int], moves_max: int) -> dict[UUID, UUID]:
    """Cameras whose holder lives and shall give them away; none while an earlier handover is not finished."""
    cursor.execute(
        "select exists (select from footage_lease l join footage_reign g on g.camera = l.camera and g.fence = l.fence "
        f"where l.taken_at > clock_timestamp() - interval '{HANDOVER_S} s' and g.from_s is null)"
    )
    if cursor.fetchone()[0]:
        return {}
    moves: dict[UUID, UUID] = {}
    for donor, heir in surplus(loads, moves_max):
        cursor.execute(
            "select l.camera from footage_lease l join footage_source s on s.camera = l.camera "
            "where l.recorder = %s and s.active and not l.camera = any(%s) "
            "and (s.sealed = '{}'::jsonb or s.sealed ? %s) order by l.taken_at, l.camera limit 1",
            [donor, list(moves), str(heir)],
        )
        found = cursor.fetchone()
        if found is not None:
            moves[found[0]] = heir
    return moves


def _move(cursor: Cursor, moves: Mapping[UUID, UUID]) -> int:
    """Write leases with greater fences; a camera whose lease row is being locked by a writer waits for the next pass.

    A dead holder's open gap ends here, because nobody else can end it; the new holder's begins where it ends.
    """
    if not moves:
        return 0
    cursor.execute(
        "select l.camera, l.recorder from footage_lease l where l.camera = any(%s) order by l.camera "
        "for update of l skip locked",
        [list(moves)],
    )
    holders: dict[UUID, UUID] = dict(cursor.fetchall())
    cursor.execute("select camera from footage_lease where camera = any(%s)", [list(moves)])
    waiting = {row[0] for row in cursor.fetchall()} - set(holders)
    chosen = sorted(set(moves) - waiting)
    cursor.execute(
        "with moved as (select * from unnest(%s::uuid[], %s::uuid[]) m (camera, recorder)), taken as ("
        "insert into footage_lease (camera, recorder, fence) select m.camera, m.recorder, s.fence + 1 "
        "from moved m join footage_source s on s.camera = m.camera on conflict (camera) do update set "
        "recorder = excluded.recorder, fence = footage_lease.fence + 1, taken_at = excluded.taken_at "
        "returning camera, recorder, fence) "
        "insert into footage_reign (camera, fence, recorder, taken_us) "
        "select camera, fence, recorder, (extract(epoch from clock_timestamp()) * 1e6)::bigint from taken",
        [chosen, [moves[camera] for camera in chosen]],
    )
    cursor.execute(
        "update footage_gap set ended_us = greatest(started_us, (extract(epoch from clock_timestamp()) * 1e6)::bigint) "
        "where camera = any(%s) and ended_us is null and not exists (select from footage_recorder r "
        f"where r.id = any(%s) and {_ALIVE})",
        [chosen, list(set(holders.values()))],
    )
    # a page that asks which recorder has the camera; a source that somebody edits meanwhile is told at the next move
    cursor.execute(
        "update footage_source s set recorder = l.recorder from footage_lease l where l.camera = s.camera and "
        "s.camera in (select camera from footage_source where camera = any(%s) for update skip locked)",
        [chosen],
    )
    cursor.execute(
        f"delete from footage_reign g using footage_lease l where g.camera = any(%s) and l.camera = g.camera "
        f"and g.fence < l.fence - 1 and g.taken_us < (extract(epoch from now() - interval '{REIGN_DAYS} d') * 1e6)",
        [chosen],
    )
    touched = {moves[camera] for camera in chosen} | {holders[camera] for camera in chosen if camera in holders}
    cursor.execute("update footage_recorder set told = told + 1 where id = any(%s)", [list(touched)])
    cursor.execute("select pg_notify(%s, '')", [BELL])
    return len(chosen)


def held(cursor: Cursor, recorder: UUID) -> tuple[list[Source], int]:
    """Sources this node records now, with the fences of their leases, and how many of them it is handing over.

    A camera that moves from a living node is recorded by both until the new holder's first second is in the index.
    """
    cursor.execute(
        f"select {_COLUMNS.format('l.fence')} from footage_source s join footage_lease l on l.camera = s.camera "
        f"where l.recorder = %s order by s.slot limit {CAMERAS_MAX}",
        [recorder],
    )
    rows = cursor.fetchall()
    cursor.execute(
        f"select {_COLUMNS.format('old.fence')} from footage_lease l "
        "join footage_reign g on g.camera = l.camera and g.fence = l.fence and g.from_s is null "
        "join footage_reign old on old.camera = l.camera and old.fence = l.fence - 1 and old.recorder = %s "
        "join footage_source s on s.camera = l.camera "
        f"where l.recorder <> %s and l.taken_at > clock_timestamp() - interval '{HANDOVER_S} s' order by s.slot",
        [recorder, recorder],
    )
    giving = cursor.fetchall()
    return [source_of(row) for row in [*rows, *giving]], len(giving)


def source_of(row: Sequence[object]) -> Source:
    """A Source from the columns in their order."""
    values = list(row)
    for place in (7, 12):
        said = values[place]
        values[place] = json.loads(said) if isinstance(said, str) else said
    made = Source(*values)  # type: ignore[arg-type]
    return replace(made, sealed=dict(made.sealed), device=dict(made.device))


def last_known(cursor: Cursor, cameras: Iterable[UUID]) -> dict[UUID, int]:
    """Camera → end of what the index has of it (Unix µs), footage or gap; cameras without rows are left out."""
    cursor.execute(
        "select c.camera, greatest(f.until_us, g.until_us) from unnest(%s::uuid[]) c (camera) "
        "left join lateral (select (epoch * 3600 + last_tick + 1) * 1000000 as until_us from footage_segment "
        "where camera = c.camera and stream = 0 order by epoch desc, first_tick desc limit 1) f on true "
        "left join lateral (select coalesce(ended_us, started_us) as until_us from footage_gap "
        "where camera = c.camera and stream = 0 order by started_us desc limit 1) g on true",
        [list(cameras)],
    )
    return {row[0]: int(row[1]) for row in cursor.fetchall() if row[1] is not None}
