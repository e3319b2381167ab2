"""Officers' keys: the first three by ceremony, later ones by two officers' signatures; lost, delegated, transferred."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conftest_vault import make
from officer_rig import UP, UV, SealedKey, SecurityKey, officers

from gwanje.apps import vaultd
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ids import uuid7
from gwanje.vault import approvals, attest, officer_keys
from gwanje.vault.client import VaultClient, VaultRefused
from gwanje.vault.consent import Consents
from gwanje.vault.console import Console
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Officer
from gwanje.vault.state import RULES_DEFAULT, State

DAY = 86_400


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    assert " / " in str(refused.value)
    return refused.value.code


def facts(home) -> list[dict]:
    return [json.loads(line) for line in (home.spool / "refusals" / "vaultd.jsonl").read_text().splitlines()]


def claims(centre) -> list[dict]:
    return [{"id": person.bytes, "password": password} for person, password in centre.confirm()]


@pytest.fixture
def scene(centre, vault):
    return officers(centre, vault)


@pytest.fixture
def console(scene) -> Console:
    return Console(scene.vault, scene.consents)


def pended(console: Console, op: str, **fields) -> bytes:
    return console.run("pend", {"act": op, "fields": fields})["id"]


def signed(scene, console: Console, op: str, *people, **fields) -> dict:
    """A registry act that these (manager and chief without any) signed, done."""
    id_ = pended(console, op, **fields)
    for person in people or (scene.centre.approver.id, scene.centre.second.id):
        scene.sign(id_, person)
    return console.run("apply", {"id": id_})


def newcomer(scene, role: str = "manager", **more) -> Officer:
    """An officer without a key, registered by two."""
    made = Officer(uuid7(), role, scene.centre.requester.agency, "", **more)
    with scene.vault.change() as draft:
        draft.officers[made.id, role] = made
    return made


# --- the first three ----------------------------------------------------------------------------------------------


def test_the_third_officers_key_switches_signing_on_for_ever(centre, vault):
    console = Console(vault, Consents(vault))
    keys = [SecurityKey(sign_origin(centre.home)), SealedKey(), SealedKey(), SealedKey()]
    people = [centre.requester, centre.approver, centre.approver, centre.second]
    both = claims(centre)

    def add(number: int) -> dict:
        fields = keys[number].fields(people[number].id, people[number].role)
        return console.run("key_add", {"officers": both, **fields})

    assert code(lambda: console.run("key_add", keys[0].fields(centre.requester.id, "operator"))) == "console_two"
    # two keys of one officer are one officer
    assert [add(n)["signing"] for n in range(3)] == [False, False, False]
    assert not vault.state.signing
    assert add(3)["signing"]
    assert vault.state.signing
    assert State.of(vault.state.body()).signing
    told = [f for f in facts(centre.home) if f["kind"].startswith("vault.") and f["kind"] != "vault.console.confirmed"]
    assert [f["kind"] for f in told] == ["vault.key.registered"] * 4 + ["vault.signing.begun"]
    assert told[0]["key"] == attest.key_id(keys[0].cose).hex()
    # from now on a password does nothing, and no key goes in without signatures
    for op in ("key_add", "officer_add", "officer_end", "approver_rules", "confirm_clock", "key_retire", "delegate"):
        assert code(lambda o=op: console.run(o, {"officers": both})) == "console_signed"
    with vault.change() as draft:
        draft.officers[centre.requester.id, "operator"] = replace(
            draft.officers[centre.requester.id, "operator"], keys=()
        )
    assert vault.state.signing


def test_three_who_could_not_sign_for_the_registry_switch_nothing_on(centre, vault):
    """Three operators with keys would lock everybody out."""
    now = vault.clock.now_s()
    with vault.change() as draft:
        for _ in range(4):
            person = uuid7()
            draft.officers[person, "operator"] = Officer(person, "operator", uuid7(), "")
            officer_keys.add(draft, SealedKey().fields(person, "operator"), now)
        assert not draft.signing


@pytest.mark.parametrize(
    "change",
    [
        {"cose": b"x"}, {"cose": attest.ed25519_cose(bytes(31))}, {"kind": "password"}, {"possession": bytes(64)},
        {"possession": None}, {"credential": b"x"}, {"counter": -1}, {"since": -1}, {"label": "x" * 101},
        {"cose": attest.encode({1: 3, 3: -257, -1: bytes(256), -2: b"\1\0\1"})},
        {"cose": attest.encode({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)})},
    ],
)  # fmt: skip
def test_a_key_with_a_fault_is_not_registered(vault, centre, change):
    fields = {**SealedKey().fields(centre.approver.id, "manager"), **change}
    with pytest.raises(VaultError) as no, vault.change() as draft:
        officer_keys.add(draft, fields, vault.clock.now_s())
    assert no.value.code == "key_field"


def test_a_key_is_one_officers_and_five_at_most(vault, centre):
    now, key = vault.clock.now_s(), SealedKey()
    with vault.change() as draft:
        officer_keys.add(draft, key.fields(centre.approver.id, "manager"), now)
    with pytest.raises(VaultError) as no, vault.change() as draft:
        officer_keys.add(draft, key.fields(centre.second.id, "chief_officer"), now)
    assert no.value.code == "key_known"
    with vault.change() as draft:
        for _ in range(4):
            officer_keys.add(draft, SealedKey().fields(centre.approver.id, "manager"), now)
    with pytest.raises(VaultError) as no, vault.change() as draft:
        officer_keys.add(draft, SealedKey().fields(centre.approver.id, "manager"), now)
    assert no.value.code == "limit"
    for person, role in ((uuid7(), "manager"), (centre.approver.id, "chief_officer"), (centre.approver.id, "x")):
        with pytest.raises(VaultError) as no, vault.change() as draft:
            officer_keys.add(draft, SealedKey().fields(person, role), now)
        assert no.value.code == "officer_unknown"
    administrator = next(o for o in vault.state.officers.values() if o.role == "administrator")
    with pytest.raises(VaultError) as no, vault.change() as draft:
        officer_keys.add(draft, SealedKey().fields(administrator.id, "administrator"), now)
    assert no.value.code == "officer_unknown"


# --- security keys by ticket --------------------------------------------------------------------------------------


def test_a_security_key_comes_in_by_a_ticket(scene, console, monkeypatch):
    new = newcomer(scene)
    ticket = console.run("key_ticket", {"person": new.id.bytes, "role": "manager", "label": "은색 열쇠"})["ticket"]
    options = console.tickets.options(ticket)
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert code(lambda: console.run("key_candidate", {"ticket": ticket})) == "ticket_gone"
    key = SecurityKey(sign_origin(scene.centre.home), -8)
    for faults, why in (
        ({"origin": "http://localhost:1"}, "origin"), ({"flags": UP | 64}, "verification"),
        ({"flags": UV | 64}, "presence"), ({"challenge": "AAAA"}, "challenge"),
        ({"fmt": "packed"}, "attestation"), ({"fmt": "tpm"}, "attestation"), ({"crossOrigin": True}, "frame"),
    ):  # fmt: skip
        options = console.tickets.options(ticket)
        with pytest.raises(VaultError) as no:
            console.tickets.finish(ticket, key.create(options, **faults))
        assert no.value.code == "consent_signature"
        assert why in no.value.detail
    # a challenge is used up by a failure
    assert code(lambda: console.tickets.finish(ticket, key.create(options))) == "consent_nonce"
    fingerprint = console.tickets.finish(ticket, key.create(console.tickets.options(ticket)))
    assert fingerprint == attest.key_id(key.cose)
    assert code(lambda: console.tickets.options(ticket)) == "ticket_gone"
    # the ticket's key counts for nothing until two officers have signed for it
    assert approvals.keys_of(scene.vault.state, new.id, scene.vault.clock.now_s()) == []
    done = signed(scene, console, "key_add", ticket=ticket)
    assert done["key"] == fingerprint
    scene.keys[new.id] = key
    given = scene.signed(scene.body(), scene.centre.requester.id, new.id)
    assert given[1].person == new.id
    real = officer_keys.monotonic()
    monkeypatch.setattr(officer_keys, "monotonic", lambda: real + officer_keys.TICKET_S + 1)
    assert code(lambda: console.tickets.shown(ticket)) == "ticket_gone"
    assert code(lambda: console.tickets.shown(bytes(16))) == "ticket_gone"


def test_tickets_have_a_number_and_a_person(scene, console, monkeypatch):
    monkeypatch.setattr(officer_keys, "TICKETS_MAX", 1)
    ask = {"person": scene.centre.approver.id.bytes, "role": "manager"}
    assert code(lambda: console.run("key_ticket", {**ask, "person": bytes(16)})) == "officer_unknown"
    assert code(lambda: console.run("key_ticket", {**ask, "label": "a\nb"})) == "key_field"
    console.run("key_ticket", ask)
    assert code(lambda: console.run("key_ticket", ask)) == "consent_full"


# --- by signatures ------------------------------------------------------------------------------------------------


@pytest.mark.norm("access.officers", "deny")
def test_two_others_sign_for_a_newcomer(scene, console):
    new, key, centre = newcomer(scene), SealedKey(), scene.centre
    fields = key.fields(new.id, "manager")
    id_ = pended(console, "key_add", **fields)
    said = {row.field: row.value for row in scene.consents.shown(id_).rows}
    assert said["op"] == "key_add"
    assert str(new.id) in said["fields"]
    assert key.cose.hex() in said["fields"]
    assert code(lambda: console.run("apply", {"id": id_})) == "console_two"
    scene.sign(id_, centre.approver.id)
    assert code(lambda: scene.sign(id_, centre.approver.id)) == "consent_twice"
    assert code(lambda: console.run("apply", {"id": id_})) == "console_two"
    # an operator has a key but no say in the registry
    assert code(lambda: scene.sign(id_, centre.requester.id)) == "consent_role"
    scene.sign(id_, centre.second.id)
    console.run("apply", {"id": id_})
    row = [f for f in facts(centre.home) if f["kind"] == "vault.console.confirmed"][-1]
    assert (row["act"], row["signature"]) == ("key_add", "signed")
    assert {o["id"] for o in row["officers"]} == {str(centre.approver.id), str(centre.second.id)}
    # once
    assert code(lambda: console.run("apply", {"id": id_})) == "consent_gone"
    # nobody signs for a second key of their own
    other = pended(console, "key_add", **SealedKey().fields(centre.second.id, "chief_officer"))
    for person in (centre.approver.id, centre.second.id):
        scene.sign(other, person)
    assert code(lambda: console.run("apply", {"id": other})) == "key_own"


def test_a_signature_to_one_act_does_no_other(scene, console):
    """What was signed on a page is what is done: the body is vaultd's, not the caller's."""
    act = pended(console, "confirm_clock")
    for person in (scene.centre.approver.id, scene.centre.second.id):
        scene.sign(act, person)
    body = scene.body()
    viewing = scene.consents.pend("open", body)
    scene.sign(viewing, scene.centre.approver.id)
    assert code(lambda: console.run("apply", {"id": viewing})) == "consent_gone"
    assert code(lambda: scene.consents.take(viewing, "registry")) == "consent_gone"
    # a key that is retired between signature and act counts no more
    with scene.vault.change() as draft:
        name = (scene.centre.second.id, "chief_officer")
        draft.officers[name] = replace(draft.officers[name], keys=())
    assert code(lambda: console.run("apply", {"id": act})) == "consent_key"


def test_officers_sign_the_promotion_of_a_replica_that_writes_nothing(scene, console, monkeypatch):
    """The counter of a security key is not written there; everything else about it counts."""
    monkeypatch.setattr(scene.vault.peers, "standby", True)
    generation = scene.vault.keystore.generation
    id_ = pended(console, "replica_promote")
    for person in (scene.centre.approver.id, scene.centre.second.id):
        scene.sign(id_, person)
    assert len(scene.consents.shown(id_).signatures) == 2
    assert scene.vault.keystore.generation == generation
    viewing = scene.consents.pend("open", scene.body())
    assert code(lambda: scene.sign(viewing, scene.centre.approver.id)) == "replica_here"


def test_a_day_of_transfer_is_signed_before_it_comes(scene, console, monkeypatch):
    clock = scene.vault.clock
    day = clock.now_s() + 10 * DAY
    person, agency = uuid7(), scene.centre.requester.agency
    entry = {"id": person.bytes, "role": "chief_officer", "agency": agency.bytes, "valid_from": day, "title": "과장"}
    assert code(lambda: signed(scene, console, "officer_add", add=[{**entry, "title": 5}])) != ""
    signed(scene, console, "officer_add", add=[entry])
    key = SealedKey()
    signed(scene, console, "key_add", **key.fields(person, "chief_officer", since=day))
    scene.keys[person] = key
    id_ = scene.consents.pend("open", scene.body())
    assert code(lambda: scene.sign(id_, person)) == "consent_key"
    later = (day + 60) * 1_000_000
    monkeypatch.setattr(clock, "now_us", lambda: later)
    scene.sign(id_, person)
    assert scene.vault.state.officers[person, "chief_officer"].title == "과장"
    # another title of a known officer takes no key away
    signed(scene, console, "officer_add", add=[{**entry, "title": "국장"}])
    assert len(scene.vault.state.officers[person, "chief_officer"].keys) == 1


def test_the_cooling_time_and_the_quorum_are_rules(scene, console):
    before = scene.vault.state.rules_digest
    rules = {**RULES_DEFAULT, "quorum": 3, "cooling_s": DAY, "urgent": ["urgent_relief"]}
    third = newcomer(scene, "privacy_officer")
    for change in (
        {"quorum": 1}, {"quorum": True}, {"quorum": 6}, {"cooling_s": -1}, {"cooling_s": 31 * DAY},
        {"urgent": "all"}, {"urgent": [""]}, {"urgent": ["x"] * 33}, {"other": 1},
    ):  # fmt: skip
        assert code(lambda c=change: signed(scene, console, "approver_rules", rules={**rules, **c})) == "rules_field"
    # three must sign from then on, and only two could
    assert code(lambda: signed(scene, console, "approver_rules", rules=rules)) == "key_last"
    key = SealedKey()
    signed(scene, console, "key_add", **key.fields(third.id, "privacy_officer"))
    scene.keys[third.id] = key
    signed(scene, console, "approver_rules", rules=rules)
    assert scene.vault.state.rules_digest != before
    fourth, now = newcomer(scene), scene.vault.clock.now_s()
    fields = SealedKey().fields(fourth.id, "manager")
    assert code(lambda: signed(scene, console, "key_add", **fields)) == "console_two"
    people = (scene.centre.approver.id, scene.centre.second.id, third.id)
    done = signed(scene, console, "key_add", *people, **fields)
    assert done["since"] >= now + DAY


def test_two_others_retire_a_lost_key_but_never_the_last_ones(scene, console):
    centre = scene.centre
    third, key = newcomer(scene), SealedKey()
    lost = attest.key_id(scene.keys[centre.second.id].cose)
    fields = {"person": centre.second.id.bytes, "role": "chief_officer", "key": lost}
    scene.keys[third.id] = key
    # two console officers are left; without the chief's key there would be one
    assert code(lambda: signed(scene, console, "key_retire", **fields)) == "key_own"
    with pytest.raises(VaultError) as no, scene.vault.change() as draft:
        officer_keys.retire(draft, fields, scene.vault.clock.now_s())
    assert no.value.code == "key_last"
    ended = {"id": centre.second.id.bytes, "role": "chief_officer"}
    signed(scene, console, "key_add", **key.fields(third.id, "manager"))
    body = scene.body()
    given = scene.signed(body, centre.requester.id, centre.second.id)
    act = approvals.Act("open", centre.requester.id, body)
    approvals.check(scene.vault, act, given)
    signed(scene, console, "key_retire", centre.approver.id, third.id, **fields)
    # what the thief or the loser signed counts no more
    assert code(lambda: approvals.check(scene.vault, act, given)) == "consent_key"
    assert code(lambda: signed(scene, console, "key_retire", centre.approver.id, third.id, **fields)) == "key_unknown"
    signed(scene, console, "officer_end", centre.approver.id, third.id, **ended)
    # two are left: neither of them can be ended
    left = scene.vault.state.copy()
    officer_keys.enough(left, scene.vault.clock.now_s())
    left.officers[third.id, "manager"] = left.officers[third.id, "manager"].ended(0)
    assert code(lambda: officer_keys.enough(left, scene.vault.clock.now_s())) == "key_last"


def test_a_delegation_is_signed_and_has_limits(scene, console):
    centre, now = scene.centre, scene.vault.clock.now_s()
    good = {"person": centre.second.id.bytes, "role": "chief_officer", "to": centre.requester.id.bytes,
            "since": now, "until": now + DAY, "scope": ["open"]}  # fmt: skip

    def delegate(**change) -> None:
        with scene.vault.change() as draft:
            officer_keys.delegate(draft, {**good, **change}, now)

    for change in (
        {"until": now}, {"until": now + 367 * DAY}, {"scope": []}, {"scope": ["registry"]}, {"scope": ["codes"]},
        {"to": bytes(16)}, {"to": centre.second.id.bytes}, {"since": "x"},
    ):  # fmt: skip
        assert code(lambda c=change: delegate(**c)) == "delegation_field", change
    assert code(lambda: delegate(role="manager")) == "officer_unknown"
    # who delegates and to whom do not sign it
    id_ = pended(console, "delegate", **good)
    for person in (centre.approver.id, centre.second.id):
        scene.sign(id_, person)
    assert code(lambda: console.run("apply", {"id": id_})) == "key_own"
    third = newcomer(scene)
    scene.keys[third.id] = SealedKey()
    signed(scene, console, "key_add", **scene.keys[third.id].fields(third.id, "manager"))
    signed(scene, console, "delegate", centre.approver.id, third.id, **good)
    assert len(scene.vault.state.officers[centre.second.id, "chief_officer"].delegates) == 1
    # an until that has come ends it
    with scene.vault.change() as draft:
        officer_keys.delegate(draft, {**good, "since": now - 9, "until": now - 1}, now)
    assert scene.vault.state.officers[centre.second.id, "chief_officer"].delegates == ()


def test_the_web_brings_no_change_of_the_registry(tmp_path):
    place = make(tmp_path / "c")
    with vaultd.running(place.home):
        web = VaultClient(place.home, "web")
        body = {"op": "officer_end", "fields": {}, "decision": bytes(32)}
        with pytest.raises(VaultRefused) as no:
            web.pend("registry", body)
        assert no.value.code == "op_denied"
        assert not web.signing().on
        with pytest.raises(VaultRefused) as no:
            VaultClient(place.home, "player").pend("open", body)
        assert no.value.code == "op_denied"
