"""``./dev bench fleet --rounds 20 --json FILE``: nodes that die, hang, are cut off, and a database that restarts.

Three network namespaces with a recorder each, sixty cameras a node; PostgreSQL with TLS, vaultd with mutual TLS and the
cameras in a fourth. Every figure comes from the parts on the nodes' disks and the rows that count, not from logs.
"""

from __future__ import annotations

import argparse
import bisect
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from bench._city import City, Node, possible, until
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import key_id
from gwanje.kernel.footage import Gap
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.media.account import merged, without
from gwanje.media.indexed import gaps as gap_rows
from gwanje.vault import parts
from gwanje.vault.segment import SegmentReader

FAULTS = ("kill", "stop", "cut", "database")
# by --kinds only: cut from PostgreSQL alone, vaultd away, a death while vaultd is away, a death at an hour's end
MORE = ("database-cut", "vault", "vault-kill", "hour")
EVERYBODY = ("database", "vault")
# a node cut from PostgreSQL goes on; a camera that moves without vaultd waits for it: no promise of 10 s is theirs
OWN_TIME = (*EVERYBODY, "database-cut", "vault-kill")
VAULT_AWAY_S = 30.0
HOUR_IN_S = 100
LIMIT_S = 10.0
AWAY_S = 14.0
READY_S = 90.0
US = 1_000_000


def say(text: str) -> None:
    """Progress."""
    print(text, flush=True)


@dataclass
class Fault:
    """One round: what happened to whom at which Unix µs, and whose cameras those were."""

    kind: str
    victim: int
    at_us: int
    cameras: list[UUID]
    rejoined_s: float | None = None


@dataclass
class Counted:
    """What counts of one camera: (start, end) µs of stored parts in order, and who wrote each."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    writers: list[bytes] = field(default_factory=list)


class Rounds:
    """The faults on a running city."""

    def __init__(self, city: City, seed: int, away_s: float = AWAY_S) -> None:
        self.city, self.away_s = city, away_s
        self.rng = random.Random(seed)
        self.clock: Clock = city.home.clock
        self.faults: list[Fault] = []

    def holders(self) -> dict[UUID, list[UUID]]:
        """Node → its cameras."""
        with self.city.connect() as db:
            rows = db.execute("select recorder, camera from footage_lease").fetchall()
        return {node.id: [camera for holder, camera in rows if holder == node.id] for node in self.city.nodes}

    def settled(self) -> bool:
        """Every camera has a holder that has stored something, and every node has some."""
        with self.city.connect() as db:
            ready = db.execute(
                "select count(*) from footage_lease l join footage_reign g on g.camera = l.camera "
                "and g.fence = l.fence where g.from_s is not null"
            ).fetchone()
        loads = [len(cameras) for cameras in self.holders().values()]
        return (
            ready is not None and int(ready[0]) == self.city.count and min(loads) >= min(loads[0], self.city.count // 6)
        )

    def wait(self, seconds: float = READY_S) -> None:
        """Until settled; TimeoutError says it is not."""
        for _ in until(self.settled, seconds):
            pass

    def one(self, kind: str) -> None:
        """A round: settle, fault, wait, mend."""
        self.wait()
        holders = self.holders()
        # the most laden node, so that a round moves a node's worth of cameras
        victim = max(self.city.nodes, key=lambda n: (len(holders[n.id]), self.rng.random()))
        time.sleep(1 + self.rng.random() * 2)
        if kind == "hour":
            while 60 < self.clock.now_s() % 3600 < 3598:
                time.sleep(0.1)
        fault = Fault(kind, victim.number, self.clock.now_us(), holders[victim.id])
        if kind in EVERYBODY:
            fault.cameras = list(self.city.cameras)
        self.faults.append(fault)
        self._do(kind, victim)
        time.sleep(VAULT_AWAY_S if kind.startswith("vault") else self.away_s)
        self._undo(kind, victim)
        began = time.monotonic()
        if kind not in EVERYBODY:
            for _ in until(lambda: len(self.holders()[victim.id]) > 0, READY_S):
                pass
            fault.rejoined_s = round(time.monotonic() - began, 1)
        say(f"{len(self.faults):>3} {kind:<8} node {victim.number}, {len(fault.cameras)} cameras")

    def _do(self, kind: str, victim: Node) -> None:
        if kind.startswith("vault"):
            self.city.kill_vault()
        if kind in {"kill", "vault-kill", "hour"}:
            os.kill(victim.pid, signal.SIGKILL)
        elif kind == "stop":
            os.kill(victim.pid, signal.SIGSTOP)
        elif kind == "cut":
            self.city.cut(victim)
        elif kind == "database-cut":
            self.city.cut_database(victim)
        elif kind == "database":
            self.city.restart_database(2.0)

    def _undo(self, kind: str, victim: Node) -> None:
        if kind.startswith("vault"):
            self.city.start_vault()
        if kind in {"kill", "vault-kill", "hour"}:
            assert victim.process is not None
            victim.process.wait()
            self.city.run(victim)
        elif kind == "stop":
            os.kill(victim.pid, signal.SIGCONT)
        elif kind == "cut":
            self.city.mend(victim)
        elif kind == "database-cut":
            self.city.mend_database()


def end(city: City) -> None:
    """SIGTERM to every recorder; their spools must be empty then."""
    for node in city.nodes:
        if node.process is not None and node.process.poll() is None:
            node.process.terminate()
    for node in city.nodes:
        if node.process is not None:
            node.process.wait(30)


def counted(city: City) -> dict[UUID, Counted]:
    """Parts on the nodes' disks whose second is in a row that counts, per camera in order of time."""
    with city.connect() as db:
        rows = db.execute(
            "select segment_id, camera, epoch * 3600 + first_tick, epoch * 3600 + last_tick from footage_segment"
        ).fetchall()
    reach = {bytes(row[0]): row[1:] for row in rows}
    found: dict[UUID, list[tuple[int, int, bytes]]] = {camera: [] for camera in city.cameras}
    for node in city.nodes:
        for path in node.home.store.rglob("*.gws"):
            with SegmentReader(path) as reader:
                row = reach.get(reader.segment_id)
                if row is None:
                    continue
                camera, first, last = row
                for part in reader.parts:
                    head = part.header
                    if head.kind == parts.VIDEO and first <= reader.header.epoch * 3600 + head.tick <= last:
                        span = (head.start_us, head.start_us + head.duration_us, reader.header.writer)
                        found[camera].append(span)
    made = {}
    for camera, spans in found.items():
        spans.sort()
        made[camera] = Counted(*(list(column) for column in zip(*spans, strict=True))) if spans else Counted()
    return made


def recovery(fault: Fault, of: Counted, victim: bytes, until_us: int) -> float:
    """Seconds from the fault until the camera is stored again for good; for the database the longest hole.

    ``until_us``: when the next fault began; what is missing then is not this one's.
    """
    at = bisect.bisect_left(of.starts, fault.at_us)
    if fault.kind in EVERYBODY:
        low, high = max(1, at - 2), bisect.bisect_left(of.starts, min(until_us, fault.at_us + 45 * US))
        holes = [of.starts[n] - of.ends[n - 1] for n in range(low, high)]
        return max(holes, default=20 * US) / US
    for place in range(at, len(of.starts)):
        if of.writers[place] != victim:
            return (of.starts[place] - fault.at_us) / US
    return float("inf")


def seams(of: Counted) -> list[float]:
    """Seconds that parts of two recorders both claim by their own clocks' readings, one figure a seam.

    Rows are disjoint by whole seconds of arrival; a part's start is the time of its picture, a little earlier.
    """
    found: list[float] = []
    reach = 0
    for start, until_us in zip(of.starts, of.ends, strict=True):
        if reach - start > 250_000:
            found.append((min(reach, until_us) - start) / US)
        reach = max(reach, until_us)
    return found


def claimed(have: dict[UUID, Counted], gaps: Sequence[Gap]) -> float:
    """Seconds that gap rows call missing although parts that count hold them."""
    total = 0
    for camera, of in have.items():
        rows = ((gap.started_us, gap.ended_us or of.ends[-1]) for gap in gaps if gap.camera == camera)
        missing = merged(rows)
        left = without(missing, merged(zip(of.starts, of.ends, strict=True)))
        total += sum(b - a for a, b in missing) - sum(b - a for a, b in left)
    return total / US


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def report(city: City, faults: Sequence[Fault]) -> dict[str, Any]:
    """Figures from what is stored and indexed."""
    have = counted(city)
    keys = {node.number: key_id(raw_public(signing_key(node.home, "recorder"))) for node in city.nodes}
    overlap = [length for of in have.values() for length in seams(of)]
    times: dict[str, list[float]] = {}
    for number, fault in enumerate(faults):
        until_us = faults[number + 1].at_us if number + 1 < len(faults) else fault.at_us + 45 * US
        values = [recovery(fault, have[camera], keys[fault.victim], until_us) for camera in fault.cameras]
        times.setdefault(fault.kind, []).extend(values)
    moved = [value for kind, values in times.items() if kind not in OWN_TIME for value in values]
    with city.connect() as db, db.cursor() as cursor:
        gaps = list(gap_rows(cursor))
        garbage = db.execute(
            "select count(*), coalesce(sum(last_tick - first_tick + 1), 0) from footage_garbage"
        ).fetchone()
        reigns = db.execute("select count(*) from footage_reign").fetchone()
    assert garbage is not None
    assert reigns is not None
    check = city.check(2)
    days = check.pop("days", [])
    return {
        "rounds": len(faults),
        "nodes": len(city.nodes),
        "cameras": city.count,
        "moved": len(moved),
        "recovery_s": {"all": _spread(moved), **{kind: _spread(values) for kind, values in sorted(times.items())}},
        "within_10_s": sum(value <= LIMIT_S for value in moved),
        "rejoined_s": [fault.rejoined_s for fault in faults if fault.kind not in EVERYBODY],
        "seam_overlap_s": {
            "count": len(overlap),
            "max": round(max(overlap, default=0), 3),
            "sum": round(sum(overlap), 1),
        },
        "account_s": {
            name: round(sum(day[name] for day in days), 1)
            for name in ("wall_s", "footage_s", "gap_s", "slack_s", "missing_s", "overlap_s")
        },
        "gap_rows": len(gaps),
        "gap_reasons": dict(Counter(gap.reason for gap in gaps)),
        "claimed_missing_but_stored_s": round(claimed(have, gaps), 3),
        "garbage_files": int(garbage[0]),
        "garbage_s": int(garbage[1]),
        "leases_moved": int(reigns[0]),
        "check": {
            "clean": check["clean"],
            "garbage": check["garbage"],
            "problems": check["problems"][:20],
            "problem_count": len(check["problems"]),
        },
        "faults": [{"kind": f.kind, "victim": f.victim, "cameras": len(f.cameras)} for f in faults],
        "load_1min": os.getloadavg()[0],
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    named = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    return {name: round(percentile(values, share), 2) for name, share in named}


def play(city: City, kinds: Sequence[str], *, seed: int, away_s: float = AWAY_S) -> dict[str, Any]:
    """The rounds of a city, and its report."""
    with city:
        for node in city.nodes:
            city.run(node)
        rounds = Rounds(city, seed, away_s)
        for kind in kinds:
            rounds.one(kind)
        rounds.wait()
        time.sleep(3)
        end(city)
        return report(city, rounds.faults)


def refused(args: argparse.Namespace) -> str:
    """Why the wish cannot be done, empty when it can."""
    if args.loopback and (wrong := sorted({"cut", "database", "database-cut"}.intersection(args.kinds))):
        return f"이름공간 없이는 끊을 수 없습니다 / without namespaces there is nothing to cut: {', '.join(wrong)}"
    if args.kinds.count("hour") and args.rounds > 1 and len(args.kinds) < args.rounds:
        return "한 번 실행에 정시는 한 번입니다 / one hour ends within a run: fewer rounds than kinds, or no hour"
    return "" if args.loopback else possible()


def main() -> int:
    """0 when every camera was stored again within 10 s (p99), and the check is clean."""
    parser = argparse.ArgumentParser(prog="bench fleet", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cameras", type=int, default=60, help="cameras a node")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for logs and stores, kept")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=(*FAULTS, *MORE), default=FAULTS, help="faults, in turns")
    parser.add_argument("--away", type=float, default=AWAY_S, help="seconds until a fault is mended")
    parser.add_argument("--loopback", action="store_true", help="no namespaces, embedded PostgreSQL; nothing is cut")
    args = parser.parse_args()
    if why := refused(args):
        say(why)
        return 2
    began = time.monotonic()
    kinds = [args.kinds[number % len(args.kinds)] for number in range(args.rounds)]
    random.Random(args.seed).shuffle(kinds)
    with tempfile.TemporaryDirectory(prefix="gwanje-fleet-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        # only one hour ends within a run: its round comes first
        hour = HOUR_IN_S if "hour" in kinds else None
        kinds.sort(key=lambda kind: kind != "hour")
        city = City(folder, args.nodes, args.nodes * args.cameras, namespaces=not args.loopback, hour_in_s=hour)
        result = play(city, kinds, seed=args.seed, away_s=args.away)
    result["took_s"] = round(time.monotonic() - began, 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    say(text)
    good = result["recovery_s"]["all"]["p99"] <= LIMIT_S and result["check"]["clean"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
