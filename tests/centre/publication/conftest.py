"""A city with its own rules of publication, three cameras of two departments, and whoever writes about them."""

from __future__ import annotations

import pytest
from django.db import connection

from gwanje.centre import common
from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.publication import bodies, reading_versions, services
from gwanje.centre.staff import api as staff
from support.publication import law

OWN = {
    "officer": "정보통신과장",
    "operator": "영상관제팀",
    "phone": "031-000-1234",
    "hours": "24시간",
    "place": "관제센터",
}


@pytest.fixture
def rules(monkeypatch):
    """The test city's law instead of the run's."""
    monkeypatch.setattr(common, "packs", law)
    return law()


@pytest.fixture
def register(city, officers, seat):
    """``register("P-1", department="교통과", lat=…)`` → a running camera of the city."""

    def make(number, department="정보통신과", **more):
        actor = staff.actor_for(officers["administrator"], seat.code)
        place = more.pop("place", f"가온로 {number[-1]}")
        lat, lon = more.pop("lat", "37.4000"), more.pop("lon", "126.9000")
        new = cameras.NewCamera(number, place, lat, lon, ("생활방범",), city.pk, state="planned")
        row = cameras.register_camera(actor, new)
        wide = {"direction_deg": 0, "angle_deg": 90, "range_m": 50, **more}
        Camera.objects.filter(pk=row.pk).update(state="active", department=department, **wide)
        return Camera.objects.get(pk=row.pk)

    return make


@pytest.fixture
def chief(officers, seat):
    """The chief officer as an actor."""
    return staff.actor_for(officers["chief_officer"], seat.code)


@pytest.fixture
def written(rules, register, chief, room):
    """Everything that the rules ask for is there: two cameras, a department, the items that no row fills."""
    with connection.cursor() as sql:
        sql.execute(
            "insert into footage_class (number, kind, value, reference, label) "
            "values (1, 'days', 30, '제31조', '30일') on conflict do nothing"
        )
    register("P-1")
    register("P-2", lat="37.4002")
    services.write_department(chief, "정보통신과", OWN)
    body = bodies.content("policy", reading_versions.rows(chief.agency))
    empty = services.missing(body, rules.on(clock().local().date()).parameter("policy.items").value)
    assert {"그 밖에 필요한 사항", "이웃과의 약속"} <= set(empty)
    for item in empty:
        services.write_text(chief, "policy", item, "따로 정한 것이 없습니다.", "Nothing else.")
    return chief
