"""The registry on the real database with the real vaultd: slots, sources, sealed accounts, rules, other agencies."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from test_camera_import import kinds

from gwanje.apps import vaultd
from gwanje.centre.cameras import api, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.kernel import keys
from gwanje.kernel.sources import sources
from gwanje.vault import ceremony
from gwanje.vault.sealed import unseal
from support.recorders import enrol

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def vault():
    """The run's vaultd, a real process."""
    ceremony.create(home())
    with vaultd.running(home()):
        yield


@pytest.fixture
def admin(hire, seat):
    return staff.actor_for(hire("administrator"), seat.code)


@pytest.fixture
def retention(system):
    connection.cursor().execute(
        "insert into footage_class (number, kind, value, reference, label) values (1, 'days', 30, 'x', 'x') "
        "on conflict do nothing"
    )


@pytest.fixture
def new(city):
    return services.NewCamera("A-0123", "가온로 12 앞", "37.39", "126.95", ("생활방범",), city.pk, ptz=True)


def connected(new, **more):
    return replace(new, main_url="rtsp://127.0.0.1:9/a/main", sub_url="rtsp://127.0.0.1:9/a/sub", **more)


def test_a_registered_camera_has_a_slot_a_source_and_a_row(vault, retention, admin, new):
    row = services.register_camera(admin, connected(new))
    assert row.label == "A-0123 가온로 12 앞(회전)"
    assert row.classes["act"] == [2]
    (source,) = [s for s in sources(connection.cursor()) if s.camera == row.id]
    assert (source.slot, source.class_, source.active) == (row.slot, 1, True)
    second = services.register_camera(admin, connected(replace(new, number="A-0124")))
    assert second.slot != row.slot
    assert kinds().count("cameras.camera.registered") == 2


def test_an_account_is_sealed_to_the_recorder_and_shown_nowhere(vault, retention, admin, new, sign_in, officers):
    private = keys.sealing_key(home(), "recorder")
    recorder = enrol(home())
    row = services.register_camera(admin, connected(new, user="admin", password="비밀-열쇠-9"))
    sealed = base64.b64decode(row.sealed[str(recorder)])
    opened = unseal(private, sealed, row.id.bytes)
    assert json.loads(opened) == {"user": "admin", "password": "비밀-열쇠-9", "hosts": ["127.0.0.1"]}
    browser = sign_in(officers["administrator"])
    for path in (f"/cameras/{row.id}/", f"/api/cameras/{row.id}", "/cameras/", "/api/cameras/map.geojson"):
        text = browser.get(path).content.decode()
        assert "비밀-열쇠-9" not in text
        assert row.sealed[str(recorder)] not in text
    assert "비밀-열쇠-9" not in repr(connected(new, password="비밀-열쇠-9"))


def test_an_account_does_not_follow_to_another_host(vault, retention, admin, new):
    """Whoever may change an address could else have the recorder tell the password to a device of their own."""
    enrol(home())
    url = "rtsp://192.0.2.7:554/a"
    typed = replace(new, main_url=url, sub_url=url + "2", user="admin", password="비밀-열쇠-9")
    row = services.register_camera(admin, typed)
    kept = Camera.objects.get(pk=row.pk).sealed
    assert kept
    services.set_address(admin, row.pk, "rtsp://192.0.2.7:8554/b", url)
    assert Camera.objects.get(pk=row.pk).sealed == kept
    services.set_address(admin, row.pk, "rtsp://192.0.2.7:8554/b", "rtsp://198.51.100.9/b")
    assert Camera.objects.get(pk=row.pk).sealed == {}
    cursor = connection.cursor()
    cursor.execute("select sealed from footage_source where camera = %s", [row.pk])
    assert cursor.fetchone()[0] in ({}, "{}")


def test_an_account_without_a_recorder_is_refused(vault, retention, admin, new):
    with pytest.raises(Problem) as caught:
        services.register_camera(admin, connected(new, user="a", password="b"))
    assert caught.value.code == "no_recorder"
    assert Camera.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"main_url": "http://x/"}, "url"),
        ({"main_url": "rtsp://u:p@x/"}, "url_secret"),
        ({"number": "-"}, "number"),
        ({"lat": "51.5"}, "coordinate"),
        ({"purposes": ("영업",)}, "purpose"),
        ({"place": " "}, "place"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_lost(admin, new, changes, code):
    with pytest.raises(Problem) as caught:
        services.register_camera(admin, replace(new, state="planned", **changes))
    assert caught.value.code == code
    assert caught.value.ko
    assert Camera.objects.count() == 0


@pytest.mark.norm("camera.integrated", "deny")
def test_a_camera_without_a_stream_does_not_run(admin, new):
    with pytest.raises(Refused) as caught:
        services.register_camera(admin, new)
    assert [r.code for r in caught.value.decision.reasons] == ["not_integrated"]


@pytest.mark.norm("camera.mandate", "deny")
def test_another_agencys_camera_waits_for_its_mandate(vault, retention, admin, new, police):
    foreign = connected(new, owner=police.pk)
    with pytest.raises(Refused) as caught:
        services.register_camera(admin, foreign)
    assert [r.code for r in caught.value.decision.reasons] == ["mandate_invalid"]
    row = services.register_camera(admin, replace(foreign, state="planned"))
    with pytest.raises(Refused):
        services.change_state(admin, row.id, "active")
    today = clock().local().date()
    running = replace(
        foreign,
        number="A-9",
        mandate="가온경찰서 생활안전과-1",
        mandate_from=today - timedelta(days=1),
        mandate_until=today + timedelta(days=9),
    )
    assert services.register_camera(admin, running).state == "active"


def test_suspending_reaches_the_recorders_and_removal_is_final(vault, retention, admin, new):
    row = services.register_camera(admin, connected(new))
    services.change_state(admin, row.id, "suspended")
    (source,) = [s for s in sources(connection.cursor()) if s.camera == row.id]
    assert not source.active
    assert source.version == 2
    services.change_state(admin, row.id, "removed")
    with pytest.raises(Problem):
        services.change_state(admin, row.id, "active")


def test_another_agency_does_not_find_the_camera(vault, retention, admin, new, hire, police, sign_in):
    row = services.register_camera(admin, connected(new))
    browser = sign_in(hire("manager", agency=police))
    assert browser.get(f"/cameras/{row.id}/").status_code == 404
    assert browser.get(f"/api/cameras/{row.id}").status_code == 404
    assert browser.get("/api/cameras/").json()["count"] == 0


def test_pages_search_and_hide_addresses(vault, retention, admin, new, officers, sign_in):
    row = services.register_camera(admin, connected(new))
    operator = sign_in(officers["operator"])
    assert "A-0123" in operator.get("/cameras/?q=가온로").content.decode()
    assert "조건에 맞는 기기가 없습니다" in operator.get("/cameras/?q=없는곳").content.decode()
    assert "rtsp://" not in operator.get(f"/cameras/{row.id}/").content.decode()
    assert "rtsp://" in sign_in(officers["administrator"]).get(f"/cameras/{row.id}/").content.decode()
    assert operator.post(f"/cameras/{row.id}/state/", {"state": "removed"}).status_code == 403


def test_the_form_registers_and_says_what_is_wrong(vault, retention, officers, sign_in):
    browser = sign_in(officers["manager"])
    form = {
        "number": "B-1", "place": "시청 앞", "lat": "37.4", "lon": "126.9", "purposes": ["생활방범", "어린이보호"],
        "device": "네트워크 카메라", "mode": "integrated", "state": "active", "direction_deg": "90", "angle_deg": "60",
        "range_m": "40", "main_url": "rtsp://127.0.0.1:9/b", "password": "절대비밀",
    }  # fmt: skip
    page = browser.post("/cameras/new/", form)
    assert page.status_code == 422
    assert "녹화기" in page.content.decode()
    assert "절대비밀" not in page.content.decode()
    done = browser.post("/cameras/new/", {**form, "password": ""})
    assert done.status_code == 302
    assert api.cameras()[0].public == ("범죄예방", "시민의 생활안전")
    assert "이미 있습니다" in browser.post("/cameras/new/", {**form, "password": ""}).content.decode()


@pytest.mark.norm("camera.mandate", "deny")
def test_a_mandate_that_lapses_suspends_the_camera(vault, retention, admin, new, police, advance):
    today = clock().local().date()
    row = services.register_camera(admin, connected(new, owner=police.pk, state="planned"))
    with pytest.raises(Problem):
        services.set_mandate(admin, row.id, "문서-1", today, today - timedelta(days=1))
    services.set_mandate(admin, row.id, "가온경찰서-7", today, today)
    services.change_state(admin, row.id, "active")
    assert services.suspend_lapsed() == 0
    advance(86400)
    assert services.suspend_lapsed() == 1
    assert services.suspend_lapsed() == 0
    row.refresh_from_db()
    assert row.state == "suspended"
    assert "cameras.mandate.lapsed" in kinds()


def test_a_foreign_camera_is_registered_and_mandated_on_the_pages(vault, retention, officers, sign_in, police):
    browser = sign_in(officers["manager"])
    form = {
        "number": "B-2", "place": "역 앞", "lat": "37.4", "lon": "126.9", "purposes": ["생활방범"],
        "owner": str(police.pk),
        "device": "네트워크 카메라", "mode": "linked", "state": "planned", "direction_deg": "0", "angle_deg": "60",
        "range_m": "40",
    }  # fmt: skip
    page = browser.post("/cameras/new/", form)
    assert page.status_code == 302
    assert "수임 기록" in browser.get(page["Location"]).content.decode()
    assert browser.post(page["Location"] + "mandate/", {"mandate": "문서-2", "mandate_from": "x"}).status_code == 422
    sent = browser.post(page["Location"] + "mandate/", {"mandate": "문서-2", "mandate_from": "2026-01-01"})
    assert sent.status_code == 302
    assert "문서-2" in browser.get(page["Location"]).content.decode()
