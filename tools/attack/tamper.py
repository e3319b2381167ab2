"""`./dev attack tamper [--seed S] [--count N] [--clean N] [--json FILE]`: forged evidence, and true evidence.

Every forged bundle must be told from a true one by both verifiers, which share no line; every true one must pass;
and on each file both must say the same, line by line. Beside it ledgers, their exports and their tiles are changed
under the eyes of the offline verifier and of an outside witness. The control: with the check that catches a class
left out (no witness key for a stolen ledger key), the forgery passes, so the attack has teeth.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gwanje_verify
from gwanje.kernel.cose import public_bytes
from gwanje_verify import verify as alone
from tools.attack import _ledgers
from tools.attack._bundles import Keys, clean
from tools.attack._changes import NAMES, attacked, log_key_theft
from tools.dev.setup import node

BATCH = 250
Lines = list[list[str]]


@dataclass
class Figures:
    """What was counted."""

    seed: int
    forged: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    false_alarms: int = 0
    missed: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "seed": self.seed, "forged": sum(self.forged.values()), "classes": dict(sorted(self.forged.items())),
            "missed": len(self.missed), "missed_first": self.missed[:5], "clean": self.clean,
            "false_alarms": self.false_alarms, "verifiers_differ": len(self.differ), "differ_first": self.differ[:5],
            "places": dict(self.places), "found_by": dict(self.steps.most_common()),
        }  # fmt: skip


@dataclass(frozen=True)
class Vector:
    """One file for both verifiers; ``name`` empty for a true one."""

    name: str
    place: str
    data: bytes
    witnesses: tuple[str, ...]
    number: int


def judge_alone(vector: Vector, keys: Keys) -> tuple[int, Lines]:
    """The Python verifier's word."""
    key, secret = public_bytes(keys.permit), ("identity", keys.identity)
    bundle = alone.Bundle(memoryview(vector.data), key, list(vector.witnesses), secret)
    report = bundle.run()
    return report.code, [list(line) for line in report.lines]


def judge_page(vectors: Sequence[Vector], keys: Keys) -> list[tuple[int, Lines]]:
    """The page's word, its own script run outside a browser."""
    out = bytearray()
    for vector in vectors:
        asked = {
            "key": public_bytes(keys.permit).hex(),
            "witnesses": vector.witnesses,
            "identity": keys.identity.hex(),
        }
        head = json.dumps(asked).encode()
        out += len(head).to_bytes(4, "big") + head + len(vector.data).to_bytes(4, "big") + vector.data
    words = [*node()[0], str(Path(__file__).with_name("_page.mjs")), str(gwanje_verify.PAGE)]
    done = subprocess.run(words, input=bytes(out), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return [(each["code"], each["lines"]) for each in said]


def vectors(seed: int, count: int, true: int, keys: Keys) -> list[Vector]:
    """Forged and true ones; the same seed makes the same choices (locked files have fresh keys all the same)."""
    made, names = [], NAMES
    for number in range(count + true):
        r = random.Random(f"{seed}/{number}")
        case, forged = clean(r, keys), number < count
        if forged:
            name = names[number % len(names)]
            place, data = attacked(r, case, name)
        else:
            name, place, data = "", "", case.build()
        made.append(Vector(name, place, data, (str(keys.vkey),), number))
    return made


def count_batch(figures: Figures, batch: Sequence[Vector], keys: Keys) -> None:
    """Ask both about each file."""
    for vector, theirs in zip(batch, judge_page(batch, keys), strict=True):
        mine = judge_alone(vector, keys)
        states = [[line[0], line[1]] for line in mine[1]], [[line[0], line[1]] for line in theirs[1]]
        if mine[0] != theirs[0] or states[0] != states[1]:
            figures.differ.append(f"{vector.number} {vector.name}: {mine[1][-1]} | {theirs[1][-1]}")
        worst = max(mine[0], theirs[0]) if 0 not in (mine[0], theirs[0]) else 0
        if not vector.name:
            figures.clean += 1
            figures.false_alarms += mine[0] != 0 or theirs[0] != 0
            continue
        figures.forged[vector.name] += 1
        figures.places[vector.place] += 1
        # a second that is left out and said to be missing is no lie: then not all is proved, and both say so
        told = worst == 1 or (vector.name in ("segment cut", "backup rollback") and worst == 3)
        if told:
            figures.steps[next(line[0] for line in mine[1] if line[1] != "proved")] += 1
        else:
            figures.missed.append(f"{vector.number} {vector.name} ({vector.place}): {mine[0]} {theirs[0]}")


def teeth(seed: int, keys: Keys) -> bool:
    """The control: with the ledger's key stolen and no witness asked, the forgery passes both verifiers."""
    r = random.Random(f"{seed}/teeth")
    case = clean(r, keys)
    log_key_theft(r, case)
    vector = Vector("control", "thief", case.build(), (), 0)
    return judge_alone(vector, keys)[0] == 0 and judge_page([vector], keys)[0][0] == 0


def run(seed: int, count: int, true: int) -> dict[str, Any]:
    """All of it."""
    began, keys, figures = time.monotonic(), Keys(seed), Figures(seed)
    total = count + true
    for start in range(0, total, BATCH):
        forged = max(0, min(BATCH, count - start))
        size = min(BATCH, total - start)
        batch = vectors(seed * 1_000_003 + start, forged, size - forged, keys)
        count_batch(figures, batch, keys)
    said = figures.as_json() | {"control_passes_without_a_witness": teeth(seed, keys)}
    with tempfile.TemporaryDirectory(prefix="gwanje-tamper-") as folder:
        said["ledger"] = _ledgers.run(Path(folder), seed, max(count // 10, 15))
    return said | {"seconds": round(time.monotonic() - began, 1)}


def held_true(f: dict[str, Any]) -> bool:
    """Nothing missed, no false alarm, one word from both, and a control that passes."""
    ledger = f["ledger"]
    quiet = not (f["missed"] or f["false_alarms"] or f["verifiers_differ"])
    outside = not (ledger["missed"] or ledger["false_alarms"])
    return quiet and outside and f["control_passes_without_a_witness"] and len(f["classes"]) == len(NAMES)


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(prog="./dev attack tamper")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000, help="forged bundles")
    parser.add_argument("--clean", type=int, default=None, help="true bundles (as many)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    figures = run(given.seed, given.count, given.count if given.clean is None else given.clean)
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if held_true(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
