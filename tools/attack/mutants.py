"""`./dev attack mutants [--only N] [--json FILE]`: kernel/policy.py changed in one place at a time; tests must see it.

Each mutant is one changed operator, constant, condition, call or statement. It is loaded instead of the module in a
forked child, where tests/kernel/test_policy.py and a sample of the reference model run; what both let through is asked
of the matrix too (`--matrix`). At least 95 % must be killed; survivors are listed with their line.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGET = "gwanje.kernel.policy"
FIRST = ("tests/kernel/test_policy_exact.py", "tests/kernel/test_policy.py", "tests/model/test_policy_model.py")
LAST = ("tests/matrix",)
KILLED_MIN = 0.95
SECONDS_MAX = 300
SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "NOTHING": "ALL", "ALL": "NOTHING"}


@dataclass(frozen=True)
class Mutant:
    """One change: where, what, and the module's text with it."""

    line: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module's text, in the order of its lines; none twice, none that says the same."""
    tree, found = ast.parse(source), {}
    nodes = list(ast.walk(tree))
    skip = _untouched(tree)
    for place, node in enumerate(nodes):
        if id(node) in skip:
            continue
        for number in range(len(list(_changes(node)))):
            other = copy.deepcopy(tree)
            twin = list(ast.walk(other))[place]
            what, change = list(_changes(twin))[number]
            change()
            text = ast.unparse(ast.fix_missing_locations(other))
            found.setdefault(text, Mutant(getattr(node, "lineno", 0), what, text))
    found.pop(ast.unparse(tree), None)
    return sorted(found.values(), key=lambda m: (m.line, m.what))


def _untouched(tree: ast.AST) -> set[int]:
    """What no test should see: docstrings, log lines, annotations, words for people."""
    out: set[int] = set()
    for node in ast.walk(tree):
        dead: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            dead.append(node)
        if isinstance(node, ast.Expr) and "log." in ast.unparse(node):
            dead.append(node)
        if isinstance(node, ast.FunctionDef):
            dead += [a.annotation for a in node.args.args if a.annotation] + ([node.returns] if node.returns else [])
        if isinstance(node, ast.AnnAssign):
            dead.append(node.annotation)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.alias):
            dead.append(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isidentifier():
            dead.append(node)
        if isinstance(node, ast.ClassDef):
            dead += node.decorator_list
        out |= {id(inner) for top in dead for inner in ast.walk(top)}
    return out


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(what, how to do it in place) for one node."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            if type(op) in SWAPS:
                new = SWAPS[type(op)]
                yield f"{type(op).__name__} -> {new.__name__}", lambda at=at, new=new: node.ops.__setitem__(at, new())
    elif isinstance(node, ast.BoolOp):
        new_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and <-> or", lambda: setattr(node, "op", new_op)
        for at in range(len(node.values)):
            yield f"operand {at} dropped", lambda at=at: node.values.pop(at)
    elif isinstance(node, ast.If | ast.IfExp):
        for word in (True, False):
            yield f"condition {word}", lambda word=word: setattr(node, "test", ast.Constant(word))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", lambda: setattr(node, "op", ast.UAdd()) or setattr(node, "operand", _truth(node.operand))
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NAMES:
        yield f"{node.id} -> {NAMES[node.id]}", lambda: setattr(node, "id", NAMES[node.id])
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", lambda: setattr(node, "value", ast.Constant(None))
    elif isinstance(node, ast.FunctionDef | ast.ExceptHandler):
        yield from _removed(node)


def _truth(value: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("bool", ast.Load()), [value], [])


def _constants(node: ast.Constant) -> Iterator[tuple[str, Callable[[], Any]]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} -> {not value}", lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield f"{value} -> {value + 1}", lambda: setattr(node, "value", value + 1)
    elif isinstance(value, str):
        yield f"{value!r} altered", lambda: setattr(node, "value", value + "_")


def _removed(node: ast.FunctionDef | ast.ExceptHandler) -> Iterator[tuple[str, Callable[[], Any]]]:
    for at, statement in enumerate(node.body):
        if isinstance(statement, ast.Expr) and ("log." in ast.unparse(statement) or at == 0):
            continue
        said = ast.unparse(statement).splitlines()[0]
        yield f"removed: {said}", lambda at=at: node.body.__setitem__(at, ast.Pass())


def alive(mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Do the tests stay green with this mutant? In a child of its own, whose loader gives it for the module."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = _child(mutant, tests)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _child(mutant: Mutant, tests: tuple[str, ...]) -> int:
    import pytest

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS_MAX)  # a mutant that never ends is dead, too
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    assert TARGET not in sys.modules, "the parent must not have loaded what is changed"
    load(mutant.source)
    wanted = ["-q", "-x", "-p", "no:cacheprovider", "--no-header", "--no-summary", *tests]
    return int(pytest.main(["-c", "pyproject.toml", "--rootdir", str(ROOT), *wanted]))


def load(source: str) -> None:
    """Put a changed module under the target's name."""
    spec = importlib.util.find_spec(TARGET)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[TARGET] = module
    exec(compile(source, str(spec.origin), "exec"), module.__dict__)
    parent, _, name = TARGET.rpartition(".")
    setattr(importlib.import_module(parent), name, module)


def text() -> str:
    """The module as it stands."""
    return (ROOT / "src" / (TARGET.replace(".", "/") + ".py")).read_text(encoding="utf-8")


def run(chosen: list[Mutant], with_matrix: bool) -> list[Mutant]:
    """The survivors."""
    import hypothesis
    import pytest  # noqa: F401 - loaded once here, not in every child

    from gwanje.law import load as packs

    hypothesis.settings.register_profile("mutants", database=None, derandomize=True)
    packs(("kr_national", "kr_anyang"))
    left = [m for m in chosen if alive(m, FIRST)]
    return [m for m in left if alive(m, LAST)] if with_matrix else left


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when fewer than 95 % are killed or the unchanged module is not green."""
    parser = argparse.ArgumentParser(prog="./dev attack mutants")
    parser.add_argument("--only", type=int, help="the first N, spread over the module")
    parser.add_argument("--matrix", action="store_true", help="ask the matrix, too (25 s a survivor)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    every = mutants(text())
    chosen = every[:: max(1, len(every) // given.only)] if given.only else every
    began = time.perf_counter()
    if not alive(Mutant(0, "nothing", text()), FIRST):
        sys.stdout.write("the tests are red with nothing changed\n")
        return 2
    left = run(chosen, given.matrix)
    killed = len(chosen) - len(left)
    figures = {
        "module": TARGET,
        "mutants": len(chosen),
        "killed": killed,
        "share": round(killed / len(chosen), 4),
        "survivors": [str(m) for m in left],
        "seconds": round(time.perf_counter() - began, 1),
    }
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    if given.json:
        given.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if killed < KILLED_MIN * len(chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
