"""The guard of the zone: no sequence of commands makes a head show a forbidden view, and no zone is misread."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.zone import BadZone, Box, Forbidden, Spot, Zone, breach, inside, zone_of
from gwanje.media import ptz_guard
from gwanje.media.ptz_guard import STILL, Pace, way
from gwanje.media.sim.dome import Dome

STEP_S = 0.01
HOUSE = Forbidden("주택 창문", ((0.30, -0.20), (0.45, -0.20), (0.45, 0.10), (0.30, 0.10)), 0.2)
SCHOOL = Forbidden("담 너머", ((-0.6, 0.3), (-0.4, 0.5), (-0.7, 0.6)), 0.0)
ZONE = Zone(
    limits=((-0.8, 0.8), (-0.7, 0.7), (0.0, 0.9)), forbidden=(HOUSE, SCHOOL), home=Spot(0.0, 0.0, 0.0),
    wide=(0.2, 0.2), tele=(0.02, 0.02),
)  # fmt: skip


def shows(zone: Zone, at: Spot, grid: int = 7) -> str:
    """What a position shows that it must not, found by looking at points of the picture: another way than breach."""
    for value, (least, most) in zip(at, zone.limits, strict=True):
        if not least - 1e-6 <= value <= most + 1e-6:
            return "limits"
    wide, tall = zone.view(at.zoom)
    steps = [n / (grid - 1) * 2 - 1 for n in range(grid)]
    for view in zone.forbidden:
        if at.zoom >= view.from_zoom and any(
            _inside(view.polygon, at.pan + x * wide, at.tilt + y * tall) for x in steps for y in steps
        ):
            return view.name
    return ""


def _inside(polygon, x: float, y: float) -> bool:
    turns = 0
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        side = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        turns += (ay <= y < by and side > 0) - (by <= y < ay and side < 0)
    return turns != 0


class Rig:
    """A dome with the delays of a network: what is known of it is old, and what it is told comes late."""

    def __init__(self, zone: Zone, at: Spot, delay_s: float) -> None:
        self.zone, self.delay_s, self.now = zone, delay_s, 0.0
        self.dome = Dome(at=at)
        self.seen: list[tuple[float, Spot]] = [(0.0, at)]
        self.worst = ""

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            at = Spot(*self.dome.advance(self.now))
            self.seen.append((self.now, at))
            self.worst = self.worst or shows(self.zone, at)

    def known(self) -> Spot:
        return next(at for when, at in reversed(self.seen) if when <= max(0.0, self.now - self.delay_s))


def steer(rig: Rig, commands: list[tuple[Pace, float]]) -> int:
    """Continuous moves as the stick tells them, each one-second limit kept by the dome; returns how many moved."""
    told, moved = STILL, 0
    for wanted, hold_s in commands:
        for _ in range(max(1, round(hold_s / 0.15))):
            horizon = 1.0 + 0.3 + 3 * rig.delay_s
            speed, _ = ptz_guard.safe_speed(rig.zone, rig.known(), wanted, told, horizon)
            rig.run(rig.delay_s)
            if speed is None:
                rig.dome.stop(rig.now)
            else:
                rig.dome.move(rig.now, speed, 1.0)
                moved += 1
            told = speed or STILL
            rig.run(max(0.0, 0.15 - rig.delay_s))
    return moved


NIGHT = [[-0.2, 0.2], [-0.2, 0.2], [0, 0.5]]
axis = st.floats(-1, 1).map(lambda n: round(n, 2))
paces = st.builds(Pace, axis, axis, axis)
spots = st.builds(Spot, axis, axis, st.floats(0, 1).map(lambda n: round(n, 2)))


@pytest.mark.norm("ptz.purpose", "deny")
@settings(max_examples=60, deadline=None)
@given(
    commands=st.lists(st.tuples(paces, st.floats(0.1, 2.0)), min_size=1, max_size=6),
    delay=st.floats(0.0, 0.12),
    dies=st.booleans(),
)
def test_no_moves_ever_show_a_forbidden_view(commands, delay, dies):
    rig = Rig(ZONE, Spot(0.0, 0.0, 0.0), delay)
    steer(rig, commands)
    if not dies:
        rig.dome.stop(rig.now)
    # the recorder has died: the dome's own second ends the move
    rig.run(2.0)
    assert rig.worst == ""


@settings(max_examples=80, deadline=None)
@given(goals=st.lists(spots, min_size=1, max_size=4))
def test_no_journey_ever_shows_a_forbidden_view(goals):
    rig = Rig(ZONE, Spot(0.0, 0.0, 0.0), 0.0)
    for goal in goals:
        here = rig.seen[-1][1]
        legs, why = way(ZONE, here, goal)
        assert bool(legs) != bool(why) or here == goal
        if legs:
            assert legs[-1] == goal
        for leg in legs:
            rig.dome.to(rig.now, leg)
            while rig.dome.moving:
                rig.run(0.1)
    assert rig.worst == ""


@settings(max_examples=300, deadline=None)
@given(at=spots)
def test_inside_is_never_wider_than_what_the_picture_shows(at):
    if inside(ZONE, at):
        assert shows(ZONE, at, grid=15) == ""


@pytest.mark.norm("ptz.purpose", "allow")
def test_an_operator_gets_about_inside_the_zone():
    rig = Rig(ZONE, Spot(0.0, 0.0, 0.0), 0.05)
    moved = steer(rig, [(Pace(-1, 0, 0), 3.0), (Pace(0, -1, 0), 2.0), (Pace(0, 0, 1), 2.0)])
    at = rig.seen[-1][1]
    assert moved > 20
    assert at.pan < -0.3
    assert at.tilt < -0.3
    assert at.zoom > 0.3


@pytest.mark.norm("ptz.purpose", "deny")
def test_a_window_may_be_passed_wide_and_not_near():
    near, wide = Spot(0.37, 0.0, 0.5), Spot(0.37, 0.0, 0.1)
    assert breach(ZONE, Box.of(near)) == "주택 창문"
    assert breach(ZONE, Box.of(wide)) == ""
    assert way(ZONE, wide, near) == ([], "주택 창문")
    # to the other side of the windows at a near zoom: out, round, in
    legs, why = way(ZONE, Spot(0.1, 0.0, 0.5), Spot(0.7, 0.0, 0.5))
    assert why == ""
    assert len(legs) == 3
    assert legs[0].zoom == 0.0


def test_a_view_reaches_round_the_end_of_the_circle():
    zone = Zone(forbidden=(Forbidden("뒤", ((-1.0, -0.1), (-0.95, -0.1), (-0.95, 0.1))),), wide=(0.2, 0.2))
    assert breach(zone, Box.of(Spot(0.98, 0.0, 0.0))) == "뒤"
    assert breach(zone, Box.of(Spot(0.5, 0.0, 0.0))) == ""


def test_a_turn_is_never_left_to_the_head():
    stops = ptz_guard.split(Spot(-0.9, 0, 0), [Spot(0.9, 0, 0)])
    assert len(stops) == 3
    assert all(abs(b.pan - a.pan) <= 0.9 for a, b in zip([Spot(-0.9, 0, 0), *stops], stops, strict=False))


def test_the_zone_of_an_hour():
    said = {
        "limits": [[-0.5, 0.5], [-0.5, 0.5], [0, 1]], "home": [0, 0, 0], "purpose": "방범",
        "hours": [{"from": "22:00", "until": "06:00", "purpose": "방범(야간)", "limits": NIGHT}],
    }  # fmt: skip
    assert zone_of(said, time(12, 0)).limits[0] == (-0.5, 0.5)
    assert zone_of(said, time(23, 0)).limits[0] == (-0.2, 0.2)
    assert zone_of(said, time(5, 59)).purpose == "방범(야간)"
    assert zone_of(said, time(6, 0)).purpose == "방범"
    assert zone_of(said, time(5, 59)).home == Spot(0, 0, 0)


FAULTS = {
    "unknown key": {"colour": "red"},
    "two limits": {"limits": [[-1, 1], [-1, 1]]},
    "limits upside down": {"limits": [[0.5, -0.5], [-1, 1], [0, 1]]},
    "outside the space": {"limits": [[-2, 1], [-1, 1], [0, 1]]},
    "no number": {"limits": [["a", 1], [-1, 1], [0, 1]]},
    "not a number": {"limits": [[float("nan"), 1], [-1, 1], [0, 1]]},
    "two corners": {"forbidden": [{"name": "x", "polygon": [[0, 0], [1, 1]]}]},
    "unknown view key": {"forbidden": [{"polygon": [[0, 0], [1, 1], [0, 1]], "zoom": 1}]},
    "too many views": {"forbidden": [{"polygon": [[0, 0], [1, 1], [0, 1]]}] * 33},
    "bad hours": {"hours": [{"from": "26:00", "until": "06:00"}]},
    "home outside": {"home": [0.9, 0, 0], "limits": [[-0.5, 0.5], [-1, 1], [0, 1]]},
    "home in a forbidden view": {"home": [0, 0, 0], "forbidden": [{"polygon": [[-0.1, 0], [0.1, 0], [0, 0.1]]}]},
    "home outside at night": {"home": [0.4, 0, 0], "hours": [{"from": "22:00", "until": "06:00", "limits": NIGHT}]},
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_zone_that_is_not_clear_is_refused_in_both_languages(fault):
    with pytest.raises(BadZone) as refused:
        zone_of(FAULTS[fault], time(12, 0))
    assert refused.value.ko
    assert refused.value.en
