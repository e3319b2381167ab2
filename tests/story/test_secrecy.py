"""Who owns the files, the database or the machine's other account owns nothing that decrypts. Proved by trying."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gwanje.kernel.database import connect
from story.centre import Centre, until
from story.test_destruction import attempt, dump_of, samples

pytestmark = pytest.mark.story
NOBODY = 65534
TRY = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
opened = []
for path in sys.argv[1:]:
    try:
        if os.path.exists(path) and not os.path.isdir(path) and path.endswith((".sock", ".s.PGSQL.5432")):
            s = socket.socket(socket.AF_UNIX); s.connect(path)
        elif os.path.isdir(path):
            os.listdir(path)
        else:
            open(path, "rb").read(1)
        opened.append(path)
    except OSError:
        pass
print(len(opened), *opened)
"""


def test_files_without_the_vault_open_nothing(centre: Centre, tmp_path: Path) -> None:
    """Everything in the data folder but ``vault/``, and a dump by the database's owner: nothing opens."""

    def stored() -> list[dict[str, Any]]:
        found = [one for some in samples(centre.home.store).values() for one in some]
        return found if len(found) > 20 else []

    tries = until("more than 20 parts stored", stored, 90, 1)[:500]
    dump_of(centre.home, tmp_path / "dump.sql")
    loot = tmp_path / "loot"
    skip = shutil.ignore_patterns("vault", "pg", "run", "store", "clips")
    shutil.copytree(centre.home.root, loot, ignore=skip)
    bare = tmp_path / "bare"
    (bare / "vault").mkdir(parents=True)
    found = attempt(bare, tries, [loot, tmp_path / "dump"])
    assert found["tried"] == len(tries)
    assert found["opened"] == 0
    # the control: with the vault's own folder the same parts open
    assert attempt(centre.home.root, tries, [])["opened"] == len(tries)


def test_the_dump_holds_no_secret(centre: Centre, tmp_path: Path) -> None:
    """No service key, no password of the database, no camera password stands in a dump by the owner role."""
    text = (dump_of(centre.home, tmp_path / "dump.sql").with_suffix("") / "dump.sql").read_bytes()
    secrets = [p.read_bytes().strip() for p in centre.home.secrets.iterdir() if p.suffix == ".key" or "pg-" in p.name]
    assert len(secrets) >= 8
    for secret in secrets:
        assert secret not in text
        assert secret.hex().encode() not in text


def test_the_owner_role_cannot_rewrite_the_ledger(centre: Centre) -> None:
    with connect(centre.home, "owner") as connection, connection.cursor() as cursor:
        for statement in (
            "update ledger_leaf set leaf = leaf",
            "delete from ledger_leaf",
            "truncate ledger_leaf cascade",
            "delete from ledger_opening",
        ):
            with pytest.raises(Exception, match=r"(?i)append|ledger|refused|denied|거부"):
                cursor.execute(statement)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user to try")
def test_another_os_user_gets_nothing(centre: Centre) -> None:
    home = centre.home
    paths = [home.root, home.config_file, home.vault, home.secrets, home.store, home.spool, home.root / "log"]
    paths += [*home.secrets.iterdir(), *home.vault.rglob("*"), *list(home.store.glob("*/*/*/*.gws"))[:20]]
    paths += [home.socket("vaultd"), home.socket("console"), home.run / ".s.PGSQL.5432"]
    done = subprocess.run(
        [sys.executable, "-c", TRY, *map(str, paths)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split()[0] == "0", done.stdout
    assert len(paths) > 30


def test_a_stranger_on_vaultds_socket_is_turned_away(centre: Centre) -> None:
    """The same OS user without a registered key: no operation at all."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gwanje.kernel import wire
    from gwanje.kernel.cose import key_id, public_bytes

    stranger = Ed25519PrivateKey.generate()
    for role in ("web", "recorder", "player", "worker", "checker"):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(centre.home.socket("vaultd")))
            nonce = wire.receive(line)["nonce"]
            signature = stranger.sign(b"gwanje/v1/hello\0" + nonce + role.encode())
            wire.send(line, {"role": role, "kid": key_id(public_bytes(stranger)), "sig": signature})
            assert wire.receive(line)["ok"] is False
