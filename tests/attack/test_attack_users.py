"""Each process has a user of its own; the attacker is the web's and the database's, and nothing opens."""

from __future__ import annotations

import os
from functools import partial

import pytest

from attack.commands import Attack
from gwanje.apps import users
from gwanje.apps.unprivileged import Forbidden, Identity
from gwanje.kernel import refusals
from gwanje.kernel.home import Home
from support import ahead

AHEAD = ("attack-users", partial(Attack, "web", "--users", "--parts", "80"))
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes as other users")
CLASSES = {
    "classes", "clocks", "console", "files", "forged consents", "holds", "other roles", "proc", "ptrace", "signals",
    "signing port", "sockets", "superuser", "turned acts",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The figures of the whole attack."""
    if why := users.problem(Home.create(tmp_path_factory.mktemp("c"))):
        pytest.skip(why)
    made = ahead.take(*AHEAD)
    try:
        return made.figures()
    finally:
        made.end()


def test_the_web_and_the_database_together_open_nothing(found):
    assert set(found["classes"]) == CLASSES
    assert {name: each["granted"] for name, each in found["attackers"].items()} == {"web": [], "db": [], "both": []}
    assert not any(each["signals_possible"] for each in found["attackers"].values())
    assert (found["opened"], found["opened_with_loot"], found["loot_contents"]) == (0, 0, 0)
    assert found["permits_tried"] >= 2
    assert found["rows_changed"] > 100
    # the controls: two officers' signatures open their seconds, the vault's own folder everything
    assert found["control_opened"] == 20
    assert found["control_vault"] == found["parts"] == 80
    refused = {"consent_other", "consent_forged", "signature_missing", "op_denied", "hello", "class_fixed"}
    for name in ("web", "both"):
        assert refused - {"hello"} <= {said.split(": ")[1] for said in found["attackers"][name]["outcomes"]}, name


@pytest.mark.norm("retention.irrecoverable", "allow")
def test_a_worker_that_cannot_read_the_vault_certifies_what_vaultds_user_could_not_open(found):
    lived = found["destruction"]
    assert lived["destroyed_parts"] == 20
    assert lived["files_left"] == 0
    assert len(lived["certificates"]) == 1
    assert not lived["vault_seen_by_worker"]
    attempt = lived["attempt"]
    assert (attempt["tried"], attempt["opened"], attempt["generation_key_absent"]) == (8, 0, True)
    # what other services alone may read is named, and the vault is not among it
    assert set(attempt["unread"]) <= {"clips", "log", "run", "secrets", "spool", "out"}
    assert attempt["unread"]


@ROOT
def test_every_folder_and_secret_has_its_owner_and_arranging_again_changes_nothing(tmp_path):
    home = Home.create(tmp_path / "c")
    for name in ("web.key", "player.key", "pg-app", "pg-super", "web.pub", "unknown"):
        (home.secrets / name).write_bytes(b"k" * 32)
    (home.spool / "index-000000000001.jsonl").write_text("{}\n")
    refusals.report(home, "vault.clock.alarmed", {"outcome": "done"})
    home = users.arrange(home)
    assert home.separate
    uids, gids = home.config["service_uids"], home.config["service_gids"]

    def of(path):
        about = (home.root / path).lstat()
        return about.st_uid, about.st_gid, about.st_mode & 0o7777

    def seen():
        return {str(p.relative_to(home.root)): of(p) for p in sorted(home.root.rglob("*"))}

    assert of(".") == (0, gids["all"], 0o2750)
    assert of("vault") == (uids["vaultd"], gids["vaultd"], 0o700)
    assert of("secrets/web.key") == (uids["web"], gids["web"], 0o600)
    assert of("secrets/pg-super") == (uids["db"], gids["db"], 0o600)
    assert of("secrets/pg-app") == (0, gids["app"], 0o640)
    assert of("secrets/web.pub") == (0, gids["all"], 0o640)
    assert of("secrets/unknown") == (0, 0, 0o600)
    assert of("store") == (uids["recorder"], gids["store"], 0o750)
    assert of("run/vaultd") == (uids["vaultd"], gids["all"], 0o2750)
    assert of("spool/refusals/web") == (uids["web"], gids["worker"], 0o2770)
    # nothing that waited is lost: it lies where its own user looks
    assert of("spool/index/index-000000000001.jsonl")[0] == uids["recorder"]
    assert refusals.file_of(home, "vaultd").read_text().count("\n") == 1
    assert len(set(uids.values())) == len(users.ACCOUNTS)
    before = seen()
    assert users.arrange(home).config == home.config
    assert seen() == before


def test_who_is_not_root_or_finds_anothers_folder_is_told_so(tmp_path, monkeypatch):
    home = Home.create(tmp_path / "c")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Forbidden, match="root"):
        users.arrange(home)
    assert "root" in users.problem(home)
    assert not home.separate


def test_a_user_has_the_groups_of_what_it_does_and_its_own_umask(tmp_path):
    home = Home.create(tmp_path / "c")
    numbers = {service: 100 + place for place, service in enumerate(users.ACCOUNTS)}
    home.config.update(service_uids=numbers, service_gids={**numbers, "all": 1, "app": 2, "store": 3})
    assert users.identity(home, "web") == Identity(numbers["web"], numbers["web"], (1, 2), 0o027)
    assert users.identity(home, "db").groups == (1,)
    assert users.identity(home, "vaultd").groups == (1,)
    assert users.identity(home, "player").groups == (1, 3)
    assert users.identity(home, "worker").groups == (1, 2, 3, numbers["recorder"])
    assert users.identity(home, "recorder").umask == 0o002


@ROOT
def test_facts_in_a_folder_of_two_users_are_read_as_its_owners_and_by_no_link(tmp_path):
    """The worker and who speaks share it: neither can make the other read or write a file of its own."""
    home = users.arrange(Home.create(tmp_path / "c"))
    mine = refusals.file_of(home, "web")
    secret = tmp_path / "secret"
    secret.write_text("k" * 32)
    mine.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        refusals.report(home, "cameras.address.refused", {})
    with pytest.raises(OSError, match="symbolic"):
        refusals._read(mine)
    mine.unlink()
    os.mkfifo(mine)
    with pytest.raises(OSError, match="address"):
        refusals.report(home, "cameras.address.refused", {})
    assert secret.read_text() == "k" * 32
    # another's name in one's own folder is nobody's spool
    mine.unlink()
    mine.with_name("vaultd.jsonl").write_text('{"kind": "vault.permit.minted"}')
    assert refusals._waiting(home) == []
