"""Runs mutated inputs through the readers: no undeclared exception, no second of CPU for one input, no growth."""

from __future__ import annotations

import contextlib
import logging
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tools.fuzz.targets import Target, targets

HANG_S = 1.0
LOOK_S = 0.25
BATCH = 64
WARM = 20_000
GROWTH_MB_MAX = 48
FINDINGS_MAX = 20


class Hang(BaseException):
    """One input took more than a second of this process's CPU time."""


@dataclass
class Finding:
    """What went wrong, with the input that did it."""

    target: str
    error: str
    data: bytes


@dataclass
class Outcome:
    """Inputs read per target, findings, growth of resident memory in MB, seconds."""

    inputs: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    growth_mb: float = 0.0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """Inputs read."""
        return sum(self.inputs.values())


class _Watch:
    """Looks four times a second of CPU time (a busy machine is no hang) whether the input is still the same."""

    def __init__(self, limit_s: float) -> None:
        self.number = self._seen = 0
        self._stood = 0.0
        self._limit_s = limit_s

    def look(self, signum: int, frame: FrameType | None) -> None:
        self._stood = self._stood + LOOK_S if self.number == self._seen else 0.0
        self._seen = self.number
        if self._stood > self._limit_s:
            self._stood = 0.0
            raise Hang

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        before = signal.signal(signal.SIGVTALRM, self.look)
        signal.setitimer(signal.ITIMER_VIRTUAL, LOOK_S, LOOK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def one(target: Target, data: bytes) -> str:
    """Read one input; empty when all is well, else what came out."""
    try:
        target.read(data)
    except target.declared:
        return ""
    except Hang:
        return f"more than {HANG_S:g} s"
    except MemoryError:
        return "MemoryError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def run(
    chosen: Sequence[Target], seed: int, *, seconds: float | None = None, inputs: int | None = None,
    hang_s: float = HANG_S, batch: int = BATCH,
) -> Outcome:  # fmt: skip
    """Until ``seconds`` are over or ``inputs`` are read, in turns of 64 a target; the first 20,000 warm the memory."""
    outcome, rng, watch = Outcome({t.name: 0 for t in chosen}), random.Random(seed), _Watch(hang_s)
    began = time.perf_counter()
    base = 0.0
    with watch.on():
        while len(outcome.findings) < FINDINGS_MAX:
            for target in chosen:
                for _ in range(batch):
                    data = target.make(rng)
                    watch.number += 1
                    said = one(target, data)
                    if said:
                        outcome.findings.append(Finding(target.name, said, data))
                outcome.inputs[target.name] += batch
            if not base and watch.number >= WARM:
                base = resident_mb()
            if seconds is not None and time.perf_counter() - began >= seconds:
                break
            if inputs is not None and watch.number >= inputs:
                break
    outcome.seconds = time.perf_counter() - began
    outcome.growth_mb = resident_mb() - base if base else 0.0
    if outcome.growth_mb > GROWTH_MB_MAX:
        outcome.findings.append(Finding("memory", f"grew by {outcome.growth_mb:.0f} MB", b""))
    return outcome


def work(arguments: tuple[int, float | None, int | None, str]) -> Outcome:
    """One process: seed, seconds, inputs, and what the names of its targets hold."""
    seed, seconds, inputs, only = arguments
    logging.disable(logging.CRITICAL)
    return run([t for t in targets() if only in t.name], seed, seconds=seconds, inputs=inputs)
