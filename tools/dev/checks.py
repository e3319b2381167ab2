"""`./dev lint`, `test`, `check`, `law`, `docs`: every control prints what it counted and fails when it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.dev.shell import PYTHON, ROOT, VENV, Failed

# what starts processes and waits for them by the clock; what only reckons never gets a second look
CLOCKED = ("apps", "attack", "browser", "bundle", "centre", "docs", "media", "story", "vault")
SECOND_LOOKS = 4
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


def _failed(cache: Path) -> list[str]:
    """Names of the tests that failed in the run that kept its cache there."""
    file = cache / "v/cache/lastfailed"
    return sorted(json.loads(file.read_text())) if file.is_file() else []


def _may_look_again(names: Sequence[str]) -> bool:
    """A few tests only, and only of the areas that live by the clock of a machine they share."""
    return 0 < len(names) <= SECOND_LOOKS and all(n.startswith(tuple(f"tests/{a}/" for a in CLOCKED)) for n in names)


def _merged(first: str, second: str) -> str:
    """Both closing lines as one: what failed first has passed in the second."""

    def count(word: str, line: str) -> int:
        found = re.search(rf"(\d+) {word}", line)
        return int(found[1]) if found else 0

    times = [float(m[1]) for line in (first, second) if (m := re.search(r" in ([\d.]+)s", line))]
    passed = count("passed", first) + count("passed", second)
    return f"{passed} passed, {count('skipped', first)} skipped in {sum(times):.2f}s"


def _tests(args: list[str]) -> tuple[int, str]:
    """The tests; a few that failed beside the others are run again in a process of their own (design 0029)."""
    with tempfile.TemporaryDirectory() as kept:
        code, closing = _pytest([*args, "-o", f"cache_dir={kept}"])
        again = _failed(Path(kept))
    if code != 1 or not _may_look_again(again):
        return code, closing
    print(f"  다시 봅니다 / a second look, alone: {len(again)}", *again, sep="\n    ", flush=True)
    with tempfile.TemporaryDirectory() as kept:
        code, second = _pytest([*again, "-o", f"cache_dir={kept}"])
    if code:
        return code, f"{closing}; second look: {second}"
    print(f"  불안정 / unsteady, passed when alone: {len(again)}", *again, sep="\n    ", flush=True)
    return 0, _merged(closing, second)


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
    code, closing = _tests(_areas(args))
    print(f"  ./dev test: {(time.monotonic() - began) / 60:.1f} min, lint {problem or 'ok'}, pytest exit {code}")
    # the closing line of pytest stands last, with its counts
    print(closing or f"pytest ended with {code} and no closing line", flush=True)
    return code or (1 if problem else 0)
