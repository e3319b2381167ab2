"""Rows of a recorder that never held the camera: a fence that no lease gave counts for nothing."""

from __future__ import annotations

from test_leases import fence_of, fleet, footage, gap, plan, put, segment  # noqa: F401 - a fixture


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
