"""Children of the recorder see nothing of its environment: every place that starts one says which variables it gets."""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gwanje.media
from gwanje.media.drivers import children
from gwanje.media.inspect.process import Child
from gwanje.media.offspring import KEPT, environment

SECRETS = {"GWANJE_DATABASE_URL": "postgresql://u:word@db/x", "PGPASSWORD": "word", "AWS_SECRET_ACCESS_KEY": "word"}
STARTERS = {"Popen", "create_subprocess_exec", "create_subprocess_shell", "run", "check_output", "check_call", "call"}


def starts(tree: ast.AST) -> list[ast.Call]:
    """Calls that start a process, by name or handed to a thread."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = [node.func, *node.args[:1]]
        for one in named:
            if isinstance(one, ast.Attribute) and one.attr in STARTERS:
                owner = one.value.id if isinstance(one.value, ast.Name) else ""
                if owner == "subprocess" or (owner == "asyncio" and one.attr.startswith("create_subprocess")):
                    found.append(node)
    return found


def test_every_child_of_the_media_plane_is_given_its_environment() -> None:
    root = Path(gwanje.media.__file__).parent
    calls = [
        (path.relative_to(root), call)
        for path in sorted(root.rglob("*.py"))
        if "sim" not in path.relative_to(root).parts
        for call in starts(ast.parse(path.read_text()))
    ]
    assert len(calls) >= 3
    bare = [f"{path}:{call.lineno}" for path, call in calls if not any(k.arg == "env" for k in call.keywords)]
    assert bare == []
    assert starts(ast.parse("import subprocess\nsubprocess.Popen([])"))[0].keywords == []


def test_the_variables_that_are_kept_start_python_and_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert set(environment()) <= set(KEPT)
    said = subprocess.run(
        [sys.executable, "-c", "import gwanje.media, os; print(sorted(os.environ))"], env=environment(), check=True,
        capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert not any(name in said for name in SECRETS)


async def test_children_that_read_strangers_bytes_are_started_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    given: list[dict[str, str] | None] = []
    real = subprocess.Popen.__init__

    def seen(self: Any, *args: Any, **named: Any) -> None:
        given.append(named.get("env"))
        real(self, *args, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", seen)
    reader = children.Child()
    reader.kill()
    await asyncio.to_thread(reader.process.wait)
    looker = Child()
    running = asyncio.create_task(looker.run())
    async with asyncio.timeout(60):
        while not looker.pid:
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(given) == 2
    for environ in given:
        assert environ is not None
        assert not set(environ) & set(SECRETS)
        assert environ.get("PATH") == os.environ.get("PATH")
