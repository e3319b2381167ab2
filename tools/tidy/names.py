"""Names: code never names a city; every public thing says what it is; test files have names of their own."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.tidy.files import ROOT, Finding, ours, relative, tree

SRC = ("src/gwanje",)
PAGES = (".html", ".ts", ".css", ".sql", ".po", ".yaml", ".js", ".mjs", ".typ", ".json")
# the country's zone is named after its capital, whatever city runs the centre
ZONE = "Asia/Seoul"
_TITLE = re.compile(r"^title: \"?([가-힣]+?)(?:특별자치시|특별시|광역시|시|군|구)", re.MULTILINE)


def cities_of(packs: Path) -> re.Pattern[str]:
    """Names of the packs' cities, Korean (from the title) and romanised (from the folder), as one pattern.

    A new city's folder makes its own name forbidden in the code; a folder without a city's title adds nothing.
    """
    korean, romanised = set(), set()
    for head in sorted(packs.glob("kr_*/pack.yaml")):
        if found := _TITLE.search(head.read_text(encoding="utf-8")):
            korean.add(found[1])
            romanised.add(head.parent.name.removeprefix("kr_"))
    words = "|".join(map(re.escape, sorted(korean)))
    return re.compile(f"{words}|(?<![a-z])({'|'.join(sorted(romanised))})(?![a-z])", re.IGNORECASE)


CITIES = cities_of(ROOT / "packs")


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for field in ("id", "name", "attr", "arg", "module"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value


def cities(root: Path = ROOT) -> Iterator[Finding]:
    """A city in an identifier or a text of the code; in pages, data and scripts, a city anywhere."""
    for path in ours(".py", under=SRC, root=root):
        for node in ast.walk(tree(path)):
            for word in _words(node):
                if found := CITIES.search(word.replace(ZONE, "")):
                    line = getattr(node, "lineno", 0)
                    yield Finding(relative(path, root), line, f"{found[0]}: a city is data (packs/, demo/)")
    for path in ours(*PAGES, under=(*SRC, "frontend/src"), root=root):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if found := CITIES.search(line.replace(ZONE, "")):
                yield Finding(relative(path, root), number, f"{found[0]}: a city is data (packs/, demo/)")


def undocumented(root: Path = ROOT) -> Iterator[Finding]:
    """Public modules, functions and classes without a docstring's first line."""
    for path in ours(".py", under=SRC, root=root):
        if "migrations" in path.parts:
            continue
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            yield Finding(relative(path, root), 1, "the module has no docstring")
        for node in module.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if not (ast.get_docstring(node) or "").strip():
                yield Finding(relative(path, root), node.lineno, f"{node.name} has no docstring")


def twins(root: Path = ROOT) -> Iterator[Finding]:
    """Two test files of one name: pytest would import only one of them."""
    files = [p for p in ours(".py", under=("tests",), root=root) if p.name.startswith("test_")]
    counts = Counter(p.name for p in files)
    for path in files:
        if counts[path.name] > 1:
            yield Finding(relative(path, root), 1, f"{path.name} stands {counts[path.name]} times under tests/")


def _checks(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    if isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return name in ("raises", "warns", "fail", "expect") or name.lstrip("_").startswith(
            ("assert", "check", "expect", "refus", "must", "same", "until", "verify")
        )
    return False


def toothless(root: Path = ROOT) -> Iterator[Finding]:
    """Tests that check nothing."""
    for path in ours(".py", under=("tests",), root=root):
        for node in ast.walk(tree(path)):
            test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            if test and not any(_checks(inner) for inner in ast.walk(node)):
                yield Finding(relative(path, root), node.lineno, f"{node.name} checks nothing")
