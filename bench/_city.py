"""A small city for the fleet's rounds: nodes, cameras, PostgreSQL and vaultd, each node a machine that can be cut off.

With ``namespaces`` (root only) every node is a network namespace on a bridge, and PostgreSQL is Debian's, over TCP with
TLS. Without, everything is on loopback with the embedded PostgreSQL, and nothing can be cut.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench._city_cameras import password
from gwanje.apps import postgres
from gwanje.kernel import database, keys
from gwanje.kernel.clock import Clock
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import Source, put_source
from gwanje.media import registration
from gwanje.vault import ceremony, sealed, tls
from gwanje.vault.client import ConsoleClient, VaultAway, VaultClient

ROOT = Path(__file__).parents[1]
SQL = Path(registration.__file__).parents[1] / "kernel" / "sql"
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
CORE = "10.77.0.1"
AGENCY = UUID(int=5)
US = 1_000_000
TOPICS = ("footage", "footage_hours", "sources", "devices", "fleet", "findings", "ledger", "ledger_outside")


def possible() -> str:
    """Why this machine cannot make namespaces; empty when it can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "네트워크 이름공간에는 root와 iproute2가 필요합니다 / network namespaces need root and iproute2"
    if not DEBIAN:
        return "Debian PostgreSQL이 없습니다: apt-get install postgresql / Debian's postgresql is missing"
    name = f"gwp{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "" if made == 0 else "네트워크 이름공간을 만들 수 없습니다 / namespaces are not permitted here"


def ip(*words: str, inside: str = "") -> None:
    """One ``ip`` command, in a namespace maybe."""
    subprocess.run(["ip", *(("-n", inside) if inside else ()), *words], check=True, capture_output=True)


def free_ports(count: int) -> int:
    """A first loopback port with ``count`` free ones from it on."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def certificate(address: str) -> tuple[bytes, bytes]:
    """Key and self-signed certificate (PEM) of PostgreSQL at one address, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, made.public_bytes(Encoding.PEM)


class Node:
    """One recorder: its folder, its process, its line."""

    def __init__(self, number: int, home: Home, space: str) -> None:
        self.number, self.home, self.space = number, home, space
        self.id = registration.recorder_id(home)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The recorder's process."""
        assert self.process is not None
        return self.process.pid


class City:
    """Everything, as a context manager; ``root`` is an empty folder."""

    def __init__(
        self, root: Path, nodes: int, cameras: int, *, namespaces: bool, accounts: int | None = None,
        hour_in_s: int | None = None,
    ) -> None:  # fmt: skip
        self.root, self.count, self.namespaces = root, cameras, namespaces
        self._mark = f"gw{os.getpid() % 100000}"
        self._core = f"{self._mark}c" if namespaces else ""
        self.host = CORE if namespaces else "127.0.0.1"
        self._running: list[subprocess.Popen[bytes]] = []
        self._stack = contextlib.ExitStack()
        self._pg: subprocess.Popen[bytes] | None = None
        port = 9000 if namespaces else free_ports(2 * nodes + 6)
        self.door, self.rtsp = port, port + 1
        self._ports = port + 2
        self.nodes: list[Node] = []
        self._wanted = nodes
        # cameras' accounts are sealed to the first so many nodes
        self._accounts = nodes if accounts is None else accounts
        self._hour_in_s = hour_in_s
        self.cameras: list[UUID] = []

    # --- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> City:
        with contextlib.ExitStack() as stack:
            self._stack = stack
            stack.callback(self._end)
            if self.namespaces:
                self._lines()
            self.home = Home.create(
                self.root / "centre", demo=True, settable_clock=self._hour_in_s is not None,
                vault_listen={"host": self.host, "port": self.door}, postgres={"dynamic_shared_memory_type": "mmap"},
            )  # fmt: skip
            self._set_clock(self.home)
            officers = [
                ceremony.NewOfficer(uuid7(), role, AGENCY, f"word of {role}") for role in ("manager", "chief_officer")
            ]
            ceremony.create(self.home, officers)
            self.confirm = [(o.id, o.password) for o in officers]
            self._database()
            self.start_vault()
            rtsp = [sys.executable, "-m", "bench._city_cameras", str(ROOT / ".cache" / "bench")]
            self.start([*rtsp, str(self.count), self.host, str(self.rtsp)], self._core, "cameras")
            for number in range(self._wanted):
                self.nodes.append(self._node(number))
            self._register()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._pg is not None:
            postgres.stop(self._pg)
        for space in [*(node.space for node in self.nodes), self._core]:
            if space:
                subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)

    def start(self, argv: Sequence[str], space: str, name: str, **env: str) -> subprocess.Popen[bytes]:
        """A process in a namespace; its output goes to ``<name>.log``."""
        line = ["ip", "netns", "exec", space, *argv] if space else list(argv)
        with (self.root / f"{name}.log").open("ab") as out:
            made = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, **env}
            )
        self._running.append(made)
        return made

    def _set_clock(self, home: Home) -> None:
        """The whole city's clock so many seconds before an hour's end; PostgreSQL keeps its own time."""
        if self._hour_in_s is None:
            return
        if home is self.home:
            left = 3600 - Clock().now_us() / US % 3600
            self._offset_us = round((left - self._hour_in_s) * US)
        home.clock.set_offset(self._offset_us)

    # --- network --------------------------------------------------------------------------------------------------

    def _lines(self) -> None:
        """The core's namespace with a bridge in it."""
        ip("netns", "add", self._core)
        ip("link", "set", "lo", "up", inside=self._core)
        ip("link", "add", "br0", "type", "bridge", inside=self._core)
        ip("addr", "add", f"{CORE}/24", "dev", "br0", inside=self._core)
        ip("link", "set", "br0", "up", inside=self._core)
        # rules for one node's packets must come before the table of own addresses
        ip("rule", "add", "pref", "10", "lookup", "local", inside=self._core)
        ip("rule", "del", "pref", "0", inside=self._core)

    def _line(self, number: int) -> str:
        """A node's namespace on the bridge."""
        space = f"{self._mark}n{number}"
        ip("netns", "add", space)
        ip("link", "add", f"n{number}", "type", "veth", "peer", "name", "up0", "netns", space, inside=self._core)
        ip("link", "set", f"n{number}", "master", "br0", "up", inside=self._core)
        ip("addr", "add", f"10.77.0.{10 + number}/24", "dev", "up0", inside=space)
        ip("link", "set", "lo", "up", inside=space)
        ip("link", "set", "up0", "up", inside=space)
        return space

    def cut(self, node: Node) -> None:
        """Nothing arrives and nothing leaves; no side is told."""
        ip("link", "set", f"n{node.number}", "nomaster", inside=self._core)

    def mend(self, node: Node) -> None:
        """The line is whole again."""
        ip("link", "set", f"n{node.number}", "master", "br0", inside=self._core)

    def cut_database(self, node: Node) -> None:
        """Cameras and vaultd answer, PostgreSQL does not: its packets are dropped without a word."""
        ip("rule", "add", "pref", "5", "from", f"10.77.0.{10 + node.number}", "ipproto", "tcp", "dport", "5432",
           "blackhole", inside=self._core)  # fmt: skip

    def mend_database(self) -> None:
        """PostgreSQL's packets pass again."""
        ip("rule", "del", "pref", "5", inside=self._core)

    # --- database -------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """What a node has in GWANJE_DATABASE_URL."""
        if not self.namespaces:
            return f"host={self.home.run} dbname=gwanje"
        return f"host={CORE} port=5432 dbname=gwanje sslmode=verify-full sslrootcert={self.root}/pg.crt"

    def connect(self, role: str = "app") -> psycopg.Connection[Any]:
        """A connection of the bench itself, by the Unix socket."""
        place = self.root / "pg" if self.namespaces else self.home.run
        word = (self.home.secrets / f"pg-{role}").read_text().strip()
        made = psycopg.connect(host=str(place), dbname="gwanje", user=f"gwanje_{role}", password=word, autocommit=True)
        made.execute(database.SYSTEM_SCOPE)
        return made

    def _database(self) -> None:
        if self.namespaces:
            self._debian()
        else:
            self._stack.enter_context(postgres.running(self.home))
        with self.connect("owner") as db:
            for topic in TOPICS:
                db.execute((SQL / f"{topic}.sql").read_text())
            db.execute("grant select, insert, update, delete on all tables in schema public to gwanje_app")
            db.execute("insert into footage_class values (1, 'days', 30, 'bench', 'bench')")

    def _debian(self) -> None:
        """Debian's server with a certificate of its own on the core's address."""
        self.root.chmod(0o711)
        folder = self.root / "pg"
        folder.mkdir(mode=0o700)
        shutil.chown(folder, "postgres", "postgres")
        key, made = certificate(CORE)
        (self.root / "pg.crt").write_bytes(made)
        self._as_postgres("initdb", "-D", f"{folder}/data", "--auth-local=trust", "--auth-host=reject", "-E", "UTF8")
        for name, data in (("server.key", key), ("server.crt", made)):
            path = folder / "data" / name
            path.write_bytes(data)
            path.chmod(0o600)
            shutil.chown(path, "postgres", "postgres")
        (folder / "data" / "pg_hba.conf").write_text(
            "local all postgres trust\nlocal all all scram-sha-256\n"
            "hostssl gwanje gwanje_app 10.77.0.0/24 scram-sha-256\n"
        )
        self._pg = self._server()
        script = self.home.secrets / "roles.sql"
        before = os.environ.get("GWANJE_DATABASE_URL")
        os.environ["GWANJE_DATABASE_URL"] = f"host={folder} dbname=gwanje"
        try:
            # the product writes what the administrator of a given server must run
            with contextlib.suppress(postgres.PostgresError):
                postgres.ensure(self.home)
        finally:
            os.environ.pop("GWANJE_DATABASE_URL")
            if before is not None:
                os.environ["GWANJE_DATABASE_URL"] = before
        self._as_postgres("psql", "-h", str(folder), "-v", "ON_ERROR_STOP=1", "-q", given=script.read_text())

    def _as_postgres(self, tool: str, *words: str, given: str = "") -> None:
        line = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", str(DEBIAN[-1] / tool), *words]
        subprocess.run(line, input=given, text=True, check=True, capture_output=True, cwd="/")

    def _server(self) -> subprocess.Popen[bytes]:
        folder = self.root / "pg"
        options = {
            "listen_addresses": CORE, "unix_socket_directories": folder, "ssl": "on",
            "ssl_min_protocol_version": "TLSv1.3",
            "tcp_keepalives_idle": 2, "tcp_keepalives_interval": 1, "tcp_keepalives_count": 3, "tcp_user_timeout": 5000,
            "shared_buffers": "64MB", "max_connections": 60, "dynamic_shared_memory_type": "mmap",
        }  # fmt: skip
        line = ["ip", "netns", "exec", self._core, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        line += [str(DEBIAN[-1] / "postgres"), "-D", f"{folder}/data"]
        line += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.root / "postgres.log").open("ab") as out:
            made = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
        until = time.monotonic() + 30
        while not (folder / ".s.PGSQL.5432").exists():
            if made.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.root / "postgres.log").read_text()[-2000:])
            time.sleep(0.05)
        time.sleep(0.3)
        return made

    def restart_database(self, away_s: float) -> None:
        """An immediate end without a checkpoint, ``away_s`` of nothing, and crash recovery."""
        assert self._pg is not None
        self._pg.send_signal(signal.SIGQUIT)
        self._pg.wait(20)
        time.sleep(away_s)
        self._pg = self._server()

    # --- centre ---------------------------------------------------------------------------------------------------

    def start_vault(self) -> None:
        """vaultd, answering."""
        line = [sys.executable, "-m", "gwanje.apps.vaultd", "--data", str(self.home.root)]
        self._vaultd = self.start(line, self._core, "vaultd")
        self._answering()

    def kill_vault(self) -> None:
        """SIGKILL; nobody is told."""
        self._vaultd.kill()
        self._vaultd.wait(10)

    def _answering(self) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                VaultClient(self.home, "web").set_class(1, "days", 30, "bench")
            except VaultAway:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
                continue
            return

    def _node(self, number: int) -> Node:
        far = {"host": self.host, "port": self.door, "certificate": tls.certificate_of(self.home, "vaultd").hex()}
        home = Home.create(
            self.root / f"node{number}", port=9100 if self.namespaces else self._ports + 2 * number, fleet=True,
            centre=str(self.home.centre), vaultd=far, inspection=False, settable_clock=self._hour_in_s is not None,
            demo=True,
        )  # fmt: skip
        self._set_clock(home)
        for service in ("recorder", "player"):
            keys.signing_key(home, service, create=True)
        keys.sealing_key(home, "recorder", create=True)
        word = home.secrets / "pg-app"
        keys.write_secret(word, (self.home.secrets / "pg-app").read_bytes())
        own = tls.certificate_of(home, "recorder")
        ConsoleClient(self.home).ask("service_admit", self.confirm, role="recorder", certificate=own)
        return Node(number, home, self._line(number) if self.namespaces else "")

    def _register(self) -> None:
        """Recorders first, because accounts are sealed to each of them; then cameras."""
        slots = VaultClient(self.home, "web").slots([UUID(int=1000 + number) for number in range(self.count)])
        with self.connect() as db, db.transaction(), db.cursor() as cursor:
            for node in self.nodes:
                registration.register(node.home, cursor)
            for number, slot in enumerate(slots):
                camera = UUID(int=1000 + number)
                boxes = {str(n.id): self._sealed(n, number, camera) for n in self.nodes[: self._accounts]}
                url = f"rtsp://{self.host}:{self.rtsp}/cam{number:03d}/main"
                put_source(cursor, Source(camera, AGENCY, slot, 1, f"F-{number:04d}", url, "", boxes, True))
                self.cameras.append(camera)

    @staticmethod
    def _sealed(node: Node, number: int, camera: UUID) -> str:
        key = keys.raw_public(keys.sealing_key(node.home, "recorder"))
        return base64.b64encode(sealed.seal_to(key, f"admin:{password(number)}".encode(), camera.bytes)).decode()

    # --- nodes ----------------------------------------------------------------------------------------------------

    def run(self, node: Node) -> None:
        """Start a node's recorder."""
        line = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(node.home.root), "recorder"]
        node.process = self.start(line, node.space, f"node{node.number}", GWANJE_DATABASE_URL=self.url)

    def check(self, level: int = 2) -> dict[str, Any]:
        """``gwanje check`` over the stores of all nodes put together (their recorders have ended)."""
        store = self.home.root / "store"
        for node in self.nodes:
            for path in node.home.store.rglob("*.gws"):
                place = store / path.relative_to(node.home.store)
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists():
                    os.link(path, place)
        line = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(self.home.root), "check"]
        env = {**os.environ, "GWANJE_DATABASE_URL": f"host={self.root / 'pg'} dbname=gwanje"}
        done = subprocess.run(
            [*line, "--level", str(level), "--json"], capture_output=True, text=True, check=False, cwd=ROOT,
            env=env if self.namespaces else None,
        )  # fmt: skip
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            raise RuntimeError((done.stdout + done.stderr)[-2000:]) from None


def until(condition: Any, seconds: float) -> Iterator[None]:
    """Times to look again, 0.2 s apart, until the condition holds; TimeoutError when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)
        yield
