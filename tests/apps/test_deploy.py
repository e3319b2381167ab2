"""deploy/: units that systemd reads, commands that exist, and what each process gives up."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gwanje.apps import cli, users

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
GIVEN_UP = {
    "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
    "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectProc": "invisible", "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service", "LimitCORE": "0", "UMask": "0077", "LockPersonality": "yes",
}  # fmt: skip
PRIVATE = {
    "gwanje-web": {"vault", "store", "pg", "secrets/worker.key", "secrets/checker.key", "secrets/vaultd.key",
                   "secrets/recorder.key", "secrets/recorder.seal.key", "secrets/token.pin", "secrets/pg-owner",
                   "secrets/pg-super"},
    "gwanje-vaultd": {"store", "pg", "secrets/web.key", "secrets/worker.key", "secrets/player.key"},
    "gwanje-postgres": {"vault", "store", "secrets/web.key", "secrets/vaultd.key", "secrets/token.pin"},
    "gwanje-worker": {"vault", "secrets/vaultd.key", "secrets/token.pin", "pg", "secrets/web.key",
                      "secrets/player.key", "secrets/recorder.seal.key"},
}  # fmt: skip
TOGETHER = {"gwanje-postgres", "gwanje-migrate", "gwanje-vaultd", "gwanje-web", "gwanje-worker", "gwanje-uploader"}
WRITTEN = {
    "gwanje-postgres": {"pg", "run/db"}, "gwanje-migrate": set(), "gwanje-web": {"spool/refusals/web"},
    "gwanje-vaultd": {"vault", "run/vaultd", "spool/refusals/vaultd"}, "gwanje-uploader": {"store"},
    "gwanje-worker": {"store", "out", "spool/refusals", "spool/retention"},
}  # fmt: skip


def read(path: Path) -> dict[str, dict[str, list[str]]]:
    """Section → key → values: systemd lets a key stand several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(section, {}).setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_every_process_gives_up_what_it_does_not_need(path):
    service = read(path)["Service"]
    assert {key: service.get(key, ["missing"])[0] for key in GIVEN_UP} == GIVEN_UP
    assert service["User"][0] != "root"
    assert service["User"] == service["Group"]
    # a folder of many users is nobody's state: systemd would give all of it to whoever starts last
    assert service.get("StateDirectoryMode", ["0700"]) == ["0700"]
    assert ("StateDirectory" in service) != (path.stem in TOGETHER)


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_every_command_exists(path):
    argv = shlex.split(read(path)["Service"]["ExecStart"][0])
    assert argv[0].endswith("/bin/gwanje")
    assert cli.parser().parse_args(argv[1:]).command == argv[3]


def test_the_table_of_who_sees_what_is_the_units():
    for name, hidden in PRIVATE.items():
        service = read(UNITS / f"{name}.service")["Service"]
        folder = "-/var/lib/gwanje/"
        assert hidden <= {item.removeprefix(folder) for item in service["InaccessiblePaths"]}, name


def test_each_process_has_a_user_of_its_own():
    by: dict[str, set[str]] = {}
    for path in SERVICES:
        by.setdefault(read(path)["Service"]["User"][0], set()).add(path.stem)
    # tables are brought up to date with the owner's password, which is the database's user's
    assert {frozenset(names) for names in by.values() if len(names) > 1} == {
        frozenset({"gwanje-postgres", "gwanje-migrate"})
    }
    known = set(users.ACCOUNTS.values()) - {"gwanje-simulator"}
    assert {u for u, names in by.items() if names & TOGETHER} <= known


def test_the_groups_of_the_accounts_are_those_a_folder_is_given():
    """Whoever sysusers makes a member is whom `gwanje init --users` counts on, and nobody else."""
    lines = [line.split() for line in (UNITS / "gwanje.sysusers").read_text().splitlines()]
    members = {(line[1], line[2]) for line in lines if line and line[0] == "m"}
    group = {**users.GROUPS, "recorder": users.ACCOUNTS["recorder"]}
    wanted = {
        (users.ACCOUNTS[service], group[key])
        for key, services in users.MEMBERS.items() for service in services if service != "simulator"
    }  # fmt: skip
    assert members == wanted
    assert {line[1] for line in lines if line and line[0] == "g"} == set(users.GROUPS.values())


def test_nothing_but_its_own_folders_is_written_to():
    for name in TOGETHER:
        service = read(UNITS / f"{name}.service")["Service"]
        written = {path.removeprefix("/var/lib/gwanje/") for path in service.get("ReadWritePaths", [])}
        assert written == WRITTEN[name], name


def test_people_of_the_units_are_made():
    made = {line.split()[1] for line in (UNITS / "gwanje.sysusers").read_text().splitlines() if line.startswith("u ")}
    assert made == {read(p)["Service"]["User"][0] for p in SERVICES}


def test_systemd_reads_every_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        for path in (*SERVICES, *UNITS.glob("*.target")):
            assert configparser.ConfigParser(strict=False, interpolation=None).read(path)
        pytest.skip("systemd-analyze is not here (Debian package systemd): read as plain text only")
    for path in (*SERVICES, *UNITS.glob("*.target")):
        text = path.read_text().replace("/opt/gwanje/.venv/bin/gwanje", sys.executable)
        (tmp_path / path.name).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    mine = [line for line in done.stderr.splitlines() if "gwanje" in line]
    assert (done.returncode, mine) == (0, [])
    broken = tmp_path / "gwanje-broken.service"
    broken.write_text((tmp_path / "gwanje-web.service").read_text().replace("ProtectHome=yes", "ProtectHome=perhaps"))
    again = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(broken)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "gwanje-broken" in again.stderr
