"""``./dev bench ledger``: durable ledger rows a second and how soon they are under a signed checkpoint.

Writers are processes of their own; each commits (fsync) before it counts a row. The sequencer runs as in the worker, a
real vaultd signs. In the same run the same rows go into the same tables without tree, index and signature: the peer.
``--kills N`` kills the whole server N times under load and counts acknowledged rows that are lost: none may be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench._processes import say
from gwanje.apps import postgres, vaultd
from gwanje.apps.worker import CHECKPOINT_EVERY_S, SEQUENCE_EVERY_S
from gwanje.kernel import ledger
from gwanje.kernel.database import connect
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry, note, tree
from gwanje.kernel.ledger.sequence import BATCH, Notary, Sequencer
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient

SQL = Path(ledger.__file__).parents[1] / "sql"
STEP_S, CHECKPOINT_S = SEQUENCE_EVERY_S, CHECKPOINT_EVERY_S
PACED = 3000
SAMPLE = 7
STRIKE_BYTES = 20_000
ROLE = "--writer"


class Signer:
    """Signs like vaultd where the server is killed and vaultd is not meant: proof, durable head, signature."""

    def __init__(self, file: Path) -> None:
        self._key, self._file = Ed25519PrivateKey.generate(), file
        self.size, self.root = 0, tree.EMPTY

    def checkpoint(self, origin: str, size: int, root: bytes, old_size: int, proof: Sequence[bytes]) -> str:
        """Refuses a fork like vaultd."""
        if old_size != self.size or not tree.verify_consistency(self.size, self.root, size, root, proof):
            raise PermissionError("not consistent")
        with self._file.open("wb") as out:
            out.write(size.to_bytes(8, "big") + root)
            out.flush()
            os.fsync(out.fileno())
        self.size, self.root = size, root
        return note.sign(note.Checkpoint(origin, size, root), self._key)


def one(n: int) -> Entry:
    """A row like an issued Permit's: an opening of about 400 bytes."""
    return Entry(
        "playback.permit.issued", "granted", actor=uuid4(), role="operator", agency=UUID(int=5), station="3번 자리",
        norms=("playback.ground", "playback.approver"), articles=("kr_anyang 28(2)",), decision=bytes(32),
        permit=uuid4(), cameras=[uuid4()], first=n, until=n + 60, ground="수사", case="2026-형-1234",
    )  # fmt: skip


def write(args: argparse.Namespace) -> int:
    """A writer: says ``row time`` lines of sampled commits, then how many it made; a lost server ends it."""
    home, plain = Home.find(args.writer), args.plain
    told: list[str] = []
    made = 0
    with connect(home) as db, Path(args.out).open("w") as out:
        began, cpu_from = time.monotonic(), time.process_time()
        stop = began + args.seconds
        try:
            while (now := time.monotonic()) < stop:
                if args.rate and made > (now - began) * args.rate:
                    time.sleep(args.rows / args.rate / 4)
                    continue
                entries = [(uuid4(), one(made + n)) for n in range(args.rows)]
                # one row alone is one statement, and so a transaction by itself
                whole = db.transaction() if args.rows > 1 else contextlib.nullcontext()
                with whole, db.cursor() as cursor:
                    if plain:
                        insert_plain(cursor, home, entries)
                    elif args.rows == 1:
                        ledger.append(cursor, home.clock, entries[0][1], entries[0][0])
                    else:
                        ledger.append_many(cursor, home.clock, entries)
                made += args.rows
                if args.every or made // args.rows % SAMPLE == 0:
                    told.append(f"{entries[-1][0]} {time.monotonic()}")
                    if args.every:
                        out.write(told[-1] + "\n")
                        out.flush()
        except psycopg.OperationalError:
            pass
        if not args.every:
            out.write("\n".join(told) + "\n")
        out.write(f"made {made}\ncpu {time.process_time() - cpu_from}\n")
    return 0


def insert_plain(cursor: Any, home: Home, entries: Sequence[tuple[UUID, Entry]]) -> None:
    """The peer: one plain table with the same columns and indexes, filled by one INSERT a row."""
    for row, entry in entries:
        opening = ledger.entry.opening_bytes(entry)
        cursor.execute(
            "insert into plain_row (row, salt, body, at, kind, outcome, norms, agency, person, cameras, dies, dies_at) "
            "values (%s, %s, %s, now(), %s, %s, %s, %s, %s, %s, %s, now())",
            [row, os.urandom(32), opening, entry.kind, entry.outcome, list(entry.norms), entry.agency, entry.actor,
             list(entry.cameras), entry.dies],
        )  # fmt: skip


class Keeper:
    """Sequencer and checkpoints beside the writers; ``steps`` and ``notes`` are (time, size)."""

    def __init__(self, home: Home, signer: Notary) -> None:
        self.home, self.signer = home, signer
        self.steps: list[tuple[float, int]] = []
        self.notes: list[tuple[float, int]] = []
        self.failed: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with connect(self.home) as db:
                sequencer, asked = Sequencer(db, "gwanje/bench", self.signer), 0.0
                while True:
                    last = self._stop.is_set()
                    done = sequencer.step()
                    (size,) = db.execute("select coalesce(max(idx) + 1, 0) from ledger_leaf").fetchone() or (0,)
                    self.steps.append((time.monotonic(), int(size)))
                    if (last and done < BATCH) or time.monotonic() - asked >= CHECKPOINT_S:
                        asked = time.monotonic()
                        if (said := sequencer.checkpoint()) is not None:
                            self.notes.append((time.monotonic(), said.size))
                    if last and done < BATCH:
                        return
                    if done < BATCH:
                        self._stop.wait(STEP_S)
        except psycopg.OperationalError as error:
            self.failed = error


def load(home: Home, folder: Path, args: argparse.Namespace, how: Sequence[str]) -> list[Path]:
    """Run the writers to their end; returns what they said. ``--rate`` is all writers' together."""
    outs = [folder / f"writer-{n}" for n in range(args.writers)]
    line = [sys.executable, "-m", "bench.ledger", ROLE, str(home.root), "--seconds", str(args.seconds),
            "--rate", str(args.rate / args.writers), *how]  # fmt: skip
    running = [subprocess.Popen([*line, "--out", str(out)]) for out in outs]
    for child in running:
        child.wait()
    return outs


def read(outs: Sequence[Path]) -> tuple[dict[UUID, float], int, float]:
    """(sampled row → commit time, rows made, CPU seconds of the writers' loops)."""
    found: dict[UUID, float] = {}
    made, cpu = 0, 0.0
    for out in outs:
        for line in out.read_text().splitlines():
            first, _, rest = line.partition(" ")
            if first == "made":
                made += int(rest)
            elif first == "cpu":
                cpu += float(rest)
            elif rest:
                found[UUID(first)] = float(rest)
    return found, made, cpu


def waits(rows: dict[UUID, float], places: dict[UUID, int], seen: Sequence[tuple[float, int]]) -> list[float]:
    """For each row how long after its commit the first of ``seen`` covered it, sorted."""
    found, at = [], 0
    for row in sorted(rows, key=lambda row: places[row]):
        while seen[at][1] <= places[row]:
            at += 1
        found.append(max(0.0, seen[at][0] - rows[row]))
    return sorted(found)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of all lie."""
    return round(values[min(len(values) - 1, int(share * len(values)))], 3)


def tables(home: Home) -> None:
    """The ledger's, and the peer's."""
    with connect(home, "owner") as db:
        for name in ("footage", "ledger", "ledger_outside"):
            db.execute((SQL / f"{name}.sql").read_text())
        db.execute("create table plain_row (like ledger_opening including all)")
        for column in ("at", "kind, at", "dies_at", "person, at"):
            db.execute(f"create index on plain_row ({column})")
        db.execute("grant select, insert on plain_row to gwanje_app")


def server_cpu_s(pid: int) -> float:
    """CPU seconds of the server so far: its living processes and those that have ended."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid:
            total += sum(int(fields[n]) for n in (11, 12, 13, 14))
        elif int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Cpu:
    """CPU seconds of the writers' loops, the server, this process (the sequencer) and vaultd since it was made."""

    def __init__(self, pid: int, vaultd_pid: int) -> None:
        self._pids = pid, vaultd_pid
        self._from = self._now()

    def _now(self) -> tuple[float, float, float]:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return server_cpu_s(self._pids[0]), own.ru_utime + own.ru_stime, server_cpu_s(self._pids[1])

    def rate(self, rows: int, writers_s: float) -> dict[str, Any]:
        """µs a row, each and together, and the rows a second at which they fill two cores."""
        others = [b - a for a, b in zip(self._from, self._now(), strict=True)]
        spent = [round(seconds / rows * 1e6) for seconds in (writers_s, *others)]
        names = dict(zip(("writers_us", "server_us", "sequencer_us", "vaultd_us"), spent, strict=True))
        return {**names, "row_us": sum(spent), "two_cores_rows_s": round(2e6 / sum(spent))}


def measure(home: Home, folder: Path, args: argparse.Namespace, rows: int, pids: tuple[int, int]) -> dict[str, Any]:
    """One round with ``rows`` rows a transaction, and its peer."""
    cpu = Cpu(*pids)
    plain, made, spent = read(load(home, folder, args, ["--rows", str(rows), "--plain"]))
    peer, peer_cpu, cpu = made / args.seconds, cpu.rate(made, spent), Cpu(*pids)
    with Keeper(home, VaultClient(home, "worker")) as keeper:
        began = time.monotonic()
        found, made, spent = read(load(home, folder, args, ["--rows", str(rows)]))
        took = time.monotonic() - began
    if keeper.failed:
        raise keeper.failed
    own_cpu = cpu.rate(made, spent)
    with connect(home) as db:
        asked = list(found)
        places = dict(db.execute("select row, idx from ledger_leaf where row = any(%s)", [asked]).fetchall())
    indexed, signed = waits(found, places, keeper.steps), waits(found, places, keeper.notes)
    return {
        "rows_a_transaction": rows, "offered_rows_s": args.rate or None,
        "writers": args.writers, "seconds": round(took, 1), "rows": made,
        "rows_s": round(made / args.seconds), "peer_rows_s": round(peer), "ratio": round(made / args.seconds / peer, 2),
        "index_s": {"p50": quantile(indexed, 0.5), "p99": quantile(indexed, 0.99)},
        "signed_s": {"p50": quantile(signed, 0.5), "p99": quantile(signed, 0.99)},
        "sampled": len(found), "peer_sampled": len(plain), "cpu": own_cpu, "peer_cpu": peer_cpu,
    }  # fmt: skip


def rounds(home: Home, folder: Path, args: argparse.Namespace, pids: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """What was asked for; else single rows, batches, and batches at the goal's pace."""
    if args.rows:
        yield measure(home, folder, args, args.rows, pids)
        return
    for rows, rate in ((1, 0), (20, 0), (20, PACED)):
        args.rate = rate
        found = measure(home, folder, args, rows, pids)
        say(json.dumps(found))
        yield found


def strike(folder: Path, pid: int) -> None:
    """Kill the server as soon as its writers have some hundred rows, at an uneven moment."""
    until = time.monotonic() + 120
    while sum(out.stat().st_size for out in folder.glob("writer-*")) < STRIKE_BYTES and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(int.from_bytes(os.urandom(1), "big") / 512)
    os.kill(pid, signal.SIGKILL)


def kill(home: Home, folder: Path, args: argparse.Namespace, signer: Signer) -> tuple[int, int]:
    """One kill -9 of the whole server under load: (acknowledged rows, of these lost)."""
    with postgres.running(home) as pid:
        if not signer.size:
            tables(home)
        with Keeper(home, signer):
            striking = threading.Thread(target=strike, args=(folder, pid))
            striking.start()
            outs = load(home, folder, args, ["--rows", "1", "--every"])
            striking.join()
    found, _, _ = read(outs)
    with postgres.running(home), connect(home) as db:
        (there,) = db.execute("select count(*) from ledger_leaf where row = any(%s)", [list(found)]).fetchone() or (0,)
        with Keeper(home, signer) as after:
            pass
        if after.failed:
            raise after.failed
        (open_,) = db.execute("select count(*) from ledger_leaf where idx is null").fetchone() or (0,)
        assert not open_
    return len(found), len(found) - int(there)


def main() -> int:
    """0 when nothing acknowledged was lost."""
    parser = argparse.ArgumentParser(prog="bench ledger", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument(
        "--rows", type=int, default=0, help="rows a transaction; 1, 20, and 20 at the goal's pace when none is said"
    )
    parser.add_argument("--rate", type=float, default=0, help="offered rows a second; as many as go when 0")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--writer", help=argparse.SUPPRESS)
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--every", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.writer:
        return write(args)
    result: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="gwanje-ledger-") as name:
        folder = Path(name)
        home = Home.create(folder / "var")
        if args.kills:
            signer, lost, acknowledged = Signer(folder / "head"), 0, 0
            for number in range(args.kills):
                (place := folder / str(number)).mkdir()
                rows, gone = kill(home, place, args, signer)
                acknowledged, lost = acknowledged + rows, lost + gone
                say(f"kill {number + 1}: {rows} acknowledged, {gone} lost, size {signer.size}")
            result |= {"kills": args.kills, "acknowledged": acknowledged, "lost": lost, "size": signer.size}
        else:
            ceremony.create(home)
            with postgres.running(home) as pid:
                tables(home)
                signing = vaultd.start(home)
                try:
                    result["rounds"] = list(rounds(home, folder, args, (pid, signing.pid)))
                finally:
                    signing.terminate()
                    signing.wait()
    text = json.dumps(result, indent=1)
    say(text)
    if args.json:
        args.json.write_text(text + "\n")
    return 1 if result.get("lost") else 0


if __name__ == "__main__":
    sys.exit(main())
