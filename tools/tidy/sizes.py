"""Size rules: a function has at most 70 lines, a file at most 500; tests are no exception."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.tidy.files import ROOT, Finding, ours, relative, tree

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
BLOB_BYTES_MAX = 1_000_000


def long_files(root: Path = ROOT) -> Iterator[Finding]:
    """Files over 500 lines."""
    files = [*ours(".py", ".ts", ".html", ".css", ".sql", root=root), root / "dev"]
    for path in files:
        if path.is_file() and (count := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX:
            yield Finding(relative(path, root), count, f"{count} lines; split it at {FILE_LINES_MAX}")


def long_functions(root: Path = ROOT) -> Iterator[Finding]:
    """Functions over 70 lines, decorators not counted."""
    for path in ours(".py", root=root):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    yield Finding(relative(path, root), node.lineno, f"{node.name}: {count} lines, at most 70")
