"""A real recorder process does device tasks and passes events on: PostgreSQL in between, SOAP on the other side."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from rig_centre import SQL, Centre, centre

from gwanje.kernel import devices, keys
from gwanje.kernel.database import connect
from gwanje.media import registration
from gwanje.media.sim.dome import Dome
from gwanje.media.sim.onvif import OnvifThread
from gwanje.media.sim.onvif_device import Device
from gwanje.vault import sealed

__all__ = ["centre"]
SECRET = "secret-1"
MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"


@pytest.fixture(scope="module")
def device(centre: Centre) -> Device:
    stream = centre.sim.url("cam01").removesuffix("main")
    return Device("cam01", centre.home.clock, lambda name: stream + name, user="admin", password=SECRET, dome=Dome())


@pytest.fixture(scope="module")
def running(centre: Centre, device: Device) -> Iterator[OnvifThread]:
    with OnvifThread([device]) as sim:
        with connect(centre.home, "owner") as db:
            db.execute((SQL / "events.sql").read_text())
            db.execute(
                "update footage_source set device = %s::jsonb, version = version + 1 where camera = %s",
                [json.dumps({"onvif": sim.url("cam01"), "events": True}), centre.cameras[0]],
            )
        process = centre.recorder()
        try:
            centre.until(lambda: centre.health().get("recording"), 30)
            yield sim
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _ask(centre: Centre, kind: str, asks: dict[str, Any]) -> devices.Task:
    camera = centre.cameras[0]
    with connect(centre.home) as db, db.cursor() as cursor:
        recorder = registration.register(centre.home, cursor)
        public = keys.raw_public(keys.sealing_key(centre.home, "recorder"))
        box = base64.b64encode(sealed.seal_to(public, f"admin:{SECRET}".encode(), camera.bytes)).decode()
        cursor.execute("select agency from footage_source where camera = %s", [camera])
        task = devices.Task(kind, cursor.fetchone()[0], camera, asks, {str(recorder): box})
        devices.ask(cursor, task, centre.home.clock.now())

    def done() -> devices.Task | None:
        with connect(centre.home) as db, db.cursor() as cursor:
            found = devices.find(cursor, task.id)
            return found if found and found.done_at else None

    found: devices.Task = centre.until(done, 30)
    return found


def test_a_probe_comes_back_and_the_account_goes(centre: Centre, running: OnvifThread) -> None:
    task = _ask(centre, "probe", {"onvif": running.url("cam01")})
    assert (task.outcome, dict(task.sealed)) == ("done", {})
    assert task.answer["device"]["serial"] == "SIM0001"
    # the address that the device gave is the one that is recorded right now
    assert task.answer["profiles"][0]["address"] == centre.sim.url("cam01")
    assert SECRET not in json.dumps(dict(task.answer))
    assert SECRET not in (centre.home.root / "log" / "recorder.log").read_text()


def test_masks_are_on_the_device(centre: Centre, running: OnvifThread, device: Device) -> None:
    square = [[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]]
    task = _ask(centre, "masks", {"onvif": running.url("cam01"), "polygons": [square]})
    assert (task.outcome, task.answer["faults"]) == ("done", [])
    assert [mask.points for mask in device.masks.values()] == [[tuple(point) for point in square]]


def test_a_device_that_is_not_there_is_said(centre: Centre, running: OnvifThread) -> None:
    task = _ask(centre, "probe", {"onvif": "http://127.0.0.1:9/onvif/device_service"})
    assert task.outcome == "failed"
    assert {fault["fault"] for fault in task.answer["faults"]} == {"network"}
    assert "127.0.0.1" not in json.dumps(task.answer["faults"])


def test_motion_at_the_device_is_an_event_of_its_camera(centre: Centre, running: OnvifThread, device: Device) -> None:
    centre.until(lambda: device.pulls, 30)
    for _ in range(5):
        device.emit(MOTION, "IsMotion", "true")

    def told() -> Any:
        with connect(centre.home) as db:
            return db.execute("select kind, cameras, agency, body from event").fetchall()

    (row,) = centre.until(told, 30)
    assert (row[0], row[1]) == ("camera.motion", [centre.cameras[0]]), "five messages in ten seconds are one event"
    assert row[3]["ko"].endswith("움직임")
