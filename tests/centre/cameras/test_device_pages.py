"""Devices on their page: asked by the registrar, answered by the recorder's own code over real SOAP, and no secret."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from datetime import date

import pytest
from django.db import connection
from test_camera_import import kinds

from gwanje.centre.cameras import connection as reach
from gwanje.centre.cameras import devices, duties, rules_device, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.kernel import devices as tasks
from gwanje.kernel import keys
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import sources
from gwanje.law import load
from gwanje.media.devices import work
from gwanje.media.fleet import credentials_of
from gwanje.vault.sealed import unseal

pytestmark = pytest.mark.django_db
SECRET = "p1anted-Secret-7"
SEOUL = ["kr_national", "kr_anyang", "kr_seoul"]


def answer(recorder):
    """What a recorder does with every waiting task: its own code, in this test's transaction."""
    done = []
    cursor = connection.cursor()
    private = keys.sealing_key(home(), "recorder")
    while task := tasks.take(cursor, recorder, clock().now()):
        box = task.sealed_for(recorder)
        account = credentials_of(unseal(private, box, task.camera.bytes)) if box else None
        outcome, said = asyncio.run(work(task, account, clock()))
        assert tasks.finish(cursor, task.id, recorder, outcome, said, clock().now())
        done.append(tasks.find(cursor, task.id))
    return done


def test_asked_answered_adopted(camera, recorder, admin, device):
    task_id = devices.ask_probe(admin, camera.id)
    (task,) = answer(recorder)
    assert (task.id, task.outcome, dict(task.sealed)) == (task_id, "done", {}), "the account left with the answer"
    row = devices.adopt(admin, camera.id, task_id, "main", "sub")
    assert (row.main_url, row.sub_url) == ("rtsp://127.0.0.1:8554/cam/main", "rtsp://127.0.0.1:8554/cam/sub")
    assert (row.model_name, row.maker, row.connection["profile"], row.connection["coarse"]) == (
        "SIM-DOME", "GWANJE", "main", True,
    )  # fmt: skip
    (source,) = [s for s in sources(connection.cursor()) if s.camera == row.id]
    assert source.device == row.connection
    assert source.sealed, "the same host keeps its account"
    assert {"cameras.device.asked", "cameras.device.answered", "cameras.device.adopted"} <= set(kinds())


def test_setting_is_seen_on_the_device(camera, recorder, admin, device):
    devices.ask_configure(admin, camera.id, {"profile": "main", "key_seconds": 2, "silent": True, "clock": True})
    (task,) = answer(recorder)
    assert (task.outcome, task.answer["faults"]) == ("done", [])
    assert (device.encoders["venc_main"].gov, device.audio) == (30, {"sub"})
    with pytest.raises(Problem, match="wishes"):
        devices.ask_configure(admin, camera.id, {"profile": "main", "password": "x"})


def test_a_secret_is_in_no_page_row_or_log(camera, recorder, admin, device, sign_in, officers, caplog):
    caplog.set_level(logging.DEBUG)
    device.model = f"echo {SECRET}"  # a device that repeats what it was told
    device.stream = lambda stream: f"rtsp://admin:{SECRET}@10.9.9.9/{stream}"
    devices.ask_probe(admin, camera.id, factory=True)
    device_row = connection.cursor()
    device_row.execute("select sealed::text from device_task where done_at is null")
    assert SECRET not in device_row.fetchone()[0], "sealed"
    (task,) = answer(recorder)
    assert task.answer["device"]["model"] == "echo …"
    devices.adopt(admin, camera.id, task.id, "main")
    said = json.dumps(dict(task.answer), ensure_ascii=False) + caplog.text
    browser = sign_in(officers["administrator"])
    for path in ("device/", ""):
        page = browser.get(f"/cameras/{camera.id}/{path}")
        assert page.status_code == 200
        said += page.content.decode()
    said += browser.get(f"/api/cameras/{camera.id}").content.decode()
    cursor = connection.cursor()
    for table in ("device_task", "cameras_camera", "footage_source", "ledger_pending", "ledger_opening", "event"):
        cursor.execute("select 1 from pg_tables where tablename = %s", [table])
        if cursor.fetchone():
            cursor.execute(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
            said += cursor.fetchone()[0]
    assert "rtsp://127.0.0.1/main" in said
    for form in (SECRET, base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex()):
        assert form not in said


def test_the_page_says_it_in_korean_first(camera, recorder, admin, device, sign_in, officers):
    device.refuse = {"GetScopes"}
    browser = sign_in(officers["administrator"])
    path = f"/cameras/{camera.id}/device/"
    assert browser.post(path, {"act": "probe", "factory": "1"}).status_code == 302
    assert "기다립니다" in browser.get(path).content.decode()
    answer(recorder)
    page = browser.get(path).content.decode()
    for words in ("SIM-DOME", "SIM0001", "1280×720", "10.0 초", "aenc G711", "받아들이지 않음", "GetScopes",
                  "이 기기가 지원하지 않습니다", "rtsp://127.0.0.1:8554/cam/main"):  # fmt: skip
        assert words in page, words
    manager = sign_in(officers["manager"]).get(path).content.decode()
    assert "SIM-DOME" in manager
    assert "rtsp://" not in manager, "addresses are the administrator's"
    task = devices.tasks(admin, camera.id)[0]
    done = browser.post(path, {"act": "adopt", "task": str(task.id), "main": "sub"})
    assert done.status_code == 302
    assert Camera.objects.get(pk=camera.id).main_url.endswith("/sub")
    assert browser.post(path, {"act": "adopt", "task": str(task.id), "main": "none"}).status_code == 422
    assert browser.post(path, {"act": "adopt", "task": str(uuid7()), "main": "sub"}).status_code == 404


def test_another_firmware_voids_the_certificate_and_the_page_says_so(
    camera, recorder, admin, device, sign_in, officers
):
    devices.ask_probe(admin, camera.id)
    answer(recorder)
    assert devices.take_note() == 1
    assert Camera.objects.get(pk=camera.id).cert_number == "TTA-2026-1", "the same firmware leaves it"
    device.firmware = "2.0.0"
    devices.ask_probe(admin, camera.id)
    answer(recorder)
    assert devices.take_note() == 1
    row = Camera.objects.get(pk=camera.id)
    assert (row.firmware, row.cert_type, row.cert_number, row.cert_expires) == ("2.0.0", "", "", None)
    assert row.probed["voided"]["number"] == "TTA-2026-1"
    assert kinds().count("cameras.certificate.voided") == 1
    page = sign_in(officers["administrator"]).get(f"/cameras/{row.id}/").content.decode()
    assert "펌웨어가 바뀌어 보안인증을 무효로 했습니다" in page
    assert devices.take_note() == 0, "a probe is taken note of once"


def test_another_device_at_the_address_voids_it_too(camera, recorder, admin, device):
    for serial in ("A1", "B2"):
        device.serial = serial
        devices.ask_probe(admin, camera.id)
        answer(recorder)
        devices.take_note()
    assert Camera.objects.get(pk=camera.id).probed["voided"]["what"] == "device"


def test_a_factory_account_is_refused_where_the_packs_say_so(camera, recorder, admin, device, monkeypatch):
    on = date(2026, 11, 21)
    task_id = devices.ask_probe(admin, camera.id, factory=True)
    answer(recorder)
    device.maker = "HIKVISION"
    device.user, device.password = "admin", "12345"
    services.set_credentials(admin, camera.id, "admin", "12345")
    open_id = devices.ask_probe(admin, camera.id)
    (found,) = answer(recorder)
    assert devices.factory_of(found.answer) is True
    monkeypatch.setattr(devices, "law", lambda: load(SEOUL).on(on))
    with pytest.raises(Refused) as refused:
        devices.adopt(admin, camera.id, open_id, "main")
    assert [str(a) for a in refused.value.decision.articles] == ["서울시 권고안 표 2-14 (원격접근 차단)"]
    assert Camera.objects.get(pk=camera.id).main_url == ""
    monkeypatch.setattr(devices.rules, "may_register", lambda *_: refused.value.decision.__class__(
        **{**refused.value.decision.__dict__, "allow": True, "reasons": ()}))  # fmt: skip
    assert devices.adopt(admin, camera.id, task_id, "main").main_url, "checked and closed"


def test_an_account_does_not_follow_the_onvif_address_to_another_host(camera, admin):
    assert Camera.objects.get(pk=camera.id).sealed
    reach.set_connection(admin, camera.id, {"onvif": "http://192.0.2.66/onvif/device_service"})
    assert Camera.objects.get(pk=camera.id).sealed == {}
    for bad in ("http://u:p@192.0.2.1/x", "rtsp://192.0.2.1/", "http://", "x"):
        with pytest.raises(Problem, match="connection"):
            reach.set_connection(admin, camera.id, {"onvif": bad})


def test_another_agency_and_an_operator_cannot_ask(camera, hire, police, seat, officers):
    stranger = staff.actor_for(hire("administrator", agency=police), seat.code)
    operator = staff.actor_for(officers["operator"], seat.code)
    for actor, status in ((stranger, 404), (operator, 403)):
        with pytest.raises(Refused) as refused:
            devices.ask_probe(actor, camera.id)
        assert refused.value.status == status
    cursor = connection.cursor()
    cursor.execute("select count(*) from device_task where camera = %s", [camera.id])
    assert cursor.fetchone()[0] == 0


def test_tasks_are_bounded_and_end(camera, recorder, admin, monkeypatch):
    cursor, now = connection.cursor(), clock().now()
    with pytest.raises(tasks.BadTask, match="16 KB"):
        tasks.ask(cursor, tasks.Task("probe", admin.agency, camera.id, {"x": "y" * 20_000}), now)
    with pytest.raises(tasks.BadTask, match="unknown"):
        tasks.ask(cursor, tasks.Task("reboot", admin.agency), now)
    for _ in range(tasks.OPEN_MAX):
        devices.ask_probe(admin, camera.id)
    with pytest.raises(Problem) as full:
        devices.ask_probe(admin, camera.id)
    assert full.value.status == 429
    later = clock().now() + tasks.timedelta(seconds=tasks.WAITS_S + 1)
    assert tasks.take(cursor, recorder, later) is None, "nobody waits for ever"
    assert {t.outcome for t in tasks.latest(cursor, camera.id, 100)} == {"failed"}


def test_another_recorder_cannot_open_or_answer(camera, recorder, admin):
    devices.ask_probe(admin, camera.id)
    cursor, now = connection.cursor(), clock().now()
    assert tasks.take(cursor, uuid7(), now) is None, "the account is not sealed to it"
    task = tasks.take(cursor, recorder, now)
    assert tasks.take(cursor, recorder, now) is None, "taken once"
    assert not tasks.finish(cursor, task.id, uuid7(), "done", {"x": 1}, now)
    again = tasks.take(cursor, recorder, now + tasks.timedelta(seconds=tasks.TAKEN_S + 1))
    assert again.id == task.id, "and free again when its recorder was killed"


def test_old_answers_go_and_what_the_registry_kept_stays(camera, recorder, admin, monkeypatch):
    devices.ask_probe(admin, camera.id)
    answer(recorder)
    later = tasks.timedelta(days=devices.KEPT_DAYS + 1)
    cursor = connection.cursor()
    assert tasks.forget(cursor, clock().now() + later) == 0, "not before the registry took note of it"
    duties.run()
    assert len(tasks.latest(cursor, camera.id)) == 1, "and not before its day"
    assert tasks.forget(cursor, clock().now() + later) == 1
    assert Camera.objects.get(pk=camera.id).probed["serial"] == "SIM0001"


def test_only_private_networks_are_searched(admin):
    for bad, code in (
        ("8.8.8.8", "address_forbidden"), ("169.254.3.4", "address_forbidden"), ("", "interface"), ("x", "interface"),
        ("192.168.0.1; ls", "interface"), ("::1", "interface"),
    ):  # fmt: skip
        with pytest.raises(Problem, match=code):
            devices.ask_discover(admin, bad)
    with pytest.raises(Problem, match="address_forbidden"):
        devices.ask_discover(admin, "192.168.0.5", "169.254.169.254")
    assert devices.ask_discover(admin, "192.168.0.5")


@pytest.mark.norm("camera.default_password", "deny")
@pytest.mark.parametrize(("factory", "code"), [(True, "factory_account"), (None, "factory_unknown")])
def test_a_device_under_its_factory_account_is_refused(factory, code):
    decision = rules_device.default_password({"factory": factory}, load(SEOUL).on(date(2026, 11, 21)))
    assert [reason.code for reason in decision.reasons] == [code]


@pytest.mark.norm("camera.default_password", "allow")
def test_a_device_that_refuses_its_factory_account_is_taken():
    decision = rules_device.default_password({"factory": False}, load(SEOUL).on(date(2026, 11, 21)))
    assert decision.allow
    assert decision.articles
    assert rules_device.in_force({"factory": True}, load(SEOUL[:2]).on(date(2026, 11, 21))) == [], "not named there"
