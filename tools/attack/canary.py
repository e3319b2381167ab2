"""`./dev attack canary [--seconds N] [--json FILE]`: known pictures recorded, then looked for on everything that stays.

A whole centre with its recorder, its cameras by RTSP, its player and its database records; seconds are held, played to
an officer under the hold, and given out as an evidence bundle, which is searched as well. Cuts out of recorded pictures
and every key of the vault's tree for those seconds are looked for in: data folder (database files, WAL, logs, spools),
temporary folder, a dump, cores, swap; first while the footage lives, then after its destruction. And no (key, nonce)
may stand twice in all sealed files. Controls: planted copies of each are found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel import database
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault.client import VaultClient
from tools.attack import memory
from tools.attack.opener import Loot, Part, parts_of
from tools.attack.search import Needles, search
from tools.attack.stage import DAY, HOUR, end_cleanly

STATION = "열람실-1"
# header, hash and mark of a blanked part
MARK = 64 + 32 + 16
PICTURES_MAX = 600
OUTSIDE = ("clips",)  # what stands for the cameras on the street
KEYS_MAX = 400


def nonces(folders: Iterable[Path]) -> dict[str, int]:
    """Every sealed part of every file: is a (key, nonce) used twice? A key is known by its commitment.

    The nonce is (kind, ordinal); the key is one (leaf, segment)'s. Salts are counted, too: they keep keys apart.
    """
    seen: set[tuple[bytes, int, int]] = set()
    salts: dict[bytes, bytes] = {}
    count = twice = salts_twice = 0
    for folder in folders:
        for path in sorted(folder.rglob("*.gws")):
            for part in parts_of(path):
                count += 1
                mark = (part.commitment, part.kind, part.ordinal)
                twice += mark in seen
                seen.add(mark)
                salts_twice += salts.setdefault(part.salt, part.segment) != part.segment
    return {"parts": count, "twice": twice, "salts": len(salts), "salts_twice": salts_twice}


def swap_devices() -> list[str]:
    """Swap of this machine; encrypted or not is its operator's affair, and the assumptions say so."""
    return Path("/proc/swaps").read_text().splitlines()[1:]


def swapped(centre: Any) -> dict[str, int]:
    """Service → KiB of its memory in swap."""
    found = {}
    for name, said in centre.status()["services"].items():
        if said["pid"]:
            for pid in memory.family(int(said["pid"])):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                found[name] = found.get(name, 0) + sum(int(w.split()[1]) for w in lines if w.startswith("VmSwap"))
    return found


def known(centre: Any) -> tuple[list[bytes], list[bytes]]:
    """(cuts out of recorded pictures, keys that open them and all roots)."""
    loot = Loot()
    loot.take(centre.home.vault)
    every = [part for path in sorted(centre.home.store.rglob("*.gws")) for part in parts_of(path)]
    some: list[Part] = every[:: max(1, len(every) // PICTURES_MAX)]
    pictures = list(memory.cuts(loot, some))
    roots = {(c, e): key for c, e, depth, _, key in loot.nodes() if depth == 0}
    keys = list(memory.part_keys(roots, some))
    keys = [*loot.secrets(), *keys[:: max(1, len(keys) // KEYS_MAX)]]
    return pictures, keys


def traces(centre: Any, pictures: list[bytes], keys: list[bytes], folder: Path) -> dict[str, Any]:
    """Files in which a picture or a key stands; the clips that stand for cameras are left out."""
    from story.centre import temporary
    from story.test_destruction import dump_of

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    dump_of(centre.home, folder / "dump.sql")
    outside = [path for name in OUTSIDE for path in (centre.home.root / name).rglob("*")]
    places = [centre.home.root, temporary(centre.home), folder, folder.parent / "given"]
    hits, files, size = search(places, [*pictures, *keys], outside)
    (folder / "core").write_bytes(b"x" * 77 + pictures[-1] + b"x" * 5 + keys[-1])
    planted = search([folder], [pictures[-1]])[0] + search([folder], [keys[-1]])[0]
    (folder / "core").unlink()
    return {
        "files": files,
        "bytes": size,
        "hits": hits,
        "planted_found": planted == [str(folder / "core")] * 2,
        "cores": [str(path) for path in centre.home.root.rglob("core*") if path.is_file()],
    }


def lived(centre: Any, folder: Path) -> tuple[Any, dict[str, int]]:
    """Hold four seconds and give them out as a bundle: (the hold, what happened)."""
    from story import holding
    from story.test_destruction import samples

    found = [each for every in samples(centre.home.store).values() for each in every]
    held = holding.hold(centre, found)
    (folder / "given").mkdir()
    for name, data in (("permit", _release(centre, held)), ("viewer", _viewer(centre))):
        (folder / name).write_bytes(data)
    words = ("bundle", "make", str(folder / "permit"), "--viewer", str(folder / "viewer"))
    done = centre.command(*words, "--out", str(folder / "given"), "--passphrase", "--no-ledger", check=False)
    if done.returncode:
        raise RuntimeError(f"no bundle: {done.stderr[-1000:]}")
    bundles = [path for path in (folder / "given").iterdir() if path.suffix == ".zip"]
    return held, {"holds": 1, "bundles": len(bundles)}


def _people(centre: Any) -> dict[str, Any]:
    with database.connect(centre.home, "owner") as line:
        return dict(line.execute("select account, id from staff_person").fetchall())


def _release(centre: Any, held: Any) -> bytes:
    """A Permit to release the held seconds, by the two whom the ordinance names."""
    people, decision, now = _people(centre), os.urandom(32), centre.home.clock.now_us()
    roles = (("police", "seconded_police"), ("chief", "chief_officer"))
    web = VaultClient(centre.home, "web")
    try:
        return web.mint(
            id=uuid7(), decision=decision, norms=["playback.ground"], cameras=[Lens(UUID(held.camera), held.slot)],
            first=held.first, until=held.until, person=people["police"], station=STATION, ground="investigation",
            case="형사과-31", approvals=[Approval(people[who], role, decision, now) for who, role in roles],
            expires=now // 1_000_000 + 600, action="release", hold=UUID(held.id),
        )  # fmt: skip
    finally:
        web.close()


def _viewer(centre: Any) -> bytes:
    token = ViewerToken(_people(centre)["police"], STATION, centre.home.clock.now_s() + 60)
    return token.sign(signing_key(centre.home, "web"))


def run(centre: Any, seconds: int, folder: Path) -> dict[str, Any]:
    """Record, live through what a centre does with it, look, destroy, look again."""
    time.sleep(seconds)
    held, story = lived(centre, folder)
    pictures, keys = known(centre)
    said: dict[str, Any] = {"pictures": len(pictures), "keys": len(keys), **story}
    said["nonces"] = nonces([centre.home.store])
    clips, needles = [p for p in (centre.home.root / "clips").rglob("*") if p.is_file()], Needles(pictures)
    said["pictures_in_clips"] = len({cut for path in clips for _, cut in needles.hits(path.read_bytes())})
    said["before"] = traces(centre, pictures, keys, folder / "before")
    said["swapped_kb"], said["swap_devices"] = sum(swapped(centre).values()), len(swap_devices())
    last = datetime.fromtimestamp(centre.home.clock.now_s() // HOUR * HOUR + 31 * DAY, centre.home.clock.zone)
    centre.command("clock", "set", last.isoformat())
    said["erased"], said["held_parts_left"] = _erased(centre, held)
    from story import holding

    said["held_seconds_played"] = len(holding.view(centre, held)[0].seconds)
    said["after"] = traces(centre, pictures, keys, folder / "after")
    return said


def _erased(centre: Any, held: Any) -> tuple[bool, int]:
    """Is nothing left of the old hours but what is held? And how many sealed parts of that.

    The worker does it; where it is late, the duty is asked for once more.
    """
    old = {path.parent.parent for path in centre.home.store.glob("*/*/*/*.gws")}
    for _ in range(60):
        centre.command("retention", "run", "--json", check=False)
        dead = centre.home.clock.now_s() // HOUR - 30 * 24
        hours = [hour for hour in old if int(hour.name) < dead]
        # a part that nothing opens keeps its header and its hash; behind the mark it is zeros
        left = [
            part for hour in hours for path in hour.rglob("*.gws") for part in parts_of(path) if any(part.sealed[MARK:])
        ]
        seconds = [(part.key[2], part.key[1] * HOUR + part.key[3]) for part in left]
        if all(slot == held.slot and held.first <= at < held.until for slot, at in seconds):
            return True, len(left)
        time.sleep(2)
    return False, 0


def held_true(f: dict[str, Any]) -> bool:
    """Nothing in the clear, no nonce twice, every control found."""
    looks = [f["before"], f["after"]]
    clean = all(not look["hits"] and not look["cores"] and look["planted_found"] for look in looks)
    enough = f["pictures"] > 50 and f["keys"] > 50 and f["nonces"]["parts"] > 100
    return (
        clean
        and enough
        and f["erased"]
        and min(f["bundles"], f["held_seconds_played"], f["held_parts_left"]) > 0
        and f["nonces"]["twice"] == f["nonces"]["salts_twice"] == 0
        and f["swapped_kb"] == 0
    )


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when something stands in the clear, a nonce stands twice, or a control fails."""
    parser = argparse.ArgumentParser(prog="./dev attack canary")
    parser.add_argument("--seconds", type=int, default=60, help="how long it records first")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    end_cleanly()
    from story.centre import running

    with (
        tempfile.TemporaryDirectory(prefix="gwanje-canary-") as name,
        running(Path(name) / "centre", settable_clock=True) as centre,
    ):
        figures = run(centre, given.seconds, Path(name))
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if held_true(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
