"""A centre without its pages for tests: the real PostgreSQL and vaultd, simulated cameras, recorder processes."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rig import CLIPS, between_files, source
from sim_tools import short_streets

from gwanje.apps import postgres, vaultd
from gwanje.kernel import keys
from gwanje.kernel.database import connect
from gwanje.kernel.home import Home
from gwanje.kernel.permit import LiveToken
from gwanje.kernel.sources import put_source
from gwanje.media import registration
from gwanje.media.sim.server import SimThread
from gwanje.vault import ceremony, sealed
from gwanje.vault.client import VaultClient

SQL = Path(registration.__file__).parents[1] / "kernel" / "sql"


def free_ports(count: int) -> int:
    """A first port with ``count`` free ones from it on."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


@dataclass
class Centre:
    """A centre without its pages: database, vault, cameras."""

    home: Home
    sim: SimThread
    cameras: list[UUID]

    def recorder(self) -> subprocess.Popen[bytes]:
        log = (self.home.root / "log" / "recorder.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", "--data", str(self.home.root), "recorder"], stdout=log, stderr=log
        )

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.home.port + 1}/health", timeout=2) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    def until(self, condition: Any, seconds: float = 15) -> Any:
        # a machine that is slower has three times as long
        end = time.monotonic() + 3 * seconds
        while not (found := condition()):
            assert time.monotonic() < end, (
                self.health(),
                (self.home.root / "log" / "recorder.log").read_text()[-3000:],
            )
            time.sleep(0.1)
        return found

    def token(self, camera: UUID, *, seconds: int = 60, key: str = "web", stream: int = 1) -> str:
        now = self.home.clock.now_s()
        token = LiveToken(camera, stream, UUID(int=9), "관제석 1", now + seconds)
        return base64.urlsafe_b64encode(token.sign(keys.signing_key(self.home, key))).decode().rstrip("=")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    root = tmp_path_factory.mktemp("centre")
    home = Home.create(root / "var", settable_clock=True, port=free_ports(3), index_progress_seconds=1, demo=True)
    between_files(home.clock)
    ceremony.create(home)
    clips = short_streets(CLIPS, 2, 4)
    with postgres.running(home), vaultd.running(home), SimThread(clips) as sim:
        cameras = _prepare(home, sim)
        yield Centre(home, sim, cameras)


def _prepare(home: Home, sim: SimThread) -> list[UUID]:
    with connect(home, "owner") as db:
        for name in ("footage", "sources", "devices", "fleet", "findings", "ledger", "ledger_outside"):
            db.execute((SQL / f"{name}.sql").read_text())
        db.execute("grant select, insert, update, delete on all tables in schema public to gwanje_app")
        db.execute("insert into footage_class values (1, 'days', 30, '조례', '일반')")
    vault = VaultClient(home, "web")
    vault.set_class(1, "days", 30, "조례")
    cameras = []
    with connect(home) as db, db.cursor() as cursor:
        recorder = registration.register(home, cursor)
        sealing = keys.raw_public(keys.sealing_key(home, "recorder"))
        for number in (1, 2):
            made = source(number, sim.url(f"cam0{number}"), sim.url(f"cam0{number}", "sub"))
            box = sealed.seal_to(sealing, b"admin:secret-%d" % number, made.camera.bytes)
            fields = {**made.__dict__, "slot": vault.slot(made.camera)}
            fields["sealed"] = {str(recorder): base64.b64encode(box).decode()}
            put_source(cursor, type(made)(**fields))
            cameras.append(made.camera)
    return cameras
