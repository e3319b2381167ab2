"""Things of the watching room that the matrix is asked with."""

from datetime import timedelta

from django.db import connection

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, home
from gwanje.centre.staff import api as staff
from gwanje.centre.watching.models import Emergency
from gwanje.kernel import events, keys
from gwanje.kernel.events import Event


def _watched(world):
    keys.signing_key(home(), "web", create=True)
    actor = staff.actor_for(world.officers["administrator"], world.seat.code)
    new = cameras.NewCamera("W-1", "가온로 2", "37.4", "126.9", ("생활방범",), world.city.pk, state="planned")
    row = cameras.register_camera(actor, new)
    Camera.objects.filter(pk=row.pk).update(state="active")
    return row


def _emergency(world):
    now = clock().now()
    return Emergency.objects.create(
        agency_id=world.city.pk,
        station="다른 자리",
        person_id=world.officers["operator"].pk,
        trigger="범죄",
        reason="끝난 긴급 관제",
        started_at=now - timedelta(minutes=9),
        until=now - timedelta(minutes=4),
    )


def _event(world):
    made = events.emit(connection.cursor(), clock(), Event("test.matrix", "test", agency=world.city.pk))
    return str(made.id)


OBJECTS = {"watched": _watched, "emergency": _emergency, "event": _event}
