"""The fleet's page, a cancelled task and what an operator may read of a zone: said as it is, to whom it concerns."""

from __future__ import annotations

import pytest
from django.db import connection

from gwanje.centre.cameras import devices, services, steering
from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem
from gwanje.centre.staff import api as staff
from gwanje.kernel import devices as tasks
from gwanje.kernel import recorders
from gwanje.kernel.ids import uuid7

pytestmark = pytest.mark.django_db


def sql(text, *values):
    connection.cursor().execute(text, values)


def serve(admin, camera):
    """Let the recorders have it."""
    services.set_address(admin, camera.id, "rtsp://127.0.0.1:8554/x/main", "")
    sql("update footage_source set active = true")


def test_alone_it_holds_every_camera_and_in_a_fleet_its_leases(camera, recorder, admin):
    cursor = connection.cursor()
    serve(admin, camera)
    (node,) = recorders.nodes(cursor, admin.agency)
    assert (node.alive, node.cameras, recorders.orphans(cursor, admin.agency)) == (False, 0, (1, [camera.number]))
    sql("update footage_recorder set seen_at = clock_timestamp()")
    (node,) = recorders.nodes(cursor, admin.agency)
    assert (node.alive, node.cameras, recorders.orphans(cursor, admin.agency)) == (True, 1, (0, []))
    # a fleet: the heartbeat decides, not when somebody was seen
    sql("insert into footage_lease (camera, recorder, fence) values (%s, %s, 2)", camera.id, recorder)
    (node,) = recorders.nodes(cursor, admin.agency)
    assert (node.alive, node.cameras) == (False, 1)
    assert recorders.orphans(cursor, admin.agency) == (1, [camera.number])
    sql("update footage_recorder set alive_until = clock_timestamp() + interval '4 s'")
    assert recorders.orphans(cursor, admin.agency) == (0, [])
    sql('update footage_source set sealed = \'{"other": "AA=="}\'')
    assert recorders.nodes(cursor, admin.agency)[0].locked == 1
    assert recorders.nodes(cursor, uuid7())[0].cameras == 0, "another agency's cameras are not counted"


def test_gaps_of_a_day_are_cut_at_its_edges(camera, admin):
    columns = "id, camera, agency, stream, reason, started_us, ended_us"
    add = f"insert into footage_gap ({columns}) values (%s, %s, %s, %s, %s, %s, %s)"
    for stream, reason, start, end in (
        (0, "network", 0, 20), (0, "network", 30, 31), (0, "camera", 95, None), (1, "disk", 50, 90),
    ):  # fmt: skip
        sql(add, uuid7(), camera.id, admin.agency, stream, reason, start * 10**6, end and end * 10**6)
    found = recorders.holes(connection.cursor(), admin.agency, 10 * 10**6, 100 * 10**6)
    assert [(h.reason, h.count, h.seconds) for h in found] == [("network", 2, 11), ("camera", 1, 5)]


def test_the_page_says_what_nobody_records(camera, recorder, admin, sign_in, officers):
    serve(admin, camera)
    page = sign_in(officers["operator"]).get("/cameras/recorders/").content.decode()
    assert camera.number in page.partition('role="alert"')[2].partition("</div>")[0]
    assert sign_in(officers["maintenance"]).get("/cameras/recorders/").status_code == 403


def test_a_task_is_cancelled_once_and_its_account_goes(camera, recorder, admin):
    task = devices.ask_probe(admin, camera.id)
    cursor = connection.cursor()
    assert tasks.take(cursor, recorder, clock().now()).id == task
    assert devices.cancel(admin, camera.id, task)
    ended = tasks.find(cursor, task)
    assert (ended.outcome, dict(ended.sealed), ended.answer["faults"][0]["fault"]) == ("failed", {}, "cancelled")
    assert not tasks.finish(cursor, task, recorder, "done", {"device": {}}, clock().now()), "it finishes for nobody"
    assert not devices.cancel(admin, camera.id, task)
    with pytest.raises(Problem):
        devices.cancel(admin, None, task)


def test_an_operator_sees_a_zone_that_the_device_masks(camera, recorder, admin, officers):
    steering.set_zone(
        admin, camera.id, {"limits": [[-0.5, 0.5], [-0.5, 0.5], [0, 1]], "home": [0, 0, 0], "masks": True}
    )
    operator = staff.actor_for(officers["operator"], "")
    assert steering.masks_of(operator, camera.id) == ("waiting", 0)
