"""Signatures of a request while officers have no keys: nothing changes, nothing is believed, and the act is vaultd's.

With keys: tests/browser/test_signing.py.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest
from django.db import connection

from gwanje.centre.common import signing as common
from gwanje.centre.common.refusal import Problem
from gwanje.centre.playback import act, services, signing
from gwanje.centre.playback.models import Request
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import keys
from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.permit import Approval, Permit
from gwanje.vault import attest
from gwanje.vault.attest import Proof
from gwanje.vault.client import VaultClient
from gwanje.vault.client_consent import Signing
from gwanje.vault.desk import opening
from gwanje.vault.records import Duty
from support import home
from support.playback import approve, ask, kinds, place, record

pytestmark = pytest.mark.django_db
ON = Signing(True, frozenset(), ())


@pytest.fixture
def asked(city, now_s, officer, sign_in, room, vaultd):
    """(requester's browser, request, requester) with a camera whose slot is vaultd's."""
    slot = 0
    camera = place(city, "A-0103", slot)
    slot = VaultClient(home(), "web").slot(camera.pk)
    connection.cursor().execute("update footage_source set slot = %s where camera = %s", [slot, camera.pk])
    record(camera, slot, now_s - 1800, now_s)
    person = officer("operator")
    browser = sign_in(person, room, duty=True)
    return browser, Request.objects.get(pk=ask(browser, camera, now_s).json()["id"]), person


def actor(person, station="열람실-1"):
    return staff.actor_for(person, station)


def proven(row, person, *, body=b"", kind="open") -> Approval:
    """An Approval whose proof says this body; vaultd alone can tell whether it is true."""
    digest = hashlib.sha256(body or act.of(row)).digest()
    proof = Proof(kind, digest, "webauthn", person, "manager", None, 1, b"s" * 32, b"d" * 32, b"k" * 16, (b"a",))
    return Approval(person, "manager", bytes(row.decision), 1, "webauthn", proof.seal(attest.mac_key(b"l" * 32)))


def test_what_officers_sign_is_what_vaultd_makes_of_the_permit(asked, officer, sign_in):
    browser, row, _ = asked
    approve(sign_in(officer("manager"), duty=True), row.pk)
    answer = browser.post(f"/api/playback/requests/{row.pk}/permit").json()["permit"]
    permit = Permit.open(urlsafe_b64decode(answer + "=="), VaultClient(home(), "web").status().permit_key)
    assert opening(permit).digest == act.digest(row)
    # one that was asked before signatures existed makes the same
    row.act = b""
    assert act.digest(row) == opening(permit).digest


def test_without_keys_nobody_is_led_anywhere(asked):
    browser, row, _ = asked
    assert browser.post(f"/api/playback/requests/{row.pk}/sign").json() == {"sign": "", "url": ""}
    moved = browser.post(f"/playback/requests/{row.pk}/sign/")
    assert moved["Location"] == f"/playback/requests/{row.pk}/"
    page = browser.get(f"/playback/requests/{row.pk}/").content.decode()
    assert "서명하러 가기" not in page


def test_nothing_is_taken_that_vaultd_does_not_know(asked):
    browser, row, person = asked
    body = {"sign": "ab" * 16}
    answer = browser.post(f"/api/playback/requests/{row.pk}/signed", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (409, "vault_consent_gone")
    assert browser.post(f"/playback/requests/{row.pk}/signed/").status_code == 302
    row.refresh_from_db()
    assert (row.state, bytes(row.consent)) == ("asked", b"")
    assert "playback.request.signed" not in kinds()
    # an id that vaultd gave, but nobody signed there
    made = common.lead(actor(person), "open", {**_body(row)}, {}, "http://localhost/")
    with pytest.raises(Problem, match="signature_needed"):
        signing.signed(row.pk, actor(person), made.id)


def _body(row):
    return decode(act.of(row))


def test_a_consent_to_something_else_is_not_kept(asked, monkeypatch):
    _, row, person = asked
    others = [
        proven(row, person.pk, body=b"another"), proven(row, person.pk, kind="hold"),
        replace(proven(row, person.pk), signature=b"no proof"),
    ]  # fmt: skip
    mine = proven(row, person.pk)
    monkeypatch.setattr(common, "_client", lambda _role: _Given([*others, mine]))
    assert common.given(b"i" * 16, "open", act.of(row)) == [mine]
    signing.signed(row.pk, actor(person), b"i" * 16)
    row.refresh_from_db()
    assert bytes(row.consent) == encode(mine.body())
    assert kinds()[-1] == "playback.request.signed"


class _Given:
    """The web's connection, answering with consents that tests made."""

    def __init__(self, found):
        self.found = found

    def consents(self, id_):
        return self.found


def test_once_a_request_is_signed_an_account_no_longer_approves_it(asked, officer, sign_in, monkeypatch):
    _, row, person = asked
    manager = officer("manager")
    browser = sign_in(manager, duty=True)
    Request.objects.filter(pk=row.pk).update(consent=encode(proven(row, person.pk).body()))
    answer = approve(browser, row.pk)
    assert (answer.status_code, answer.json()["error"]) == (409, "signature_needed")
    services.approve(row.pk, actor(manager, "관제석-1"), consent=proven(row, manager.pk))
    row.refresh_from_db()
    assert row.state == "approved"
    (given,) = row.approvals.all()
    assert (given.method, bytes(given.consent)) == ("webauthn", encode(proven(row, manager.pk).body()))


def test_who_signs_next(asked, officer):
    _, row, person = asked
    manager = actor(officer("manager"))
    asker = actor(person)
    assert signing.waits_for(row, asker, None) == ""
    assert signing.waits_for(row, asker, replace(ON, on=False)) == ""
    assert signing.waits_for(row, asker, ON) == "asker"
    assert signing.waits_for(row, manager, ON) == ""
    row.consent = b"given"
    assert signing.waits_for(row, asker, ON) == ""
    assert signing.waits_for(row, manager, ON) == "approver"
    owed = Duty(manager.person, act.digest(row), person.pk, 1, 2)
    assert signing.waits_for(row, manager, replace(ON, duties=(owed,))) == "confirm"


def test_codes_are_for_approvers_and_need_keys(officer, vaultd):
    chief = officer("chief_officer")
    with pytest.raises(Problem, match="signing_off"):
        keys.new_codes(actor(chief), chief.name, "http://localhost/")
    assert keys.state_of(chief.pk) == {"asked": False, "key": False, "owed": 0}
