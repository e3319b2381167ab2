"""Last result of every test that carries a norm: a file that the law report reads, kept over partial runs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / ".cache" / "norm-outcomes.json"
RANK = {"failed": 2, "skipped": 1, "passed": 0}


class Outcomes:
    """Collects results by test function; several cases of one function count as their worst."""

    def __init__(self) -> None:
        self.marked: set[str] = set()
        self.found: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.marked = {self._name(item) for item in session.items if item.get_closest_marker("norm")}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        name = report.nodeid.split("[")[0]
        name = f"{name.split('::')[0]}::{name.split('::')[-1]}"
        if name in self.marked and RANK[report.outcome] >= RANK[self.found.get(name, "passed")]:
            self.found[name] = report.outcome

    def pytest_sessionfinish(self) -> None:
        if self.found:
            write(FILE, self.found)

    def _name(self, item: pytest.Item) -> str:
        return f"{item.nodeid.split('::')[0]}::{item.nodeid.split('::')[-1].split('[')[0]}"


def write(file: Path, found: dict[str, str]) -> None:
    """Merge results into the file: what did not run this time keeps its last result with its own moment."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    file.parent.mkdir(exist_ok=True)
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known |= {name: [outcome, at] for name, outcome in found.items()}
    part = file.with_suffix(f".{os.getpid()}.tmp")
    part.write_text(json.dumps(known, ensure_ascii=False, indent=0, sort_keys=True), encoding="utf-8")
    os.replace(part, file)
