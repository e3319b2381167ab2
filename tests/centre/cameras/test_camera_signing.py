"""Public keys of cameras that sign their video: recorded by an officer, in the ledger, seen by recorders and checks."""

# ruff: noqa: F811 - fixtures of another file are imported by name

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection as database
from test_camera_registry import admin, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import connection, services
from gwanje.centre.common.refusal import Problem
from gwanje.kernel.ledger.entry import read_opening
from gwanje.kernel.sources import signing
from gwanje.media.sim.signing import Identity
from gwanje.vault import camera_keys


def told() -> list[list[str] | None]:
    with database.cursor() as cursor:
        cursor.execute("select body from ledger_opening where kind = 'cameras.connection.changed' order by at, row")
        return [read_opening(bytes(row[0]))["detail"].get("signing") for row in cursor.fetchall()]


PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def camera(vault, retention, admin, new):
    return services.register_camera(admin, replace(new, main_url="rtsp://192.0.2.9/live", connection={}))


def test_an_officer_records_changes_and_removes_keys(camera, admin, sign_in, officers):
    first, second = Identity.new("one"), Identity.new("two")
    ids = [camera_keys.read(one.certificate).id for one in (first, second)]
    client, page = sign_in(officers["administrator"]), f"/cameras/{camera.id}/device/"
    assert "영상 자체 서명" in client.get(page).content.decode()
    text = first.certificate.decode()
    assert client.post(page, {"act": "signing", "signing": text}).status_code == 302
    assert ids[0] in client.get(page).content.decode()
    both = text + "\n" + camera_keys.read(second.certificate).pem
    assert client.post(page, {"act": "signing", "signing": both}).status_code == 302
    camera.refresh_from_db()
    assert connection.signing_ids(camera) == ids
    # keys alone are kept, and the checks of stored footage find them
    assert "CERTIFICATE" not in str(camera.connection)
    with database.cursor() as cursor:
        known = signing(cursor)
    assert [key.id for key in camera_keys.registered(known[camera.id])] == ids
    assert client.post(page, {"act": "signing", "signing": ""}).status_code == 302
    camera.refresh_from_db()
    assert "signing" not in camera.connection
    assert told() == [ids[:1], ids, []]


@pytest.mark.parametrize("text", [PRIVATE, "열쇠", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_public_key_is_refused_and_what_was_typed_stays(camera, admin, sign_in, officers, text):
    with pytest.raises(Problem) as refused:
        connection.set_signing(admin, camera.id, text)
    assert refused.value.code == "signing_key"
    assert "MIGHAgEAMBMG" not in str(refused.value)
    answer = sign_in(officers["administrator"]).post(
        f"/cameras/{camera.id}/device/", {"act": "signing", "signing": text}
    )
    assert answer.status_code == 422
    camera.refresh_from_db()
    assert camera.connection == {}


def test_a_register_takes_no_other_form(camera, admin):
    pem = camera_keys.read(Identity.new().certificate).pem
    for value in ({"keys": []}, {"keys": [pem] * 5}, {"keys": "x"}, {"keys": [pem], "more": 1}, [pem], {"keys": [3]}):
        with pytest.raises(Problem):
            connection.set_connection(admin, camera.id, {"signing": value})
