"""Permits at vaultd's desk: who may, what opens, and every refusal with its own code."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from gwanje.kernel import cose
from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, Permit, ViewerToken
from gwanje.kernel.refusals import SpoolFull
from gwanje.vault import parts
from gwanje.vault.desk import SESSION_MAX_S
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Officer


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    assert " / " in str(refused.value)
    return refused.value.code


@pytest.fixture
def scene(centre, vault):
    """(slot, epoch, first tick): a camera that has been lent its keys."""
    (slot,) = vault.slots([centre.camera])
    now = vault.clock.now_s()
    first, _ = vault.lend(1, slot, now // 3600)
    return slot, now // 3600, first


@pytest.fixture
def second(scene):
    # a few seconds before the hour's end, so that a range of three stays under one root
    return scene[1] * 3600 + min(scene[2], 3590)


def one(desk, session, class_, slot, epoch, tick, segments):
    """Keys of a single second."""
    return desk.open_ticks(session, class_, slot, epoch, [(tick, segments)])[0]


def redeemed(centre, desk, slot, first, until):
    return desk.redeem(desk.mint(centre.fields(slot, first, until)), centre.viewer())


def test_an_approved_permit_opens_exactly_its_seconds(centre, vault, desk, scene, second):
    slot, *_ = scene
    session, until, body = redeemed(centre, desk, slot, second, second + 3)
    assert 0 < until - vault.clock.now_s() <= SESSION_MAX_S
    assert body["person"] == centre.requester.id.bytes
    segment = os.urandom(32)
    for step in range(3):
        opened = one(desk, session, 1, slot, (second + step) // 3600, (second + step) % 3600, [segment])
        leaf = vault.leaf(1, slot, (second + step) // 3600, (second + step) % 3600)
        assert opened == {segment: parts.okm(leaf, segment)}
    rows = vault.open_log.rows(0, 10)
    assert [r.epoch * 3600 + r.tick for r in rows] == [second, second + 1, second + 2]
    assert {(r.person, r.station, r.slot) for r in rows} == {(centre.requester.id, "열람실 1", slot)}
    assert session not in next((vault.home.vault / "open").glob("*.log")).read_bytes()


@pytest.mark.norm("playback.default_deny", "deny")
def test_nothing_outside_the_permit_opens(centre, vault, desk, scene, second):
    slot, epoch, tick = scene
    tick = min(tick, 3590)
    (other,) = vault.slots([uuid7()])
    session, _, _ = redeemed(centre, desk, slot, second, second + 2)
    segment = [os.urandom(32)]
    for moment in (second - 1, second + 2, second - 3600):
        assert code(lambda m=moment: one(desk, session, 1, slot, m // 3600, m % 3600, segment)) == "outside"
    assert code(lambda: one(desk, session, 1, other, epoch, tick, segment)) == "outside"
    assert code(lambda: one(desk, session, 1, slot, epoch - 1, tick + 3600, segment)) == "outside"
    assert code(lambda: one(desk, session, 2, slot, epoch, tick, segment)) == "destroyed"
    assert code(lambda: one(desk, session, 1, slot, epoch, tick, [])) == "limit"
    assert code(lambda: one(desk, session, 1, slot, epoch, tick, [b"short"])) == "limit"
    assert code(lambda: one(desk, os.urandom(32), 1, slot, epoch, tick, segment)) == "session_unknown"
    assert len(vault.open_log) == 0


def test_a_permit_is_spent_once_for_ever(centre, vault, desk, scene, second):
    slot, *_ = scene
    permit = desk.mint(centre.fields(slot, second, second + 2))
    desk.redeem(permit, centre.viewer())
    assert code(lambda: desk.redeem(permit, centre.viewer())) == "reused"
    vault.keystore.load()
    assert code(lambda: desk.redeem(permit, centre.viewer())) == "reused"


def test_forged_widened_expired_each_have_a_code(centre, vault, desk, scene, second, monkeypatch):
    slot, *_ = scene
    permit = desk.mint(centre.fields(slot, second, second + 2))
    viewer = centre.viewer()
    protected, empty, payload, signature = decode(permit)
    body = decode(payload)
    wider = encode([protected, empty, encode({**body, "until": body["until"] + 60}), signature])
    assert code(lambda: desk.redeem(wider, viewer)) == "widened"
    other = Permit.of(body).sign(signing_key(vault.home, "web"))
    assert code(lambda: desk.redeem(other, viewer)) == "forged"
    assert code(lambda: desk.redeem(b"noise", viewer)) == "forged"
    assert code(lambda: desk.redeem(viewer, viewer)) == "forged"
    for at in range(0, len(permit), 11):
        changed = bytearray(permit)
        changed[at] ^= 4
        assert code(lambda c=changed: desk.redeem(bytes(c), viewer)) in ("widened", "forged")
    late = vault.clock.now_s() + 700
    token = ViewerToken(centre.requester.id, "열람실 1", late + 60).sign(signing_key(vault.home, "web"))
    monkeypatch.setattr(vault.clock, "now_us", lambda: late * 1_000_000)
    assert code(lambda: desk.redeem(permit, token)) == "expired"
    monkeypatch.undo()
    desk.redeem(permit, viewer)


def test_person_and_station_are_those_of_the_viewer_token(centre, vault, desk, scene, second):
    slot, *_ = scene
    permit = desk.mint(centre.fields(slot, second, second + 2))
    assert code(lambda: desk.redeem(permit, centre.viewer(centre.approver.id))) == "person"
    assert code(lambda: desk.redeem(permit, centre.viewer(station="관제석 1"))) == "station"
    assert code(lambda: desk.redeem(permit, centre.viewer(seconds=0))) == "viewer_expired"
    false = ViewerToken(centre.requester.id, "열람실 1", 2**40).sign(signing_key(vault.home, "player"))
    assert code(lambda: desk.redeem(permit, false)) == "viewer"
    session, until, _ = desk.redeem(permit, centre.viewer())
    assert desk.resume(session, centre.viewer())[0] == until
    assert code(lambda: desk.resume(session, centre.viewer(centre.approver.id))) == "person"
    assert code(lambda: desk.resume(session, centre.viewer(station="관제석 1"))) == "station"


def test_a_session_ends_after_thirty_minutes(centre, vault, desk, scene, second, monkeypatch):
    slot, epoch, tick = scene
    tick = min(tick, 3590)
    session, until, _ = redeemed(centre, desk, slot, second, second + 2)
    monkeypatch.setattr(vault.clock, "now_us", lambda: until * 1_000_000)
    assert code(lambda: one(desk, session, 1, slot, epoch, tick, [bytes(32)])) == "session_ended"
    assert code(lambda: desk.resume(session, centre.viewer())) == "session_ended"


@pytest.mark.norm("playback.approval", "deny")
def test_minting_needs_two_registered_officers_in_their_roles(centre, vault, desk, scene, second):
    slot, *_ = scene
    one, two = centre.requester, centre.approver
    stranger = uuid7()
    now = vault.clock.now_us()

    def mint(*approvals: Approval, **changes) -> str:
        fields = centre.fields(slot, second, second + 2, approvals=list(approvals), **changes)
        return code(lambda: desk.mint(fields))

    d = centre.approvals()[0].decision
    asked, granted = centre.approvals()
    assert mint(asked) == "approver_missing"
    assert mint(asked, Approval(one.id, "operator", d, now)) == "approver_same"
    assert mint(asked, Approval(one.id, "manager", d, now)) == "approver_same"
    assert mint(asked, Approval(stranger, "manager", d, now)) == "officer_unknown"
    assert mint(asked, Approval(two.id, "chief_officer", d, now)) == "officer_unknown"
    assert mint(Approval(stranger, "operator", d, now), granted) == "requester"
    assert mint(Approval(stranger, "operator", d, now), granted, person=stranger) == "officer_unknown"
    assert mint(asked, Approval(two.id, "manager", d, now, "cose", b"x")) == "signature_unavailable"
    with vault.change() as draft:
        extra = Officer(stranger, "operator", one.agency, "$argon2id$")
        draft.officers[stranger, "operator"] = extra
        ended = Officer(two.id, "chief_officer", one.agency, "$argon2id$", (), "", 0, now // 1_000_000 - 5)
        draft.officers[two.id, "chief_officer"] = ended
    assert mint(asked, Approval(stranger, "operator", d, now)) == "approver_role"
    assert mint(asked, Approval(two.id, "chief_officer", d, now)) == "officer_unknown"
    with vault.change() as draft:
        admin = Officer(stranger, "administrator", one.agency, "$argon2id$")
        draft.officers[stranger, "administrator"] = admin
        draft.rules["approvers"] = ["administrator"]
    assert mint(asked, Approval(stranger, "administrator", d, now)) == "officer_unknown"


def test_minting_holds_the_limits(centre, vault, desk, scene, second):
    slot, *_ = scene
    now = vault.clock.now_s()

    def mint(first=second, until=second + 2, **changes) -> str:
        return code(lambda: desk.mint(centre.fields(slot, first, until, **changes)))

    assert mint(until=second) == "permit_field"
    assert mint(first=second - 90_000) == "permit_field"
    assert mint(expires=now + 3600) == "permit_field"
    assert mint(expires=now) in ("permit_field", "expired")
    assert mint(until=now + 1000) == "future"
    assert mint(cameras=[Lens(centre.camera, slot + 1)]) == "permit_camera"
    assert mint(cameras=[Lens(uuid7(), slot)]) == "permit_camera"
    assert mint(hold=uuid7()) == "hold_unknown"
    assert mint(action="search") == "action_unavailable"
    assert mint(ground="") == "permit_field"
    fields = centre.fields(slot, second, second + 2)
    assert code(lambda: desk.mint({**fields, "surprise": 1})) == "permit_field"
    assert code(lambda: desk.mint({**fields, "centre": bytes(16)})) == "permit_centre"
    assert code(lambda: desk.mint({})) == "permit_field"


def test_a_signed_permit_is_not_a_token_of_another_kind(centre, vault, desk, scene, second):
    slot, *_ = scene
    permit = desk.mint(centre.fields(slot, second, second + 2))
    with pytest.raises(cose.BadSignature):
        cose.open_signed("viewer", permit, vault.permit_public)
    assert Permit.open(permit, vault.permit_public).person == centre.requester.id


def web_mint(centre, desk, slot, second, **changes):
    return desk.mint(centre.fields(slot, second, second + 2, **changes))


def test_what_a_stolen_web_key_may_put_into_a_permit_has_types_and_ends(centre, desk, scene, second):
    """Whoever holds ``web.key`` chooses the fields; vaultd keeps them in the keystore while a session lasts."""
    slot, *_ = scene
    for changes in (
        {"case": "가" * 201}, {"ground": "g" * 101}, {"station": "s" * 101}, {"case": "a\0b"}, {"case": 5},
        {"norms": ["n"] * 65}, {"norms": ["n" * 101]}, {"norms": [7]}, {"expires": True},
    ):  # fmt: skip
        assert code(lambda c=changes: web_mint(centre, desk, slot, second, **c)) == "permit_field", changes
    wide = [Approval(a.person, a.role, a.decision, a.at_us, "unsigned" * 9) for a in centre.approvals()]
    assert code(lambda: web_mint(centre, desk, slot, second, approvals=wide)) == "permit_field"


def test_vaultd_itself_tells_the_ledger_what_it_signed_and_for_whom(centre, desk, scene, second, monkeypatch):
    slot, *_ = scene
    web_mint(centre, desk, slot, second, case="살펴볼 사건")
    said = [json.loads(line) for line in (centre.home.spool / "refusals" / "vaultd.jsonl").read_text().splitlines()]
    (row,) = [line for line in said if line["kind"] == "vault.permit.minted"]
    assert row["actor"] == str(centre.requester.id)
    assert row["approvers"] == [[str(centre.approver.id), centre.approver.role, "unsigned"]]
    assert (row["case"], row["first"]) == ("살펴볼 사건", second)

    def full(*_: object, **__: object) -> None:
        raise SpoolFull("full")

    monkeypatch.setattr("gwanje.vault.desk.report", full)
    # no row, no Permit
    assert code(lambda: web_mint(centre, desk, slot, second)) == "internal"


def test_one_person_gets_a_bounded_number_of_permits_an_hour(centre, desk, scene, second, monkeypatch):
    monkeypatch.setattr("gwanje.vault.desk.MINTS_AN_HOUR", 3)
    slot, *_ = scene
    for _ in range(3):
        web_mint(centre, desk, slot, second)
    assert code(lambda: web_mint(centre, desk, slot, second)) == "limit"


def test_an_officer_ended_after_the_minting_opens_nothing(centre, vault, desk, scene, second):
    slot, *_ = scene
    running, kept = (web_mint(centre, desk, slot, second) for _ in range(2))
    session, _, _ = desk.redeem(running, centre.viewer())
    desk.resume(session, centre.viewer())
    key = (centre.requester.id, "operator")
    with vault.change() as draft:
        draft.officers[key] = replace(draft.officers[key], valid_until=vault.clock.now_s())
    assert code(lambda: desk.redeem(kept, centre.viewer())) == "officer_unknown"
    assert code(lambda: desk.resume(session, centre.viewer())) == "officer_unknown"


def test_a_viewer_token_lives_two_minutes_at_most(centre, desk, scene, second):
    slot, *_ = scene
    permit = web_mint(centre, desk, slot, second)
    assert code(lambda: desk.redeem(permit, centre.viewer(seconds=3600))) == "viewer_expired"
    desk.redeem(permit, centre.viewer())
