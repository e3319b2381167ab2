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


def parser() -> argparse.ArgumentParser:
    """The whole command line; a module that cannot be imported is a fault, not a missing command."""
    top = argparse.ArgumentParser(prog="gwanje", description="관제: 영상정보처리기기 통합관제센터")
    top.add_argument("--data", default=None, help="data folder (default: $GWANJE_DATA or ./var)")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        importlib.import_module(f"{commands.__name__}.{module.name}").register(sub)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its function gets the parsed arguments and returns the exit code."""
    # before anything is made: no file of a centre is another user's to read, and no process leaves its memory behind
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    args = parser().parse_args(argv)
    code = args.run(args)
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
