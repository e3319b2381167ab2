"""Rows of a recorder that never held the camera: a fence that no lease gave counts for nothing."""

from __future__ import annotations

from test_leases import T0, dies, fence_of, fleet, footage, gap, plan, put, segment  # noqa: F401 - a fixture


def test_a_fence_that_nobody_was_given_counts_for_nothing(app, fleet):  # noqa: F811 - the fixture
    nodes, cameras = fleet
    plan(app, nodes[0])
    leased = cameras[0]
    own = fence_of(app, leased)
    put(app, segment(leased, own, 10, 20))
    put(app, segment(leased, own + 1000, 15, 30), gap(leased, own + 1000, 12, 14))
    assert footage(app, leased) == [(own, 10, 20)]
    assert app.execute("select count(*) from footage_gap where camera = %s", [leased]).fetchone()[0] == 0
    # what was stored is known, so that it dies with its hour
    assert app.execute("select first_tick, last_tick from footage_garbage").fetchall() == [(15, 30)]
    put(app, segment(leased, own, 21, 25))
    assert footage(app, leased) == [(own, 10, 20), (own, 21, 25)]


def test_a_holder_whose_clock_is_behind_cuts_nothing_off(app, fleet):  # noqa: F811 - the fixture
    """Its seconds would be an hour before its lease: what was stored then by the holder of that time stays."""
    nodes, cameras = fleet
    plan(app, nodes[0])
    leased = cameras[0]
    put(app, segment(leased, fence_of(app, leased), 10, 200))
    dies(app, node_of(app, leased))
    plan(app, next(n for n in nodes if n != node_of(app, leased)))
    later = fence_of(app, leased)
    app.execute(
        "update footage_reign set taken_us = %s where camera = %s and fence = %s",
        [(T0 + 150) * 1_000_000, leased, later],
    )
    put(app, segment(leased, later, 20, 30))
    assert footage(app, leased) == [(later - 1, 10, 200)]
    assert app.execute("select fence, first_tick, last_tick from footage_garbage").fetchall() == [(later, 20, 30)]
    # the other side: within the minute that clocks may differ the newer holder's first second counts
    put(app, segment(leased, later, 120, 130))
    assert footage(app, leased) == [(later - 1, 10, 119), (later, 120, 130)]


def node_of(app, of):
    return app.execute("select recorder from footage_lease where camera = %s", [of]).fetchone()[0]
