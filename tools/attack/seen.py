"""`./dev attack seen [--seed S] [--rounds N]`: how long a changed ledger stays unseen (발견까지 걸린 시간).

A real centre (PostgreSQL, vaultd, worker) and, as processes of their own, `gwanje witness run`: one that the centre
asks for its signature, and for each change a fresh one that goes and looks every 20 s. What that one reads is a link
which the attacker may point elsewhere; he owns the database, too, and where it says so the ledger's stolen key. Time
runs from the change to the witness's own line, and to the row that the centre's alarm page lists. The control of each
change: before it, both have looked and nothing was said.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.conninfo import conninfo_to_dict

from gwanje.apps import fetch, postgres
from gwanje.apps.witness import Log, Witness
from gwanje.kernel import database, ledger
from gwanje.kernel.database import dsn
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import cosign, note, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.publish import folder as shown_folder
from gwanje.kernel.ledger.publish import published
from gwanje.kernel.ledger.sequence import origin
from tools.attack import _ledgers
from tools.attack.opener import Loot
from tools.attack.stage import Stage, end_cleanly, environment, stage

LOOKS_S = 20.0
WAIT_S = 300.0
FOUND_MAX_S = 60.0
ROWS = 40
ASKED = "asked.witness.test/1"
# no row of a ledger says what lies in a file: these are found by whoever reads the file with its proof
BY_PROOF_ONLY = ("segment re-encode", "segment swap", "segment cut", "time shift", "SEI strip", "key swap")


@contextmanager
def process(home: Home, log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`gwanje …` until the block ends; what it says goes into ``log``."""
    with log.open("ab") as out:
        argv = [sys.executable, "-m", "gwanje.apps.cli", *words]
        child = subprocess.Popen(argv, env=environment(home), stdout=out, stderr=out)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(30)


def until(what: Callable[[], Any], why: str, log: Path | None = None) -> Any:
    """Wait for a condition; RuntimeError with ``why`` and the log's end when it never comes."""
    end = time.monotonic() + WAIT_S
    while not (found := what()):
        if time.monotonic() > end:
            said = log.read_text(errors="replace")[-1000:] if log is not None else ""
            raise RuntimeError(f"never came: {why}: {said}")
        time.sleep(0.05)
    return found


@dataclass
class Scene:
    """The centre, what the witness is shown, and the attacker's means."""

    centre: Stage
    folder: Path
    r: random.Random
    port: int
    key: Ed25519PrivateKey
    stop: threading.Event = field(default_factory=threading.Event)
    pause: threading.Lock = field(default_factory=threading.Lock)
    extra: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        home = self.centre.home
        info = conninfo_to_dict(dsn(home, "owner"))
        word = (home.secrets / "pg-super").read_text().strip()
        self.base = psycopg.connect(
            host=info.get("host"), dbname=info["dbname"], user=postgres.SUPERUSER, password=word, autocommit=True,
        )  # fmt: skip
        # neither triggers nor keys hold whoever owns the database
        self.base.execute("set session_replication_role = replica")
        self.shown, self.truth = self.folder / "shown", shown_folder(home)
        self.log = VKey(origin(home.centre), self.key.public_key().public_bytes_raw(), cosign.ED25519)

    def grow(self) -> None:
        """A row a second, as a centre at night has them."""
        with database.connect(self.centre.home) as app:
            while not self.stop.wait(1.0):
                with self.pause, app.transaction(), app.cursor() as cursor:
                    ledger.append(cursor, self.centre.home.clock, ledger.Entry("centre.clock.set", "done"))

    def show(self, place: Path) -> None:
        """What the witness reads from now on."""
        part = self.folder / "shown.tmp"
        part.unlink(missing_ok=True)
        part.symlink_to(place)
        part.replace(self.shown)

    def leaves(self) -> list[bytes]:
        """The leaves that have an index, in order."""
        rows = self.base.execute("select leaf from ledger_leaf where idx is not null order by idx").fetchall()
        return [bytes(row[0]) for row in rows]

    def forged(self, leaves: list[bytes]) -> Path:
        """Another history, published whole under the stolen key."""
        place = self.folder / f"forged-{self.r.randrange(1 << 60):x}"
        _ledgers.publish(place, [_ledgers.Row(leaf, b"", b"") for leaf in leaves], self.note(leaves))
        return place

    def note(self, leaves: list[bytes]) -> str:
        """A checkpoint over any leaves, signed with the stolen key."""
        root = tree.root(tree.nodes_of(leaves), len(leaves))
        return note.sign(note.Checkpoint(self.log.name, len(leaves), root), self.key)

    def alarms(self) -> list[str]:
        """Kinds of the alarms about the ledger that stand on the centre's page."""
        rows = self.base.execute("select kind from event where kind like 'ledger.%' order by at").fetchall()
        return [str(row[0]) for row in rows]

    def forget(self) -> None:
        """The page is empty again: an alarm of a kind is told once an hour."""
        self.base.execute("delete from event where kind like 'ledger.%'")

    # --- changes: each returns how it is taken back ---------------------------------------------------------------

    def edit(self) -> Callable[[], Any]:
        """A row's leaf, in the database."""
        at = self.r.randrange(ROWS)
        row = self.base.execute("select leaf from ledger_leaf where idx = %s", [at]).fetchone()
        assert row is not None
        say = "update ledger_leaf set leaf = %s where idx = %s"
        self.base.execute(say, [_bent(bytes(row[0])), at])
        return lambda: self.base.execute(say, [bytes(row[0]), at])

    def delete(self) -> Callable[[], Any]:
        """A row that was there."""
        at = self.r.randrange(ROWS)
        row = self.base.execute("delete from ledger_leaf where idx = %s returning row, leaf, arrival", [at]).fetchone()
        assert row is not None
        say = "insert into ledger_leaf (row, leaf, arrival, idx) values (%s, %s, %s, %s)"
        return lambda: self.base.execute(say, [*row, at])

    def insert(self) -> Callable[[], Any]:
        """A row that never was, between two that were: all behind it move on."""
        at = self.r.randrange(1, ROWS)
        before = self.base.execute("select row, idx from ledger_leaf where idx >= %s", [at]).fetchall()
        with self.base.transaction():
            self.base.execute("update ledger_leaf set idx = null where idx >= %s", [at])
            for row, index in before:
                self.base.execute("update ledger_leaf set idx = %s where row = %s", [index + 1, row])
            self.base.execute(
                "insert into ledger_leaf (row, leaf, idx) values (gen_random_uuid(), %s, %s)",
                [b"\1" + self.r.randbytes(56), at],
            )

        def back() -> None:
            with self.base.transaction():
                self.base.execute("delete from ledger_leaf where idx = %s", [at])
                late = self.base.execute("select row, idx from ledger_leaf where idx > %s", [at]).fetchall()
                self.base.execute("update ledger_leaf set idx = null where idx > %s", [at])
                for row, index in late:
                    self.base.execute("update ledger_leaf set idx = %s where row = %s", [index - 1, row])

        return back

    def tile(self) -> Callable[[], Any]:
        """A byte of a tile that the newest checkpoint stands on, where the witness reads it."""
        leaves = self.leaves()
        place = self.forged(leaves)
        files = sorted(path for path in (place / "tile").rglob("*") if path.is_file())
        chosen = self.r.choice(files)
        chosen.write_bytes(_bent(chosen.read_bytes()))
        self.show(place)
        return lambda: None

    def old_copy(self) -> Callable[[], Any]:
        """The published log of before, once more."""
        self.show(self.kept)
        return lambda: None

    def keep(self) -> None:
        """What an attacker kept of the published log."""
        self.kept = self.forged(self.leaves())

    def fork(self) -> Callable[[], Any]:
        """Another history from some row on, as long as the true one, under the stolen key."""
        true = self.leaves()
        at = self.r.randrange(1, ROWS)
        self.show(self.forged([*true[:at], *(b"\1" + self.r.randbytes(56) for _ in true[at:])]))
        return lambda: None

    def theft(self) -> Callable[[], Any]:
        """Rows of his own behind the true ones, under the stolen key, cosigned by the witness that is asked."""
        true = self.leaves()
        longer, at = [*true, *(b"\1" + self.r.randbytes(56) for _ in range(5))], f"http://127.0.0.1:{self.port}"
        old = 0
        for _ in range(3):
            proof = tree.consistency(tree.nodes_of(longer), old, len(longer))
            status, data = fetch.ask(
                f"{at}/add-checkpoint", cosign.request(old, proof, self.note(longer)), {"content-type": "text/plain"}
            )
            if status != 409:
                break
            old = int(data)
        if status != 200:
            raise RuntimeError(f"the thief was not believed: {status}")
        place = self.folder / "asked" / Log(self.log).folder / "last.note"

        def back() -> None:
            # that witness begins anew, as if it had never been told
            place.unlink()
            until(place.exists, "the witness that is asked signs again")

        return back

    def cut(self) -> Callable[[], Any]:
        """The last rows, their nodes and checkpoints, as if they had never been."""
        with self.base.transaction():
            row = self.base.execute("select max(idx) from ledger_leaf").fetchone()
            assert row is not None
            size = int(row[0]) + 1 - 5
            self.base.execute(
                "delete from ledger_opening o using ledger_leaf l where o.row = l.row and l.idx >= %s", [size]
            )
            self.base.execute("delete from ledger_leaf where idx >= %s", [size])
            self.base.execute("delete from ledger_node where (idx + 1) << level > %s", [size])
            self.base.execute("delete from ledger_checkpoint where size > %s", [size])
        return lambda: None


def _bent(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


# class of the anchors → (how, who must see it: the centre's page or the witness that looks)
CHANGES: dict[str, tuple[str, str]] = {
    "row edit": ("edit", "centre"),
    "row delete": ("delete", "centre"),
    "row insert": ("insert", "centre"),
    "partial tile": ("tile", "witness"),
    "backup rollback": ("old_copy", "witness"),
    "fork": ("fork", "witness"),
    "log-key theft": ("theft", "centre"),
    "tail cut": ("cut", "centre"),
}
LAST = ("log-key theft", "tail cut")


def one(scene: Scene, name: str, number: int) -> dict[str, Any]:
    """One change and what was said of it."""
    how, by = CHANGES[name]
    state = scene.folder / f"witness-{number}"
    said = scene.folder / f"witness-{number}.log"
    witness = Witness.create(state, f"looking.witness.test/{number}")
    scene.show(scene.truth)
    witness.add(Log(scene.log, str(scene.shown)))
    words = ("witness", "run", "--state", str(state), "--every", str(LOOKS_S))
    with process(scene.centre.home, said, *words) as looking:
        until(lambda: "proved and signed" in said.read_text(), "the witness's first look", said)
        time.sleep(scene.r.uniform(0, LOOKS_S))
        quiet = not scene.alarms() and "WRONG" not in said.read_text()
        with scene.pause:
            began = time.monotonic()
            back = getattr(scene, how)()
        seen: dict[str, float] = {}
        kinds: list[str] = []

        def look() -> bool:
            kinds[:] = [kind for kind in scene.alarms() if kind != "ledger.witness.missing"]
            if kinds:
                seen.setdefault("centre", round(time.monotonic() - began, 1))
            if "WRONG" in said.read_text() or looking.poll() == 1:
                seen.setdefault("witness", round(time.monotonic() - began, 1))
            return by in seen

        until(look, f"an alarm about {name}", said)
        line = next((each for each in said.read_text().splitlines() if "WRONG" in each), "")
        back()
    scene.show(scene.truth)
    scene.forget()
    kind = line.partition("WRONG: ")[2].partition(": ")[0].partition(" / ")[2]
    return {
        "class": name,
        "quiet_before": quiet,
        "seconds": seen,
        "first_s": min(seen.values()),
        "alarms": sorted(set(kinds)),
        "witness_says": kind,
    }


def run(folder: Path, seed: int, rounds: int) -> dict[str, Any]:
    """``rounds`` of each change, those that cannot be taken back once and last."""
    began, r = time.perf_counter(), random.Random(seed)
    with stage(folder / "centre", 1) as centre, ExitStack() as stack:
        loot = Loot()
        loot.take(centre.home.vault)
        key = Ed25519PrivateKey.from_private_bytes(loot.contents[0]["checkpoint_key"])
        port = _asked(centre.home, key, folder, stack)
        stack.enter_context(process(centre.home, centre.home.root / "log" / "worker.log", "worker"))
        scene = Scene(centre, folder, r, port, key)
        growing = threading.Thread(target=scene.grow, daemon=True)
        growing.start()
        try:
            until(lambda: published(scene.truth) > ROWS, "the published ledger")
            scene.keep()
            until(lambda: published(scene.truth) > ROWS + 3, "rows behind what was kept")
            names = [name for name in CHANGES if name not in LAST] * rounds
            found = [one(scene, name, number) for number, name in enumerate([*names, *LAST])]
        finally:
            scene.stop.set()
            growing.join(10)
            scene.base.close()
    return {
        "seed": seed, "changes": len(found), "seen": sum(bool(each["seconds"]) for each in found),
        "seen_within_60_s": sum(each["first_s"] <= FOUND_MAX_S for each in found),
        "slowest_s": max(each["first_s"] for each in found),
        "quiet_before": sum(each["quiet_before"] for each in found), "witness_looks_every_s": LOOKS_S,
        "found": found, "by_proof_only": list(BY_PROOF_ONLY), "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _asked(home: Home, key: Ed25519PrivateKey, folder: Path, stack: ExitStack) -> int:
    """The witness that the centre asks: running, and named in the centre's settings. Its port."""
    state, said = folder / "asked", folder / "asked.log"
    witness = Witness.create(state, ASKED)
    witness.add(Log(VKey(origin(home.centre), key.public_key().public_bytes_raw(), cosign.ED25519)))
    stack.enter_context(process(home, said, "witness", "run", "--state", str(state), "--port", "0"))
    address = str(until(lambda: said.exists() and "http://" in said.read_text() and said.read_text(), "its address"))
    port = int(address.partition("127.0.0.1:")[2].partition("/")[0])
    config = json.loads(home.config_file.read_text())
    config |= {"witnesses": [{"key": str(witness.vkey), "url": f"http://127.0.0.1:{port}"}], "witness_quorum": 1}
    home.config_file.write_text(json.dumps(config, ensure_ascii=False))
    return port


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when a change was seen too late or something was said before it."""
    parser = argparse.ArgumentParser(prog="./dev attack seen")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    end_cleanly()
    with tempfile.TemporaryDirectory(prefix="gwanje-seen-") as folder:
        figures = run(Path(folder), given.seed, given.rounds)
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if figures["seen_within_60_s"] == figures["quiet_before"] == figures["changes"] else 1


if __name__ == "__main__":
    sys.exit(main())
