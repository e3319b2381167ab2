"""Command line (명령줄): ``gwanje <command>``; every module of ``gwanje.apps.commands`` adds its own."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import resource
import sys
from collections.abc import Sequence

from gwanje.apps import commands
from gwanje.kernel.home import Home

NO_FOLDER = 78
EXITS = """종료 코드 / exit codes:
  0   되었음 / done
  1   거부되었거나 이상이 있음 / refused, or something is wrong
  2   잘못된 명령 / a wrong call
  78  자료 폴더가 없거나 설정이 잘못됨 / no data folder, or wrong settings: starting again does not help"""


def parser() -> argparse.ArgumentParser:
    """The whole command line; a module that cannot be imported is a fault, not a missing command."""
    top = argparse.ArgumentParser(
        prog="gwanje", epilog=EXITS, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="관제: 영상정보처리기기 통합관제센터 / an open municipal CCTV control centre",
    )  # fmt: skip
    top.add_argument("--data", default=None, help="자료 폴더 / data folder (default: $GWANJE_DATA or ./var)")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        # a name with a line before it is a part of another command
        if not module.name.startswith("_"):
            importlib.import_module(f"{commands.__name__}.{module.name}").register(sub)
    _described(top)
    return top


def _described(command: argparse.ArgumentParser) -> None:
    """A command's own help begins with the line that the list of commands says about it."""
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help for choice in action._choices_actions}
            for name, inner in action.choices.items():
                inner.description = inner.description or lines.get(name)
                _described(inner)


def problem(folder: str | None) -> str:
    """What is wrong with the data folder, in one line; empty when it can be used."""
    home = Home.find(folder)
    try:
        if not home.config_file.is_file():
            return f"자료 폴더가 없습니다: {home.root} (먼저 gwanje init) / no data folder; run gwanje init"
        home.centre  # noqa: B018 - reading it is the test
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = type(error).__name__
        return f"자료 폴더를 읽을 수 없습니다: {home.config_file} / the data folder cannot be read: {why}"
    return ""


def away(error: BaseException) -> str:
    """One line for what is no fault of a command: a service it needs does not run, or nobody answers its question."""
    import psycopg

    from gwanje.vault.client import VaultAway

    found: BaseException | None = error
    while found is not None:
        never_made = isinstance(found, FileNotFoundError) and "/secrets/pg-" in str(found.filename)
        if isinstance(found, psycopg.OperationalError) or never_made:
            return "데이터베이스가 응답하지 않습니다 / no answer from the database; does the centre run?"
        if isinstance(found, VaultAway):
            return "키 관리 서비스가 응답하지 않습니다 (gwanje status) / vaultd does not answer; is the centre running?"
        if isinstance(found, EOFError):
            return "물음에 답이 없습니다. --stdin을 쓰십시오 / nobody answered; use --stdin where there is no terminal"
        found = found.__cause__ or found.__context__
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its function gets the parsed arguments and returns the exit code."""
    # before anything is made: no file of a centre is another user's to read, and no process leaves its memory behind
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    args = parser().parse_args(argv)
    if getattr(args, "folder", True) and (wrong := problem(args.data)):
        sys.stderr.write(wrong + "\n")
        return NO_FOLDER
    home = Home.find(args.data)
    if home.separate:
        os.umask(home.umask(args.command))
    try:
        code = args.run(args)
    except Exception as error:
        if not (said := away(error)):
            raise
        sys.stderr.write(said + "\n")
        return 1
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
