"""Leases of the fleet on a real PostgreSQL: never two rows for an instant, whoever dies, hangs or comes back late."""

from __future__ import annotations

import os
import random
import threading
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel import database, leases
from gwanje.kernel.footage import EPOCH_S, Gap, Segment, gaps_of, put_gaps, put_segments, segments_of
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import Source, put_source

# after every lease that is taken here: no row is older than its lease
EPOCH = 600_000
T0 = EPOCH * EPOCH_S
AGENCY = UUID(int=5)
TABLES = (
    "footage_garbage", "footage_reign", "footage_lease", "footage_source", "footage_recorder", "footage_segment",
    "footage_gap", "footage_dirty",
)  # fmt: skip


@pytest.fixture
def fleet(server, app, owner):
    """An empty fleet: three nodes that have lived for a while, six cameras."""
    for table in TABLES:
        owner.execute(f"grant select, insert, update, delete on {table} to gwanje_app")
    for table in TABLES:
        owner.execute(f"delete from {table}")
    owner.execute("grant update, select on footage_fleet to gwanje_app")
    owner.execute("insert into footage_class values (1, 'days', 30, 'r', 'l') on conflict do nothing")
    old_server(app)
    nodes = [node(app, number) for number in range(3)]
    cameras = [camera(app, number) for number in range(6)]
    return nodes, cameras


def node(app, number, *, steady=True):
    made = UUID(int=100 + number)
    app.execute("insert into footage_recorder (id, name, signing_key, sealing_key, url) values (%s, %s, '', '', '')",
                [made, f"n{number}"])  # fmt: skip
    with app.cursor() as cursor:
        leases.beat(cursor, made)
    if steady:
        app.execute("update footage_recorder set alive_since = now() - interval '1 h' where id = %s", [made])
    return made


def camera(app, number, sealed=None):
    made = UUID(int=1000 + number)
    with app.cursor() as cursor:
        put_source(cursor, Source(made, AGENCY, number, 1, f"A-{number}", "rtsp://h/x", "", sealed or {}, True))
    return made


def plan(app, recorder, **more):
    with app.transaction(), app.cursor() as cursor:
        return leases.plan(cursor, recorder, **more)


def old_server(app):
    """Planning waits after the server's start; these tests begin after that wait."""
    started = app.execute("select extract(epoch from clock_timestamp() - pg_postmaster_start_time())").fetchone()[0]
    if started < leases.STEADY_S:
        app.execute("select pg_sleep(%s)", [leases.STEADY_S - float(started) + 0.1])


def loads(app):
    return dict(app.execute("select recorder, count(*) from footage_lease group by 1").fetchall())


def dies(app, recorder):
    app.execute("update footage_recorder set alive_until = now() - interval '1 s' where id = %s", [recorder])


def segment(of, fence, first, last, *, closed=False, id_=None):
    ticks = last - first + 1
    idr = b"\xff" * ((ticks + 7) // 8)
    return Segment(
        id_ or os.urandom(32), of, AGENCY, of.int - 1000, 0, 1, EPOCH, first, last, ticks, 100, idr,
        "avc1", 1, 1, None, f"1/{EPOCH}/0/{uuid7()}.gws", fence, bytes(16), closed,
    )  # fmt: skip


def put(app, *rows):
    with app.transaction(), app.cursor() as cursor:
        put_segments(cursor, [row for row in rows if isinstance(row, Segment)])
        put_gaps(cursor, [row for row in rows if isinstance(row, Gap)])


def gap(of, fence, started, ended=None, reason="restart"):
    return Gap(
        uuid7(), of, AGENCY, 0, reason, (T0 + started) * 1_000_000, ended and (T0 + ended) * 1_000_000, "", fence
    )


def footage(app, of):
    with app.cursor() as cursor:
        rows = segments_of(cursor, of, 0, T0, T0 + EPOCH_S)
    return [(row.fence, row.first_tick, row.last_tick) for row in rows]


def fence_of(app, of):
    return app.execute("select fence from footage_lease where camera = %s", [of]).fetchone()[0]


def test_cameras_are_spread_evenly_and_a_dead_node_s_are_taken_with_greater_fences(fleet, app):
    nodes, cameras = fleet
    assert plan(app, nodes[0]) == 6
    assert loads(app) == dict.fromkeys(nodes, 2)
    before = {c: fence_of(app, c) for c in cameras}
    assert plan(app, nodes[1]) == 0
    dies(app, nodes[2])
    with app.cursor() as cursor:
        assert leases.beat(cursor, nodes[0]).due
    assert plan(app, nodes[0]) == 2
    assert loads(app) == dict.fromkeys(nodes[:2], 3)
    grown = {c for c in cameras if fence_of(app, c) == before[c] + 1}
    assert len(grown) == 2
    with app.cursor() as cursor:
        # should it only have hung, it records on until the new holders have stored a second
        mine, giving = leases.held(cursor, nodes[2])
        assert {s.camera for s in mine} == grown
        assert {s.fence for s in mine} == {before[c] for c in grown}
        theirs = {s.camera: s.fence for n in nodes[:2] for s in leases.held(cursor, n)[0]}
    assert giving == 2
    assert theirs == {c: fence_of(app, c) for c in cameras}
    put(app, *(segment(c, theirs[c], 0, 4) for c in grown))
    with app.cursor() as cursor:
        assert leases.held(cursor, nodes[2]) == ([], 0)


def test_who_has_just_come_back_may_not_call_others_dead(fleet, app):
    nodes, cameras = fleet
    plan(app, nodes[0])
    for each in nodes:
        dies(app, each)
    with app.cursor() as cursor:
        leases.beat(cursor, nodes[1])
    # as after an outage of the database: every heartbeat is old, one node is back first
    assert plan(app, nodes[1]) == 0
    assert loads(app) == dict.fromkeys(nodes, 2)
    assert len(cameras) == 6


def test_a_clock_that_was_set_back_does_not_keep_a_dead_node_alive(fleet, app):
    nodes, _ = fleet
    plan(app, nodes[0])
    app.execute("update footage_recorder set alive_until = now() + interval '1 h' where id = %s", [nodes[2]])
    assert plan(app, nodes[0]) == 2


def test_only_one_plans_at_a_time(fleet, app, server):
    nodes, _ = fleet
    with database.connect(server, autocommit=False) as other:
        assert leases.plan(other.cursor(), nodes[0]) == 6
        assert plan(app, nodes[1]) == 0
        other.commit()
    assert sum(loads(app).values()) == 6


def test_an_account_sealed_to_some_nodes_goes_to_one_of_those(fleet, app):
    nodes, _ = fleet
    special = camera(app, 50, {str(nodes[2]): "AA=="})
    nobody = camera(app, 51, {str(UUID(int=999)): "AA=="})
    assert plan(app, nodes[0]) == 7
    held = dict(app.execute("select camera, recorder from footage_lease").fetchall())
    assert held[special] == nodes[2]
    assert nobody not in held


def test_a_node_that_joins_gets_its_share_gently_and_both_record_meanwhile(fleet, app):
    nodes, cameras = fleet
    dies(app, nodes[2])
    plan(app, nodes[0])
    with app.cursor() as cursor:
        leases.beat(cursor, nodes[2])
    # nothing moves while cameras that were taken a moment ago have no picture yet
    assert plan(app, nodes[0], moves_max=1) == 0
    put(app, *(segment(c, fence_of(app, c), 0, 4) for c in cameras))
    assert plan(app, nodes[0], moves_max=1) == 1
    with app.cursor() as cursor:
        mine, _ = leases.held(cursor, nodes[2])
        giver = next(n for n in nodes[:2] if leases.held(cursor, n)[1])
        given, count = leases.held(cursor, giver)
    moved = mine[0].camera
    assert count == 1
    assert {s.camera: s.fence for s in given}[moved] == mine[0].fence - 1
    # the next one moves only when the first has been stored by its new holder
    assert plan(app, nodes[0], moves_max=1) == 0
    put(app, segment(moved, mine[0].fence, 5, 6))
    with app.cursor() as cursor:
        assert leases.held(cursor, giver)[1] == 0
    assert plan(app, nodes[0], moves_max=1) == 1
    assert sorted(loads(app).values()) == [2, 2, 2]


def moved_camera(fleet, app):
    """A camera that has moved once; its old and its new fence."""
    nodes, cameras = fleet
    plan(app, nodes[0])
    of = cameras[0]
    old = fence_of(app, of)
    holder = app.execute("select recorder from footage_lease where camera = %s", [of]).fetchone()[0]
    dies(app, holder)
    plan(app, next(n for n in nodes if n != holder))
    assert fence_of(app, of) == old + 1
    return of, old, old + 1


def test_rows_of_the_old_fence_count_until_the_new_holder_s_first_second(fleet, app):
    of, old, new = moved_camera(fleet, app)
    late = os.urandom(32)
    put(app, segment(of, old, 0, 20, id_=late))
    put(app, segment(of, new, 12, 15))
    assert footage(app, of) == [(old, 0, 11), (new, 12, 15)]
    # progress of the old file, and a whole file after the move: refused, and said
    put(app, segment(of, old, 0, 40, id_=late, closed=True), segment(of, old, 41, 60))
    assert footage(app, of) == [(old, 0, 11), (new, 12, 15)]
    rows = app.execute("select first_tick, last_tick, fence, reason from footage_garbage order by 1").fetchall()
    assert rows == [(12, 40, old, "overlap"), (41, 60, old, "late")]
    stands = app.execute("select idr_ticks, parts from footage_segment where segment_id = %s", [late]).fetchone()
    assert len(stands[0]) == 2
    assert stands[1] == 41


def test_a_file_that_lies_wholly_after_the_move_loses_its_row(fleet, app):
    of, old, new = moved_camera(fleet, app)
    put(app, segment(of, old, 30, 50))
    put(app, segment(of, new, 12, 15))
    assert footage(app, of) == [(new, 12, 15)]
    assert app.execute("select count(*) from footage_garbage").fetchone()[0] == 1


def test_gap_rows_of_the_old_fence_end_where_the_new_begins(fleet, app):
    of, old, new = moved_camera(fleet, app)
    whole, cut, late = gap(of, old, 1, 3, "camera"), gap(of, old, 5, 30, "network"), gap(of, old, 20, None, "network")
    put(app, whole, cut)
    put(app, segment(of, new, 12, 15))
    put(app, late, gap(of, old, 8, None, "disk"))
    with app.cursor() as cursor:
        rows = [(g.started_us // 10**6 - T0, g.ended_us // 10**6 - T0) for g in gaps_of(cursor, of, 0, 0, 1 << 60)]
    assert rows == [(1, 3), (5, 12), (8, 12)]


def test_pictures_that_come_late_are_no_longer_called_missing(fleet, app):
    of, old, new = moved_camera(fleet, app)
    file = os.urandom(32)
    put(app, segment(of, old, 0, 9, id_=file))
    taken = gap(of, new, 10, 22)
    put(app, segment(of, new, 22, 30), taken)
    put(app, segment(of, old, 0, 17, id_=file))
    with app.cursor() as cursor:
        (row,) = gaps_of(cursor, of, 0, 0, 1 << 60)
    assert (row.started_us, row.ended_us) == ((T0 + 18) * 10**6, (T0 + 22) * 10**6)
    assert footage(app, of) == [(old, 0, 17), (new, 22, 30)]


def test_a_centre_without_leases_is_untouched(fleet, app):
    _, cameras = fleet
    put(app, segment(cameras[0], 1, 0, 5), segment(cameras[0], 1, 5, 9), segment(cameras[0], 7, 3, 4))
    assert footage(app, cameras[0]) == [(1, 0, 5), (7, 3, 4), (1, 5, 9)]
    assert app.execute("select count(*) from footage_garbage").fetchone()[0] == 0


def test_never_two_for_one_second_whatever_the_order(fleet, app):
    of, first, _ = moved_camera(fleet, app)
    fences = [first, first + 1, first + 2, first + 3]
    app.execute("update footage_lease set fence = %s where camera = %s", [fences[-1], of])
    for fence in fences[2:]:
        app.execute("insert into footage_reign values (%s, %s, %s, 0, null)", [of, fence, UUID(int=100)])
    rng = random.Random(11)
    for _ in range(25):
        app.execute("delete from footage_segment where camera = %s", [of])
        app.execute("update footage_reign set from_s = null where camera = %s", [of])
        for _ in range(30):
            low = rng.randrange(400)
            put(app, segment(of, rng.choice(fences), low, low + rng.randrange(60)))
        rows = footage(app, of)
        for fence, begin, end in rows:
            others = [(b, e) for f, b, e in rows if f != fence]
            assert begin <= end
            assert all(end < b or e < begin for b, e in others)
        assert rows


def test_two_writers_at_once_cannot_miss_each_other(fleet, app, server):
    of, old, new = moved_camera(fleet, app)
    with database.connect(server, autocommit=False) as late:
        put_segments(late.cursor(), [segment(of, old, 0, 40)])
        done = threading.Event()

        def begin() -> None:
            with database.connect(server) as other, other.transaction(), other.cursor() as cursor:
                put_segments(cursor, [segment(of, new, 12, 15)])
            done.set()

        thread = threading.Thread(target=begin)
        thread.start()
        # the new holder's first row waits for what the old one has not committed yet
        assert not done.wait(0.3)
        late.commit()
        thread.join(5)
    assert done.is_set()
    assert footage(app, of) == [(old, 0, 11), (new, 12, 15)]


def test_what_is_known_of_a_camera_ends_with_its_footage_or_gap(fleet, app):
    _, cameras = fleet
    put(app, segment(cameras[0], 1, 0, 9), gap(cameras[1], 1, 3, 7), segment(cameras[1], 1, 0, 2))
    with app.cursor() as cursor:
        known = leases.last_known(cursor, cameras[:3])
    assert known == {cameras[0]: (T0 + 10) * 10**6, cameras[1]: (T0 + 7) * 10**6}


def test_an_unknown_node_has_no_heartbeat(fleet, app):
    with app.cursor() as cursor, pytest.raises(LookupError):
        leases.beat(cursor, UUID(int=77))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app.execute("insert into footage_lease values (%s, %s, 2)", [fleet[1][0], UUID(int=77)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=9), st.integers(0, 120), st.integers(0, 3))
def test_spreading_is_even_and_total(existing, wanting, banned):
    counts = {UUID(int=n): count for n, count in enumerate(existing)}
    free = [leases.Wanting(UUID(int=5000 + n), None) for n in range(wanting)]
    able = frozenset(list(counts)[banned:]) or None
    picky = [leases.Wanting(UUID(int=9000 + n), able) for n in range(5)]
    moves = leases.spread([*free, *picky], counts)
    assert set(moves) == {w.camera for w in [*free, *picky]}
    assert all(able is None or moves[w.camera] in able for w in picky)
    after = {n: counts[n] + sum(1 for m in moves.values() if m == n) for n in counts}
    received = [n for n in after if any(moves[w.camera] == n for w in free)]
    assert all(after[n] <= min(after.values()) + 1 + len(picky) for n in received)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=9), st.integers(1, 9))
def test_rebalancing_is_bounded_and_never_turns_back(existing, most):
    counts = {UUID(int=n): count for n, count in enumerate(existing)}
    moves = leases.surplus(counts, most)
    assert len(moves) <= most
    givers, takers = {a for a, _ in moves}, {b for _, b in moves}
    assert not givers & takers
    if len(moves) < most:
        after = {n: counts[n] - sum(a == n for a, _ in moves) + sum(b == n for _, b in moves) for n in counts}
        assert max(after.values()) - min(after.values()) <= 1
