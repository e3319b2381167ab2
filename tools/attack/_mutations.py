"""What one mutant is: one operator, constant, condition, call or statement of a module changed alone."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "NOTHING": "ALL", "ALL": "NOTHING"}


@dataclass(frozen=True)
class Mutant:
    """One change: where, what, the module's text with it; ``function``: the outermost around it, ``=NAME`` a constant.

    Empty: a default, a class's own line, a decorator; it can only be tried by loading the module with it.
    """

    line: int
    what: str
    source: str
    function: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def mutants(source: str, step: int = 1) -> list[Mutant]:
    """Every mutant of a module's text, or each ``step``-th, in the order of its lines; none twice, none that says the
    same."""
    tree, found = ast.parse(source), {}
    nodes = list(ast.walk(tree))
    skip, homes = _untouched(tree), _homes(tree)
    ordinal = 0
    for place, node in enumerate(nodes):
        if id(node) in skip:
            continue
        for number in range(len(list(_changes(node)))):
            ordinal += 1
            if ordinal % step:
                continue
            other = copy.deepcopy(tree)
            twin = list(ast.walk(other))[place]
            what, change = list(_changes(twin))[number]
            change()
            text = ast.unparse(ast.fix_missing_locations(other))
            found.setdefault(text, Mutant(getattr(node, "lineno", 0), what, text, homes.get(id(node), "")))
    found.pop(ast.unparse(tree), None)
    return sorted(found.values(), key=lambda m: (m.line, m.what))


def _untouched(tree: ast.AST) -> set[int]:
    """What no test should see: docstrings, log lines, annotations, words for people."""
    out: set[int] = set()
    for node in ast.walk(tree):
        dead: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            dead.append(node)
        if isinstance(node, ast.Expr) and ast.unparse(node).startswith("log."):
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


def _homes(tree: ast.AST, prefix: str = "") -> dict[int, str]:
    """Which outermost function's body, or which constant of the module, a node is in; nothing for the rest."""
    out: dict[int, str] = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            out |= _homes(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            out |= {id(inner): prefix + node.name for statement in node.body for inner in ast.walk(statement)}
            out[id(node)] = prefix + node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not prefix:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                out |= {id(inner): f"={target.id}" for inner in ast.walk(node)}
    return out


def codes(source: str, origin: str) -> dict[str, list[CodeType]]:
    """Compiled functions of a module's text by their dotted name; more than one where a name is used again."""
    found: dict[str, list[CodeType]] = {}

    def walk(code: CodeType, prefix: str) -> None:
        for inner in code.co_consts:
            if isinstance(inner, CodeType) and not inner.co_name.startswith("<"):
                found.setdefault(prefix + inner.co_name, []).append(inner)
                if not inner.co_flags & 2:  # a class body: no local variables of its own
                    walk(inner, f"{prefix}{inner.co_name}.")

    walk(compile(source, origin, "exec"), "")
    return found


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
        if isinstance(statement, ast.Expr) and (ast.unparse(statement).startswith("log.") or at == 0):
            continue
        said = ast.unparse(statement).splitlines()[0]
        yield f"removed: {said}", lambda at=at: node.body.__setitem__(at, ast.Pass())
