"""Pages say which recorders can open a camera's account; a slot that was added outlives the centre's writes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from test_camera_registry import admin, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import connection as reach
from gwanje.centre.cameras import devices, services
from gwanje.centre.common import home
from gwanje.centre.common.refusal import Problem
from gwanje.kernel import accounts
from support.recorders import enrol

URL = "rtsp://192.0.2.7:554/a"
pytestmark = pytest.mark.django_db


def recorder(name):
    return enrol(home(), name)


def slots_of(camera):
    cursor = connection.cursor()
    cursor.execute("select jsonb_object_keys(sealed) from footage_source where camera = %s", [camera])
    return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def camera(vault, retention, admin, new):  # noqa: F811 - fixtures
    recorder("first")
    made = services.register_camera(admin, replace(new, main_url=URL, user="admin", password="비밀-열쇠-9"))
    reach.set_connection(admin, made.id, {"onvif": "http://192.0.2.7/onvif/device_service"})
    return services.find(admin, made.id)


def pages(browser, camera):
    return [browser.get(f"/cameras/{camera.id}/{page}").content.decode() for page in ("", "device/")]


def test_the_page_names_recorders_that_cannot_open_the_account_yet(camera, sign_in, officers):
    browser = sign_in(officers["administrator"])
    for text in pages(browser, camera):
        assert "녹화기 1대에 봉인됨" in text
        assert "아직 열 수 없음" not in text
    later = recorder("later")
    for text in pages(browser, camera):
        assert "녹화기 1대에 봉인됨" in text
        assert "1대는 아직 열 수 없음" in text
        assert "gwanje vault admit" in text
    accounts.add_slot(connection.cursor(), camera.id, later, b"box")
    for text in pages(browser, camera):
        assert "녹화기 2대에 봉인됨" in text
        assert "아직 열 수 없음" not in text


def test_an_added_slot_stays_until_the_account_is_typed_anew(camera, admin):  # noqa: F811 - a fixture
    first = slots_of(camera.id)
    later = recorder("later")
    accounts.add_slot(connection.cursor(), camera.id, later, b"box")
    services.set_address(admin, camera.id, "rtsp://192.0.2.7:554/b", "")
    assert slots_of(camera.id) == {*first, str(later)}
    task = devices.ask_probe(admin, camera.id)
    cursor = connection.cursor()
    cursor.execute("select jsonb_object_keys(sealed) from device_task where id = %s", [task])
    assert {row[0] for row in cursor.fetchall()} == {*first, str(later)}, "the newcomer can do device tasks too"
    services.set_credentials(admin, camera.id, "admin", "비밀-열쇠-10")
    cursor.execute("select sealed ->> %s from footage_source where camera = %s", [str(later), camera.id])
    assert cursor.fetchone()[0] != "Ym94", "sealed anew to everybody"
    services.set_address(admin, camera.id, "rtsp://198.51.100.9/b", "")
    assert slots_of(camera.id) == set(), "no account follows to another host"


def test_an_account_is_sealed_to_no_recorder_that_is_not_admitted(vault, retention, admin, new):  # noqa: F811 - fixtures
    strangers = {str(enrol(home(), "stranger", admitted=False)), str(enrol(home(), "impostor", proven=False))}
    typed = replace(new, main_url=URL, user="admin", password="비밀-열쇠-9")
    with pytest.raises(Problem, match="no_admitted_recorder"):
        services.register_camera(admin, typed)
    own = str(recorder("own"))
    made = services.register_camera(admin, typed)
    assert slots_of(made.id) == {own} == set(made.sealed)
    services.set_credentials(admin, made.id, "admin", "비밀-열쇠-10")
    assert slots_of(made.id) == {own}
    assert services.slots(services.find(admin, made.id)) == (1, 2)
    assert strangers.isdisjoint(slots_of(made.id))
