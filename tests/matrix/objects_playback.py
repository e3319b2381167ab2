"""Objects of playback: a camera with footage, a request that waits, one that is approved."""

from __future__ import annotations

from gwanje.centre import common
from gwanje.centre.playback import services
from gwanje.kernel.actor import Actor
from support.playback import place, record


def _actor(world, role):
    return Actor(world.officers[role].pk, role, frozenset({role}), world.city.pk, world.seat.code, on_duty=True)


def _end():
    return common.clock().now_s() - 60


def camera(world):
    """A camera that recorded ten minutes up to a minute ago."""
    made = place(world.city, "A-0999", 999)
    record(made, 999, _end() - 600, _end())
    return made


def request(world):
    """The operator's request, waiting."""
    asked = services.Asked(
        (world.thing("playback_camera"),),
        _end() - 500,
        _end() - 400,
        "investigation",
        "2026-1",
        "동선 확인 필요",
        "형사과-1",
    )
    return services.ask(asked, _actor(world, "operator"))


def approved(world):
    """Another one, approved by the manager."""
    return services.approve(request(world).pk, _actor(world, "manager"))


OBJECTS = {
    "playback_camera": camera,
    "playback_request": request,
    "playback_approved": approved,
    "playback_first": lambda world: str(_end() - 500),
    "playback_until": lambda world: str(_end() - 400),
}
