"""Officers' signatures: what is shown, what verifies, and every forged, stale, foreign or copied consent refused."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from conftest_vault import DECISION
from officer_rig import UP, UV, SealedKey, SecurityKey, bytes_of, officers

from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Permit
from gwanje.kernel.refusals import SpoolFull
from gwanje.vault import approvals, attest, consent, consent_words, officer_keys
from gwanje.vault.approvals import Act
from gwanje.vault.attest import Proof
from gwanje.vault.desk import opening
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Delegation, Officer
from gwanje.vault.state import State


def refused(call) -> VaultError:
    with pytest.raises(VaultError) as found:
        call()
    assert " / " in str(found.value)
    return found.value


def code(call) -> str:
    return refused(call).code


@pytest.fixture
def scene(centre, vault):
    """Officers with keys, and a camera that has been lent its keys."""
    vault.slots([centre.camera])
    vault.lend(1, 0, vault.clock.now_s() // 3600)
    made = officers(centre, vault)
    assert vault.state.signing
    return made


def check(scene, body, given, kind="open") -> None:
    approvals.check(scene.vault, Act(kind, scene.centre.requester.id, body), given)


def moved(scene, monkeypatch, seconds: int) -> None:
    now = scene.vault.clock.now_us() + seconds * 1_000_000
    monkeypatch.setattr(scene.vault.clock, "now_us", lambda: now)


# --- the way through ----------------------------------------------------------------------------------------------


def test_two_officers_sign_read_words_and_a_permit_opens(scene, desk):
    centre, clock = scene.centre, scene.vault.clock
    now = clock.now_s()
    permit = Permit.of({**centre.fields(0, now - 30, now - 20), "v": 1, "issued": clock.now_us(), "nonce": bytes(16),
                        "centre": centre.home.centre.bytes})  # fmt: skip
    body = dict(opening(permit).body)
    id_ = scene.consents.pend("open", body, {str(centre.camera): "시청 앞 1"}, "http://localhost:8800/playback/1")
    shown = scene.consents.shown(id_)
    said = {row.field: row.value for row in shown.rows}
    assert set(said) == set(body)
    assert str(centre.camera) in said["cameras"]
    assert (said["case"], said["person"]) == ("형사과-1234", str(centre.requester.id))
    assert shown.said == {str(centre.camera): "시청 앞 1"}
    scene.sign(id_, centre.approver.id)
    scene.sign(id_, centre.requester.id)
    given = [Approval.of(a) for a in scene.consents.consents(id_)]
    # the requester stands first, whoever signed first
    assert [(a.person, a.role, a.method) for a in given] == [
        (centre.requester.id, "operator", "webauthn"), (centre.approver.id, "manager", "webauthn"),
    ]  # fmt: skip
    message = desk.mint(centre.fields(0, now - 30, now - 20, approvals=given))
    session, _, _ = desk.redeem(message, centre.viewer())
    assert len(session) == 32
    # without signatures nothing opens any more
    assert code(lambda: desk.mint(centre.fields(0, now - 30, now - 20))) == "signature_missing"


def test_every_consent_is_a_row_that_a_stranger_can_verify(scene):
    body = scene.body()
    scene.signed(body)
    path = scene.centre.home.spool / "refusals" / "vaultd.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    given = [row for row in rows if row["kind"] == "vault.consent.given"]
    assert [row["actor"] for row in given] == [str(scene.centre.requester.id), str(scene.centre.approver.id)]
    for row, person in zip(given, (scene.centre.requester, scene.centre.approver), strict=True):
        proof = Proof.read(base64.b64decode(row["proof"]))
        assert proof.digest == hashlib.sha256(encode(body)).digest()
        attest.verify_consent(proof, scene.keys[person.id].cose, sign_origin(scene.centre.home))
        other, origin = scene.keys[scene.centre.second.id].cose, sign_origin(scene.centre.home)
        assert code(lambda p=proof, o=other, at=origin: attest.verify_consent(p, o, at)) == "consent_key"


def test_the_challenge_has_the_bytes_of_the_specification(scene):
    body = scene.body()
    id_ = scene.consents.pend("open", body, {"a": "이름"})
    options = scene.consents.options(id_, scene.centre.requester.id)
    assert options["userVerification"] == "required"
    assert options["rpId"] == "localhost"
    seed = scene.consents._pending[id_].nonces[scene.centre.requester.id][0]
    said = hashlib.sha256(encode({"a": "이름"})).digest()
    nonce = hashlib.sha256(b"gwanje/v1/consent-nonce\0" + seed + said).digest()
    digest = hashlib.sha256(encode(body)).digest()
    wanted = hashlib.sha256(b"gwanje/v1/consent\0" + b"open" + digest + nonce).digest()
    assert bytes_of(options["challenge"]) == wanted


# --- what does not verify -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ({"origin": "http://localhost:9999"}, "origin"),
        ({"origin": "https://evil.example"}, "origin"),
        ({"rp": "evil.example"}, "RP ID"),
        ({"flags": UP}, "User verification"),
        ({"flags": UV}, "present"),
        ({"challenge": "A" * 43}, "challenge"),
        ({"kind": "create"}, "type"),
        ({"crossOrigin": True}, "frame"),
        ({"topOrigin": "https://evil.example"}, "frame"),
    ],
)
def test_an_assertion_with_a_fault_signs_nothing(scene, faults, why):
    id_ = scene.consents.pend("open", scene.body())
    no = refused(lambda: scene.sign(id_, scene.centre.requester.id, **faults))
    assert no.code == "consent_signature"
    assert why in no.detail
    assert scene.consents.consents(id_) == []


def test_another_signature_or_altered_data_signs_nothing(scene):
    id_, one = scene.consents.pend("open", scene.body()), scene.centre.requester.id
    for name in ("signature", "authenticatorData"):
        made = scene.keys[one].get(scene.consents.options(id_, one))
        raw = bytearray(bytes_of(made["response"][name]))
        raw[-1] ^= 1
        made["response"][name] = attest.to_text(bytes(raw))
        assert code(lambda m=made: scene.consents.finish(id_, one, m)) == "consent_signature"
    for broken in ({}, {"response": 1, "rawId": "a"}, {"response": {}, "rawId": "=="}):
        scene.consents.options(id_, one)
        assert code(lambda b=broken: scene.consents.finish(id_, one, b)) == "consent_signature"
    deep = scene.keys[one].get(scene.consents.options(id_, one))
    deep["response"]["clientDataJSON"] = attest.to_text(b"[" * 3000)
    assert code(lambda: scene.consents.finish(id_, one, deep)) == "consent_signature"
    assert scene.consents.consents(id_) == []


def test_another_officers_security_key_is_not_mine(scene):
    centre = scene.centre
    id_ = scene.consents.pend("open", scene.body())
    options = scene.consents.options(id_, centre.requester.id)
    stolen = scene.keys[centre.approver.id].get(options)
    assert code(lambda: scene.consents.finish(id_, centre.requester.id, stolen)) == "consent_key"
    unknown = SecurityKey(sign_origin(centre.home))
    scene.consents.options(id_, centre.requester.id)
    assert code(lambda: scene.consents.finish(id_, centre.requester.id, unknown.get(options))) == "consent_key"
    # a credential's name with another key behind it
    scene.consents.options(id_, centre.requester.id)
    unknown.credential = scene.keys[centre.requester.id].credential
    assert code(lambda: scene.consents.finish(id_, centre.requester.id, unknown.get(options))) == "consent_signature"


def test_a_nonce_is_used_once_dies_after_five_minutes_and_with_the_next(scene, monkeypatch):
    id_, one = scene.consents.pend("open", scene.body()), scene.centre.requester.id
    key = scene.keys[one]
    assert code(lambda: scene.consents.finish(id_, one, key.get({"challenge": "AAAA"}))) == "consent_nonce"
    first = scene.consents.options(id_, one)
    second = scene.consents.options(id_, one)
    assert first["challenge"] != second["challenge"]
    assert code(lambda: scene.consents.finish(id_, one, key.get(first))) == "consent_signature"
    # used up by the failure
    assert code(lambda: scene.consents.finish(id_, one, key.get(second))) == "consent_nonce"
    late = scene.consents.options(id_, one)
    real = consent.monotonic()
    monkeypatch.setattr(consent, "monotonic", lambda: real + consent.NONCE_S + 1)
    assert code(lambda: scene.consents.finish(id_, one, key.get(late))) == "consent_nonce"
    monkeypatch.undo()
    made = key.get(scene.consents.options(id_, one))
    scene.consents.finish(id_, one, made)
    assert code(lambda: scene.consents.finish(id_, one, made)) == "consent_nonce"
    assert code(lambda: scene.consents.options(id_, one)) == "consent_twice"


def test_a_counter_that_goes_back_is_refused_and_told(scene):
    person = scene.centre.approver.id
    assert scene.sign(scene.consents.pend("open", scene.body()), person).method == "webauthn"
    (known,) = approvals.keys_of(scene.vault.state, person, scene.vault.clock.now_s())
    assert known.counter == 6
    id_ = scene.consents.pend("open", scene.body())
    for step in (0, -3):
        assert code(lambda s=step: scene.sign(id_, person, step=s)) == "consent_counter"
    text = (scene.centre.home.spool / "refusals" / "vaultd.jsonl").read_text()
    assert text.count('"vault.consent.refused"') == 2
    scene.keys[person].counter = 6
    scene.sign(id_, person)
    # the counter outlives vaultd
    assert scene.vault.keystore.load().officers[person, "manager"].keys[0].counter == 7


def test_a_sealed_key_signs_the_same_challenge(scene):
    chief = scene.centre.second.id
    id_ = scene.consents.pend("open", scene.body())
    key: SealedKey = scene.keys[chief]
    challenge = scene.consents.challenge(id_, chief)
    assert code(lambda: scene.consents.finish_key(id_, chief, key.id, key.private.sign(challenge))) == (
        "consent_signature"
    )
    scene.consents.challenge(id_, chief)
    assert code(lambda: scene.consents.finish_key(id_, chief, bytes(16), key.sign(challenge))) == "consent_key"
    scene.consents.challenge(id_, chief)
    assert code(lambda: scene.consents.finish_key(id_, chief, key.id, key.sign(challenge))) == "consent_signature"
    assert scene.sign(id_, chief).method == "key"
    body = scene.body()
    given = scene.signed(body, scene.centre.requester.id, chief)
    check(scene, body, given)
    assert [a.method for a in given] == ["webauthn", "key"]


# --- at the time of use -------------------------------------------------------------------------------------------


@pytest.mark.norm("playback.approval", "deny")
def test_a_consent_counts_for_exactly_its_act(scene):
    body = scene.body()
    given = scene.signed(body)
    check(scene, body, given)
    for change in (
        {"until": body["until"] + 1}, {"cameras": [*body["cameras"], [bytes(16), 1, 0]]}, {"case": "다른 사건"},
        {"ground": "trial"}, {"action": "release"}, {"hold": bytes(16)}, {"norms": []},
    ):  # fmt: skip
        assert code(lambda c=change: check(scene, {**body, **c}, given)) == "consent_other", change
    # the same body as another kind of act
    assert code(lambda: check(scene, body, given, "hold")) == "consent_other"
    decision = bytes(32)
    assert code(lambda: check(scene, {**body, "decision": decision}, given)) == "permit_field"
    moved_on = [replace(a, decision=decision) for a in given]
    assert code(lambda: check(scene, {**body, "decision": decision}, moved_on)) == "consent_other"
    assert code(lambda: check(scene, body, given[:1])) == "approver_missing"
    assert code(lambda: check(scene, body, [given[0], given[0]])) == "approver_same"
    assert code(lambda: check(scene, body, given[::-1])) == "requester"
    approvals.check(scene.vault, Act("open", scene.centre.requester.id, body), given[:1], alone=True)


def test_an_unsigned_or_made_up_consent_counts_for_nothing(scene):
    body, centre = scene.body(), scene.centre
    given = scene.signed(body)
    unsigned = centre.approvals()
    assert code(lambda: check(scene, body, [given[0], unsigned[1]])) == "signature_missing"
    assert code(lambda: check(scene, body, [unsigned[0], given[1]])) == "signature_missing"
    strange = replace(unsigned[1], method="cose", signature=b"x")
    assert code(lambda: check(scene, body, [given[0], strange])) == "signature_unavailable"
    # a signature under the name "unsigned" is none of the two
    odd = replace(given[1], method="unsigned")
    assert code(lambda: check(scene, body, [given[0], odd])) == "signature_unavailable"


def test_whatever_of_a_proof_is_altered_it_is_forged(scene):
    body = scene.body()
    given = scene.signed(body)
    other = scene.centre.second
    for change in (
        {"person": other.id}, {"role": "chief_officer"}, {"method": "key"}, {"method": "spoken"},
        {"at_us": given[1].at_us + 1},
    ):  # fmt: skip
        assert code(lambda c=change: check(scene, body, [given[0], replace(given[1], **c)])) == "consent_forged"
    fields = decode(given[1].signature)
    for place, wrong in ((1, "hold"), (2, bytes(32)), (4, other.id.bytes), (7, fields[7] - 1), (8, bytes(32)),
                         (10, bytes(16)), (11, [b"a", b"b", b"c"]), (12, bytes(32))):  # fmt: skip
        altered = encode([*fields[:place], wrong, *fields[place + 1 :]])
        changed = replace(given[1], signature=altered)
        assert code(lambda c=changed: check(scene, body, [given[0], c])) == "consent_forged", place
    for junk in (b"", b"x", encode([1]), encode([2, *fields[1:]]), encode([*fields[:11], 5, fields[12]])):
        changed = replace(given[1], signature=junk)
        assert code(lambda c=changed: check(scene, body, [given[0], c])) == "consent_forged"


def test_a_proof_is_verified_afresh_even_with_vaultds_own_mac(scene):
    """The HMAC alone is not enough: a bug or a leak of ``log_key`` opens nothing without an officer's key."""
    body = scene.body()
    given = scene.signed(body)
    key = attest.mac_key(scene.vault.state.log_key)
    proof = Proof.open(given[1].signature, key)
    for forged in (
        replace(proof, seed=bytes(32)), replace(proof, said=bytes(32)),
        replace(proof, material=(*proof.material[:2], bytes(64))), replace(proof, material=()),
    ):  # fmt: skip
        changed = replace(given[1], signature=forged.seal(key))
        assert code(lambda c=changed: check(scene, body, [given[0], c])) == "consent_signature"
    mine = scene.keys[scene.centre.requester.id]
    borrowed = replace(proof, key=attest.key_id(mine.cose)).seal(key)
    assert code(lambda: check(scene, body, [given[0], replace(given[1], signature=borrowed)])) == "consent_key"
    # a sealed key's name for a security key's signature
    odd = replace(proof, method="key").seal(key)
    assert code(lambda: check(scene, body, [given[0], replace(given[1], method="key", signature=odd)])) == "consent_key"


def test_a_retired_key_a_key_of_tomorrow_and_an_ended_officer_sign_nothing(scene):
    body, centre, vault = scene.body(), scene.centre, scene.vault
    given = scene.signed(body)
    name = (centre.approver.id, "manager")
    entry = vault.state.officers[name]
    now = vault.clock.now_s()
    for changed, why in (
        (replace(entry, keys=()), "consent_key"),
        (replace(entry, keys=(replace(entry.keys[0], since=now + 600),)), "consent_key"),
        (entry.ended(now), "consent_key"),
    ):
        with vault.change() as draft:
            draft.officers[name] = changed
        assert code(lambda: check(scene, body, given)) == why
        fresh = scene.consents.pend("open", body)
        assert code(lambda f=fresh: scene.consents.options(f, centre.approver.id)) == "consent_key"
    with vault.change() as draft:
        draft.officers[name] = entry
    check(scene, body, given)


def test_a_consent_is_good_for_ninety_six_hours(scene, monkeypatch):
    body = scene.body()
    given = scene.signed(body)
    moved(scene, monkeypatch, 96 * 3600 - 5)
    check(scene, body, given)
    moved(scene, monkeypatch, 10)
    assert code(lambda: check(scene, body, given)) == "consent_old"
    moved(scene, monkeypatch, -97 * 3600)
    assert code(lambda: check(scene, body, given)) == "consent_old"


def test_a_consent_opens_ten_permits(scene, desk):
    centre, now = scene.centre, scene.vault.clock.now_s()
    body = scene.body(first=now - 30, until=now - 20)
    given = scene.signed(body)
    twelve = [desk.mint(centre.fields(0, now - 30, now - 20, approvals=given)) for _ in range(12)]
    for message in twelve[:9]:
        desk.redeem(message, centre.viewer())
    # each consent is counted by itself: a new approver does not renew the requester's
    other = scene.signed(body, centre.requester.id, centre.second.id)
    desk.redeem(twelve[9], centre.viewer())
    assert code(lambda: desk.redeem(twelve[10], centre.viewer())) == "consent_spent"
    assert code(lambda: desk.mint(centre.fields(0, now - 30, now - 20, approvals=given))) == "consent_spent"
    mixed = [given[0], other[1]]
    assert code(lambda: desk.mint(centre.fields(0, now - 30, now - 20, approvals=mixed))) == "consent_spent"
    desk.redeem(desk.mint(centre.fields(0, now - 30, now - 20, approvals=other)), centre.viewer())
    # the count outlives vaultd, and is forgotten when no consent of that day counts any more
    assert sorted(n for n, _ in State.of(scene.vault.state.body()).uses.values()) == [1, 1, 10, 10]
    with scene.vault.change() as draft:
        approvals.count(draft, [], now + 2 * approvals.AGE_MAX_S + 5)
        assert draft.uses == {}


# --- who may ------------------------------------------------------------------------------------------------------


def test_roles_and_delegation_are_the_registrys(scene, monkeypatch):
    centre, vault, now = scene.centre, scene.vault, scene.vault.clock.now_s()
    body = scene.body()
    id_ = scene.consents.pend("open", body)
    stranger, deputy = uuid7(), uuid7()
    assert code(lambda: scene.consents.options(id_, stranger)) == "consent_key"
    key = SecurityKey(sign_origin(centre.home))
    scene.keys[deputy] = key
    with vault.change() as draft:
        draft.officers[deputy, "operator"] = Officer(deputy, "operator", centre.requester.agency, "")
        officer_keys.add(draft, key.fields(deputy, "operator"), now)
    assert code(lambda: scene.consents.options(id_, deputy)) == "consent_role"
    fields = {"person": centre.second.id.bytes, "role": "chief_officer", "to": deputy.bytes, "since": now,
              "until": now + 3600, "scope": ["open"]}  # fmt: skip
    with vault.change() as draft:
        officer_keys.delegate(draft, fields, now)
    given = scene.signed(body, centre.requester.id, deputy)
    assert given[1].role == "chief_officer"
    assert Proof.read(given[1].signature).place == centre.second.id
    check(scene, body, given)
    # the delegation is to view: not to hold
    hold = {**body_of_hold(scene), "person": centre.requester.id.bytes}
    pended = scene.consents.pend("hold", hold)
    assert code(lambda: scene.consents.options(pended, deputy)) == "consent_role"
    moved(scene, monkeypatch, 3601)
    assert code(lambda: check(scene, body, given)) == "officer_unknown"


def test_a_delegation_ends_with_whose_power_it_is(scene):
    centre, vault, now = scene.centre, scene.vault, scene.vault.clock.now_s()
    chief = (centre.second.id, "chief_officer")
    with vault.change() as draft:
        named = Delegation(centre.requester.id, now, now + 60, ("open",))
        draft.officers[chief] = replace(draft.officers[chief], delegates=(named,))
    assert approvals.place_of(vault.state, centre.requester.id, "chief_officer", now, "open") is not None
    assert approvals.place_of(vault.state, centre.requester.id, "chief_officer", now, "hold") is None
    assert approvals.place_of(vault.state, centre.requester.id, "chief_officer", now + 60, "open") is None
    # nobody asks in another's place
    assert code(lambda: approvals.officer(vault, centre.requester.id, "chief_officer", now)) == "officer_unknown"
    with vault.change() as draft:
        draft.officers[chief] = draft.officers[chief].ended(now)
    assert approvals.place_of(vault.state, centre.requester.id, "chief_officer", now, "open") is None


# --- limits and words ---------------------------------------------------------------------------------------------


def body_of_hold(scene) -> dict:
    now, person = scene.vault.clock.now_s(), scene.centre.requester.id.bytes
    return {
        "decision": DECISION, "person": person, "id": uuid7().bytes, "kind": "investigation", "ground": "수사",
        "case": "1", "reviewer": person, "spans": [[scene.centre.camera.bytes, 0, 1, now - 60, now]], "ends": now + 9,
    }  # fmt: skip


def test_what_cannot_be_said_in_words_is_not_signed(scene):
    good = scene.body()
    scene.consents.pend("open", good)
    scene.consents.pend("hold", body_of_hold(scene))
    for change in (
        {"surprise": 1}, {"case": ""}, {"case": "a\nb"}, {"case": "x" * 501}, {"cameras": []}, {"first": -1},
        {"cameras": [[b"short", 0, 0]]}, {"decision": b""}, {"norms": "all"}, {"until": 1 << 60}, {"person": b"x"},
        {"cameras": [[bytes(16), 0, 0]] * 65}, {"case": 1.5}, {"hold": "none"},
    ):  # fmt: skip
        assert code(lambda c=change: scene.consents.pend("open", {**good, **c})) == "consent_field", change
    less = {name: value for name, value in good.items() if name != "ground"}
    assert code(lambda: scene.consents.pend("open", less)) == "consent_field"
    assert code(lambda: scene.consents.pend("destroy everything", good)) == "consent_field"
    for names in ({"a": "x" * 301}, {str(n): "x" for n in range(257)}):
        assert code(lambda n=names: scene.consents.pend("open", good, n)) == "consent_field"
    assert set(consent_words.REQUIRED) == {*approvals.KINDS, "codes", "registry"} == set(consent_words.TITLES)


def test_what_waits_has_an_end_and_a_number(scene, monkeypatch):
    body = scene.body()
    monkeypatch.setattr(consent, "PENDING_MAX", 3)
    ids = [scene.consents.pend("open", body) for _ in range(3)]
    assert len(set(ids)) == 3
    assert code(lambda: scene.consents.pend("open", body)) == "consent_full"
    assert code(lambda: scene.consents.shown(bytes(16))) == "consent_gone"
    real = consent.monotonic()
    monkeypatch.setattr(consent, "monotonic", lambda: real + consent.PENDING_S + 1)
    for ask in (scene.consents.shown, scene.consents.consents):
        assert code(lambda a=ask: a(ids[0])) == "consent_gone"
    assert code(lambda: scene.consents.options(ids[0], scene.centre.requester.id)) == "consent_gone"
    scene.consents.pend("open", body)
    assert len(scene.consents._pending) == 1
    monkeypatch.setattr(consent, "BODY_MAX", 100)
    assert code(lambda: scene.consents.pend("open", body)) == "consent_field"


def test_tries_have_an_end(scene, monkeypatch):
    monkeypatch.setattr(consent, "TRIES_MAX", 2)
    id_, one = scene.consents.pend("open", scene.body()), scene.centre.requester.id
    for _ in range(2):
        assert code(lambda: scene.sign(id_, one, flags=UP)) == "consent_signature"
    assert code(lambda: scene.sign(id_, one)) == "consent_gone"


def test_without_a_row_no_consent_is_given(scene, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise SpoolFull("full")

    id_ = scene.consents.pend("open", scene.body())
    monkeypatch.setattr(consent, "report", full)
    assert code(lambda: scene.sign(id_, scene.centre.requester.id)) == "internal"
    assert scene.consents.consents(id_) == []
