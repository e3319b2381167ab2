"""Spoken codes: eight digits once, for what cannot wait, guessed by nobody, confirmed in writing or suspended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from officer_rig import SealedKey, officers

from gwanje.kernel.permit import Approval
from gwanje.vault import approvals, attest, codes, consent, officer_keys
from gwanje.vault.approvals import Act
from gwanje.vault.attest import Proof
from gwanje.vault.errors import VaultError
from gwanje.vault.state import State

DAY = 86_400


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    assert " / " in str(refused.value)
    return refused.value.code


@pytest.fixture
def scene(centre, vault):
    """Officers with keys; the manager's delegation is on record, one ground is urgent."""
    vault.slots([centre.camera])
    made = officers(centre, vault)
    name = (centre.approver.id, "manager")
    with vault.change() as draft:
        draft.officers[name] = replace(draft.officers[name], delegation="사무전결규정 제5조")
        draft.rules = {**draft.rules, "urgent": ["urgent_relief"]}
    return made


def made_codes(scene, count: int, person=None) -> list[str]:
    person = person or scene.centre.approver.id
    body = {"decision": bytes(32), "person": person.bytes, "count": count}
    id_ = scene.consents.pend("codes", body)
    scene.sign(id_, person)
    return scene.consents.make_codes(id_)


def urgent(scene, **changes) -> dict:
    return scene.body(ground="urgent_relief", **changes)


def asked(scene, body: dict) -> bytes:
    """An act that its requester has signed."""
    id_ = scene.consents.pend("open", body)
    scene.sign(id_, scene.centre.requester.id)
    return id_


def speak(scene, id_: bytes, digits: str, requester=None) -> Approval:
    one = requester or scene.centre.requester.id
    return scene.consents.finish_code(id_, scene.centre.approver.id, digits, one)


def facts(scene) -> list[dict]:
    path = scene.centre.home.spool / "refusals" / "vaultd.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def moved(scene, monkeypatch, seconds: int) -> None:
    now = scene.vault.clock.now_us() + seconds * 1_000_000
    monkeypatch.setattr(scene.vault.clock, "now_us", lambda: now)


def test_a_code_consents_once_for_an_absent_officer(scene):
    digits = made_codes(scene, 3)
    assert all(len(d) == 8 and d.isdigit() for d in digits)
    assert len(set(digits)) == 3
    body = urgent(scene)
    id_ = asked(scene, body)
    approval = speak(scene, id_, digits[1])
    assert (approval.person, approval.role, approval.method) == (scene.centre.approver.id, "manager", "spoken")
    given = [Approval.of(a) for a in scene.consents.consents(id_)]
    approvals.check(scene.vault, Act("open", scene.centre.requester.id, body), given)
    again = asked(scene, body)
    assert code(lambda: speak(scene, again, digits[1])) == "code_wrong"
    speak(scene, again, digits[0])
    kinds = [f["kind"] for f in facts(scene)]
    assert kinds.count("vault.code.used") == 2
    assert kinds.count("vault.code.made") == 1
    # no digits anywhere on the disk or in a row, and none in the keystore
    told = json.dumps(facts(scene))
    assert not any(d in told for d in digits)
    assert not any(d.encode() in repr(scene.vault.state.body()).encode() for d in digits)


def test_only_who_may_approve_and_has_a_delegation_makes_codes(scene):
    centre = scene.centre
    asks = {"decision": bytes(32), "person": centre.requester.id.bytes, "count": 1}
    id_ = scene.consents.pend("codes", asks)
    assert code(lambda: scene.sign(id_, centre.requester.id)) == "consent_role"
    # nobody makes codes for another
    other = scene.consents.pend("codes", {**asks, "person": centre.approver.id.bytes})
    assert code(lambda: scene.sign(other, centre.second.id)) == "consent_role"
    assert code(lambda: scene.consents.make_codes(other)) == "signature_missing"
    assert code(lambda: made_codes(scene, 1, centre.second.id)) == "code_delegation"
    assert code(lambda: made_codes(scene, 41)) == "limit"
    assert code(lambda: made_codes(scene, 0)) == "limit"
    assert len(made_codes(scene, 39)) == 39
    assert code(lambda: made_codes(scene, 2)) == "limit"
    # a made list is shown once
    id_ = scene.consents.pend("codes", {**asks, "person": centre.approver.id.bytes})
    scene.sign(id_, centre.approver.id)
    scene.consents.make_codes(id_)
    assert code(lambda: scene.consents.make_codes(id_)) == "consent_gone"


def test_a_code_opens_urgent_viewing_of_five_cameras_and_two_hours(scene):
    (digits,) = made_codes(scene, 1)
    now = scene.vault.clock.now_s()
    lens = [scene.centre.camera.bytes, 0, 0]
    wide = {"first": now - 7300, "until": now - 99}
    for change in ({"ground": "investigation"}, {"cameras": [lens] * 6}, wide, {"action": "release"}):
        id_ = asked(scene, {**urgent(scene), **change})
        assert code(lambda i=id_: speak(scene, i, digits)) == "code_scope", change
    speak(scene, asked(scene, urgent(scene, cameras=[lens] * 5, first=now - 7200, until=now)), digits)
    # without urgent grounds in the rules nothing is urgent
    rules = {name: value for name, value in scene.vault.state.rules.items() if name != "urgent"}
    assert not codes.spoken_for(replace(scene.vault.state, rules=rules), "open", urgent(scene))
    assert not codes.spoken_for(scene.vault.state, "hold", urgent(scene))


def test_the_limits_are_asked_again_when_it_is_used(scene):
    (digits,) = made_codes(scene, 1)
    body = urgent(scene)
    id_ = asked(scene, body)
    speak(scene, id_, digits)
    given = [Approval.of(a) for a in scene.consents.consents(id_)]
    act = Act("open", scene.centre.requester.id, body)
    with scene.vault.change() as draft:
        draft.rules = {**draft.rules, "urgent": ["missing_person"]}
    assert code(lambda: approvals.check(scene.vault, act, given)) == "code_scope"
    # a code is never the asking officer's own word: even with the right HMAC
    with scene.vault.change() as draft:
        draft.rules = {**draft.rules, "urgent": ["urgent_relief"]}
    approvals.check(scene.vault, act, given)
    key = attest.mac_key(scene.vault.state.log_key)
    proof = replace(Proof.open(given[1].signature, key), person=act.person, role="operator")
    own = replace(given[1], person=act.person, role="operator", signature=proof.seal(key))
    assert code(lambda: approvals.attested(scene.vault, act, own)) == "code_scope"


def test_the_requester_signs_first_and_for_nobody_else(scene):
    (digits,) = made_codes(scene, 1)
    centre = scene.centre
    id_ = scene.consents.pend("open", urgent(scene))
    assert code(lambda: speak(scene, id_, digits)) == "signature_missing"
    scene.sign(id_, centre.second.id)
    assert code(lambda: speak(scene, id_, digits, centre.second.id)) == "signature_missing"
    scene.sign(id_, centre.requester.id)
    assert code(lambda: speak(scene, id_, digits, centre.second.id)) == "signature_missing"
    # the code is that of the officer who is named
    wrong = scene.consents.finish_code
    assert code(lambda: wrong(id_, centre.requester.id, digits, centre.requester.id)) == "consent_twice"
    speak(scene, id_, digits)
    assert code(lambda: speak(scene, id_, digits)) == "consent_twice"


def test_guessing_locks_one_then_everybody(scene, monkeypatch):
    (digits,) = made_codes(scene, 1)
    id_ = asked(scene, urgent(scene))
    other = f"{(int(digits) + 1) % 10**8:08d}"
    for _ in range(5):
        assert code(lambda: speak(scene, id_, other)) == "code_wrong"
    assert code(lambda: speak(scene, id_, digits)) == "code_locked"
    kinds = [f["kind"] for f in facts(scene)]
    assert (kinds.count("vault.code.refused"), kinds.count("vault.code.locked")) == (4, 1)
    real = consent.monotonic()
    monkeypatch.setattr(consent, "monotonic", lambda: real + codes.LOCKED_S + 1)
    id_ = asked(scene, urgent(scene))
    speak(scene, id_, digits)


def test_guesses_are_counted_by_requester_and_in_all():
    from uuid import UUID

    guesses, people = codes.Guesses(), [UUID(int=n) for n in range(1, 7)]
    for round_ in range(4):
        locked = [guesses.wrong(who, round_) for who in people[:5]]
    # the twentieth locks everybody
    assert locked == [False] * 4 + [True]
    assert code(lambda: guesses.refuse(people[5], 5)) == "code_locked"
    guesses.refuse(people[5], 4 + codes.LOCKED_S)
    calm = codes.Guesses()
    for at in range(0, 3000, 151):
        # four in any ten minutes lock nobody
        assert not calm.wrong(people[0], at)
        calm.refuse(people[0], at)


def test_a_written_confirmation_is_the_same_act_signed(scene, monkeypatch):
    first, second = made_codes(scene, 2)
    body = urgent(scene)
    speak(scene, asked(scene, body), first)
    (duty,) = State.of(scene.vault.state.body()).duties
    assert (duty.person, duty.confirmed) == (scene.centre.approver.id, 0)
    assert duty.due - duty.used == codes.DUE_S == 5 * DAY
    # another act, and another officer, confirm nothing
    scene.signed(scene.body(), scene.centre.approver.id)
    scene.signed(body, scene.centre.second.id)
    assert scene.vault.state.duties[0].confirmed == 0
    moved(scene, monkeypatch, 5 * DAY - 60)
    scene.signed(body, scene.centre.approver.id)
    assert scene.vault.state.duties[0].confirmed > 0
    assert "vault.code.confirmed" in [f["kind"] for f in facts(scene)]
    moved(scene, monkeypatch, DAY)
    assert scene.consents.lapse() == 0
    speak(scene, asked(scene, urgent(scene)), second)


def test_a_lapsed_confirmation_suspends_and_two_officers_lift_it(scene, monkeypatch):
    first, second = made_codes(scene, 2)
    body = urgent(scene)
    id_ = asked(scene, body)
    speak(scene, id_, first)
    given = [Approval.of(a) for a in scene.consents.consents(id_)]
    assert scene.consents.lapse() == 0
    moved(scene, monkeypatch, 5 * DAY)
    assert scene.consents.lapse() == 1
    # told once, also after vaultd has begun again
    assert scene.consents.lapse() == 0
    assert [f["kind"] for f in facts(scene)].count("vault.code.lapsed") == 1
    fresh = asked(scene, urgent(scene))
    assert code(lambda: speak(scene, fresh, second)) == "code_suspended"
    assert code(lambda: made_codes(scene, 1)) == "code_suspended"
    act = Act("open", scene.centre.requester.id, body)
    assert code(lambda: approvals.check(scene.vault, act, given)) == "consent_old"
    # a late signature settles nothing by itself
    scene.signed(body, scene.centre.approver.id)
    assert code(lambda: speak(scene, fresh, second)) == "code_suspended"
    with scene.vault.change() as draft:
        assert codes.lift(draft, scene.centre.second.id, scene.vault.clock.now_s()) == 0
        assert codes.lift(draft, scene.centre.approver.id, scene.vault.clock.now_s()) == 1
    speak(scene, fresh, second)


def test_a_lost_list_is_voided_and_goes_with_the_key_that_made_it(scene):
    first, second = made_codes(scene, 2)
    centre, now = scene.centre, scene.vault.clock.now_s()
    with scene.vault.change() as draft:
        assert codes.void(draft, centre.second.id) == 0
        assert codes.void(draft, centre.approver.id) == 2
    id_ = asked(scene, urgent(scene))
    assert code(lambda: speak(scene, id_, first)) == "code_wrong"
    (third,) = made_codes(scene, 1)
    third_key = SealedKey()
    with scene.vault.change() as draft:
        officer_keys.add(draft, third_key.fields(centre.approver.id, "manager"), now)
        key = attest.key_id(scene.keys[centre.approver.id].cose)
        officer_keys.retire(draft, {"person": centre.approver.id.bytes, "role": "manager", "key": key}, now)
    assert code(lambda: speak(scene, id_, third)) == "code_wrong"
    assert code(lambda: speak(scene, id_, second)) == "code_wrong"


def test_a_suspension_also_stops_what_was_spoken_before(scene, monkeypatch):
    first, second = made_codes(scene, 2)
    speak(scene, asked(scene, urgent(scene, case="먼저")), first)
    moved(scene, monkeypatch, 5 * DAY - 100)
    body = urgent(scene)
    id_ = asked(scene, body)
    speak(scene, id_, second)
    given = [Approval.of(a) for a in scene.consents.consents(id_)]
    moved(scene, monkeypatch, 200)
    act = Act("open", scene.centre.requester.id, body)
    assert code(lambda: approvals.check(scene.vault, act, given)) == "code_suspended"


def test_a_code_lives_a_month_and_lists_have_an_end(scene, monkeypatch):
    (digits,) = made_codes(scene, 1)
    moved(scene, monkeypatch, 31 * DAY)
    id_ = asked(scene, urgent(scene))
    assert code(lambda: speak(scene, id_, digits)) == "code_wrong"
    made_codes(scene, 1)
    assert len(scene.vault.state.codes) == 1
    empty = replace(scene.vault.state, code_key=b"", codes=())
    assert codes.find(empty, scene.centre.approver.id, digits, 0) is None
    monkeypatch.setattr(codes, "DUTIES_MAX", 0)
    (other,) = made_codes(scene, 1)
    assert code(lambda: speak(scene, id_, other)) == "limit"
