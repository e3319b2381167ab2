"""Permits from a real vaultd: exactly what was approved, bound to person, station and range, spent once."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest
from django.db import connection

from gwanje.centre.playback import permits
from gwanje.centre.playback.models import Issue, Request
from gwanje.kernel.home import Home
from gwanje.kernel.keys import public_key
from gwanje.kernel.permit import Lens, Permit, ViewerToken
from gwanje.vault.client import VaultClient, VaultRefused
from support import home
from support.playback import approve, ask, kinds, last, place, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded(city, now_s, vaultd):
    """A camera in the slot that vaultd gave it, with footage."""
    camera = place(city, "A-0102", 0)
    slot = VaultClient(home(), "web").slot(camera.pk)
    connection.cursor().execute("update footage_source set slot = %s where camera = %s", [slot, camera.pk])
    record(camera, slot, now_s - 1800, now_s)
    return camera


@pytest.fixture
def approved(recorded, now_s, officer, sign_in, room):
    """(requester's browser, request id, requester): asked by an operator, approved by a manager."""
    person = officer("operator")
    browser = sign_in(person, room, duty=True)
    id_ = ask(browser, recorded, now_s).json()["id"]
    approve(sign_in(officer("manager"), duty=True), id_)
    return browser, id_, person


def unpack(text):
    """Base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_permit_is_exactly_what_was_approved(approved, recorded, now_s, room):
    browser, id_, person = approved
    page = browser.get(f"/playback/requests/{id_}/play/")
    assert page.status_code == 200
    assert 'id="play-data"' in page.content.decode()
    answer = browser.post(f"/api/playback/requests/{id_}/permit")
    assert answer.status_code == 200, answer.content.decode()
    client = VaultClient(home(), "web")
    permit = Permit.open(unpack(answer.json()["permit"]), client.status().permit_key)
    assert (permit.first, permit.until) == (now_s - 601, now_s - 540)
    assert [lens.camera for lens in permit.cameras] == [recorded.pk]
    assert permit.person == person.pk
    assert permit.station == room.code
    assert permit.case == "2026-0123"
    assert permit.decision == bytes(Request.objects.get().decision)
    assert [a.role for a in permit.approvals] == ["operator", "manager"]
    assert permit.expires - permit.issued_us // 1_000_000 <= 1800
    assert {"playback.default_deny", "playback.ground", "playback.approval"} <= set(permit.norms)
    row = last("playback.permit.issued")
    assert row["permit"] == permit.id == Issue.objects.get().pk
    assert Request.objects.get().state == "viewed"
    viewer = ViewerToken.open(unpack(answer.json()["viewer"]), public_key(home(), "web"))
    assert (viewer.person, viewer.station) == (person.pk, room.code)


def test_vaultd_takes_it_once_from_this_person_at_this_station(approved):
    browser, id_, _ = approved
    answer = browser.post(f"/api/playback/requests/{id_}/permit").json()
    player = VaultClient(home(), "player")
    session = player.redeem(unpack(answer["permit"]), unpack(answer["viewer"]))
    assert session.permit.case == "2026-0123"
    with pytest.raises(VaultRefused):
        player.redeem(unpack(answer["permit"]), unpack(answer["viewer"]))


def test_each_opening_is_its_own_permit_and_row(approved):
    browser, id_, _ = approved
    first = browser.post(f"/api/playback/requests/{id_}/permit").json()["permit"]
    second = browser.post(f"/api/playback/requests/{id_}/permit").json()["permit"]
    assert first != second
    assert Issue.objects.count() == 2


def test_an_officer_whom_vaultd_does_not_know_opens_nothing(recorded, now_s, officer, hire, sign_in, room):
    stranger = sign_in(hire("operator"), room, duty=True)
    id_ = ask(stranger, recorded, now_s).json()["id"]
    approve(sign_in(officer("manager"), duty=True), id_)
    answer = stranger.post(f"/api/playback/requests/{id_}/permit")
    assert answer.status_code == 403
    assert answer.json()["error"] == "vault_officer_unknown"
    assert not Issue.objects.exists()
    assert Request.objects.get().state == "approved"
    assert "vault_officer_unknown" in last("playback.permit.refused")["detail"]["reasons"]


def test_a_camera_that_is_not_in_its_slot_opens_nothing(approved, monkeypatch):
    browser, id_, _ = approved
    monkeypatch.setattr(permits, "Lens", lambda camera, slot, stream: Lens(camera, slot + 1, stream))
    answer = browser.post(f"/api/playback/requests/{id_}/permit")
    assert answer.status_code == 403
    assert answer.json()["error"] == "vault_permit_camera"


def test_vaultd_away_is_503_and_nothing_is_issued(recorded, now_s, officer, sign_in, room, monkeypatch):
    browser = sign_in(officer("operator"), room, duty=True)
    id_ = ask(browser, recorded, now_s).json()["id"]
    approve(sign_in(officer("manager"), duty=True), id_)
    elsewhere = Home.create(home().root.parent / "nowhere", port=1)
    for service in ("web.key", "web.pub"):
        (elsewhere.secrets / service).write_bytes((home().secrets / service).read_bytes())
    monkeypatch.setattr(permits, "_client", lambda: VaultClient(elsewhere, "web"))
    answer = browser.post(f"/api/playback/requests/{id_}/permit")
    assert answer.status_code == 503
    assert answer.json()["error"] == "vault_away"
    assert not Issue.objects.exists()
    assert "playback.permit.issued" not in kinds()
