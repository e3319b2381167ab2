"""Pages of break-glass: offered where it is allowed, nothing typed is lost, the red line for who has to know."""

from __future__ import annotations

import json
import re

import pytest

from gwanje.centre import common
from gwanje.centre.cameras import services as cameras
from gwanje.centre.common import home
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import services as people
from gwanje.centre.watching.models import Glass
from gwanje.kernel import keys
from gwanje.law import load

pytestmark = pytest.mark.django_db
OPEN = "/watch/glass/open/"
WHY = "하천에 사람이 빠졌다는 신고 <b>"


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setattr(common, "packs", lambda: load(["kr_national", "kr_anyang", "model_policy"]))


@pytest.fixture
def two(city, hire, seat):
    keys.signing_key(home(), "web", create=True)
    admin = staff.actor_for(hire("administrator"), seat.code)
    out = []
    for number in ("P-1", "P-2"):
        new = cameras.NewCamera(number, "가온천 3", "37.4", "126.9", ("교통단속",), city.pk, state="planned")
        row = cameras.register_camera(admin, new)
        type(row).objects.filter(pk=row.pk).update(state="active")
        out.append(row)
    return out


def data_of(page, name):
    found = re.search(f'<script id="{name}" type="application/json">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def asked(cameras_, words=WHY):
    return {"ground": "urgent_relief", "words": words, "camera": [str(c.pk) for c in cameras_]}


def test_where_it_is_off_nobody_is_offered_it(hire, sign_in, two):
    browser = sign_in(hire("operator"))
    assert OPEN not in browser.get("/watch/").content.decode()
    page = browser.get(OPEN).content.decode()
    assert "비상 열람이 없습니다" in page
    assert "glass-form" not in page
    assert browser.post(OPEN, asked(two)).status_code == 403
    assert not Glass.objects.exists()


def test_off_shift_the_wall_shows_the_named_camera_only(allowed, hire, sign_in, two):
    browser = sign_in(hire("operator"))
    page = browser.get("/watch/").content.decode()
    assert OPEN in page
    assert "<gw-wall" not in page
    assert {c["number"] for c in data_of(browser.get(OPEN).content.decode(), "glass-data")["cameras"]} == {"P-1", "P-2"}
    assert browser.post(OPEN, asked(two[:1])).headers["Location"] == "/watch/"
    page = browser.get("/watch/").content.decode()
    data = data_of(page, "wall-data")
    assert [c["number"] for c in data["cameras"]] == ["P-1"]
    assert data["glass"]["cameras"] == [str(two[0].pk)]
    # no steering, no widening of the seat: those are for who is on shift
    assert "ptz-wall.js" not in page
    assert "emergency-open" not in page
    assert "&lt;b&gt;" in page
    assert browser.post(f"/watch/glass/{data['glass']['id']}/end/").status_code == 302
    assert "<gw-wall" not in browser.get("/watch/").content.decode()


def test_what_was_typed_stays_when_a_camera_cannot_be_shown(allowed, hire, sign_in, two):
    browser = sign_in(hire("operator"))
    type(two[1]).objects.filter(pk=two[1].pk).update(state="suspended")
    answer = browser.post(OPEN, asked(two))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "P-2" in page
    assert 'value="하천에 사람이 빠졌다는 신고 &lt;b&gt;"' in page
    assert data_of(page, "glass-data")["chosen"] == [str(c.pk) for c in two]
    assert browser.post(OPEN, {**asked([]), "camera": ["x"]}).status_code == 404
    assert not Glass.objects.exists()


def test_the_red_line_is_for_who_has_to_know(allowed, hire, sign_in, two, police):
    opener = hire("operator", name="권오픈")
    assert sign_in(opener).post(OPEN, asked(two[:1])).status_code == 302
    for role, duty, told in (
        ("privacy_officer", False, True),
        ("manager", False, True),
        ("operator", True, True),
        ("operator", False, False),
        ("auditor", False, False),
    ):
        page = sign_in(hire(role), duty=duty).get("/staff/me/").content.decode()
        assert ("권오픈" in page) is told, (role, duty)
        assert ('id="gw-alarms"' in page) is told
    elsewhere = people.add_station("경찰석-7", "상황실", police)
    page = sign_in(hire("manager", agency=police), station=elsewhere).get("/staff/me/").content.decode()
    assert "권오픈" not in page


def test_the_officer_finds_what_waits_and_reviews_it(allowed, hire, sign_in, two, advance):
    opener = hire("operator")
    browser = sign_in(opener)
    browser.post(OPEN, asked(two[:1]))
    advance(24 * 3600 + 1)
    officer = sign_in(hire("manager"))
    start = officer.get("/").content.decode()
    assert "검토할 비상 열람 1건" in start
    assert "기한 경과 1건" in start
    page = officer.get("/watch/glass/").content.decode()
    assert "비상 열람 정지됨" in page
    row = Glass.objects.get()
    assert officer.post(f"/watch/glass/{row.pk}/review/", {"verdict": "misuse", "note": "신고 없음"}).status_code == 302
    chief = sign_in(hire("chief_officer"))
    assert "정지 해제" in chief.get("/watch/glass/").content.decode()
    assert chief.post(f"/watch/glass/{row.pk}/restore/", {"note": "교육을 마침"}).status_code == 302
    row.refresh_from_db()
    assert (row.verdict, row.restore_note) == ("misuse", "교육을 마침")


def test_what_waits_stands_above_what_was_reviewed(allowed, hire, sign_in, two):
    manager, people_ = sign_in(hire("manager")), [hire("operator", name=name) for name in ("먼저남", "나중남")]
    for person in people_:
        browser = sign_in(person)
        browser.post(OPEN, asked(two[:1]))
        row = Glass.objects.get(person_id=person.pk)
        browser.post(f"/watch/glass/{row.pk}/end/")
    first = Glass.objects.get(person_id=people_[1].pk)
    manager.post(f"/watch/glass/{first.pk}/review/", {"verdict": "accepted", "note": "맞음"})
    page = manager.get("/watch/glass/").content.decode()
    assert page.index("먼저남") < page.index("나중남")
