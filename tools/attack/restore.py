"""`./dev attack restore [--parts N] [--token soft|file]`: everything from before, keystores from after: nothing opens.

A real centre records, a replica beside it; then its database is backed up (files in backup mode, WAL archive), its
store is copied like an object store, and the disks of recorder, web and database are imaged; some seconds are held. A
month later the hours die. The attacker has all of that, every password and service key, the vault's folder and the
replica's machine from after, the sealed keystore files of both from before, and opens what he can with an opener of his
own. Where generation keys live in a PKCS#11 token (`soft`: SoftHSM2) he has the image of the keystore's own disk from
before as well, and today's token with its PIN. Controls: yesterday's keystore with its generation key, and the machine
of the replica from before, open everything; a planted key is found. SoftHSM2's keys are files: an image of them from
before opens everything too, so the certificate must say L1 and no more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gwanje.apps import postgres
from gwanje.kernel.database import dsn
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault.client import VaultClient, VaultRefused
from tools.attack import _token
from tools.attack.opener import Loot, Part, count_opened, parts_of
from tools.attack.search import search
from tools.attack.stage import DAY, HOUR, Stage, acknowledged, backup, end_cleanly, replica, stage
from tools.dev import debian
from tools.dev.shell import Failed

TICKS_A_CALL = 12
HELD_CAMERAS = 1
RUNS_MAX = 20
# what the certificate of each level says, written here again; only the first may stand on a certificate of today
LEVELS = {
    "L1": ("키를 삭제함. 저장매체의 잔류 가능성은 배제하지 않음", "key deleted; medium remanence not excluded"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when anything destroyed opens, anything held does not, or a control fails."""
    parser = argparse.ArgumentParser(prog="./dev attack restore")
    parser.add_argument("--parts", type=int, default=10_000, help="destroyed parts, at least")
    parser.add_argument("--token", choices=("auto", "soft", "file"), default="auto", help="auto: soft where it is")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    end_cleanly()
    with tempfile.TemporaryDirectory(prefix="gwanje-restore-") as folder:
        figures = run(Path(folder), given.parts, _soft(given.token))
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if held_true(figures) else 1


def _soft(wanted: str) -> bool:
    """Do the generation keys live in a SoftHSM2 token?"""
    if wanted != "auto":
        return wanted == "soft"
    with contextlib.suppress(Failed):
        debian.need(*debian.SOFTHSM)
        return True
    return False


def held_true(f: dict[str, Any]) -> bool:
    """Is every promise kept, and did every control succeed?"""
    return (
        f["destroyed_opened"] == 0
        and f["held_opened"] == f["held"] > 0
        and f["control_opened"] == f["replica_before_opened"] == f["destroyed"] + f["held"] > 0
        and f["live_keys"] == 0
        and f["live_control_keys"] > 0
        and not f["key_bytes_in"]
        and f["planted_found"]
        and f["restored_rows"] > 0
        and f["certificate_says"]
    )


def run(folder: Path, wanted: int, soft: bool) -> dict[str, Any]:
    """The whole attack in an empty folder; its figures."""
    began = time.perf_counter()
    cameras, tokens = 10 + HELD_CAMERAS, folder / "hsm" / "tokens"
    config = _token.soft(tokens, folder / "centre") if soft else {}
    with (
        stage(folder / "centre", cameras, archive=True, **config) as centre,
        replica(centre, folder / "replica") as far,
    ):
        centre.to((centre.home.clock.now_s() // HOUR + 1) * HOUR + 5)
        first = centre.home.clock.now_s()
        centre.record(-(-wanted // 10))
        epoch = first // HOUR
        centre.to((epoch + 1) * HOUR + 5)
        held = _hold(centre, epoch)
        acknowledged(centre)
        _yesterday(centre, far, folder)
        if soft:
            _token.image(tokens, folder / "hsm-before" / "tokens")
        centre.to(first + 31 * DAY)
        certificate = _destroyed(centre, folder)
        centre.record(60)
        live = _live(centre, epoch, held)
        shutil.copytree(centre.home.vault, folder / "vault-after")
        shutil.copytree(far.root, folder / "replica-after", ignore=shutil.ignore_patterns("run"))
    restored = _restored(folder, centre.home)
    parts = [part for path in sorted((folder / "object-store").rglob("*.gws")) for part in parts_of(path)]
    dead = [part for part in parts if part.key[2] not in held]
    kept = [part for part in parts if part.key[2] in held]
    loot = Loot(oracles=[_token.oracle(tokens, centre.home)] if soft else [])
    names = ["base", "wal", "disk", "restored", "vault-after", "sealed", "replica-after"]
    loot.take(*(folder / name for name in (*names, *(["vault-before"] if soft else []))))
    tried, opened = count_opened(dead, loot)
    figures = {
        "token": "pkcs11 (SoftHSM2)" if soft else "file",
        "replicas": 1,
        "keystore_disk_of_before": soft,
        "destroyed": tried,
        "destroyed_opened": opened,
        "held": len(kept),
        "held_opened": count_opened(kept, loot, wild=False)[1],
        "keystores": len(loot.stores),
        "candidates": len(loot.keys),
        "contents": len(loot.contents),
        "files": loot.files,
    }
    before = Loot(oracles=[_token.oracle(folder / "hsm-before" / "tokens", centre.home)] if soft else [])
    figures |= _control(folder, parts, before) | live | restored
    figures |= {"certificate_says": certificate, "seconds": round(time.perf_counter() - began, 1)}
    return figures


def approvals(centre: Stage, decision: bytes) -> list[Approval]:
    """An operator asks and the chief officer agrees; accounts' word, as long as no officer has a key."""
    now_us = centre.home.clock.now_us()
    roles = ("operator", "chief_officer")
    return [Approval(centre.officers[role], role, decision, now_us) for role in roles]


def _hold(centre: Stage, epoch: int) -> set[int]:
    """Hold the last camera's hour for a trial; its slot."""
    web, decision = VaultClient(centre.home, "web"), b"h" * 32
    camera, slot = centre.cameras[-1], centre.slots[-1]
    try:
        web.hold(
            id=uuid7(), kind="trial", ground="trial", case="2026고합12", reviewer=centre.officers["chief_officer"],
            spans=[(camera, slot, 1, epoch * HOUR, (epoch + 1) * HOUR)],
            ends=centre.home.clock.now_s() + 90 * DAY, decision=decision, approvals=approvals(centre, decision),
        )  # fmt: skip
    finally:
        web.close()
    return {slot}


def _yesterday(centre: Stage, far: Home, folder: Path) -> None:
    """What backups and images hold from before; the vault's own folder and the replica's apart, for the controls."""
    home = centre.home
    backup(home, folder / "base")
    shutil.copytree(home.store, folder / "object-store")
    # the disks of recorder, web and worker: everything but the vault's volume, with every password and service key
    shutil.copytree(home.root, folder / "disk", ignore=shutil.ignore_patterns("vault", "pg", "store", "wal", "run"))
    shutil.copytree(home.vault, folder / "vault-before")
    # a sealed keystore file is no secret: a copy of it may lie anywhere
    (folder / "sealed").mkdir()
    for place in (home, far):
        for path in place.vault.glob("*.gwk"):
            shutil.copy(path, folder / "sealed" / f"{place.root.name}-{path.name}")
    shutil.copytree(far.vault, folder / "replica-before")


def _destroyed(centre: Stage, folder: Path) -> bool:
    """Let the hours die and be certified; does the certificate say what its level does not exclude, and no more?

    It must name the replica's signature over a content from behind the death, too: before that, nothing is certified.
    """
    for _ in range(RUNS_MAX):
        said = json.loads(centre.gwanje("retention", "run", "--json").strip().splitlines()[-1])
        if said["certificates"]:
            break
    if not said["ok"] or len(said["certificates"]) != 1:
        raise RuntimeError(f"the destruction was not certified: {said}")
    centre.gwanje("retention", "certificate", said["certificates"][0], "--to", str(folder))
    body = json.loads((folder / f"{said['certificates'][0]}.json").read_text(encoding="utf-8"))
    death = max(hour["generation"] for hour in body["hours"])
    signed = [number for number, generation, *_ in body["acknowledgements"] if generation > death]
    modest = (body["level"], body["level_text"]) == ("L1", list(LEVELS["L1"]))
    return modest and (body["replicas"], signed) == (2, [1])


def _live(centre: Stage, epoch: int, held: set[int]) -> dict[str, Any]:
    """All keys of web and player against the running vaultd: Permits for what is dead, and for an hour that lives."""
    slots = [slot for slot in centre.slots if slot not in held]
    dead = _ask(centre, slots[:4], epoch * HOUR, 600)
    now = centre.home.clock.now_s()
    return {"live_tried": 4 * 600, "live_keys": dead, "live_control_keys": _ask(centre, slots[:1], now, 20)}


def _ask(centre: Stage, slots: list[int], first: int, seconds: int) -> int:
    web, player = VaultClient(centre.home, "web"), VaultClient(centre.home, "player")
    decision, got = b"d" * 32, 0
    person, now = centre.officers["operator"], centre.home.clock.now_s()
    lenses = [Lens(centre.cameras[centre.slots.index(slot)], slot) for slot in slots]
    try:
        permit = web.mint(
            id=uuid7(), decision=decision, norms=["playback.default_deny"], cameras=lenses, first=first,
            until=first + seconds, person=person, station="1", ground="investigation", case="2026형제1",
            approvals=approvals(centre, decision), expires=now + 600,
        )  # fmt: skip
        viewer = ViewerToken(person, "1", now + 60).sign(signing_key(centre.home, "web"))
        session = player.redeem(permit, viewer).session
        for slot in slots:
            for second in range(first, first + seconds):
                with contextlib.suppress(VaultRefused):
                    got += len(player.open_tick(session, 1, slot, second // HOUR, second % HOUR, [b"s" * 32]))
    finally:
        web.close()
        player.close()
    return got


def _restored(folder: Path, home: Home) -> dict[str, Any]:
    """Start the base backup with its WAL archive as a database of its own, and dump all that it says."""
    made = Home.create(
        folder / "second", postgres={"restore_command": f"cp {folder}/second/wal/%f %p", "wal_level": "replica"}
    )  # fmt: skip
    shutil.rmtree(made.secrets)
    shutil.copytree(home.secrets, made.secrets)
    shutil.copytree(folder / "base", made.root / "pg")
    shutil.copytree(home.root / "wal", folder / "wal")
    shutil.copytree(home.root / "wal", made.root / "wal")
    (made.root / "pg" / "recovery.signal").touch()
    for path in (made.root / "pg", made.root / "wal"):
        postgres._chown(path, postgres._way(made))
    (folder / "restored").mkdir()
    with postgres.running(made), (folder / "restored" / "dump.sql").open("wb") as out:
        subprocess.run([str(postgres.binaries() / "pg_dump"), dsn(made, "owner")], stdout=out, check=True, timeout=300)
    text = (folder / "restored" / "dump.sql").read_text(encoding="utf-8")
    copied = text.partition("COPY public.footage_segment ")[2].partition("\n\\.")[0]
    return {"restored_rows": len(copied.splitlines()) - 1}


def _control(folder: Path, parts: list[Part], loot: Loot) -> dict[str, Any]:
    """Yesterday's keystore with its generation key opens all, so does the replica's machine of before.

    And yesterday's keys stand nowhere else in the loot.
    """
    loot.take(folder / "vault-before")
    far = Loot()
    far.take(folder / "replica-before")
    opened = count_opened(parts, loot, wild=False)[1]
    secrets = [node[4] for node in loot.nodes()]
    places = [folder / name for name in ("base", "wal", "disk", "restored", "object-store")]
    hits, files, size = search(places, secrets)
    (folder / "disk" / "planted.txt").write_text(f"memo {secrets[0].hex()} memo")
    planted = search([folder / "disk"], secrets[:1])[0]
    return {
        "control_opened": opened,
        "replica_before_opened": count_opened(parts, far, wild=False)[1],
        "keys_looked_for": len(secrets),
        "files_searched": files,
        "bytes_searched": size,
        "key_bytes_in": hits,
        "planted_found": planted == [str(folder / "disk" / "planted.txt")],
    }


if __name__ == "__main__":
    sys.exit(main())
