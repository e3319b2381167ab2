"""What an attacker tries who is the web's user, the database's user and superuser, or both: files, memory, sockets.

Every try has a class and an outcome; ``granted`` is what must never be there. What could be read is carried away and
tried as keys afterwards (`opener.Loot`). Signals are tried with number 0: who may send that may send any, and what it
costs is availability.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps.postgres import SUPERUSER
from gwanje.kernel import wire
from gwanje.kernel.cose import key_id, public_bytes
from gwanje.kernel.home import Home
from gwanje.vault.client import HELLO, VaultAway, VaultRefused

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
READ_MAX = 4 << 20
ROLES = ("web", "recorder", "player", "worker", "checker", "vaultd", "console", "replica")


@dataclass
class Told:
    """What came of it: outcomes by class, what was granted by name, Permits that vaultd gave."""

    outcomes: Counter[str] = field(default_factory=Counter)
    granted: list[str] = field(default_factory=list)
    permits: list[bytes] = field(default_factory=list)
    unavailable: list[str] = field(default_factory=list)

    def tried(self, class_: str, name: str, act: Callable[[], Any]) -> None:
        """Count what came back: a refusal's code, the system's word, or ``granted``."""
        try:
            act()
            outcome = "granted"
            self.granted.append(f"{class_}: {name}")
        except VaultRefused as no:
            outcome = no.code
        except (VaultAway, OSError, psycopg.Error, wire.WireError) as no:
            outcome = type(no).__name__
        self.outcomes[f"{class_}: {outcome}"] += 1


class Host:
    """One attacker on the machine: what its uid can reach of everybody else's."""

    def __init__(self, home: Home, told: Told, loot: Path, name: str) -> None:
        self.home, self.told, self.loot, self.name, self.word = home, told, loot, name, ""

    def files(self, paths: Sequence[str], own: Sequence[str], public: Collection[str]) -> None:
        """Read, write, replace, link: every file of the data folder that is not given to this user.

        ``public``: given to all to read, and to nobody to write.
        """
        mine, taken = {self.home.root / each for each in own}, 0
        for path in (self.home.root / each for each in paths):
            if path in mine or any(parent in mine for parent in path.parents):
                with contextlib.suppress(OSError):
                    taken += 1
                    (self.loot / f"{self.name}-{taken}").write_bytes(self._read(path))
                continue
            said = str(path.relative_to(self.home.root))
            if said not in public:
                self.told.tried("files", f"read {said}", lambda path=path: self._read(path))
            self.told.tried("files", f"write {said}", lambda path=path: os.close(os.open(path, os.O_WRONLY)))
            self.told.tried("files", f"remove {said}", lambda path=path: os.rename(path, f"{path}.gone"))
            self.told.tried("files", f"mode {said}", lambda path=path: os.chmod(path, 0o777))
            hard = self.loot / f"{self.name}-hard"
            self.told.tried("files", f"link {said}", lambda path=path, hard=hard: self._linked(path, hard))
        for folder in (self.home.vault, self.home.secrets, self.home.store, self.home.root, self.home.run):
            self.told.tried("files", f"make in {folder.name}", lambda folder=folder: (folder / "mine").touch())

    @staticmethod
    def _read(path: Path) -> bytes:
        with path.open("rb") as handle:
            return handle.read(READ_MAX)

    def _linked(self, path: Path, hard: Path) -> None:
        # a link that reads no more than its file does is nothing won
        hard.unlink(missing_ok=True)
        os.link(path, hard)
        try:
            self._read(hard)
        finally:
            hard.unlink()

    def memory(self, pids: dict[str, int]) -> None:
        """Another user's process: memory, environment, open files, tracing, signals."""
        libc = ctypes.CDLL(None, use_errno=True)
        for who, pid in pids.items():
            for what in ("mem", "environ", "maps", "auxv", "pagemap"):
                self.told.tried(
                    "proc", f"{what} of {who}", lambda w=what, p=pid: self._read_some(Path(f"/proc/{p}/{w}"))
                )
            for what in ("fd", "root", "cwd"):
                self.told.tried("proc", f"{what} of {who}", lambda w=what, p=pid: os.listdir(f"/proc/{p}/{w}"))
            for how in (PTRACE_ATTACH, PTRACE_SEIZE):
                self.told.tried("ptrace", f"{how} {who}", lambda how=how, p=pid: self._trace(libc, how, p))
            self.told.tried("ptrace", f"process_vm_readv {who}", lambda p=pid: self._vm(libc, p))
            try:
                os.kill(pid, 0)
                self.told.unavailable.append(who)
                self.told.outcomes["signals: possible"] += 1
            except OSError as no:
                self.told.outcomes[f"signals: {type(no).__name__}"] += 1

    @staticmethod
    def _read_some(path: Path) -> None:
        with path.open("rb") as handle:
            handle.read(1)

    @staticmethod
    def _trace(libc: Any, how: int, pid: int) -> None:
        if libc.ptrace(how, pid, 0, 0):
            raise OSError(ctypes.get_errno(), "ptrace")
        libc.ptrace(17, pid, 0, 0)

    @staticmethod
    def _vm(libc: Any, pid: int) -> None:
        buffer = ctypes.create_string_buffer(8)
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
        if libc.process_vm_readv(pid, vector, 1, vector, 1, 0) < 0:
            raise OSError(ctypes.get_errno(), "process_vm_readv")

    def sockets(self, own: str) -> None:
        """Be first at a name, take one away, be somebody else at one."""
        doors = {each: self.home.socket(each) for each in ("vaultd", "console")}
        places = [*doors.values(), self.home.door("db") / ".s.PGSQL.5432"]
        new = [self.home.run / "vaultd.sock", *(path.with_name("other.sock") for path in places)]
        for path in [*places, *new]:
            if own and own in path.parts:
                continue
            said = str(path.relative_to(self.home.run))
            self.told.tried("sockets", f"bind {said}", lambda path=path: self._bind(path))
            if path in places:
                self.told.tried("sockets", f"remove {said}", path.unlink)
                self.told.tried("sockets", f"mode {said}", lambda path=path: path.chmod(0o666))
        self.told.tried("sockets", "connect console", lambda: self._connect(doors["console"]).close())
        for role in ROLES:
            self.told.tried("sockets", f"hello as {role}", lambda role=role: self._hello(role))

    @staticmethod
    def _bind(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))

    @staticmethod
    def _connect(path: Path) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        return sock

    def _hello(self, role: str) -> None:
        key = Ed25519PrivateKey.generate()
        with self._connect(self.home.socket("vaultd")) as sock:
            nonce = wire.receive(sock)["nonce"]
            signed = key.sign(b"".join((HELLO, nonce, role.encode())))
            wire.send(sock, {"role": role, "kid": key_id(public_bytes(key)), "sig": signed})
            answer = wire.receive(sock)
            if not answer.get("ok"):
                raise VaultRefused(str(answer["error"]), "")

    def signing_port(self) -> None:
        """The port of vaultd's signing pages, on every address that ``localhost`` may be."""
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            self.told.tried("signing port", address, lambda f=family, a=address: self._listen(f, a))

    def _listen(self, family: int, address: str) -> None:
        with socket.socket(family) as sock:
            sock.bind((address, self.home.port + 3))

    def clocks(self) -> None:
        """The centre's clock, by its file and by the machine's."""
        self.told.tried("clocks", "set_offset", lambda: self.home.clock.set_offset(-3_600_000_000))
        self.told.tried("clocks", "clock.json", lambda: (self.home.root / "clock.json").write_text("{}"))
        # the same second again: were it allowed, nothing would have moved
        self.told.tried("clocks", "clock_settime", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))

    def _superuser(self) -> psycopg.Connection[Any]:
        word = self.word or (self.home.secrets / "pg-super").read_text().strip()
        line = psycopg.connect(
            host=str(self.home.door("db")), user=SUPERUSER, password=word, dbname="gwanje", autocommit=True
        )
        line.execute("set row_security = off")
        return line

    def superuser(self, wanted: Sequence[str], away: int) -> dict[str, int]:
        """The database's own ways out, then every row: (table → rows changed). ``away``: seconds of a lying clock."""
        with self._superuser() as line:
            for path in (str(self.home.root / each) for each in wanted):
                self._ways_out(line, path)
            return self._rows(line, away)

    def _ways_out(self, line: psycopg.Connection[Any], path: str) -> None:
        where, place = path.removeprefix(f"{self.home.root}/"), str(self.loot / "sql")
        for name, words, given in (
            ("pg_read_binary_file", "select pg_read_binary_file(%s)", [path]),
            ("pg_ls_dir", "select pg_ls_dir(%s)", [path]),
            ("lo_import", "select lo_import(%s)", [path]),
            ("copy from", f"copy stolen from '{path}'", None),
            ("copy to program", f'copy (select 1) to program \'cat "{path}" >> "{place}"\'', None),
            ("copy over", f"copy (select 1) to '{path}'", None),
        ):
            line.execute("create temp table if not exists stolen (line text)")
            self.told.tried("superuser", f"{name} {where}", lambda w=words, g=given: line.execute(w, g))

    def _rows(self, line: psycopg.Connection[Any], away: int) -> dict[str, int]:
        """Slots swapped, classes for ever, officers, decisions and the ledger rewritten, without a trigger to ask."""
        line.execute("set session_replication_role = replica")
        changed = {}
        for table, words in (
            ("footage_class", "update footage_class set value = 36500"),
            ("footage_segment", f"update footage_segment set slot = (slot + 1) %% 4, epoch = epoch + {away // 3600}"),
            ("ledger_leaf", "update ledger_leaf set leaf = decode(repeat('00', 64), 'hex')"),
            ("ledger_checkpoint", "delete from ledger_checkpoint"),
        ):
            with contextlib.suppress(psycopg.Error):
                changed[table] = line.execute(words).rowcount
        tables = line.execute(
            "select table_name from information_schema.tables where table_schema = 'public' "
            "and table_type = 'BASE TABLE' order by 1"
        ).fetchall()
        for (table,) in tables:
            if table.startswith(("footage_segment", "procrastinate", "django_migrations")):
                continue
            with contextlib.suppress(psycopg.Error):
                changed[table] = changed.get(table, 0) + line.execute(f'delete from "{table}"').rowcount
        return changed


def carried(folder: Path) -> Path:
    """A folder that every attacker may write to, for what was carried away."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    folder.chmod(0o777)
    return folder
