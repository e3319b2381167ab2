"""The command line: every command is described in both languages, and a folder that is none gets one clear line."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwanje.apps import cli
from gwanje.kernel.home import Home

# what makes a folder, or needs none
FREE = {"init", "supervise", "status", "law trace", "law cases", "law conflicts", "law as-of", "law report",
        "law diff", "law hash", "law lacks", "law new-pack", "ledger verify", "demo accounts", "size", "replica init",
        "verify",
        "witness init", "witness add", "witness once", "witness run", "witness evidence"}  # fmt: skip
# what writes into the packs' own folder, or takes long; each has tests of its own
ELSEWHERE = {"init", "law report", "law cases", "law new-pack", "demo load"}
# what serves until it is ended
SERVES = {"player", "postgres", "recorder", "simulator", "supervise", "uploader", "vaultd", "web", "worker",
          "witness run", "replica serve"}  # fmt: skip
PLACE = {
    "id": "01a1fbce-eac0-7000-9b51-348a2a3b2a4e", "agency": "01a1fbce-eac0-7000-9b51-348a2a3b2a4e", "method": "GET",
    "who": "a@b", "day": "2026-11-20", "span": "1d", "time": "2026-11-20T00:00:00+09:00", "rest": "check",
    "service": "web", "cameras": "100", "state": "/proc/nowhere",
    "person": "01a1fbce-eac0-7000-9b51-348a2a3b2a4e", "to": "01a1fbce-eac0-7000-9b51-348a2a3b2a4f",
    "number": "1", "since": "2026-01-02", "until": "2026-02-03",
}  # fmt: skip


def leaves(command: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """(name, words with every needed argument) of each command."""
    inner = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    for action in inner:
        for name, one in action.choices.items():
            yield from leaves(one, (*words, name))
    if not inner:
        argv = list(words)
        for action in command._actions:
            if action.option_strings and action.required:
                argv += [action.option_strings[-1], PLACE.get(action.dest, "x")]
            elif not action.option_strings and action.nargs not in ("?", "*"):
                argv.append(PLACE.get(action.dest, "x"))
        for group in command._mutually_exclusive_groups:
            if group.required:
                argv += [group._group_actions[0].option_strings[-1], "x"]
        yield " ".join(words), argv


COMMANDS = dict(leaves(cli.parser()))
ASKING = sorted(set(COMMANDS) - FREE)


def both(text: str | None) -> bool:
    """Korean and English."""
    return bool(text and re.search("[가-힣]", text) and re.search("[a-z]{3}", text))


def test_every_command_says_what_it_is_in_both_languages() -> None:
    def walk(command: argparse.ArgumentParser) -> list[str]:
        wrong = [] if both(command.description) else [command.prog]
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                for one in action.choices.values():
                    wrong += walk(one)
        return wrong

    assert walk(cli.parser()) == []
    told = cli.parser().format_help()
    assert all(f"\n  {code} " in told for code in (0, 1, 2, 78))


def test_the_commands_are_all_here() -> None:
    assert len(COMMANDS) >= 35
    assert set(COMMANDS) >= FREE | SERVES


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
def test_a_folder_that_is_none_gets_one_clear_line(name: str, kind: str, tmp_path: Path, capsys, monkeypatch) -> None:
    """Nothing is made, nothing is waited for."""
    monkeypatch.setattr(cli.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(cli.os, "umask", lambda *_: 0)
    folder = tmp_path / "centre"
    if kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "config.json").write_text('{"zone": ')
    assert cli.main(["--data", str(folder), *COMMANDS[name]]) == cli.NO_FOLDER
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert both(line)
    assert str(folder) in line
    assert sorted(p.name for p in folder.rglob("*")) == (["config.json"] if kind == "broken" else [])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A folder of which nothing runs."""
    return Home.create(tmp_path_factory.mktemp("cli") / "centre", port=1, demo=True, packs=["kr_national", "kr_anyang"])


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - SERVES - ELSEWHERE))
def test_a_centre_that_does_not_run_is_said_and_no_traceback(name: str, made: Home) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GWANJE_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "gwanje.apps.cli", "--data", str(made.root), *COMMANDS[name]],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr[-1500:]
    assert done.returncode in (0, 1, 2, 78)
    assert done.returncode == 0 or done.stderr.strip() or done.stdout.strip()
    assert json.loads(made.config_file.read_text())["demo"] is True
