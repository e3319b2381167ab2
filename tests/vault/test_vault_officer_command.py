"""``gwanje officer``: sealed keys, signing on vaultd's console, the packs' rules; for a centre without tokens."""

from __future__ import annotations

import argparse
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from conftest_vault import make

from gwanje.apps import approver_rules, vaultd
from gwanje.apps.commands import officer as officer_command
from gwanje.apps.commands import vault as vault_command
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.law import load
from gwanje.vault import officer_file
from gwanje.vault.client import ConsoleClient, VaultClient, VaultRefused
from gwanje.vault.console import check_rules
from gwanje.vault.errors import VaultError
from gwanje.vault.state import RULES_DEFAULT

DAY = 86_400


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    assert " / " in str(refused.value)
    return refused.value.code


def gwanje(home: Home, monkeypatch, capsys, *words: str, stdin: str = "") -> str:
    """Run a command in this process; its output, or its error after ``!``."""
    top = argparse.ArgumentParser()
    top.add_argument("--data")
    sub = top.add_subparsers(required=True)
    officer_command.register(sub)
    vault_command.register(sub)
    args = top.parse_args(["--data", str(home.root), *words])
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    failed = args.run(args)
    said = capsys.readouterr()
    return f"!{said.err}" if failed else said.out


def test_a_key_file_opens_with_its_passphrase_only(tmp_path, monkeypatch):
    monkeypatch.setattr(officer_file, "_COST", {"t": 1, "m": 64, "p": 1})
    path, person = tmp_path / "k", uuid7()
    assert code(lambda: officer_file.make(path, person, "too short")) == "officer_passphrase"
    made = officer_file.make(path, person, "열두 글자가 넘는 암호문")
    assert path.stat().st_mode & 0o077 == 0
    read = officer_file.read(path)
    assert (read.person, read.cose) == (person, made.cose)
    assert code(lambda: officer_file.sign(read, "열두 글자가 넘는 암호", bytes(32))) == "officer_passphrase_wrong"
    assert len(officer_file.sign(read, "열두 글자가 넘는 암호문", bytes(32))) == 64
    raw = path.read_bytes()
    for at in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[at] ^= 1
        path.write_bytes(changed)
        found = code(lambda: officer_file.sign(officer_file.read(path), "열두 글자가 넘는 암호문", bytes(32)))
        assert found in ("officer_file", "officer_passphrase_wrong", "key_field")
    for junk in (b"", b"x" * 9000, officer_file.MAGIC + b"\xa0"):
        path.write_bytes(junk)
        assert code(lambda: officer_file.read(path)) == "officer_file"
    assert code(lambda: officer_file.read(tmp_path / "none")) == "officer_file"


def test_the_rules_are_those_of_the_packs_on_their_day():
    now = {**RULES_DEFAULT, "approvers": ["privacy_officer"], "urgent": ["old"]}
    law = load(("kr_national", "kr_anyang"))
    rules = approver_rules.of_law(law.on(date(2026, 11, 21)), now)
    assert (rules["approvers"], rules["quorum"], rules["cooling_s"]) == (["chief_officer", "manager"], 2, DAY)
    assert rules["urgent"] == ["urgent_relief"]
    assert rules["requesters"] == RULES_DEFAULT["requesters"]
    # before the day of a rule what stands stays; nothing is urgent that no ground of the day says
    before = approver_rules.of_law(law.on(date(2019, 1, 1)), now)
    assert before["approvers"] == ["privacy_officer"]
    assert "quorum" not in before
    assert check_rules(rules)["urgent"] == rules["urgent"]


def _first_keys(run, place, folder: Path) -> dict:
    """Three officers make a key each and two confirm it, until signing is on."""
    (one, first), (two, second) = place.confirm()
    both = ["--officer", str(one), "--officer", str(two), "--stdin"]
    files = {}
    for person in (place.requester, place.approver, place.second):
        file = folder / f"{person.role}.key"
        new = run("officer", "new-key", "--person", str(person.id), "--file", str(file), "--stdin", stdin=f"{PHRASE}\n")
        assert new.startswith("서명키")
        assert str(person.id) in run("officer", "show", "--file", str(file))
        lines = f"{PHRASE}\n{first}\n{second}\n"
        done = run("officer", "register", "--file", str(file), "--role", person.role, *both, stdin=lines)
        assert "key registered" in done
        files[person.role] = file
    assert "officers sign themselves" in done
    return files


PHRASE = "a passphrase of an officer"


def test_a_centre_without_tokens_signs_with_gwanje_officer(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(officer_file, "_COST", {"t": 1, "m": 1024, "p": 1})
    place = make(tmp_path / "c")
    config = json.loads(place.home.config_file.read_text())
    place.home.config_file.write_text(json.dumps({**config, "packs": ["kr_national", "kr_anyang"]}))

    def run(*words: str, stdin: str = "") -> str:
        return gwanje(place.home, monkeypatch, capsys, *words, stdin=stdin)

    with vaultd.running(place.home):
        assert "do not sign yet" in run("officer", "keys")
        files = _first_keys(run, place, tmp_path)
        assert VaultClient(place.home, "web").signing().on

        def sign(id_: str, role: str, phrase: str = PHRASE) -> str:
            return run("officer", "sign", id_, "--file", str(files[role]), "--stdin", stdin=f"{phrase}\n")

        listed = run("officer", "keys")
        assert "officers sign" in listed
        assert listed.count("  key  ") == 3
        person = uuid7()
        waits = run("vault", "officer", "add", "--id", str(person), "--role", "manager", "--agency", str(uuid7()),
                    "--title", "팀장", "--delegation", "규정 제5조", "--since", "2020-01-01")  # fmt: skip
        id_ = re.search(r"\b[0-9a-f]{32}\b", waits)[0]
        assert f"/sign/{id_}" in waits
        assert "does not open this key" in sign(id_, "manager", "a wrong passphrase")
        shown = sign(id_, "manager")
        assert "팀장" in shown
        assert "signed as manager" in shown
        assert "officers must confirm" in run("officer", "apply", id_)
        assert "signed as chief_officer" in sign(id_, "chief_officer")
        assert "done" in run("officer", "apply", id_)
        assert "!" in run("officer", "apply", id_)
        assert str(person) in run("officer", "keys")
        assert "waits to be signed" in run("vault", "confirm-clock")
        rules = run("officer", "rules")
        assert "* urgent: urgent_relief" in rules
        id_ = re.search(r"\b[0-9a-f]{32}\b", rules)[0]
        assert "urgent_relief" in sign(id_, "manager")
        sign(id_, "chief_officer")
        run("officer", "apply", id_)
        assert "in force already" in run("officer", "rules")
        with pytest.raises(VaultRefused) as no:
            ConsoleClient(place.home).ask("confirm_clock", place.confirm())
        assert no.value.code == "console_signed"
        refused = run(
            "officer", "codes", "--file", str(files["manager"]), "--count", "3", "--stdin", stdin=f"{PHRASE}\n"
        )
        assert "delegation is on record" in refused
        assert "!" in run("officer", "sign", "zz", "--file", str(files["manager"]))
        # what the web brings is signed with the same file
        web = VaultClient(place.home, "web")
        camera = place.camera.bytes
        now = place.home.clock.now_s()
        body = {"decision": bytes(32), "norms": [], "cameras": [[camera, 0, 0]], "first": now - 60, "until": now - 50,
                "person": place.requester.id.bytes, "action": "view", "ground": "investigation", "case": "1",
                "hold": None}  # fmt: skip
        waiting = web.pend("open", body, {str(place.camera): "시청 앞"})
        assert "시청 앞" in sign(waiting.hex(), "operator")
        sign(waiting.hex(), "manager")
        given: list[Approval] = web.consents(waiting)
        assert [(a.role, a.method) for a in given] == [("operator", "key"), ("manager", "key")]
    raw = (place.home.spool / "refusals" / "vaultd.jsonl").read_text()
    assert PHRASE not in raw
