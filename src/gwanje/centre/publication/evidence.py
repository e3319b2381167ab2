"""Evidence (이행 증거): code, tests and counts behind an article, read from the trace and the ledger.

The trace imports every room to find its rules; the web process may not, so a process of its own makes it, once.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gwanje.centre.common import cursor
from gwanje.kernel import ledger
from gwanje.law import REGISTRY
from gwanje.law.packs import Article
from gwanje.law.words import NORMS

TRACE_SECONDS_MAX = 300
WAIT_SECONDS_MAX = 20
TESTS_SHOWN_MAX = 30
log = logging.getLogger(__name__)
_lock = threading.Lock()
_ready = threading.Event()
_making: list[threading.Thread] = []
_made: list[Mapping[str, Any]] = []


@dataclass(frozen=True)
class NormEvidence:
    """One norm of an article: sentences, code symbols, tests and cases by name, ledger counts."""

    norm: str
    ko: str
    en: str
    note: str
    symbols: tuple[str, ...]
    tests: tuple[tuple[str, str, str], ...]
    tests_more: int
    cases: tuple[tuple[str, str], ...]
    granted: int
    refused: int
    done: int

    @property
    def silent(self) -> bool:
        """Nothing in the ledger yet (기록 없음)."""
        return not (self.granted or self.refused or self.done)


def trace() -> Mapping[str, Any]:
    """The trace of this installation; without tests and cases until it is made, or when it cannot be made.

    A thread makes it once per process: a reader waits for it a while, and never holds the page for longer.
    """
    with _lock:
        if not _making:
            _making.append(threading.Thread(target=_make, name="law-trace", daemon=True))
            _making[0].start()
    _ready.wait(WAIT_SECONDS_MAX)
    return _made[0] if _made else _bare()


def _make() -> None:
    command = [sys.executable, "-m", "gwanje.law.trace"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TRACE_SECONDS_MAX, check=True)
        _made.append(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        log.exception("the trace could not be made: pages show code symbols of this process only")
        _made.append(_bare())
    finally:
        _ready.set()


def _bare() -> Mapping[str, Any]:
    norms = {n: {"symbols": [[s, 0] for s in REGISTRY.symbols(n)], "tests": [], "cases": []} for n in NORMS}
    return {"norms": norms, "packs": {}, "findings": []}


def of(article: Article) -> tuple[NormEvidence, ...]:
    """The evidence behind each norm of an article; counts are of the whole ledger, never a row of it."""
    if not article.norms:
        return ()
    known, counts = trace()["norms"], counts_of(article.norms)
    return tuple(_evidence(n, article.notes[n], known.get(n, {}), counts[n]) for n in article.norms)


def counts_of(norms: Sequence[str]) -> dict[str, dict[str, int]]:
    """norm → granted, refused, done; zeros where the ledger has none."""
    found = ledger.counts_by_norm(cursor(), list(norms))
    return {n: {"granted": 0, "refused": 0, "done": 0, **found.get(n, {})} for n in norms}


def _evidence(norm: str, note: str, known: Mapping[str, Any], counts: Mapping[str, int]) -> NormEvidence:
    word, tests = NORMS[norm], [tuple(t) for t in known.get("tests", [])]
    return NormEvidence(
        norm=norm,
        ko=word.ko,
        en=word.en,
        note=note,
        symbols=tuple(dict.fromkeys(s for s, _ in known.get("symbols", []))),
        tests=tuple(tests[:TESTS_SHOWN_MAX]),
        tests_more=max(0, len(tests) - TESTS_SHOWN_MAX),
        cases=tuple((title, side) for _, _, title, side in known.get("cases", [])),
        granted=counts["granted"],
        refused=counts["refused"],
        done=counts["done"],
    )
