"""`./dev lint`, `test`, `check`, `law`, `docs`: every control prints what it counted and fails when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.dev.shell import PYTHON, ROOT, VENV, Failed

CLOSING = re.compile(r"\b\d+ (passed|failed|error|errors|skipped|deselected)\b.* in [\d.]+s")


def _setup() -> None:
    from tools.dev.setup import setup

    setup()


def _step(name: str, argv: Sequence[str | Path]) -> str:
    """Run one control quietly; its first figures come back, its whole output is shown when it fails."""
    began = time.monotonic()
    done = subprocess.run([str(a) for a in argv], cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode != 0:
        print("\n".join(lines[-200:]))
        print(f"  {name:<14} 실패 / FAILED  {took:5.1f} s", flush=True)
        return ""
    telling = [line.strip() for line in lines if re.search(r" mapped: |passed|no issues|kept|already formatted", line)]
    said = telling[-1] if telling else (lines[-1].strip() if lines else "ok")
    print(f"  {name:<14} {said[:90]:<90} {took:5.1f} s", flush=True)
    return said or "ok"


def _lint() -> None:
    paths = ["src", "tests", "tools", "dev", *(p for p in ("bench", "demo") if (ROOT / p).is_dir())]
    tool = VENV / "bin"
    controls: list[tuple[str, list[str | Path]]] = [
        ("ruff", [tool / "ruff", "check", *paths]),
        ("ruff format", [tool / "ruff", "format", "--check", *paths]),
        ("mypy", [tool / "mypy"]),
        ("import-linter", [tool / "lint-imports"]),
        ("tidy", [PYTHON, "-m", "pytest", "tests/tidy", "-p", "no:cacheprovider"]),
    ]
    failed = [name for name, argv in controls if not _step(name, argv)]
    if failed:
        raise Failed(f"lint: {', '.join(failed)} ({len(failed)} of {len(controls)})")


def lint(args: list[str]) -> int:
    """ruff, ruff format, mypy strict, import-linter, tidy tests"""
    if args:
        raise Failed("./dev lint takes no arguments")
    _setup()
    _lint()
    return 0


def check(args: list[str]) -> int:
    """lint and law trace: what to run before a commit"""
    lint(args)
    if not _step("law trace", [VENV / "bin/gwanje", "law", "trace"]):
        raise Failed("law trace")
    return 0


def law(args: list[str]) -> int:
    """trace | mutants | cases | as-of DATE | conflicts: from article to evidence"""
    _setup()
    if args[:1] == ["mutants"]:
        os.execv(PYTHON, [str(PYTHON), "-m", "tools.law_mutants", *args[1:]])
    os.execv(VENV / "bin/gwanje", ["gwanje", "law", *args])
    return 1


def docs(args: list[str]) -> int:
    """run the blocks of docs/start.md"""
    _setup()
    if not (ROOT / "tests/docs").is_dir():
        raise Failed("tests/docs 없음 / there is no tests/docs yet")
    return _pytest(["tests/docs", *args])[0]


def _areas(args: list[str]) -> list[str]:
    """`media` → `tests/media`; whatever is no folder there goes to pytest as it is."""
    return [f"tests/{a}" if not a.startswith("-") and (ROOT / "tests" / a).exists() else a for a in args]


def _pytest(args: list[str]) -> tuple[int, str]:
    """Run pytest with its output shown as it comes; gives exit code and its closing line."""
    closing = ""
    line = [str(PYTHON), "-m", "pytest", *args]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1, errors="replace") as child:
        assert child.stdout is not None
        for text in child.stdout:
            if CLOSING.search(text):
                closing = text.rstrip("\n")
                continue
            sys.stdout.write(text)
            sys.stdout.flush()
        code = child.wait()
    return code, closing


def test(args: list[str]) -> int:
    """lint, then every test (or the named areas), browser tests included"""
    from tools.dev.debian import need

    began = time.monotonic()
    _setup()
    need("chromium", "fonts-nanum")
    # both are run, so that one call shows everything that is wrong
    problem = ""
    try:
        _lint()
    except Failed as error:
        problem = str(error)
    code, closing = _pytest(_areas(args))
    print(f"  ./dev test: {(time.monotonic() - began) / 60:.1f} min, lint {problem or 'ok'}, pytest exit {code}")
    # the closing line of pytest stands last, with its counts
    print(closing or f"pytest ended with {code} and no closing line", flush=True)
    return code or (1 if problem else 0)
