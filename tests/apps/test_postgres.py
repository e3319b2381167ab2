"""The embedded database: roles, passwords, crash, half-made cluster, who may connect."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from gwanje.apps import postgres, unprivileged
from gwanje.kernel.database import connect, dsn
from gwanje.kernel.home import Home

HAS_ROOT = os.geteuid() == 0


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("GWANJE_DATABASE_URL", raising=False)
    return Home.create(tmp_path / "var")


def test_three_roles_with_scram_and_no_tcp(home):
    with postgres.running(home):
        for role in ("owner", "app", "auditor"):
            with connect(home, role) as connection:
                row = connection.execute(
                    "select current_user, rolsuper, rolcreaterole, rolbypassrls, rolcreatedb from pg_roles "
                    "where rolname = current_user"
                ).fetchone()
                assert row == (f"gwanje_{role}", False, False, False, False)
        with connect(home, "owner") as connection:
            assert connection.execute("show listen_addresses").fetchone() == ("",)
            assert connection.execute("show fsync").fetchone() == ("on",)
            assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
            connection.execute("create table t (x int)")
        with connect(home, "app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from t")


def test_a_wrong_password_is_refused(home):
    with postgres.running(home):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(dsn(home, "owner"), password="wrong")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(home.run), dbname="gwanje", user="gwanje_super", passfile="/nonexistent")


def test_secrets_are_private_and_in_no_log(home):
    with postgres.running(home):
        pass
    files = sorted(home.secrets.glob("pg-*"))
    assert [f.name for f in files] == ["pg-app", "pg-auditor", "pg-owner", "pg-super"]
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files)
    log = (home.root / "log/postgres.log").read_text()
    assert not any(f.read_text() in log for f in files)
    assert not list(home.root.glob("pg.word*"))


def test_committed_rows_outlive_kill_9(home):
    with postgres.running(home) as pid:
        with connect(home, "owner") as connection:
            connection.execute("create table t (x int); insert into t select generate_series(1, 1000)")
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 60
        while Path(f"/proc/{pid}/cwd").exists() and time.monotonic() < until:
            time.sleep(0.05)
    with postgres.running(home), connect(home, "owner") as connection:
        assert connection.execute("select count(*) from t").fetchone() == (1000,)


def test_a_second_use_in_one_process_shares_the_server(home):
    with postgres.running(home) as first:
        with postgres.running(home) as second:
            assert second == first
        assert postgres.answers(home)
    assert not postgres.answers(home)


@pytest.mark.parametrize("name", ["관제 실", "a, b", "긴" * 40])
def test_any_folder_name_will_do(tmp_path, name, monkeypatch):
    monkeypatch.delenv("GWANJE_DATABASE_URL", raising=False)
    home = Home.create(tmp_path / name)
    with postgres.running(home):
        assert postgres.answers(home)
    if home.run.parent != home.root:
        shutil.rmtree(home.run)


def test_a_half_made_cluster_is_made_again(home):
    part = home.root / "pg.new"
    part.mkdir()
    (part / "PG_VERSION").write_text("18\n")
    postgres.ensure(home)
    assert not part.exists()
    with postgres.running(home):
        assert postgres.answers(home)


def test_the_server_dies_with_whoever_started_it(home):
    postgres.ensure(home)
    code = (
        "import subprocess, sys, time, pathlib; from gwanje.kernel.home import Home; from gwanje.apps import postgres\n"
        "home = Home(pathlib.Path(sys.argv[1])); child = subprocess.Popen(postgres.command(home))\n"
        "while not postgres.answers(home): time.sleep(0.05)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    line = [sys.executable, "-c", code, str(home.root)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
    until = time.monotonic() + 60
    while postgres.answers(home) and time.monotonic() < until:
        time.sleep(0.05)
    assert not postgres.answers(home)


def test_a_server_left_behind_is_ended_before_the_next(home):
    postgres.ensure(home)
    line = postgres.command(home)
    log = (home.root / "log/left.log").open("wb")
    left = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not postgres.answers(home) and time.monotonic() < until:
            time.sleep(0.05)
        with postgres.running(home) as pid:
            assert pid != left.pid
            assert left.wait(10) == 0
    finally:
        postgres.stop(left)
        log.close()


@pytest.mark.skipif(not HAS_ROOT, reason="needs root: tries both ways to leave it")
@pytest.mark.parametrize("how", ["namespace", "capability"])
def test_root_has_two_ways(home, how, monkeypatch):
    try:
        monkeypatch.setenv("GWANJE_ROOT_WAY", how)
        unprivileged.way([postgres.binaries() / "postgres", home.root])
    except unprivileged.Forbidden:
        pytest.skip(f"this machine forbids the way '{how}'")
    before = home.root.stat()
    with postgres.running(home) as pid:
        uid = int(
            next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("Uid")).split()[1]
        )
        assert uid == unprivileged.owner(how)[0]
        assert postgres.answers(home)
    after = home.root.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


@pytest.mark.skipif(not HAS_ROOT, reason="needs root: starts the server once in each way")
def test_the_same_folder_goes_from_one_way_to_the_other(home, monkeypatch):
    for how in ("capability", "namespace"):
        monkeypatch.setenv("GWANJE_ROOT_WAY", how)
        with postgres.running(home):
            assert postgres.answers(home)


def test_a_given_server_gets_its_roles_from_its_administrator(home, tmp_path, monkeypatch):
    other = Home.create(tmp_path / "other")
    with postgres.running(other):
        word = (other.secrets / "pg-super").read_text()
        admin = psycopg.connect(
            host=str(other.run), dbname="postgres", user="gwanje_super", password=word, autocommit=True
        )
        admin.execute("drop database gwanje")
        admin.execute("drop role gwanje_owner, gwanje_app, gwanje_auditor")
        monkeypatch.setenv("GWANJE_DATABASE_URL", f"host={other.run} dbname=gwanje")
        with pytest.raises(postgres.PostgresError, match=r"psql -f .*roles\.sql"):
            postgres.ensure(home)
        assert not postgres.folder(home).exists()
        script = home.secrets / "roles.sql"
        assert stat.S_IMODE(script.stat().st_mode) == 0o600
        for statement in script.read_text().splitlines():
            admin.execute(statement)
        admin.close()
        postgres.ensure(home)
        with connect(home, "owner") as connection:
            assert connection.execute("select current_user").fetchone() == ("gwanje_owner",)


def test_a_failure_says_why(home, monkeypatch):
    monkeypatch.setattr(postgres, "_bootstrap_sql", lambda home: "create role gwanje_owner password;\n")
    with pytest.raises(postgres.PostgresError, match="syntax error"):
        postgres.ensure(home)
    monkeypatch.undo()
    shutil.rmtree(home.root / "pg.new", ignore_errors=True)
    postgres.ensure(home)
