"""The console: two officers' accounts, their facts in the spool, the command line, the ceremony."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest_vault import REFERENCE, make, opened

from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger.entry import opening_bytes
from gwanje.kernel.refusals import _facts as spooled
from gwanje.kernel.refusals import folder
from gwanje.vault import ceremony
from gwanje.vault.client import ConsoleClient, VaultClient, VaultRefused
from gwanje.vault.errors import VaultError


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def facts(home) -> list[dict]:
    return [json.loads(line) for line in (folder(home) / "vaultd.jsonl").read_text().splitlines()]


def gwanje(home, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from gwanje.apps.commands import vault; import argparse\n"
               "p = argparse.ArgumentParser(); p.add_argument('--data'); s = p.add_subparsers(); vault.register(s)\n"
               "a = p.parse_args(); sys.exit(a.run(a))", "--data", str(home.root), "vault", *words]  # fmt: skip
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_two_different_officers_with_their_passwords(served):
    console, (one, two) = ConsoleClient(served.home), served.confirm()
    new = ceremony.NewOfficer(uuid7(), "manager", uuid7(), "long enough")

    def ask(*officers) -> str:
        return code(lambda: console.ask("officer_add", officers, add=[new.fields()]))

    assert ask() == "console_two"
    assert ask(one) == "console_two"
    assert ask(one, one) == "console_two"
    assert ask(one, two, one) == "console_two"
    assert ask(one, (two[0], "wrong password")) == "console_password"
    assert ask(one, (uuid7(), two[1])) == "console_password"
    assert ask(one, (served.requester.id, served.requester.password)) == "console_password"
    assert console.ask("officer_add", [one, two], add=[new.fields()])["changed"] == 1
    last = facts(served.home)[-1]
    assert (last["kind"], last["act"], last["signature"]) == ("vault.console.confirmed", "officer_add", "unsigned")
    assert [o["id"] for o in last["officers"]] == [str(one[0]), str(two[0])]
    assert last["subject"] == [str(new.id)]
    assert "password" not in json.dumps(facts(served.home))
    raw = (folder(served.home) / "vaultd.jsonl").read_bytes()
    kinds = [f.entry.kind for f in spooled(raw, "vaultd") if opening_bytes(f.entry)]
    assert set(kinds) == {"vault.console.refused", "vault.console.confirmed"}


def test_an_officer_ends_and_rules_change_only_by_two(served):
    console, both = ConsoleClient(served.home), served.confirm()
    new = ceremony.NewOfficer(uuid7(), "manager", uuid7(), "long enough")
    ceremony.add_officers(served.home, [new], both)
    console.ask("officer_end", both, id=new.id.bytes, role="manager")
    assert code(lambda: console.ask("officer_end", both, id=uuid7().bytes, role="manager")) == "officer_unknown"
    third = (new.id, new.password)
    assert code(lambda: console.ask("confirm_clock", [both[0], third])) == "console_password"
    rules = {"requesters": ["operator"], "approvers": ["chief_officer", "manager"], "console": ["manager"]}
    assert code(lambda: console.ask("approver_rules", both, rules={**rules, "approvers": []})) == "rules_field"
    bad = {**rules, "approvers": ["administrator"]}
    assert code(lambda: console.ask("approver_rules", both, rules=bad)) == "rules_field"
    before = VaultClient(served.home, "web").status().rules
    keep = {**rules, "console": ["chief_officer", "manager"]}
    console.ask("approver_rules", both, rules=keep)
    assert VaultClient(served.home, "web").status().rules != before


def test_bad_officers_are_refused(served):
    console, both = ConsoleClient(served.home), served.confirm()
    good = ceremony.NewOfficer(uuid7(), "manager", uuid7(), "long enough").fields()
    for change in ({"role": "king"}, {"password": "short"}, {"id": b"x"}, {"delegation": "가" * 501}):
        assert code(lambda c=change: console.ask("officer_add", both, add=[{**good, **c}])) == "officer_field"
    assert code(lambda: console.ask("officer_add", both, add=[{**good, "key": b"cose"}])) == "officer_key"
    assert code(lambda: console.ask("officer_add", both, add=[])) == "officer_field"
    assert code(lambda: console.ask("make_coffee", both)) == "op_unknown"


def test_guessing_locks_the_console(tmp_path):
    place = make(tmp_path / "c")
    with vaultd.running(place.home):
        console, (one, two) = ConsoleClient(place.home), place.confirm()
        for _ in range(5):
            assert code(lambda: console.ask("confirm_clock", [one, (two[0], "guess guess")])) == "console_password"
        assert code(lambda: console.ask("confirm_clock", [one, two])) == "console_locked"
        assert console.ask("status")["ok"]
    assert sum(f["kind"] == "vault.console.refused" for f in facts(place.home)) == 5


def test_an_alarm_goes_when_two_officers_confirm_on_the_command_line(tmp_path):
    place = make(tmp_path / "c", demo=False)
    vault = opened(place.home)
    vault.set_class(1, "days", 30, REFERENCE)
    vault.slots([place.camera])
    with vault.keystore.change() as draft:
        draft.clock_us = vault.clock.now_us() - 40 * 86_400_000_000
    vault.close()
    (one, first), (two, second) = place.confirm()
    confirm = ["--officer", str(one), "--officer", str(two), "--stdin"]
    with vaultd.running(place.home):
        status = gwanje(place.home, "status", "--json")
        assert status.returncode == 1
        assert "ahead of the highest clock seen" in json.loads(status.stdout)["alarm"]
        wrong = gwanje(place.home, "confirm-clock", *confirm, stdin=f"{first}\nwrong wrong\n")
        assert wrong.returncode == 1
        assert "담당공무원" in wrong.stderr
        done = gwanje(place.home, "confirm-clock", *confirm, stdin=f"{first}\n{second}\n")
        assert (done.returncode, done.stderr) == (0, "")
        status = gwanje(place.home, "status")
        assert status.returncode == 0
        assert "1/1" in status.stdout
        recorder, epoch = VaultClient(place.home, "recorder"), place.home.clock.now_s() // 3600
        assert code(lambda: recorder.lend(1, 0, epoch)) == "single_replica"
        assert gwanje(place.home, "accept-single-replica", *confirm, stdin=f"{first}\n{second}\n").returncode == 0
        assert recorder.lend(1, 0, epoch).nodes
        new = ["officer", "add", "--id", str(uuid7()), "--role", "manager", "--agency", str(uuid7()), *confirm]
        added = gwanje(place.home, *new, stdin=f"a new password\n{first}\n{second}\n")
        assert (added.returncode, "1 (unsigned)" in added.stdout) == (0, True)
    acts = [f["act"] for f in facts(place.home) if f["kind"] == "vault.console.confirmed"]
    assert acts == ["confirm_clock", "accept_single_replica", "officer_add"]


def test_a_folder_that_is_none_is_said(tmp_path):
    done = gwanje(Home(tmp_path / "nowhere"), "init")
    assert (done.returncode, "gwanje init" in done.stderr) == (1, True)
    home = Home.create(tmp_path / "c")
    assert gwanje(home, "init").returncode == 0
    assert "vaultd is away" in gwanje(home, "status").stderr


def test_the_ceremony_may_run_again_and_keeps_everything(tmp_path):
    home = Home.create(tmp_path / "c")
    facts_ = ceremony.create(home)
    assert ceremony.create(home) == facts_ == ceremony.public(home)
    assert facts_["level"] == "L1"
    agency = uuid7()
    people = [ceremony.NewOfficer(uuid7(), role, agency, "long enough") for role in ("manager", "chief_officer")]
    ceremony.create(home, people)
    ceremony.create(home, people)
    late = ceremony.NewOfficer(uuid7(), "manager", agency, "long enough")
    assert code(lambda: ceremony.create(home, [late])) == "console_two"
    secret = (home.secrets / "web.key").read_bytes()
    ceremony.create(home)
    assert (home.secrets / "web.key").read_bytes() == secret
    for path in (*home.secrets.glob("*.key"), *home.vault.glob("*.gwk"), *(home.vault / "token").iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_the_first_officers_need_nobody_and_the_row_says_so(tmp_path):
    home = Home.create(tmp_path / "c", demo=True)
    ceremony.create(home)
    with vaultd.running(home):
        people = [ceremony.NewOfficer(uuid7(), "manager", uuid7(), "long enough") for _ in range(3)]
        assert ceremony.create(home, people[:1])
        assert ceremony.add_officers(home, people[1:2]) == 1
        with pytest.raises(VaultRefused) as refused:
            ceremony.add_officers(home, people[2:])
        assert refused.value.code == "console_two"
    assert [f["bootstrap"] for f in facts(home)] == [True, True]
