"""Things of the watching room that the matrix is asked with."""

from datetime import timedelta

from django.db import connection

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, home
from gwanje.centre.staff import api as staff
from gwanje.centre.watching.models import Emergency, Glass, PtzEmergency
from gwanje.kernel import events, keys
from gwanje.kernel.events import Event
from gwanje.kernel.ids import uuid7


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


def dome(world):
    keys.signing_key(home(), "web", create=True)
    actor = staff.actor_for(world.officers["administrator"], world.seat.code)
    new = cameras.NewCamera(
        f"W-{uuid7()}"[:38], "가온로 3", "37.4", "126.9", ("생활방범",), world.city.pk, state="planned", ptz=True
    )
    row = cameras.register_camera(actor, new)
    connection_ = {"onvif": "http://10.0.0.7/onvif/device_service", "ptz": {"home": [0, 0, 0]}}
    Camera.objects.filter(pk=row.pk).update(state="active", connection=connection_)
    return row


def _ptz(world, *, ended=True):
    now = clock().now()
    return PtzEmergency.objects.create(
        agency_id=world.city.pk,
        camera_id=dome(world).pk,
        station=world.seat.code,
        person_id=world.officers["operator"].pk,
        reason="112",
        started_at=now,
        until=now + timedelta(minutes=9),
        ended_at=now if ended else None,
    )


def _own_ptz(world):
    return _ptz(world, ended=False)


def _glass(world, **more):
    now = clock().now()
    values = {
        "agency_id": world.city.pk,
        "station": "다른 자리",
        "person_id": uuid7(),
        "ground": "urgent_relief",
        "words": "하천에 사람이 빠짐",
        "cameras": [str(uuid7())],
        "started_at": now - timedelta(minutes=5),
        "until": now + timedelta(minutes=10),
        "review_by": now + timedelta(hours=20),
        **more,
    }
    return Glass.objects.create(**values)


def _glass_over(world):
    return _glass(world, ended_at=clock().now())


def _glass_misused(world):
    now = clock().now()
    return _glass(world, ended_at=now, reviewed_at=now, reviewed_by=uuid7(), verdict="misuse", review_note="신고 없음")


def _event(world):
    made = events.emit(connection.cursor(), clock(), Event("test.matrix", "test", agency=world.city.pk))
    return str(made.id)


OBJECTS = {
    "watched": _watched,
    "emergency": _emergency,
    "event": _event,
    "dome": dome,
    "ptz": _ptz,
    "own_ptz": _own_ptz,
    "glass": _glass,
    "glass_over": _glass_over,
    "glass_misused": _glass_misused,
}
