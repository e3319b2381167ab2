"""The centre that is attacked: real PostgreSQL with WAL archive, real vaultd, real sealed footage, a settable clock."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gwanje.apps import postgres
from gwanje.kernel import database
from gwanje.kernel.footage import Segment, put_segments
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.vault import ceremony, parts, tls
from gwanje.vault.client import VaultAway, VaultClient
from gwanje.vault.segment import SegmentHeader, SegmentWriter, segment_path

HOUR = 3600
DAY = 24 * HOUR
FILE_TICKS = 250
ARTICLE = "제31조제1항"
PASSWORD = "공격-시험-비밀번호"


@dataclass
class Stage:
    """A running centre: its folder, the officers of its registry, its cameras with their slots."""

    home: Home
    agency: UUID
    officers: dict[str, UUID]
    cameras: list[UUID] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    vaultd: subprocess.Popen[bytes] | None = None

    def gwanje(self, *argv: str, code: int | None = 0, home: Home | None = None, typed: str = "") -> str:
        """Run `gwanje …` on the folder, or on a replica's, with ``typed`` on its standard input; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "gwanje.apps.cli", *argv], input=typed,
            env=environment(home or self.home), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def to(self, seconds: float) -> None:
        """Set the centre's clock to a Unix second, or a part of one."""
        file = self.home.root / "clock.json"
        offset = int(json.loads(file.read_text())["offset_us"]) if file.exists() else 0
        self.home.clock.set_offset(offset + round(seconds * 1_000_000) - self.home.clock.now_us())
        time.sleep(0.15)  # every process looks at the file ten times a second

    def record(self, ticks: int, plain: bytes = b"") -> list[Path]:
        """Seal ``ticks`` seconds of every camera from now on, indexed; under keys that vaultd lends."""
        client, made = VaultClient(self.home, "recorder"), []
        try:
            for camera, slot in zip(self.cameras, self.slots, strict=True):
                epoch = self.home.clock.now_s() // HOUR
                spine = client.lend(1, slot, epoch).spine()
                first = spine.tick + 1
                for start in range(first, min(first + ticks, HOUR), FILE_TICKS):
                    until = min(start + FILE_TICKS, first + ticks, HOUR)
                    made.append(self._file(camera, slot, epoch, start, until, spine, plain))
        finally:
            client.close()
        return made

    def _file(  # noqa: PLR0917 - one file's own fields
        self, camera: UUID, slot: int, epoch: int, first: int, until: int, spine: Any, plain: bytes
    ) -> Path:
        header = SegmentHeader.fresh(
            class_=1, epoch=epoch, slot=slot, stream=0, fence=1, writer=b"w" * 16,
            created_us=(epoch * HOUR + first) * 1_000_000, centre=self.home.centre,
        )  # fmt: skip
        writer = SegmentWriter.create(self.home.store, header)
        out = memoryview(bytearray(8192))
        for tick in range(first, until):
            writer.key(tick, spine.at(tick))
            start_us = (epoch * HOUR + tick) * 1_000_000
            size = writer.seal_into(
                out, parts.VIDEO, parts.FLAG_IDR, start_us, 1_000_000, plain or os.urandom(600)
            )  # fmt: skip
            writer.write(out[:size])
        root, path = writer.finish(), segment_path(self.home.store, header)
        row = Segment(
            segment_id=writer.segment_id, camera=camera, agency=self.agency, slot=slot, stream=0, class_=1,
            epoch=epoch, first_tick=first, last_tick=until - 1, parts=until - first, size=path.stat().st_size,
            idr_ticks=b"\xff" * ((until - first + 7) // 8), codec="avc1.42c01e", width=640, height=360, root=root,
            path=str(path.relative_to(self.home.store)), fence=1, writer=b"w" * 16, closed=True,
        )  # fmt: skip
        with database.connect(self.home) as app, app.cursor() as cursor:
            put_segments(cursor, [row])
        return path


def end_cleanly() -> None:
    """Let SIGTERM unwind like an error, so that what was started is ended."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))


def environment(home: Home) -> dict[str, str]:
    """For a process of the centre."""
    return {
        **os.environ,
        "GWANJE_DATA": str(home.root),
        "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings",
        "GWANJE_TESTING": "1",
    }


@contextlib.contextmanager
def vaultd(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """vaultd as a process of its own until the block ends; it may be killed and started again inside."""
    child = start_vaultd(home)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(20)


def start_vaultd(home: Home) -> subprocess.Popen[bytes]:
    """Start it and wait until it answers."""
    log = home.root / "log" / "vaultd.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "vaultd"],
            env=environment(home), stdout=out, stderr=out,
        )  # fmt: skip
    answers(child, home, log, 60)
    return child


def answers(child: subprocess.Popen[bytes], home: Home, log: Path, seconds: float) -> None:
    """Wait until vaultd answers; RuntimeError with its log's end when it ends, or does not in time."""
    client, until = VaultClient(home, "worker"), time.monotonic() + seconds
    while True:
        try:
            client.status()
            break
        except (VaultAway, OSError):
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
    client.close()


def first_port() -> int:
    """A port whose next three are free as well: stages run side by side, and beside a centre on the usual ones.

    Below 32768, so that no outgoing connection takes one of them meanwhile.
    """
    for _ in range(200):
        first = 12_000 + 8 * secrets.randbelow(900)
        if all(_free(first + step) for step in range(4)):
            return first
    raise OSError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def stage(folder: Path, cameras: int, *, archive: bool = False, **config: Any) -> Iterator[Stage]:
    """A centre with ``cameras`` cameras, class 1 of 30 days and three officers; ``archive``: WAL is archived.

    ``config``: more of config.json, as of a token.
    """
    settings = {}
    if archive:
        command = f"test ! -f {folder}/wal/%f && cp %p {folder}/wal/%f"
        settings = {"wal_level": "replica", "archive_mode": "on", "archive_command": command}
    home = Home.create(
        folder, settable_clock=True, demo=True, packs=["kr_national", "kr_anyang"], name="가온시 통합관제센터",
        port=first_port(), postgres=settings, **config,
    )  # fmt: skip
    agency = uuid7()
    officers = {role: uuid7() for role in ("operator", "manager", "chief_officer")}
    ceremony.create(home, [ceremony.NewOfficer(id_, role, agency, PASSWORD) for role, id_ in officers.items()])
    if archive:
        postgres.ensure(home)
        owner = (home.root / "pg").stat()
        (home.root / "wal").mkdir(mode=0o700)
        os.chown(home.root / "wal", owner.st_uid, owner.st_gid)
    made = Stage(home, agency, officers, [uuid7() for _ in range(cameras)])
    with postgres.running(home), vaultd(home) as made.vaultd:
        made.gwanje("migrate")
        web = VaultClient(home, "web")
        web.set_class(1, "days", 30, ARTICLE)
        made.slots = web.slots(made.cameras)
        web.close()
        with database.connect(home) as app:
            app.execute("insert into footage_class values (1, 'days', 30, %s, '30일')", [ARTICLE])
        yield made


@contextlib.contextmanager
def replica(centre: Stage, folder: Path) -> Iterator[Home]:
    """A replica of the centre's keystore in a folder and a process of its own, admitted by two officers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    home, card = Home(folder), tls.certificate_of(centre.home, tls.SERVICE).hex()
    words = ["--number", "1", "--listen", address, "--centre", str(centre.home.centre), "--primary", card]
    said = centre.gwanje("replica", "init", *words, home=home)
    admit = next(line for line in said.splitlines() if line.startswith("gwanje replica admit")).split()[1:]
    officers = [word for role in ("manager", "chief_officer") for word in ("--officer", str(centre.officers[role]))]
    with (folder / "log" / "replica.log").open("ab") as out:
        argv = [sys.executable, "-m", "gwanje.apps.cli", "replica", "serve"]
        child = subprocess.Popen(argv, env=environment(home), stdout=out, stderr=out)
    try:
        centre.gwanje(*admit, *officers, "--stdin", typed=f"{PASSWORD}\n{PASSWORD}\n")
        acknowledged(centre)
        yield home
    finally:
        child.terminate()
        child.wait(20)


def acknowledged(centre: Stage) -> None:
    """Wait until the replica has signed for what the centre has now."""
    client, until = VaultClient(centre.home, "worker"), time.monotonic() + 120
    try:
        while (said := client.status()).peers[0]["acknowledged"] != said.generation:
            if time.monotonic() > until:
                raise RuntimeError(f"the replica never signed: {said}")
            time.sleep(0.05)
    finally:
        client.close()


def backup(home: Home, to: Path) -> None:
    """A base backup of the running database as an administrator makes it: backup mode, files copied, label kept."""
    word = (home.secrets / "pg-super").read_text().strip()
    address = {"host": str(home.door("db")), "user": postgres.SUPERUSER, "password": word, "dbname": "postgres"}
    with psycopg.connect(**address, autocommit=True) as line:
        line.execute("select pg_backup_start('attack', true)")
        shutil.copytree(
            home.root / "pg", to, ignore=shutil.ignore_patterns("pg_wal", "postmaster.pid"), copy_function=_copy
        )
        row = line.execute("select labelfile from pg_backup_stop(false)").fetchone()
        assert row is not None
        (to / "pg_wal").mkdir(mode=0o700)
        (to / "backup_label").write_text(row[0])
        line.execute("select pg_switch_wal()")


def _copy(source: str, to: str) -> None:
    # a running server makes and drops files; what vanishes meanwhile comes back from the WAL
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, to)


def public_key(home: Home, service: str) -> bytes:
    """A service's 32-byte public key."""
    return raw_public(signing_key(home, service))
