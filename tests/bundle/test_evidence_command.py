"""``gwanje bundle make`` with everything real: vaultd, PostgreSQL, the ledger's sequencer, an outside witness."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import evidence_rig as rig
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from evidence_conftest import Scene
from play_rig import Centre, centre, page
from sim_tools import short_streets

import gwanje.kernel
import gwanje_verify
from gwanje.apps import postgres
from gwanje.kernel import database
from gwanje.kernel.ledger import cosign, minutes, note
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all
from gwanje.media.play.server import Player
from gwanje.vault import merkle
from gwanje.vault.client import AsyncVaultClient, VaultClient
from gwanje.vault.parts import part_hash
from gwanje.vault.segment import SegmentReader
from gwanje_verify import verify as outside

SQL = Path(gwanje.kernel.__file__).parent / "sql"
TOPICS = ("footage", "ledger", "ledger_outside")


def in_the_ledger(made: Centre, path: Path) -> str:
    """The file's minute as a ledger row, indexed, signed by vaultd, cosigned; returns the witness's key."""
    home = made.home
    with SegmentReader(path) as reader:
        hashes = [part_hash(reader.read(part)) for part in reader.parts]
        minute_s = reader.parts[0].header.start_us // 60_000_000 * 60
        leaf = minutes.segment_leaf(reader.segment_id, len(hashes), merkle.root(hashes))
        minute = minutes.Minute(reader.header.writer, minute_s, leaf)
    with database.connect(home, "owner") as owner:
        for name in TOPICS:
            owner.execute((SQL / f"{name}.sql").read_text())
    key = Ed25519PrivateKey.generate()
    with database.connect(home, "app") as app, contextlib.closing(VaultClient(home, "worker")) as notary:
        with app.transaction(), app.cursor() as cursor:
            minutes.put_minutes(cursor, home.clock, [minute])
        sequencer = Sequencer(app, "gwanje/bundle", notary)
        sequence_all(sequencer)
        assert sequencer.checkpoint() is not None
        (signed, size) = app.execute("select note, size from ledger_checkpoint").fetchone()
        line = cosign.cosign(note.parse(signed)[1], key, "audit.test/1", home.clock.now_s())
        app.execute(
            "insert into ledger_cosignature (size, name, line, signed_at) values (%s, %s, %s, %s)",
            [size, "audit.test/1", line, home.clock.now()],
        )
    return str(cosign.witness_key("audit.test/1", key))


def gwanje(made: Centre, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(made.home.root), *words]
    return subprocess.run(
        argv, input=said, capture_output=True, text=True, timeout=120, check=False, env={**os.environ}
    )


def test_an_officers_permit_becomes_a_file_that_a_stranger_proves(tmp_path: Path) -> None:
    with centre(tmp_path / "c") as made, postgres.running(made.home):
        street = rig.Street.of(short_streets(tmp_path, 1, seconds=4)[0].sub)
        path = rig.seal(made, street, rig.FIRST_S, 4)
        made.set_time(rig.FIRST_S + 120)
        witness = in_the_ledger(made, path)
        permit, viewer = tmp_path / "permit", tmp_path / "viewer"
        permit.write_bytes(rig.permit(made, rig.FIRST_S, rig.FIRST_S + 4))
        raw = made.viewer()
        viewer.write_bytes(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        words = ("bundle", "make", str(permit), "--viewer", str(viewer), "--out", str(tmp_path), "--passphrase")
        done = gwanje(made, *words)
        assert done.returncode == 0, done.stderr
        out, passphrase = Path(done.stdout.strip()), done.stderr.strip().rpartition(": ")[2]
        key = rig.keys(made)[0]
        report = outside.verify(out, key=key, witnesses=[witness], secret=("passphrase", passphrase.encode()))
        assert report.code == 0, report.lines
        assert ("witness", "proved") in [(step, state) for step, state, _, _ in report.lines]
        checked = gwanje(made, "verify", str(out), "--key", key.hex(), "--passphrase", "--json", said=passphrase + "\n")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads(checked.stdout)["code"] == 0
        with zipfile.ZipFile(out) as box:
            assert box.namelist()[:4] == ["README.txt", "verify.html", "verify.py", "manifest.cose"]
            assert box.read("verify.html") == gwanje_verify.PAGE.read_bytes()
            assert passphrase.encode() not in b"".join(box.read(name) for name in box.namelist())
        # the same Permit again: it was spent, and nothing is left lying about
        again = gwanje(made, *words)
        assert again.returncode == 1
        assert "이미 사용한 허가" in again.stderr
        assert sorted(p.suffix for p in tmp_path.iterdir() if "evidence" in p.name) == [".zip"]
        facts = [json.loads(line) for line in (made.home.spool / "refusals" / "player.jsonl").read_text().splitlines()]
        told = [(fact["kind"], fact.get("first"), fact.get("until")) for fact in facts]
        assert ("playback.range.opened", rig.FIRST_S, rig.FIRST_S + 4) in told
        assert passphrase not in "".join(map(str, facts))


async def _hello(made: Centre) -> str:
    """What the player answers to a Permit to release."""
    client = AsyncVaultClient(made.home, "player")
    try:
        async with Player(made.home, client, port=0) as player:
            hello = {"permit": rig.text(rig.permit(made, rig.FIRST_S, rig.FIRST_S + 4)), "viewer": made.viewer()}
            async with page(player.port, hello) as opened:
                return str((await opened.until("error"))["code"])
    finally:
        await client.close()


def test_a_permit_to_release_plays_nothing(scene: Scene) -> None:
    assert asyncio.run(_hello(scene.made)) == "action"
