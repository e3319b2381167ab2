"""Consents at the time of use: the same act, in time, with a key in force, ten Permits; roles, delegation, holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest_vault import DECISION
from officer_rig import SecurityKey, body_of_hold, check, code, lent, moved

from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.vault import approvals, attest, officer_keys
from gwanje.vault.approvals import Act
from gwanje.vault.attest import Proof
from gwanje.vault.holds import Holds, Wanted
from gwanje.vault.records import Delegation, Officer
from gwanje.vault.state import State


@pytest.fixture
def scene(centre, vault):
    """Officers with keys, and a camera that has been lent its keys."""
    made = lent(centre, vault)
    assert vault.state.signing
    return made


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
    act = Act("open", scene.centre.requester.id, body)
    approvals.check(scene.vault, act, given[:1], alone=True)
    assert code(lambda: approvals.check(scene.vault, act, [], alone=True)) == "approver_missing"


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


def test_a_consent_opens_ten_permits(scene, desk, monkeypatch):
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
        draft.alarm = "the clock jumped"
        approvals.count(draft, [], now + 2 * approvals.AGE_MAX_S + 5)
        # a clock in doubt forgets nothing
        assert len(draft.uses) == 4
        draft.alarm = None
        approvals.count(draft, [], now + 2 * approvals.AGE_MAX_S + 5)
        assert draft.uses == {}
        monkeypatch.setattr(approvals, "USES_MAX", 1)
        assert code(lambda: approvals.count(draft, other, now)) == "limit"
        draft.uses = {}


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


def test_rules_that_change_after_the_signature_count(scene):
    body = scene.body()
    given = scene.signed(body)
    rules = scene.vault.state.rules
    for name, why in (("requesters", "requester_role"), ("approvers", "approver_role")):
        with scene.vault.change() as draft:
            draft.rules = {**rules, name: ["privacy_officer"]}
        assert code(lambda: check(scene, body, given)) == why


def test_a_delegation_ends_with_whose_power_it_is(scene):
    centre, vault, now = scene.centre, scene.vault, scene.vault.clock.now_s()
    chief = (centre.second.id, "chief_officer")
    with vault.change() as draft:
        named = Delegation(centre.requester.id, now, now + 60, ("open",))
        draft.officers[chief] = replace(draft.officers[chief], delegates=(named,))
    deputy, view = centre.requester.id, Act("open", centre.approver.id, {})

    def place(at: int, act: Act = view) -> Officer | None:
        return approvals.place_of(vault.state, deputy, "chief_officer", at, act)

    assert place(now) == vault.state.officers[chief]
    assert place(now, Act("hold", centre.approver.id, {})) is None
    assert place(now + 60) is None
    assert place(now - 1) is None
    # what the chief asks for is not approved in the chief's own place
    assert place(now, Act("open", centre.second.id, {})) is None
    # nobody asks in another's place
    assert code(lambda: approvals.officer(vault, centre.requester.id, "chief_officer", now)) == "officer_unknown"
    mine = (deputy, "operator")
    entry = vault.state.officers[mine]
    with vault.change() as draft:
        draft.officers[mine] = entry.ended(now)
    # who is no officer any more is nobody's deputy
    assert place(now) is None
    with vault.change() as draft:
        draft.officers[mine] = entry
    assert place(now) is not None
    with vault.change() as draft:
        draft.officers[chief] = draft.officers[chief].ended(now)
    assert place(now) is None


def test_a_deputy_does_not_approve_for_who_asks(scene):
    """Unsigned or signed: requester and approver are two officers, not one and a deputy."""
    centre, vault, now = scene.centre, scene.vault, scene.vault.clock.now_s()
    chief = (centre.second.id, "chief_officer")
    with vault.change() as draft:
        named = Delegation(centre.requester.id, now, now + 60, ("open",))
        draft.officers[chief] = replace(draft.officers[chief], delegates=(named,))
    body = scene.body(person=centre.second.id.bytes)
    id_ = scene.consents.pend("open", body)
    assert code(lambda: scene.sign(id_, centre.requester.id)) == "consent_role"
    # two in one officer's place are one
    other = scene.signed(scene.body(person=centre.approver.id.bytes), centre.approver.id, centre.requester.id)
    act = Act("open", centre.approver.id, scene.body(person=centre.approver.id.bytes))
    with vault.change() as draft:
        draft.signing = False
    words = [Approval(person, role, DECISION, vault.clock.now_us()) for person, role in (
        (centre.approver.id, "manager"), (centre.second.id, "chief_officer"), (centre.requester.id, "chief_officer"),
    )]  # fmt: skip
    approvals.check(vault, act, words[:2])
    assert code(lambda: approvals.check(vault, act, words)) == "approver_same"
    assert other[1].role == "chief_officer"
    # nor does a deputy approve what the deputy asks for
    own = Act("open", centre.requester.id, scene.body())
    twice = [replace(words[2], role=role) for role in ("operator", "chief_officer")]
    assert code(lambda: approvals.check(vault, own, twice)) == "approver_same"
    approvals.check(vault, own, [twice[0], words[1]])


def test_a_hold_is_signed_and_what_was_signed_is_what_is_held(scene):
    """The act that vaultd builds for itself is the one that officers were shown."""
    centre, vault, now = scene.centre, scene.vault, scene.vault.clock.now_s()
    # seconds after the lending began, under one root
    first = min(now, now // 3600 * 3600 + 3500)
    wanted = Wanted(
        uuid7(), "investigation", "수사", "형사과-9", centre.second.id, ((centre.camera, 0, 1, first, first + 1),),
        now + 86_400, DECISION,
    )  # fmt: skip
    body = dict(wanted.act(centre.requester.id).body)
    given = scene.signed(body, kind="hold")
    check(scene, body, given, "hold")
    other = replace(wanted, ends=now + 2 * 86_400)
    assert code(lambda: Holds(vault).hold(other, given)) == "consent_other"
    hold, _ = Holds(vault).hold(wanted, given)
    assert [a["method"] for a in hold.acts[0].approvals] == ["webauthn", "webauthn"]
    provisional = replace(wanted, id=uuid7(), kind="provisional", ends=now + 86_400)
    alone = scene.signed(dict(provisional.act(centre.requester.id).body), centre.requester.id, kind="hold")
    assert code(lambda: Holds(vault).hold(provisional, centre.approvals()[:1])) == "signature_missing"
    Holds(vault).hold(provisional, alone)
