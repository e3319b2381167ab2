"""Which files the house rules look at, and how a finding is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("src", "tests", "tools", "bench", "demo", "frontend/src", "frontend")
SKIPPED = {"node_modules", "__pycache__", ".venv", ".cache", "var"}
GENERATED = (
    "src/gwanje/apps/web/static/vendor",
    "src/gwanje/apps/web/static/app",
    "src/gwanje_verify/verify.html",
)


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule: where, which, and what to do instead."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def relative(path: Path, root: Path = ROOT) -> str:
    """Path below the clone, with forward slashes."""
    return path.relative_to(root).as_posix()


def ours(*suffixes: str, under: tuple[str, ...] = OURS, root: Path = ROOT) -> Iterator[Path]:
    """Our own files with one of these suffixes; nothing third-party, nothing generated."""
    seen: set[Path] = set()
    for folder in under:
        for path in sorted((root / folder).rglob("*")):
            name = relative(path, root)
            if path in seen or path.suffix not in suffixes or SKIPPED & set(path.parts[len(root.parts) :]):
                continue
            if path.is_file() and not name.startswith(GENERATED):
                seen.add(path)
                yield path


@cache
def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
