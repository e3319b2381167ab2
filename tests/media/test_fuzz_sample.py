"""Fuzzing in small: a seeded run over all readers, every finding so far, and proof that the runner finds something."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tools.fuzz.run import one, run
from tools.fuzz.targets import CORPUS, Target, targets

SECONDS = 14
ALL = {target.name: target for target in targets()}
REGRESSIONS = sorted((CORPUS / "regress").glob("*.bin"))


def test_a_seeded_run_over_every_reader_finds_nothing() -> None:
    outcome = run(list(ALL.values()), 2026, seconds=SECONDS)
    assert not outcome.findings, [(f.target, f.error, f.data.hex()[:400]) for f in outcome.findings]
    assert len(outcome.inputs) == 20
    assert all(count >= 64 for count in outcome.inputs.values())


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_every_finding_so_far_stays_mended(path: Path) -> None:
    name = path.stem.rpartition("-")[0]
    assert not one(ALL[name], path.read_bytes())


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_seeds_themselves_are_read_and_mutations_differ(name: str) -> None:
    rng = random.Random(1)
    made = {ALL[name].make(rng) for _ in range(50)}
    assert len(made) > 25
    assert {one(ALL[name], data) for data in made} == {""}


def test_the_runner_finds_a_wrong_exception_a_hang_and_growth() -> None:
    kept: list[bytes] = []

    def wrong(data: bytes) -> None:
        raise KeyError(data[:1])

    def hangs(data: bytes) -> None:
        end = time.process_time() + 5
        while time.process_time() < end:
            pass

    def grows(data: bytes) -> None:
        kept.append(bytearray(8192))

    def declared(data: bytes) -> None:
        raise ValueError

    def make(rng: random.Random) -> bytes:
        return rng.randbytes(4)

    found = run([Target("wrong", make, wrong)], 1, inputs=64).findings
    assert {f.error[:8] for f in found} == {"KeyError"}
    slow = [Target("slow", lambda rng: b"x", hangs)]
    hung = run(slow, 1, seconds=0.1, hang_s=0.5, batch=1).findings
    assert [f.error[:9] for f in hung] == ["more than"]
    grown = run([Target("grows", make, grows)], 1, inputs=40_000).findings
    assert grown[-1].target == "memory"
    kept.clear()
    assert not run([Target("declared", make, declared, (ValueError,))], 1, inputs=64).findings
