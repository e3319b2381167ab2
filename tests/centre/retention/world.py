"""A whole centre in a folder of its own, with a settable clock: PostgreSQL, vaultd and real sealed footage."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import support
from gwanje.apps.postgres import running
from gwanje.kernel import database
from gwanje.kernel.footage import Segment, put_segments
from gwanje.kernel.home import Home
from gwanje.vault import ceremony, parts
from gwanje.vault.client import VaultAway, VaultClient
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter, segment_path

AGENCY, CAMERAS = uuid4(), [uuid4(), uuid4()]
ARTICLE = "제31조제1항"
PARTS = 3


def run(home: Home, *argv: str, code: int | None = 0) -> str:
    """Run ``gwanje …`` on the folder; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "gwanje.apps.cli", *argv],
        env={**os.environ, "GWANJE_DATA": str(home.root), "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert code is None or done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


def retention(home: Home, code: int = 0) -> dict:
    """One run of the duty, as JSON."""
    return json.loads(run(home, "retention", "run", "--json", code=code).strip().splitlines()[-1])


@contextlib.contextmanager
def vaultd(home: Home) -> Iterator[subprocess.Popen]:
    """vaultd as a process of its own."""
    with (home.root / "log" / "vaultd.log").open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "vaultd"], stdout=out, stderr=out
        )
    try:
        client = VaultClient(home, "worker")
        for _ in range(200):
            try:
                client.status()
                break
            except (VaultAway, OSError):
                assert child.poll() is None, (home.root / "log" / "vaultd.log").read_text()[-2000:]
                time.sleep(0.05)
        client.close()
        yield child
    finally:
        child.terminate()
        child.wait(10)


@contextlib.contextmanager
def centre(folder: Path, officers: Iterable[ceremony.NewOfficer] = ()) -> Iterator[Home]:
    """The centre with two classes: 1 = 30 days of the ordinance, 2 = 60 days by another statute."""
    home = Home.create(folder, settable_clock=True, demo=True, packs=support.PACKS, name="가온시 통합관제센터")
    ceremony.create(home, officers)
    with running(home), vaultd(home):
        run(home, "migrate")
        web = VaultClient(home, "web")
        with database.connect(home) as app:
            for number, days in ((1, 30), (2, 60)):
                web.set_class(number, "days", days, ARTICLE)
                app.execute("insert into footage_class values (%s, 'days', %s, %s, 'x')", [number, days, ARTICLE])
        web.slots(CAMERAS)
        web.close()
        yield home


def to_next_hour(home: Home) -> int:
    """Move the clock to 10 s after the next full hour; the new epoch."""
    wanted = (home.clock.now_s() // 3600 + 1) * 3600 + 10
    offset = (
        json.loads((home.root / "clock.json").read_text())["offset_us"] if (home.root / "clock.json").exists() else 0
    )
    home.clock.set_offset(offset + wanted * 1_000_000 - home.clock.now_us())
    time.sleep(0.15)
    return wanted // 3600


def record(home: Home, class_: int, camera: int, *, finish: bool = True, indexed: bool = True) -> Path:
    """Seal three seconds of (random) video under keys that vaultd lends now; the segment's path."""
    client = VaultClient(home, "recorder")
    slot = VaultClient(home, "web").slot(CAMERAS[camera])
    epoch, tick = divmod(home.clock.now_s(), 3600)
    spine = client.lend(class_, slot, epoch).spine()
    header = SegmentHeader.fresh(
        class_=class_, epoch=epoch, slot=slot, stream=0, fence=1, writer=b"w" * 16,
        created_us=home.clock.now_us(), centre=home.centre,
    )  # fmt: skip
    writer = SegmentWriter.create(home.store, header)
    out = memoryview(bytearray(8192))
    first = max(tick + 1, spine.tick + 1)
    for step in range(PARTS):
        writer.key(first + step, spine.at(first + step))
        start_us = (epoch * 3600 + first + step) * 1_000_000
        size = writer.seal_into(out, parts.VIDEO, parts.FLAG_IDR, start_us, 1_000_000, os.urandom(4000))
        writer.write(out[:size])
    root = writer.finish() if finish else writer.abandon()
    path = segment_path(home.store, header)
    if indexed:
        row = Segment(
            segment_id=writer.segment_id, camera=CAMERAS[camera], agency=AGENCY, slot=slot, stream=0, class_=class_,
            epoch=epoch, first_tick=first, last_tick=first + PARTS - 1, parts=PARTS, size=path.stat().st_size,
            idr_ticks=b"\x07", codec="avc1.42c01e", width=640, height=360, root=root,
            path=str(path.relative_to(home.store)), fence=1, writer=b"w" * 16, closed=finish,
        )  # fmt: skip
        with database.connect(home) as app, app.cursor() as cursor:
            put_segments(cursor, [row])
    client.close()
    return path


def samples(store: Path) -> list[dict]:
    """Every part of every segment under a folder, as the attempt wants them."""
    found = []
    for path in sorted(store.rglob("*.gws")):
        with SegmentReader(path) as reader:
            for part in reader.parts:
                found.append(
                    {
                        "class": reader.header.class_, "epoch": reader.header.epoch, "slot": reader.header.slot,
                        "tick": part.header.tick, "segment_id": reader.segment_id.hex(),
                        "part": base64.b64encode(reader.read(part)).decode(),
                    }
                )  # fmt: skip
    return found


def attempt(home: Home, wanted: list[dict], *extra: Path) -> dict:
    """Ask the separate process to open these parts."""
    request = json.dumps({"home": str(home.root), "samples": wanted, "extra": [str(e) for e in extra]})
    done = subprocess.run(
        [sys.executable, "-m", "gwanje.vault.attempt"], input=request, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def copy(home: Home, to: Path) -> Path:
    """What a thief or a backup would have from this moment: keystore, token, segment files."""
    shutil.copytree(home.vault, to / "vault")
    shutil.copytree(home.store, to / "store")
    return to
