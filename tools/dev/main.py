"""The commands of `./dev`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from tools.dev import shell
from tools.dev.checks import check, docs, law, lint, test
from tools.dev.shell import PYTHON, ROOT, VENV, Failed

Command = Callable[[list[str]], int]


def become(argv: Sequence[str]) -> int:
    """Replace this process, so that signals and the exit code are the command's own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(argv[0], list(argv))
    return 1


def setup(args: list[str]) -> int:
    """set everything up: Python and front-end packages, fonts, pages, translations"""
    _none(args, "setup")
    _setup()
    return 0


def demo(args: list[str]) -> int:
    """open a centre with 12 cameras  [--for S] [--port N] [--data DIR] [--cameras FILE] [--clips FOLDER] | year"""
    if args[:1] == ["year"]:
        return _module("tools.year", args[1:])
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="stop by itself, from ready on")
    parser.add_argument("--port", type=int, help="web port (8800); +1, +2, +3 and +20 are used, too")
    data = os.environ.get("GWANJE_DATA", "var")
    parser.add_argument("--data", default=data, metavar="DIR", help="data folder ($GWANJE_DATA or ./var)")
    parser.add_argument("--cameras", metavar="FILE", help="RTSP URLs instead of the simulated cameras")
    parser.add_argument("--clips", metavar="FOLDER", help="each media file served as a camera")
    given = parser.parse_args(args)
    _setup()
    line = [str(VENV / "bin/gwanje"), "--data", given.data, "supervise", "--demo"]
    for name, value in (
        ("--for", given.seconds),
        ("--port", given.port),
        ("--cameras", given.cameras),
        ("--clips", given.clips),
    ):
        if value is not None:
            line += [name, str(value)]
    return become(line)


def run(args: list[str]) -> int:
    """the product's own command line: ./dev run gwanje …"""
    _setup()
    rest = args[1:] if args[:1] == ["gwanje"] else args
    return become([str(VENV / "bin/gwanje"), *rest])


def bench(args: list[str]) -> int:
    """measure: ./dev bench record --cameras 200 --json FILE"""
    names = sorted(p.stem for p in (ROOT / "bench").glob("*.py") if not p.stem.startswith("_"))
    if not args or args[0] not in names:
        raise Failed(f"./dev bench NAME …, NAME = {' | '.join(names) or '(none yet)'}")
    _setup()
    from tools.dev.debian import need

    need("ffmpeg")
    os.environ["PYTHONPATH"] = str(ROOT)
    return become([str(PYTHON), "-m", f"bench.{args[0]}", *args[1:]])


def soak(args: list[str]) -> int:
    """the recorder for an hour: ./dev soak --minutes 60 --cameras 20, or --simulated 24h"""
    return bench(["soak", *args])


def fuzz(args: list[str]) -> int:
    """mutated inputs into every reader of foreign bytes  [--seconds N | --inputs N] [--seed N] [--processes N]"""
    _setup()
    os.environ["PYTHONPATH"] = str(ROOT)
    return become([str(PYTHON), "-m", "tools.fuzz", *args])


def prints(args: list[str]) -> int:
    """every paper as PDF and PNG, to be looked at: --out FOLDER [--only NAME] [--dpi N]"""
    from tools.dev.debian import need

    need("poppler-utils")
    return _module("tools.prints", args)


def attack(args: list[str]) -> int:
    """attack the machine: ./dev attack NAME … (without a name: the list): counts, and a control that must succeed"""
    return _one_of("attack", args)


def kills(args: list[str]) -> int:
    """end it at every step and start again: ./dev kills NAME … (without a name: the list)"""
    return _one_of("kills", args)


def _one_of(folder: str, args: list[str]) -> int:
    names = sorted(p.stem for p in (ROOT / "tools" / folder).glob("*.py") if not p.stem.startswith("_"))
    if not args or args[0] not in names:
        raise Failed(f"./dev {folder} NAME …, NAME = {' | '.join(names) or '(none yet)'}")
    return _module(f"tools.{folder}.{args[0]}", args[1:])


def _module(name: str, args: list[str]) -> int:
    _setup()
    # a data folder with a settable clock is a test's
    os.environ.update(PYTHONPATH=os.pathsep.join((str(ROOT), str(ROOT / "tests"))), GWANJE_TESTING="1")
    return become([str(PYTHON), "-m", name, *args])


def _none(args: list[str], name: str) -> None:
    if args:
        raise Failed(f"./dev {name}: 알 수 없는 인자 / unknown argument: {' '.join(args)}")


def _setup() -> None:
    from tools.dev.setup import setup as run_setup

    run_setup()


COMMANDS: dict[str, Command] = {
    "demo": demo,
    "run": run,
    "test": test,
    "check": check,
    "lint": lint,
    "law": law,
    "docs": docs,
    "bench": bench,
    "soak": soak,
    "fuzz": fuzz,
    "prints": prints,
    "attack": attack,
    "kills": kills,
    "setup": setup,
}


def usage() -> str:
    """One line per command, from its docstring."""
    lines = [f"  {name:<6} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    return "./dev COMMAND …\n" + "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run one command; 2 for a wrong call, 1 when it failed."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if argv else 2
    if argv[0] not in COMMANDS:
        print(f"알 수 없는 명령 / unknown command: {argv[0]}\n{usage()}", file=sys.stderr)
        return 2
    try:
        shell.prepare()
        return COMMANDS[argv[0]](argv[1:])
    except Failed as error:
        print(f"실패 / failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
