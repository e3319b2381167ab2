"""`./dev attack mutants [--of policy|vault] [--every N] [--json FILE]`: code changed in one place; tests must see it.

Each mutant is one changed operator, constant, condition, call or statement of `kernel/policy`, or of the modules of
`vault` that stand between a request and a key. One inside a function or a constant is tried by giving the loaded module
the changed code or value; what else a module says while it is loaded (a default) is loaded in its place. Each in a
forked child; the control, unchanged code among them, must live. `--matrix` asks the matrix what the policy's tests let
through. At least 95 % must be killed; survivors are listed, beside the reason where one was judged to change nothing
(`equal.json`).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.attack._mutations import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
TARGET = "gwanje.kernel.policy"
FIRST = ("tests/kernel/test_policy_exact.py", "tests/kernel/test_policy.py", "tests/model/test_policy_model.py")
LAST = ("tests/matrix",)
KILLED_MIN = 0.95
SECONDS_MAX = 300
EQUAL = Path(__file__).with_name("equal.json")
"""Module → line's text and change → why nobody can see it. A reason whose mutant is killed after all is an error."""


@dataclass(frozen=True)
class Room:
    """Modules that are changed, and the tests that must see it."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _vault(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/vault/test_vault_{name}.py" for name in names)


ROOMS = {
    "policy": Room((TARGET,), FIRST),
    "vault": Room(
        tuple(
            f"gwanje.vault.{name}"
            for name in ("attest", "consent", "codes", "officer_keys", "console", "approvals", "held", "frontier")
        ),
        _vault(
            "exact_tree", "exact_signing", "exact_console", "frontier", "consent", "consent_used", "consent_vectors",
            "codes", "officer_keys", "console", "pages", "officer_command", "holds", "punctures", "core", "desk",
            "verify",
        ),
    ),
}  # fmt: skip


def text(target: str = TARGET) -> str:
    """The module as it stands."""
    return (ROOT / "src" / (target.replace(".", "/") + ".py")).read_text(encoding="utf-8")


def alive(mutant: Mutant, tests: tuple[str, ...], target: str = TARGET) -> bool:
    """Do the tests stay green with this mutant? In a child of its own, whose loader gives it for the module."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = _child(mutant, tests, target)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _child(mutant: Mutant, tests: tuple[str, ...], target: str) -> int:
    import pytest

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS_MAX)  # a mutant that never ends is dead, too
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    assert target not in sys.modules, "the parent must not have loaded what is changed"
    load(mutant.source, target)
    wanted = ["-q", "-x", "-p", "no:cacheprovider", "--no-header", "--no-summary", *tests]
    return int(pytest.main(["-c", "pyproject.toml", "--rootdir", str(ROOT), *wanted]))


def load(source: str, target: str = TARGET) -> None:
    """Put a changed module under the target's name."""
    spec = importlib.util.find_spec(target)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[target] = module
    exec(compile(source, str(spec.origin), "exec"), module.__dict__)
    parent, _, name = target.rpartition(".")
    setattr(importlib.import_module(parent), name, module)


Chosen = list[tuple[str, Mutant]]


Told = list[tuple[str, Mutant, str]]


def in_place(chosen: Chosen, tests: tuple[str, ...], folder: Path, jobs: int) -> tuple[Told, list[int]]:
    """(module, mutant, state) inside functions and constants; [controls, that lived]; RuntimeError: never green."""
    tasks = {
        "sources": {target: text(target) for target in dict.fromkeys(target for target, _ in chosen)},
        "mutants": [(target, asdict(mutant)) for target, mutant in chosen],
        "tests": [name for name in tests if (ROOT / name).exists()],
        "jobs": jobs,
    }
    (folder / "tasks.json").write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    words = [sys.executable, "-m", "tools.attack._mutant_runs", folder / "tasks.json", folder / "results.json"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": path, "GWANJE_TESTING": "1"}
    if subprocess.run(words, cwd=ROOT, env=environment, stdout=sys.stderr, check=False).returncode:
        raise RuntimeError("the tests are red with nothing changed")
    said = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return [(target, Mutant(**each), state) for target, each, state in said["results"]], said["controls"]


def at_loading(chosen: Chosen, tests: tuple[str, ...]) -> Told:
    """(module, mutant, state) of what a module says while it is loaded."""
    import hypothesis
    import pytest  # noqa: F401 - loaded once here, not in every child

    from gwanje.law import load as packs

    hypothesis.settings.register_profile("mutants", database=None, derandomize=True)
    packs(("kr_national", "kr_anyang"))
    there = tuple(name for name in tests if (ROOT / name).exists())
    return [(target, mutant, "alive" if alive(mutant, there, target) else "dead") for target, mutant in chosen]


def reason(target: str, mutant: Mutant) -> str:
    """Why this mutant changes nothing, where somebody judged so."""
    said: dict[str, dict[str, str]] = json.loads(EQUAL.read_text(encoding="utf-8"))
    lines = text(target).splitlines()
    line = lines[mutant.line - 1].strip() if 0 < mutant.line <= len(lines) else ""
    return said.get(target, {}).get(f"{line} | {mutant.what}", "")


def run(room: Room, step: int, jobs: int, *, matrix: bool = False) -> dict[str, Any]:
    """Try them all, or each ``step``-th; the figures."""
    chosen = [(target, mutant) for target in room.modules for mutant in mutants(text(target), step)]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="gwanje-mutants-") as folder:
        told, controls = in_place([(t, m) for t, m in chosen if m.function], room.tests, Path(folder), jobs)
        told += at_loading([(t, m) for t, m in chosen if not m.function], room.tests)
    left = [(target, mutant) for target, mutant, state in told if state != "dead"]
    if matrix:
        left = [(target, mutant) for target, mutant in left if alive(mutant, LAST, target)]
    equal = [(target, mutant) for target, mutant in left if reason(target, mutant)]
    counts, lost = Counter(target for target, _ in chosen), Counter(target for target, _ in left)
    killed, judged = len(chosen) - len(left), len(chosen) - len(equal)
    return {
        "modules": {t.removeprefix("gwanje."): {"mutants": n, "killed": n - lost[t]} for t, n in counts.items()},
        "mutants": len(chosen), "killed": killed, "equal": len(equal), "share": round(killed / len(chosen), 4),
        "share_without_equal": round(killed / judged, 4), "controls": controls[0], "controls_alive": controls[1],
        "survivors": [
            f"{t.removeprefix('gwanje.')} {m}" + (f" (equal: {reason(t, m)})" if reason(t, m) else "") for t, m in left
        ],
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _narrowed(room: Room, names: list[str] | None) -> Room:
    return Room(tuple(m for m in room.modules if not names or m.rpartition(".")[2] in names), room.tests)


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when fewer than 95 % are killed, 2 when the unchanged module is not green."""
    parser = argparse.ArgumentParser(prog="./dev attack mutants")
    parser.add_argument("--of", choices=sorted(ROOMS), default="policy")
    parser.add_argument("--module", action="append", help="of these only, by their last name")
    parser.add_argument("--every", type=int, default=1, help="each N-th only")
    parser.add_argument("--jobs", type=int, default=2, help="children at once")
    parser.add_argument("--matrix", action="store_true", help="ask the matrix, too (25 s a survivor)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    try:
        figures = run(_narrowed(ROOMS[given.of], given.module), given.every, given.jobs, matrix=given.matrix)
    except RuntimeError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    told = json.dumps({"of": given.of, **figures}, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(told)
    if given.json:
        given.json.write_text(told, encoding="utf-8")
    lived = figures["controls"] == figures["controls_alive"]
    return 1 if figures["killed"] < KILLED_MIN * figures["mutants"] or not lived else 0


if __name__ == "__main__":
    sys.exit(main())
