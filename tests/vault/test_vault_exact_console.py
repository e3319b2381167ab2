"""What the console and a consent say, word for word: written for mutants that lived (`./dev attack mutants`)."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest
from officer_rig import officers

from gwanje.kernel.ids import uuid7
from gwanje.vault import approvals, codes, consent
from gwanje.vault.consent import Consents
from gwanje.vault.console import FAILURES_MAX, Console
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Duty
from gwanje.vault.state import RULES_DEFAULT


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def facts(home) -> list[dict]:
    return [json.loads(line) for line in (home.spool / "refusals" / "vaultd.jsonl").read_text().splitlines()]


@pytest.fixture
def plain(centre, vault) -> Console:
    return Console(vault, Consents(vault))


@pytest.fixture
def scene(centre, vault):
    return officers(centre, vault)


def claims(centre) -> list[dict]:
    return [{"id": person.bytes, "password": password} for person, password in centre.confirm()]


def test_the_registry_is_told_whole_and_without_a_password(centre, plain):
    said = plain.run("officers", {})
    assert set(said) == {"signing", "officers", "rules"}
    assert said["rules"] == RULES_DEFAULT | said["rules"]
    assert said["signing"] is False
    state = plain.vault.state
    assert [o["id"] for o in said["officers"]] == [
        o.id.bytes for o in sorted(state.officers.values(), key=lambda o: (o.role, str(o.id)))
    ]
    one = said["officers"][0]
    assert set(one) == {"id", "role", "title", "delegation", "from", "until", "keys", "delegates"}
    assert "argon2" not in str(said)
    assert plain.run("officers", {"after": 1})["officers"] == said["officers"][1:]
    assert plain.run("status", {})["head"] == 0


def test_acts_answer_with_what_they_did(centre, plain):
    both = claims(centre)
    assert plain.run("confirm_clock", {"officers": both})["clock"] == plain.vault.state.clock_us
    new = {"id": uuid7().bytes, "role": "manager", "agency": uuid7().bytes, "password": "long enough"}
    said = plain.run("officer_add", {"officers": both, "add": [new]})
    assert said["changed"] == 1
    # the second time nothing is new but the hash
    assert plain.run("officer_end", {"officers": both, "id": new["id"], "role": "manager"}) is not None
    told = [f for f in facts(plain.vault.home) if f["kind"] == "vault.console.confirmed"]
    assert [f["subject"] for f in told[-2:]] == [[str(UUID(bytes=new["id"]))]] * 2
    assert plain.run("accept_single_replica", {"officers": both}) is not None
    at, people = plain.vault.state.single_replica
    assert people == [claim["id"] for claim in both]
    assert 0 <= plain.vault.clock.now_us() - at < 600_000_000


def test_failures_are_counted_from_the_last_success_and_the_last_one_locks(centre, plain):
    good, bad = claims(centre), [*claims(centre)]
    bad[1] = {**bad[1], "password": "guess guess"}
    for _ in range(2):
        for _ in range(FAILURES_MAX - 1):
            assert code(lambda: plain.run("confirm_clock", {"officers": bad})) == "console_password"
        plain.run("confirm_clock", {"officers": good})
    for _ in range(FAILURES_MAX):
        assert code(lambda: plain.run("confirm_clock", {"officers": bad})) == "console_password"
    assert code(lambda: plain.run("confirm_clock", {"officers": good})) == "console_locked"
    refused = [f for f in facts(plain.vault.home) if f["kind"] == "vault.console.refused"][-1]
    assert (refused["dies"], refused["norms"], refused["outcome"]) == ("rights", ["access.officers"], "refused")
    # after the lock's time the count begins at nought
    plain._locked_until_us = 0
    assert code(lambda: plain.run("confirm_clock", {"officers": bad})) == "console_password"
    plain.run("confirm_clock", {"officers": good})


def test_codes_are_voided_and_their_suspension_lifted_by_signatures(scene):
    person, now = scene.centre.requester.id, scene.vault.clock.now_s()
    with scene.vault.change() as draft:
        codes.make(draft, person, 3, now)
        late = Duty(person, bytes(32), person, now - 9, now - 1)
        draft.duties = (*draft.duties, late, replace(late, digest=b"x" * 32))
    console = Console(scene.vault, scene.consents)
    fields = {"person": person.bytes, "role": "operator"}
    for op, said in (("codes_void", {"gone": 3}), ("codes_void", {"gone": 0}), ("codes_restore", {"lifted": 2})):
        act = console.run("pend", {"act": op, "fields": fields})["id"]
        for officer in (scene.centre.approver.id, scene.centre.second.id):
            scene.sign(act, officer)
        assert console.run("apply", {"id": act}) == said
        told = [f for f in facts(scene.vault.home) if f["kind"] == "vault.console.confirmed"][-1]
        assert (told["act"], told["subject"]) == (op, [str(person)])


def test_what_is_shown_names_who_has_signed_and_how(scene):
    console = Console(scene.vault, scene.consents)
    id_ = console.run("pend", {"act": "confirm_clock", "fields": {}})["id"]
    assert console.run("shown", {"id": id_})["signatures"] == []
    person = scene.centre.approver
    given = scene.sign(id_, person.id)
    said = console.run("shown", {"id": id_})
    assert said["kind"] == "registry"
    assert said["signatures"] == [[person.id.bytes, given.role, given.method]]
    assert all(ko and en for ko, en, _ in said["rows"])


def test_limits_of_an_act_stand_where_they_are_said(scene):
    def pend(said=None, back=""):
        return scene.consents.pend("open", scene.body(), said, back)

    assert pend({"a": "가" * consent.SAID_TEXT_MAX}, "/" * consent.BACK_MAX)
    assert code(lambda: pend({"a": "가" * (consent.SAID_TEXT_MAX + 1)})) == "consent_field"
    assert code(lambda: pend({}, "/" * (consent.BACK_MAX + 1))) == "consent_field"
    assert pend({str(n): "x" for n in range(consent.SAID_MAX)})
    assert code(lambda: pend({str(n): "x" for n in range(consent.SAID_MAX + 1)})) == "consent_field"


def test_a_consent_may_be_used_once_and_the_count_says_so(scene):
    given = scene.signed(scene.body())
    with scene.vault.change() as draft:
        approvals.count(draft, given, scene.vault.clock.now_s())
        assert {count for count, _ in draft.uses.values()} == {1}
        approvals.count(draft, given, scene.vault.clock.now_s())
        assert {count for count, _ in draft.uses.values()} == {2}


def test_a_row_of_a_consent_says_whose_and_under_which_norm(scene):
    scene.signed(scene.body())
    rows = [f for f in facts(scene.vault.home) if f["kind"] == "vault.consent.given"]
    assert [row["role"] for row in rows] == ["operator", "manager"]
    assert all(row["norms"] == ["playback.approval"] for row in rows)
