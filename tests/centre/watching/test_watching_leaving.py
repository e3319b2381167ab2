"""What a departure ends in watching is told and named as when it is ended by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from gwanje.centre.cameras import services as cameras
from gwanje.centre.common import clock
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import glass, leaving, services, steering
from gwanje.centre.watching.models import Emergency, Glass, PtzEmergency
from gwanje.kernel import events
from gwanje.kernel.actor import ANONYMOUS
from support.centre import ledger_rows

pytestmark = pytest.mark.django_db
KINDS = ("watching.emergency.ended", "watching.ptz.ended", "watching.glass.ended")
TOLD = ["emergency.ended", "glass.ended", "ptz.emergency.ended"]


@pytest.fixture
def chief(hire, seat):
    return staff.actor_for(hire("chief_officer"), seat.code)


@pytest.fixture
def camera(city, hire, seat):
    admin = staff.actor_for(hire("administrator"), seat.code)
    new = cameras.NewCamera("L-1", "가온천 5", "37.4", "126.9", ("교통단속",), city.pk, state="planned", ptz=True)
    return cameras.register_camera(admin, new).pk


def opened(person, city, seat, camera):
    """One of each, open."""
    now = clock().now()
    said = {"agency_id": city.pk, "station": seat.code, "person_id": person.pk, "started_at": now,
            "until": now + timedelta(minutes=9)}  # fmt: skip
    return (
        Emergency.objects.create(trigger="범죄", reason="열린 긴급 관제", **said),
        PtzEmergency.objects.create(camera_id=camera, reason="112", **said),
        Glass.objects.create(
            ground="urgent_relief", words="하천에 사람이", cameras=[str(camera)], review_by=now + timedelta(1), **said
        ),
    )


def told():
    """Kinds, agencies, cameras and fields of what was told of ends, and the ledger's rows of them."""
    found = [e for e in events.latest(connection.cursor(), 50) if e.kind in TOLD]
    rows = [(kind, said) for kind, _, said in ledger_rows() if kind in KINDS]
    return sorted((e.kind, str(e.agency), e.severity, sorted(e.body)) for e in found), rows


@pytest.mark.parametrize("by_the_clock", [False, True])
def test_every_end_has_its_event_its_cameras_and_who_ended_it(hire, city, seat, chief, camera, by_the_clock):
    person, by = hire("operator"), ANONYMOUS if by_the_clock else chief
    _, _, broken = opened(person, city, seat, camera)
    assert leaving.end_for(person.pk, None) == {"emergencies": 1, "steering": 1, "glasses": 1}
    assert leaving.end_for(person.pk, by) == {"emergencies": 1, "steering": 1, "glasses": 1}
    assert leaving.end_for(person.pk, by) == {"emergencies": 0, "steering": 0, "glasses": 0}
    said, rows = told()
    assert [(kind, agency) for kind, agency, _, _ in said] == [(kind, str(city.pk)) for kind in TOLD]
    assert [kind for kind, _ in rows] == list(KINDS)
    assert [len(row["cameras"]) for _, row in rows] == [0, 1, 1]
    assert {str(row["agency"]) for _, row in rows} == {str(city.pk)}
    assert {row["detail"]["because"] for _, row in rows} == {"departure"}
    assert {row["detail"]["person"] for _, row in rows} == {str(person.pk)}
    broken.refresh_from_db()
    assert broken.ended_by == by.person


def test_an_end_by_hand_and_an_end_by_departure_tell_the_same(hire, city, seat, chief, camera):
    person = hire("operator")
    from gwanje.centre.staff import services as people

    people.start_shift(person, seat.code)
    actor = staff.actor_for(person, seat.code)
    one, two, three = opened(person, city, seat, camera)
    services.end_emergency(actor, one.pk)
    steering.end(actor, two.pk)
    glass.end_glass(actor, three.pk)
    by_hand, _ = told()
    Glass.objects.update(reviewed_at=clock().now(), verdict="accepted")
    opened(person, city, seat, camera)
    leaving.end_for(person.pk, chief)
    assert told()[0] == sorted(by_hand * 2)
