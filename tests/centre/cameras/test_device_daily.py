"""The daily look: every device once, spread and bounded; what changed is said once; a factory account stays out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import connection
from test_camera_import import kinds
from test_device_pages import SEOUL, answer

from gwanje.centre.cameras import devices, devices_daily, duties, services
from gwanje.centre.cameras.models import ACTIVE, Camera
from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Refused
from gwanje.kernel import devices as tasks
from gwanje.kernel.ids import uuid7
from gwanje.law import load

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(camera):
    """The camera in service."""
    Camera.objects.filter(pk=camera.id).update(state=ACTIVE)
    camera.refresh_from_db()
    return camera


def yesterday() -> None:
    connection.cursor().execute("update device_task set asked_at = asked_at - interval '1 day'")


def look(recorder):
    """One whole round: asked by the duty, done by the recorder's code, noted by the duty."""
    yesterday()
    duties.run()
    done = answer(recorder)
    duties.run()
    return done


def concerns(row: Camera) -> list[str]:
    return list(Camera.objects.get(pk=row.pk).probed["concerns"])


def said() -> list[list[str]]:
    cursor = connection.cursor()
    cursor.execute("select body -> 'concerns' from event where kind = 'cameras.device.concern' order by seq")
    return [json.loads(row[0]) for row in cursor.fetchall()]


def test_every_device_is_asked_once_a_day_and_a_quiet_answer_is_one_row(running, recorder, admin):
    assert len(look(recorder)) == 1
    assert look(recorder)[0].answer["device"]["model"] == "SIM-DOME"
    duties.run()
    assert answer(recorder) == [], "not twice a day"
    assert kinds().count("cameras.device.asked") == 2
    assert (kinds().count("cameras.device.answered"), kinds().count("cameras.device.checked")) == (0, 2)
    assert said() == []
    services.change_state(admin, running.id, "suspended")
    assert look(recorder) == [], "out of service"


def test_moments_are_spread_over_the_day_and_stay(running):
    now = clock().now()
    ids = [uuid7() for _ in range(400)]
    hours = {devices_daily.moment(id_, now).hour for id_ in ids}
    assert len(hours) == 24
    for id_ in ids[:50]:
        first = devices_daily.moment(id_, now)
        assert now - timedelta(days=1) < first <= now
        assert devices_daily.moment(id_, first) == first
        assert devices_daily.moment(id_, first + timedelta(days=1)) == first + timedelta(days=1)


def test_at_most_sixty_wait_and_persons_go_first(running, recorder, admin, monkeypatch):
    monkeypatch.setattr(devices_daily, "moment", lambda id_, now: now)
    for n in range(3):
        new = services.NewCamera(
            f"D-9{n}", "가온로", "37.39", "126.95", ("생활방범",), running.agency_id, state="planned"
        )
        other = services.register_camera(admin, new)
        Camera.objects.filter(pk=other.pk).update(state=ACTIVE, connection=running.connection)
    monkeypatch.setattr(devices_daily, "OPEN_MAX", 3)
    assert (devices_daily.ask_due(), devices_daily.ask_due()) == (3, 0)
    mine = devices.ask_probe(admin, running.id)
    taken = tasks.take(connection.cursor(), recorder, clock().now())
    assert taken is not None
    assert taken.id == mine


def test_what_changed_is_said_once(running, recorder, device, sign_in, officers):
    look(recorder)
    device.firmware, device.clock_s = "2.0.0", 61.0
    look(recorder)
    row = Camera.objects.get(pk=running.pk)
    assert (row.firmware, row.cert_number, concerns(row)) == ("2.0.0", "", ["firmware", "clock"])
    look(recorder)
    assert concerns(row) == ["clock"]
    device.password = "another"
    (task,) = look(recorder)
    assert [fault["fault"] for fault in task.answer["faults"]] == ["account"], "one try, or the device locks itself"
    assert "account" in concerns(row)
    assert said() == [["clock", "firmware"], ["account"]]
    page = sign_in(officers["administrator"]).get(f"/cameras/{row.id}/device/").content.decode()
    for words in ("접속 계정을 받아들이지 않습니다", "기기 시각이 5초 넘게 틀립니다", "펌웨어가 바뀌어"):
        assert words in page


def test_a_device_under_its_factory_account_does_not_resume(running, recorder, admin, device, monkeypatch):
    device.maker, device.user, device.password = "HIKVISION", "admin", "12345"
    services.set_credentials(admin, running.id, "admin", "12345")
    look(recorder)
    assert "factory" in concerns(running)
    services.change_state(admin, running.id, "suspended")
    monkeypatch.setattr(services, "law", lambda: load(SEOUL).on(date(2026, 11, 21)))
    monkeypatch.setattr(services.rules, "may_register", lambda *_: services.rules_device.default_password(
        {"factory": False}, load(SEOUL).on(date(2026, 11, 21))))  # fmt: skip
    with pytest.raises(Refused) as refused:
        services.change_state(admin, running.id, ACTIVE)
    assert [reason.code for reason in refused.value.decision.reasons] == ["factory_account"]
    assert Camera.objects.get(pk=running.pk).state == "suspended"
    device.password = "p1anted-Secret-8"
    services.set_credentials(admin, running.id, "admin", device.password)
    devices.ask_probe(admin, running.id, factory=True)
    answer(recorder)
    duties.run()
    assert services.change_state(admin, running.id, ACTIVE).state == ACTIVE


def test_silence_changes_nothing_that_was_known(running):
    one = tasks.Task("probe", running.agency_id, running.id)
    answered = replace(one, outcome="done", answer={"clock_s": 9.0, "faults": []})
    assert devices._keep(running, answered) == (["clock"], False)
    silent = tasks.Task(
        "probe", running.agency_id, running.id, outcome="failed", answer={"faults": [tasks.unanswered()]}
    )
    assert devices._keep(running, silent) == (["clock"], True)
    assert running.probed["clock_s"] == 9.0


def test_the_holder_of_a_camera_is_asked_first(running, recorder, admin):
    cursor, other, now = connection.cursor(), uuid7(), clock().now()
    cursor.execute(
        "insert into footage_recorder (id, name, signing_key, sealing_key, url, alive_until) "
        "select %s, 's', signing_key, sealing_key, 'ws://y', clock_timestamp() + interval '1 hour' "
        "from footage_recorder where id = %s", [other, recorder],
    )  # fmt: skip
    Camera.objects.filter(pk=running.pk).update(sealed={})
    running.main_url = "rtsp://127.0.0.1/x"
    services._connect(running)
    cursor.execute("insert into footage_lease (camera, recorder, fence) values (%s, %s, 2)", [running.pk, other])
    devices.ask_probe(admin, running.id)
    assert tasks.take(cursor, recorder, now) is None, "another one records it"
    later = clock().now() + timedelta(seconds=tasks.HOLDER_S + 1)
    assert isinstance(tasks.take(cursor, recorder, later), tasks.Task), "but nobody waits for ever"


def test_the_api_says_how_a_camera_is_reached_and_never_where(camera, sign_in, officers):
    wanted = {"network": "public", "reason": "임시 개소", "vpn": "IPsec 10.9.9.9", "transport": "tls", "coarse": True}
    Camera.objects.filter(pk=camera.pk).update(driver="rtsp", connection={**camera.connection, **wanted})
    for role in ("administrator", "manager", "operator"):
        browser = sign_in(officers[role])
        found = browser.get(f"/api/cameras/{camera.id}")
        assert {key: found.json()[key] for key in ("driver", "transport", "network", "vpn")} == {
            "driver": "rtsp", "transport": "tls", "network": "public", "vpn": True,
        }  # fmt: skip
        listed = browser.get("/api/cameras/").content.decode()
        for secret in ("10.9.9.9", "127.0.0.1", "://", "임시 개소", "sealed"):
            assert secret not in found.content.decode() + listed, (role, secret)
    Camera.objects.filter(pk=camera.pk).update(connection={})
    plain = browser.get(f"/api/cameras/{camera.id}").json()
    assert (plain["transport"], plain["network"], plain["vpn"]) == ("tcp", "dedicated", False)
    schema = browser.get("/api/openapi.json").json()["components"]["schemas"]["CameraOut"]["properties"]
    assert schema["network"]["enum"] == ["dedicated", "public"]
    assert not {"main_url", "sub_url", "connection", "sealed", "reason"} & set(schema)
