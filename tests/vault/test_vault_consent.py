"""Officers' signatures: what is shown, what verifies, and every forged, stale, foreign or copied consent refused."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from conftest_vault import DECISION
from officer_rig import UP, UV, SealedKey, SecurityKey, body_of_hold, bytes_of, check, code, lent, refused

from gwanje.kernel.canonical import encode
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Permit
from gwanje.kernel.refusals import SpoolFull
from gwanje.vault import approvals, attest, consent, consent_words
from gwanje.vault.attest import Proof
from gwanje.vault.desk import opening
from gwanje.vault.records import HeldLens, Hold


@pytest.fixture
def scene(centre, vault):
    """Officers with keys, and a camera that has been lent its keys."""
    made = lent(centre, vault)
    assert vault.state.signing
    return made


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


# --- limits and words ---------------------------------------------------------------------------------------------


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
    assert code(lambda: scene.consents.pend("open", good, {}, "x" * 501)) == "consent_field"
    assert set(consent_words.REQUIRED) == {*approvals.KINDS, "codes", "registry"} == set(consent_words.TITLES)


def test_what_waits_has_an_end_and_a_number(scene, monkeypatch):
    body = scene.body()
    monkeypatch.setattr(consent, "PENDING_MAX", 3)
    ids = [scene.consents.pend("open", body) for _ in range(3)]
    assert len(set(ids)) == 3
    assert code(lambda: scene.consents.pend("open", body)) == "consent_full"
    # what the web fills is not the registry's, and the other way round
    registry = {"op": "confirm_clock", "fields": {}, "decision": bytes(32)}
    monkeypatch.setattr(consent, "REGISTRY_MAX", 1)
    scene.consents.pend("registry", registry)
    assert code(lambda: scene.consents.pend("registry", registry)) == "consent_full"
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


def test_an_act_on_a_hold_says_what_the_hold_keeps(scene):
    now, camera, id_ = scene.vault.clock.now_s(), uuid7(), uuid7()
    kept = Hold(
        id_,
        "investigation",
        "수사",
        "형사과-77",
        camera,
        (HeldLens(camera, 3, 1, now - 9, now),),
        bytearray(),
        now + 9,
        (),
    )
    with scene.vault.change() as draft:
        draft.holds[id_] = kept
    end = {"decision": DECISION, "person": scene.centre.requester.id.bytes, "id": id_.bytes}
    said = scene.consents.shown(scene.consents.pend("end", end)).rows[-1]
    assert (said.field, said.named) == ("kept", (camera,))
    assert "형사과-77" in said.value
    assert "9초" in said.value
    named = scene.consents.pend("open", scene.body(hold=id_.bytes))
    assert scene.consents.shown(named).rows[-1].value == said.value
    assert code(lambda: scene.consents.pend("end", {**end, "id": bytes(16)})) == "hold_unknown"
    assert code(lambda: scene.consents.pend("open", scene.body(hold=bytes(16)))) == "hold_unknown"
