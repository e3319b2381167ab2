"""Signs: what they say, where they are seen, which camera has none, what makes one stale; the map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.publication import bodies, reading_versions, services, sign_map, signs
from gwanje.centre.publication.models import Sign
from gwanje.centre.staff.models import Contract


@dataclass
class Eye:
    """A camera of a map."""

    number: str = "P-1"
    lat: float = 37.4
    lon: float = 126.9
    direction_deg: int = 0
    angle_deg: int = 90
    range_m: int = 50
    ptz: bool = False


def spot(eye, bearing, away):
    """The coordinate that lies so many metres from a camera in a direction."""
    north = away * math.cos(math.radians(bearing)) / sign_map.METRES_A_DEGREE
    east = away * math.sin(math.radians(bearing)) / (sign_map.METRES_A_DEGREE * math.cos(math.radians(eye.lat)))
    return eye.lat + north, eye.lon + east


@given(st.integers(0, 359), st.integers(2, 360), st.floats(-180, 180), st.floats(0, 120))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_in_view_is_the_cone(direction, angle, off, away):
    eye = Eye(direction_deg=direction, angle_deg=angle)
    edge = abs(abs(off) - angle / 2) < 0.5 or min(abs(away - 50), abs(away - sign_map.POLE_M)) < 0.5
    inside = away <= sign_map.POLE_M or (away <= 50 and (abs(off) <= angle / 2 or angle == 360))
    assert edge or sign_map.in_view(*spot(eye, direction + off, away), eye) == inside


@pytest.mark.parametrize("place", ["site", "homepage"])
def test_the_map_is_whole_xml_whatever_is_on_it(place):
    far, dome = Eye("<b>&\"'", lat=37.4009, range_m=300), Eye("회전-1", ptz=True, lon=126.9004)
    near = [Eye(f"N-{n}", lat=37.4 + n / 1e5) for n in range(500)]
    text = sign_map.draw((37.4001, 126.9001), [far, dome], near, place)
    tree = ElementTree.fromstring(text)
    assert len(text) < 40_000
    words = [e.text for e in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "<b>&\"'" in words
    assert "N" in words
    assert sum(w.endswith(" m") for w in words) == 1
    for name in ("cx", "cy", "x", "y"):
        assert all(-50 < float(e.get(name, 0)) < 250 for e in tree.iter() if e.tag.endswith(("circle", "rect")))


def test_the_same_rows_make_the_same_map():
    assert sign_map.draw((37.4, 126.9), [Eye()], [Eye("N")]) == sign_map.draw((37.4, 126.9), [Eye()], [Eye("N")])


def new(*cameras, **more):
    fields = {"title": "가온로 1", "place": "site", "put_up_on": clock().local().date(), **more}
    return signs.NewSign(cameras=tuple(c.pk for c in cameras), **fields)


@pytest.mark.django_db
def test_a_camera_without_a_sign_is_listed_until_it_has_one(written, register):
    third = register("P-3", lat="37.4300")
    agency = third.agency_id
    assert [c.number for c in signs.overview(agency).without] == ["P-1", "P-2", "P-3"]
    first, second = Camera.objects.exclude(pk=third.pk)
    signs.record(written, new(first, second))
    signs.record(written, new(third, place="none", exemption="생략/국가보안시설"))
    found = signs.overview(agency)
    assert not found.without
    assert [state for _, state in found.signs] == ["ok", "ok"]


@pytest.mark.django_db
@pytest.mark.norm("sign.items", "deny")
def test_a_sign_without_a_contact_is_not_recorded(written, register):
    lone = register("P-3", department="교통과")
    with pytest.raises(Refused) as no:
        signs.record(written, new(lone))
    assert {r.ko.split("'")[1] for r in no.value.decision.reasons} == {"촬영 시간", "관리책임자 연락처"}


@pytest.mark.django_db
@pytest.mark.norm("sign.placement", "deny")
def test_no_sign_needs_a_reason_of_the_rule(written):
    camera = Camera.objects.first()
    for more in ({"place": "none"}, {"place": "none", "exemption": "생략/예산 부족"}, {"lat": 37.5, "lon": 126.9}):
        with pytest.raises(Refused):
            signs.record(written, new(camera, **more))
    assert not Sign.objects.exists()


@pytest.mark.django_db
def test_a_changed_camera_or_department_makes_its_sign_stale(written):
    camera = Camera.objects.get(number="P-1")
    row = signs.record(written, new(camera))

    def state():
        return dict(signs.overview(camera.agency_id).signs)[row]

    assert state() == "ok"
    Camera.objects.filter(pk=camera.pk).update(range_m=80)
    assert state() == "stale"
    again = signs.record(written, new(camera))
    assert [s for s, _ in signs.overview(camera.agency_id).signs] == [again]
    row = again
    services.write_department(
        written, "정보통신과", {"phone": "031-000-9999", "hours": "24시간", "officer": "정보통신과장"}
    )
    assert state() == "stale"
    row = signs.record(written, new(camera))
    assert row.text["수탁자 명칭·연락처"]["ko"] == "위탁 없음"
    day = clock().local().date()
    Contract.objects.create(
        agency_id=camera.agency_id, company="가온관제", contact="1600-0000", scope=["관제"], reference="계약-1",
        starts_on=day, ends_on=day, recorded_at=clock().now(),
    )  # fmt: skip
    assert state() == "stale"
    row = signs.record(written, new(camera))
    assert row.text["수탁자 명칭·연락처"]["ko"] == "가온관제 1600-0000"
    body = bodies.content("policy", reading_versions.rows(camera.agency_id))
    assert body["annexes"]["contractors"][0]["name"] == "가온관제"
    Camera.objects.filter(pk=camera.pk).update(state="suspended")
    assert state() == "empty"


@pytest.mark.django_db
def test_a_sign_out_of_the_turned_view_is_told(written):
    camera = Camera.objects.get(number="P-1")
    Camera.objects.filter(pk=camera.pk).update(angle_deg=60, direction_deg=10)
    row = signs.record(written, new(camera, lat=37.4003, lon=126.9))
    # turned within the same eighth of the compass: the sign says the same, and is not filmed any more
    Camera.objects.filter(pk=camera.pk).update(direction_deg=22, angle_deg=60)
    Camera.objects.filter(pk=camera.pk).update(angle_deg=60)
    found = dict(signs.overview(camera.agency_id).signs)[row]
    assert found == "ok"
    Sign.objects.filter(pk=row.pk).update(lon="126.90000001", lat="37.39960000")
    row.refresh_from_db()
    assert dict(signs.overview(camera.agency_id).signs)[row] == "unseen"


@pytest.mark.django_db
def test_other_peoples_cameras_days_and_photos(written, police, register):
    camera = Camera.objects.first()
    with pytest.raises(Problem, match="photo"):
        signs.record(written, new(camera, photo=b"GIF89a"))
    with pytest.raises(Problem, match="cameras"):
        signs.record(written, new())
    Camera.objects.filter(number="P-2").update(agency_id=police.pk)
    with pytest.raises(Refused) as no:
        signs.record(written, new(Camera.objects.get(number="P-2")))
    assert no.value.status == 404
