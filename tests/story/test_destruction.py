"""Thirty-one days on: what is due dies but for what is held, nothing from before opens it; then the hold ends."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import support
from gwanje.apps.postgres import binaries
from gwanje.kernel.database import connect, dsn
from gwanje.kernel.home import Home
from gwanje.vault import parts
from gwanje.vault.segment import SegmentReader
from story import holding
from story.centre import Centre, running, until

pytestmark = pytest.mark.story
HOUR = 3600


@pytest.fixture(scope="module")
def aged() -> Iterator[Centre]:
    """A centre of its own with a settable clock: footage of three hours, then the clock moved on."""
    with running(Path(support.folder()) / "aged", settable_clock=True) as made:
        yield made


def samples(store: Path) -> dict[int, list[dict[str, Any]]]:
    """Epoch → one sealed part of every file, as the attempt takes it."""
    found: dict[int, list[dict[str, Any]]] = {}
    for path in sorted(store.glob("*/*/*/*.gws")):
        with SegmentReader(path) as reader:
            for part in [p for p in reader.parts if p.header.kind == parts.VIDEO][:3]:
                found.setdefault(reader.header.epoch, []).append(
                    {
                        "class": reader.header.class_,
                        "epoch": reader.header.epoch,
                        "slot": reader.header.slot,
                        "tick": part.header.tick,
                        "segment_id": reader.segment_id.hex(),
                        "part": base64.b64encode(reader.read(part)).decode(),
                    }
                )
    return found


def attempt(home: Path, tries: list[dict[str, Any]], extra: list[Path]) -> dict[str, Any]:
    """What a process of its own opens with every key file it finds."""
    said = {"home": str(home), "samples": tries, "extra": [str(folder) for folder in extra]}
    done = subprocess.run(
        [sys.executable, "-m", "gwanje.vault.attempt"],
        input=json.dumps(said),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


def record_hours(centre: Centre, count: int) -> list[int]:
    """Record a few seconds in each of ``count`` hours a day apart; their epochs."""
    epochs = []
    for turn in range(count):
        if turn:
            centre.command("clock", "advance", "1d")
        epoch = centre.home.clock.now_s() // HOUR

        def enough(epoch: int = epoch) -> bool:
            files = [p for e in (epoch, epoch + 1) for p in centre.home.store.glob(f"*/{e}/*/*.gws")]
            return len({p.parent.name for p in files if p.stat().st_size > 200_000}) == 12

        until(f"footage of twelve cameras in hour {epoch}", enough, 60, 0.5)
        epochs.append(centre.home.clock.now_s() // HOUR)
    return epochs


def test_thirty_one_days_on(aged: Centre, tmp_path: Path) -> None:
    epochs = record_hours(aged, 3)
    # what an attacker may have from before: files, dump, keystore and token
    until("index rows of every hour", lambda: indexed(aged, epochs), 60, 1)
    shutil.copytree(aged.home.store, tmp_path / "store")
    before = samples(tmp_path / "store")
    held = holding.hold(aged, before[min(before)])
    dump = dump_of(aged.home, tmp_path / "dump.sql")
    shutil.copytree(aged.home.vault, tmp_path / "vault-before")
    due = [e for e in before if e < epochs[2] - 1]
    alive = [e for e in before if e not in due]
    # hour start + 30 days lies behind us for the first two hours, and a few hours ahead for the third
    last = datetime.fromtimestamp((min(alive) + 30 * 24 - 2) * HOUR, aged.home.clock.zone)
    aged.command("clock", "set", last.isoformat())
    said = until("the certificate", lambda: certified(aged), 90, 1)
    standing = {(path.parent.parent.name, path.parent.name) for path in aged.home.store.glob("*/*/*/*.gws")}
    left = {slot for epoch, slot in standing if int(epoch) in due}
    assert left == {str(held.slot)}, "files of destroyed hours stand that no hold keeps"
    assert {str(e) for e in alive} <= {epoch for epoch, _ in standing}, "an hour died before its day"
    tries = [one for epoch in due for one in before[epoch] if not held.has(one)]
    kept = [one for epoch in alive for one in before[epoch]]
    after = attempt(aged.home.root, tries, [tmp_path / "store", dump.parent / "dump"])
    assert (after["tried"], after["opened"]) == (len(tries), 0)
    living = attempt(aged.home.root, kept, [])
    assert living["opened"] == len(kept), "what is not due no longer opens"
    control = attempt(aged.home.root, tries, [tmp_path / "vault-before"])
    assert control["opened"] == len(tries) > 50, "the control with yesterday's keystore and generation key must open"
    # yesterday's keystore without its generation key is dead
    shutil.copytree(tmp_path / "vault-before", tmp_path / "no-token", ignore=shutil.ignore_patterns("token*"))
    dead = attempt(aged.home.root, tries, [tmp_path / "no-token"])
    assert dead["opened"] == 0
    certificate(aged, said, tmp_path, len({(s["epoch"], s["slot"]) for epoch in due for s in before[epoch]}))
    assert any(held.id in json.dumps(readable) for _, readable in said), "the certificate names the hold"
    what_is_held_plays_until_the_hold_ends(aged, held)


def what_is_held_plays_until_the_hold_ends(centre: Centre, held: holding.Held) -> None:
    """A Permit that names the hold opens its seconds of the dead hour; when it has ended nothing does."""
    shown, request = holding.view(centre, held)
    assert shown.refused == ""
    assert shown.seconds == list(range(held.first, held.until))
    assert None not in shown.counters(), "pictures of a dead hour that a hold keeps are decoded"
    holding.decide(centre, held.id, "end", {"reason": "사건이 종결되었습니다"})

    def ended() -> bool:
        certified(centre)
        return ("hold", held.id) in holding.causes(centre)

    until("the certificate of what the hold kept", ended, 60, 1)
    files = {path.parent.parent.name for path in centre.home.store.glob(f"*/*/{held.slot}/*.gws")}
    assert str(held.first // HOUR) not in files, "the file that the hold kept stands"
    police = centre.sign_in("police", "열람실-1")
    assert police.post(f"/api/playback/requests/{request}/permit").status == 403
    assert holding.ask(centre, police, held).status in (404, 409, 422)


def indexed(centre: Centre, epochs: list[int]) -> bool:
    with connect(centre.home, "app") as connection, connection.cursor() as cursor:
        cursor.execute("select count(distinct epoch) from footage_segment where epoch = any(%s)", [epochs])
        return (cursor.fetchone() or [0])[0] == len(set(epochs))


def certified(centre: Centre) -> Any:
    done = centre.command("retention", "run", "--json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with connect(centre.home, "app") as connection, connection.cursor() as cursor:
        cursor.execute("select number, readable from retention_certificate order by number")
        return cursor.fetchall()


def certificate(centre: Centre, rows: list[Any], folder: Path, camera_hours: int) -> None:
    """Level and wording, the count, and a PDF that a reader opens."""
    total = 0
    for number, _ in rows:
        done = centre.command("retention", "certificate", number, "--to", str(folder))
        assert done.returncode == 0, done.stderr
        body = json.loads((folder / f"{number}.json").read_text())
        text = json.dumps(body, ensure_ascii=False)
        assert "L1" in text
        assert "medium remanence not excluded" in text
        assert (folder / f"{number}.pdf").read_bytes().startswith(b"%PDF-")
        total += body["camera_hours"] if isinstance(body.get("camera_hours"), int) else camera_hours
    assert total == camera_hours


def dump_of(home: Home, file: Path) -> Path:
    """pg_dump by the owner role, who may read everything in the database."""
    folder = file.with_suffix("")
    folder.mkdir()
    with (folder / "dump.sql").open("wb") as out:
        subprocess.run([str(binaries() / "pg_dump"), dsn(home, "owner")], stdout=out, check=True, timeout=60)
    assert (folder / "dump.sql").stat().st_size > 10_000
    return file
