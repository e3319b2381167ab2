"""`python -m tools.attack._mutant_runs TASKS RESULTS`: mutants of loaded modules, each in a forked child of pytest.

Tests are collected once. A first child runs them all with every line of the modules noted; then each mutant gets a
child of its own, whose functions are given the changed code, and runs the tests that come by its line: no other can see
it. A child that never ends is dead, too.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from tools.attack._mutations import Mutant, codes

SECONDS_MAX = 120
BROKEN = 2
ALIVE, DEAD, UNREACHED = "alive", "dead", "unreached"
# unchanged code must live through the same tests in the same crowd: else a kill would prove nothing
CONTROL_EVERY = 40
Hits = dict[str, set[int]]


def function_of(module: Any, name: str) -> FunctionType | None:
    """The function object of a dotted name, below its decorators; None where there is no single one."""
    found: Any = module
    for part in name.split("."):
        if found is None:
            return None
        found = vars(found).get(part)
    if isinstance(found, property):
        found = found.fget
    found = getattr(found, "__func__", found)
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found if isinstance(found, FunctionType) else None


def patch(target: str, mutant: Mutant) -> bool:
    """Give the function its changed code, or the constant its changed value; False where that cannot be done."""
    module = importlib.import_module(target)
    if mutant.function.startswith("="):
        return _constant(module, mutant)
    function = function_of(module, mutant.function)
    found = codes(mutant.source, str(module.__file__)).get(mutant.function, [])
    if function is None or len(found) != 1 or found[0].co_freevars != function.__code__.co_freevars:
        return False
    function.__code__ = found[0]
    return True


def _constant(module: Any, mutant: Mutant) -> bool:
    """A constant of the module, here and in every module that took it from there by its name."""
    name, place = mutant.function[1:], {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(mutant.source, str(module.__file__), "exec"), place)
    for other in list(sys.modules.values()):
        file = getattr(other, "__file__", None) or ""
        if file.endswith(".py") and name in vars(other) and (other is module or _takes(file, module.__name__, name)):
            setattr(other, name, place[name])
    return True


def _takes(file: str, module: str, name: str) -> bool:
    """Does a file import this very name from that module? One of its own under the same name stays as it is."""
    text = Path(file).read_text(encoding="utf-8")
    if f"from {module} import" not in text:
        return False
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == module]
    return any(alias.name == name for node in found for alias in node.names)


def users(source: str, name: str) -> set[int]:
    """Lines of the functions that use a name."""
    found = [code for many in codes(source, "module").values() for top in many for code in _all(top)]
    return {line for code in found if name in code.co_names for _, _, line in code.co_lines() if line}


def span(source: str, function: str) -> tuple[int, int]:
    """First and last line of a function."""
    found: list[CodeType] = codes(source, "module").get(function, [])
    if not found:
        return (0, 0)
    lines = [line for code in _all(found[0]) for _, _, line in code.co_lines() if line]
    return (min(lines), max(lines))


def _all(code: CodeType) -> list[CodeType]:
    return [code, *(deep for inner in code.co_consts if isinstance(inner, CodeType) for deep in _all(inner))]


class Runs:
    """The pytest plugin: what it does instead of running the tests once."""

    def __init__(self, tasks: dict[str, Any]) -> None:
        self.sources: dict[str, str] = tasks["sources"]
        self.tasks = [(target, Mutant(**each)) for target, each in tasks["mutants"]]
        self.jobs = int(tasks["jobs"])
        self.results: list[tuple[str, dict[str, Any], str]] = []
        self.failed = ""
        self.controls = [0, 0]

    def pytest_runtestloop(self, session: Any) -> bool:
        """Note the lines, then every mutant."""
        self.items = {item.nodeid: item for item in session.items}
        # made once and here: a child that made it anew would take away those of its siblings
        session.config._tmp_path_factory.getbasetemp()
        noted = Path(os.environ["TMPDIR"]) / "noted.json"
        if _wait(self._fork(lambda: self._note(noted))) != 0:
            self.failed = noted.with_suffix(".failed").read_text() if noted.with_suffix(".failed").exists() else "?"
            return True
        said: dict[str, dict[str, list[int]]] = json.loads(noted.read_text())
        self.seconds: dict[str, float] = {node: hits.pop("seconds")[0] for node, hits in said.items()}
        self.hits: dict[str, Hits] = {n: {t: set(lines) for t, lines in hits.items()} for n, hits in said.items()}
        self._all_mutants()
        return True

    def _all_mutants(self) -> None:
        running: dict[int, tuple[str, Mutant | None]] = {}
        waiting = list(reversed(self.tasks))
        while waiting or running:
            if waiting and len(running) < self.jobs:
                target, mutant = waiting.pop()
                chosen = self.chosen(target, mutant)
                if not chosen:
                    self._put(target, mutant, UNREACHED)
                    continue
                running[self._fork(lambda t=target, m=mutant, c=chosen: self._try(t, m, c))] = (target, mutant)
                if len(waiting) % CONTROL_EVERY == 0:
                    running[self._fork(lambda t=target, c=chosen: self._try(t, None, c))] = (target, None)
                continue
            pid, status = os.wait()
            if pid in running:
                target, tried = running.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                if code == BROKEN:
                    raise RuntimeError(f"could not be tried: {target} {tried}")
                green = code == 0
                if tried is None:
                    self.controls = [self.controls[0] + 1, self.controls[1] + green]
                else:
                    self._put(target, tried, ALIVE if green else DEAD)

    def _put(self, target: str, mutant: Mutant, state: str) -> None:
        self.results.append((target, asdict(mutant), state))
        if len(self.results) % 100 == 0:
            alive = sum(state != DEAD for _, _, state in self.results)
            sys.stderr.write(f"{len(self.results)} of {len(self.tasks)}, {alive} not dead\n")

    def chosen(self, target: str, mutant: Mutant) -> list[str]:
        """Tests that come by the mutant's line, the quick ones first; by its function, where no line is told apart.

        A constant's: those that come by the functions that use it, and all of the module where others take it.
        """
        if mutant.function.startswith("="):
            lines = users(self.sources[target], mutant.function[1:])
        else:
            first, last = span(self.sources[target], mutant.function)
            lines = set(range(first, last + 1))
        met = {node: hits[target] for node, hits in self.hits.items() if hits.get(target)}
        for wanted in ({mutant.line}, lines):
            near = [node for node, hits in met.items() if hits & wanted]
            if near:
                break
        else:
            near = list(met) if mutant.function.startswith("=") else []
        return sorted(near, key=lambda node: self.seconds[node])

    # --- children -------------------------------------------------------------------------------------------------

    def _fork(self, work: Any) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        code = BROKEN
        try:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            code = work()
        finally:
            os._exit(code)

    def _try(self, target: str, mutant: Mutant | None, chosen: list[str]) -> int:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS_MAX)
        if mutant is not None and not patch(target, mutant):
            return 0
        return 0 if all(self._green(self.items[node]) for node in chosen) else 1

    @staticmethod
    def _green(item: Any) -> bool:
        from _pytest.runner import runtestprotocol

        return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))

    def _note(self, to: Path) -> int:
        """Every test once, in the unchanged code; which lines of which module it came by."""
        files = {str(importlib.import_module(target).__file__): target for target in self.sources}
        said: dict[str, dict[str, list[Any]]] = {}
        lines: Hits = {}

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                lines[files[frame.f_code.co_filename]].add(frame.f_lineno)
            return line

        def call(frame: FrameType, _event: str, _: Any) -> Any:
            target = files.get(frame.f_code.co_filename)
            if target is None:
                return None
            lines.setdefault(target, set()).add(frame.f_lineno)
            return line

        for node, item in self.items.items():
            lines.clear()
            began = time.monotonic()
            threading.settrace(call)
            sys.settrace(call)
            green = self._green(item)
            sys.settrace(None)
            if not green:
                to.with_suffix(".failed").write_text(node)
                return 1
            said[node] = {target: sorted(found) for target, found in lines.items()}
            said[node]["seconds"] = [time.monotonic() - began]
        to.write_text(json.dumps(said))
        return 0


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> int:
    """Read the tasks, run, write what became of each; 2 when the unchanged code is not green."""
    import hypothesis
    import pytest

    tasks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutants")
    runs = Runs(tasks)
    wanted = ["-q", "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=none", *tasks["tests"]]
    pytest.main(["--basetemp", os.environ["TMPDIR"] + "/tests", *wanted], plugins=[runs])
    if runs.failed or len(runs.results) != len(runs.tasks):
        sys.stderr.write(f"not green with nothing changed: {runs.failed or 'the collection'}\n")
        return 2
    said = {"results": runs.results, "controls": runs.controls}
    Path(sys.argv[2]).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
