"""``gwanje verify``: check an evidence bundle offline (증거 묶음 검증); the same file that stands in every bundle."""

from __future__ import annotations

import argparse


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    from gwanje_verify.verify import arguments

    command = sub.add_parser("verify", help="증거 묶음 검증 / check an evidence bundle; needs no data folder")
    arguments(command)
    command.set_defaults(run=run_verify, folder=False)


def run_verify(args: argparse.Namespace) -> int:
    """Exit 0 all proved, 1 something is wrong, 2 cannot be read, 3 nothing wrong but not all proved."""
    from gwanje_verify.verify import run

    return run(args)
