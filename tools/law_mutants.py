"""Mutants of the law: each marked test runs once more with its own norm switched off.

``python -m tools.law_mutants [--each] [pytest arguments]``. A norm whose tests ALL stay green would not be missed if
its rule were gone: a survivor, and a failure. A test that is red with nothing switched off proves nothing and fails.
``--each`` also switches off each rule and guard of a norm alone and names those that nobody would miss: defence in
depth, or a test that is wanting; it does not fail the run.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ""
OFF = "_norm_switched_off"
ALLOWING = ("allow",)


@dataclass
class Figures:
    """What became of the runs of one norm."""

    killed: list[str] = field(default_factory=list)
    green: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return not self.killed


class Mutants:
    """Pytest plugin: keeps marked tests, runs each without a switch and then once per norm of its own."""

    def __init__(self, each: bool = False) -> None:
        self.each = each
        self.norms: dict[str, Figures] = {}
        self.parts: dict[str, Figures] = {}
        self.off: str = BASELINE
        self.runs = 0
        self.useless: set[str] = set()

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out test files that mark no norm: importing them may start what no marked test needs."""
        if collection_path.is_file() and collection_path.name.startswith("test"):
            return "mark.norm" not in collection_path.read_text(encoding="utf-8") or None
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only marked tests, and none that drives a browser or a whole centre; each once plain, then once per norm.

        A run is an item of its own, copied: pytest tears down what belongs to an item only when the next is another.
        """
        kept = [i for i in items if _norms(i)]
        kept = [i for i in kept if not {m.name for m in i.iter_markers()} & {"browser", "story"}]
        items[:] = [_copy(item, norm) for item in kept for norm in (BASELINE, *self.plan(item))]

    def plan(self, item: pytest.Item) -> list[str]:
        """What to switch off for an item: its norms, and with ``--each`` their rules and guards one by one."""
        from gwanje.law import REGISTRY

        norms = _norms(item)
        if not self.each:
            return norms
        return norms + [f"{n}@{s}" for n in norms if len(REGISTRY.symbols(n)) > 1 for s in REGISTRY.symbols(n)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """One run; what is red or skipped with nothing off is of no further use, but its fixtures must go."""
        from _pytest.runner import runtestprotocol

        self.off = getattr(item, OFF)
        if self.off != BASELINE and item.nodeid in self.useless:
            item.session._setupstate.teardown_exact(nextitem)  # type: ignore[attr-defined]
            return True
        self.note(item, self.off, runtestprotocol(item, log=False, nextitem=nextitem))
        self.off = BASELINE
        return True

    def note(self, item: pytest.Item, norm: str, reports: list[pytest.TestReport]) -> None:
        """Count one run. Only a test of the refusing side kills: an allowing one that turns red is odd."""
        self.runs += 1
        failed = [r for r in reports if r.failed]
        if "@" in norm:
            figures = self.parts.setdefault(norm, Figures())
            (figures.killed if any(r.when == "call" for r in failed) else figures.green).append(item.nodeid)
            return
        if norm != BASELINE:
            figures = self.norms[norm]
            red = any(r.when == "call" for r in failed)
            if red and _side(item, norm) in ALLOWING:
                figures.odd.append(f"{item.nodeid}: {_last_line(failed[0])}")
            (figures.killed if red and _side(item, norm) not in ALLOWING else figures.green).append(item.nodeid)
            return
        for own in _norms(item):
            figures = self.norms.setdefault(own, Figures())
            if failed:
                figures.broken.append(f"{item.nodeid}: {_last_line(failed[0])}")
            elif any(r.skipped for r in reports):
                figures.skipped.append(item.nodeid)
        if failed or any(r.skipped for r in reports):
            self.useless.add(item.nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        """The switch is off in the test's own code only, not in its fixtures."""
        if self.off == BASELINE:
            yield
            return
        from gwanje.law import switch

        with switch.off(self.off):
            yield


def _norms(item: pytest.Item) -> list[str]:
    return list(dict.fromkeys(str(m.args[0]) for m in item.iter_markers("norm") if m.args))


def _side(item: pytest.Item, norm: str) -> str:
    found = next(m for m in item.iter_markers("norm") if m.args and m.args[0] == norm)
    return str(found.args[1]) if len(found.args) > 1 else ""


def _copy(item: pytest.Item, norm: str) -> pytest.Item:
    run = copy.copy(item)
    run._initrequest()  # type: ignore[attr-defined]  # its own fixture request, as a rerun of a test needs one
    setattr(run, OFF, norm)
    return run


def _last_line(report: pytest.TestReport) -> str:
    lines = str(report.longrepr).strip().splitlines()
    return lines[-1][:160] if lines else ""


def told(plugin: Mutants, expected: set[str]) -> list[str]:
    """Print the figures; give back what fails the run."""
    wrong = [f"{norm}: no marked test (표시된 시험 없음)" for norm in sorted(expected - set(plugin.norms))]
    for norm, figures in sorted(plugin.norms.items()):
        red, green, out = len(figures.killed), len(figures.green), len(figures.skipped)
        print(f"  {norm:28} {red:3} red, {green:3} stay green" + (f", {out} skipped" if out else ""))
        wrong += [f"{norm}: red with nothing switched off: {text}" for text in figures.broken]
        for text in figures.odd:
            print(f"    note: an allowing test turns red: {text}")
        if norm not in expected:
            wrong.append(f"{norm}: no such norm (모르는 규범)")
        elif figures.survived:
            wrong.append(f"{norm}: SURVIVES, no test misses it (꺼도 아무 시험도 실패하지 않음)")
    for part, figures in sorted(plugin.parts.items()):
        if figures.survived:
            print(f"    note: nobody misses {part} alone ({len(figures.green)} stay green)")
    if plugin.parts:
        missed = sum(not f.survived for f in plugin.parts.values())
        print(f"{missed} of {len(plugin.parts)} rules and guards are missed when they alone are off")
    killed = sum(not f.survived for f in plugin.norms.values())
    for text in wrong:
        print(f"  failure: {text}")
    print(f"{killed} of {len(expected)} norms killed, {plugin.runs} runs, {len(wrong)} failures")
    return wrong


def main(arguments: list[str]) -> int:
    """Run them all; 0 when every norm in force of every pack is missed by at least one test."""
    os.environ["GWANJE_TESTING"] = "1"
    os.chdir(ROOT)
    from gwanje import law
    from gwanje.law.cases import stacks

    expected = {
        norm
        for names in stacks()
        for pack in law.load(names).packs
        for article in pack.articles
        if article.verified
        for norm in article.norms
    }
    plugin = Mutants(each="--each" in arguments)
    arguments = [a for a in arguments if a != "--each"]
    code = pytest.main(
        [
            "-q",
            "-c",
            "pyproject.toml",
            "--rootdir",
            str(ROOT),
            "--no-header",
            "-p",
            "no:cacheprovider",
            "--no-summary",
            *arguments,
        ],
        plugins=[plugin],
    )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        print(f"pytest ended with {code!s}", file=sys.stderr)
        return 2
    named = {a for a in arguments if not a.startswith("-")}
    # a run over some files only says nothing of norms that are tested elsewhere
    return 1 if told(plugin, expected if not named else expected & set(plugin.norms)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
