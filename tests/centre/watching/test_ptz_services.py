"""Steering on the real database: tokens, named emergencies, words until the shift's end, review, rows."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras import steering as zones
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import services as people
from gwanje.centre.watching import steering
from gwanje.kernel import base64url, keys
from gwanje.kernel.permit import PtzToken

pytestmark = pytest.mark.django_db
ZONE = {"limits": [[-0.5, 0.5], [-0.5, 0.5], [0, 1]], "home": [0, 0, 0]}


@pytest.fixture
def watcher(hire, seat):
    keys.signing_key(home(), "web", create=True)
    keys.publish(home(), "web")
    person = hire("operator")
    people.start_shift(person, seat.code)
    return staff.actor_for(person, seat.code)


@pytest.fixture
def admin(hire, seat):
    return staff.actor_for(hire("administrator"), seat.code)


@pytest.fixture
def dome(city, admin):
    new = cameras.NewCamera("P-1", "가온로 1", "37.4", "126.9", ("생활방범",), city.pk, state="planned", ptz=True)
    row = cameras.register_camera(admin, new)
    type(row).objects.filter(pk=row.pk).update(
        state="active", connection={"onvif": "http://10.0.0.7/onvif/device_service", "ptz": ZONE}
    )
    return row


def rows(kind):
    with connection.cursor() as cursor:
        cursor.execute("select outcome from ledger_opening where kind = %s", [kind])
        return [outcome for (outcome,) in cursor.fetchall()]


def opened(ticket):
    return PtzToken.open(base64url.from_text(ticket.token, 8192), keys.public_key(home(), "web"))


@pytest.mark.norm("ptz.purpose", "allow")
def test_a_token_is_for_this_camera_seat_and_minute(watcher, dome):
    ticket = steering.ptz_token(watcher, dome.id)
    token = opened(ticket)
    assert (token.camera, token.person, token.station, token.rank) == (dome.id, watcher.person, watcher.station, 0)
    assert token.emergency is None
    assert 0 < token.expires - clock().now_s() <= 60
    assert ticket.url.endswith("/ptz")
    assert [a["ref"] for a in ticket.articles] == ["개인정보 보호법 제25조제5항", "안양시 조례 제11조제1항"]
    assert all(len(a["text"]) > 40 for a in ticket.articles)
    assert [words for _, words in token.articles] == [a["ref"] for a in ticket.articles]


@pytest.mark.norm("ptz.purpose", "deny")
@pytest.mark.parametrize("missing", ["ptz", "onvif"])
def test_a_camera_without_zone_or_head_is_not_steered(watcher, dome, missing):
    kept = {"onvif": "http://10.0.0.7/", "ptz": ZONE}
    kept.pop(missing)
    type(dome).objects.filter(pk=dome.pk).update(connection=kept)
    with pytest.raises(Refused) as refused:
        steering.ptz_token(watcher, dome.id)
    assert refused.value.decision.reasons[0].code == {"ptz": "no_zone", "onvif": "no_ptz"}[missing]
    with pytest.raises(Refused):
        steering.open_emergency(watcher, dome.id, "112")


@pytest.mark.norm("ptz.purpose", "allow")
def test_an_emergency_is_named_loud_extended_once_and_ends(watcher, dome, advance):
    row = steering.open_emergency(watcher, dome.id, "112")
    token = opened(steering.ptz_token(watcher, dome.id))
    assert (token.emergency, token.until, token.rank) == (row.id, int(row.until.timestamp()), 2)
    with pytest.raises(Problem):
        steering.open_emergency(watcher, dome.id, "fire")
    advance(300)
    assert steering.extend(watcher, row.id).extended == 1
    with pytest.raises(Refused) as refused:
        steering.extend(watcher, row.id)
    assert refused.value.decision.reasons[0].code == "too_long"
    advance(601)
    assert opened(steering.ptz_token(watcher, dome.id)).emergency is None
    assert rows("watching.ptz.opened") == ["granted"]
    assert rows("watching.ptz.extended") == ["granted"]
    with connection.cursor() as cursor:
        cursor.execute("select severity, body from event where kind = 'ptz.emergency.opened'")
        severity, body = cursor.fetchone()
    assert severity == 4
    assert "112 요청" in json.dumps(body, ensure_ascii=False) or "112 요청" in str(body)


@pytest.mark.norm("ptz.purpose", "deny")
def test_an_emergency_needs_a_preset_reason_and_a_seat_on_shift(watcher, dome, hire, seat):
    with pytest.raises(Refused) as refused:
        steering.open_emergency(watcher, dome.id, "심심해서")
    assert refused.value.decision.reasons[0].code == "reason"
    off = staff.actor_for(hire("operator"), seat.code)
    with pytest.raises(Refused):
        steering.open_emergency(off, dome.id, "112")


def test_another_seat_has_no_part_in_an_emergency(watcher, dome, hire, seat):
    row = steering.open_emergency(watcher, dome.id, "bell")
    other = hire("operator")
    people.start_shift(other, seat.code)
    second = staff.actor_for(other, seat.code)
    assert opened(steering.ptz_token(second, dome.id)).emergency is None
    for act in (steering.extend, steering.end):
        with pytest.raises(Refused):
            act(second, row.id)
    assert steering.end(watcher, row.id).ended_at is not None
    assert opened(steering.ptz_token(watcher, dome.id)).emergency is None


def test_words_follow_until_the_shift_ends(watcher, dome, hire, seat):
    row = steering.open_emergency(watcher, dome.id, "rescue")
    with pytest.raises(Problem):
        steering.tell(watcher, row.id, " ")
    assert steering.tell(watcher, row.id, "하천변에 쓰러진 사람").words == "하천변에 쓰러진 사람"
    person = staff.person(watcher.person)
    people.end_shift(person)
    people.start_shift(person, seat.code)
    with pytest.raises(Problem) as refused:
        steering.tell(staff.actor_for(person, seat.code), row.id, "나중에 고침")
    assert refused.value.code == "shift_over"


def test_the_review_is_by_another_officer_after_its_end_and_overdue_is_said(watcher, dome, hire, seat, advance):
    row = steering.open_emergency(watcher, dome.id, "other")
    officer = staff.actor_for(hire("privacy_officer"), seat.code)
    with pytest.raises(Problem):
        steering.review(officer, row.id, "적정함")
    advance(601)
    with pytest.raises(Refused):
        steering.review(watcher, row.id, "적정함")
    row.refresh_from_db()
    assert not steering.late(row)
    advance(3 * 86400)
    assert steering.late(row)
    assert steering.review(officer, row.id, "적정함").reviewed_by == officer.person
    with pytest.raises(Problem):
        steering.review(officer, row.id, "또")
    assert rows("watching.ptz.reviewed") == ["done"]


def test_a_zone_is_drawn_by_a_manager_and_unclear_ones_are_refused(admin, dome, watcher):
    night = {"from": "22:00", "until": "06:00", "limits": [[-0.1, 0.1], [-0.1, 0.1], [0, 1]]}
    drawn = {**ZONE, "forbidden": [{"name": "창문", "polygon": [[0.6, 0.6], [0.7, 0.6], [0.7, 0.7]]}], "hours": [night]}
    zones.set_zone(admin, dome.id, drawn)
    dome.refresh_from_db()
    assert dome.connection["ptz"] == drawn
    assert dome.connection["onvif"]
    assert rows("cameras.zone.changed") == ["done"]
    for wrong in ({"limits": ZONE["limits"]}, {**ZONE, "home": [0.9, 0, 0]}, {**ZONE, "colour": 1}, {"hours": "x"}):
        with pytest.raises(Problem) as refused:
            zones.set_zone(admin, dome.id, wrong)
        assert refused.value.ko != refused.value.en
    with pytest.raises(Refused):
        zones.set_zone(watcher, dome.id, ZONE)
    zones.set_zone(admin, dome.id, None)
    assert zones.steering(dome.id) == zones.Steering(True, False, False)


def test_masks_are_asked_of_the_device_as_its_home_view_sees_them(admin, dome):
    window = {"name": "창문", "polygon": [[0.05, 0.05], [0.3, 0.05], [0.3, 0.1]], "from_zoom": 0.2}
    drawn = {**ZONE, "forbidden": [window], "masks": True, "view": {"wide": [0.2, 0.2], "tele": [0.02, 0.02]}}
    zones.set_zone(admin, dome.id, drawn)
    assert zones.masks_of(admin, dome.id) == ("waiting", 0)
    with connection.cursor() as cursor:
        cursor.execute("select asks from device_task where camera = %s and kind = 'masks'", [dome.id])
        (asks,) = cursor.fetchone()
        asks = json.loads(asks) if isinstance(asks, str) else asks
        ((*corners,),) = asks["polygons"]
        assert [0.5, 0.5] in corners
        assert max(x for x, _ in corners) == 1.0
        answer = json.dumps({"masks": [{"token": "m1", "points": corners}], "faults": []})
        cursor.execute(
            "update device_task set done_at = now(), outcome = 'done', answer = %s where camera = %s", [answer, dome.id]
        )
    assert zones.masks_of(admin, dome.id) == ("shown", 1)
