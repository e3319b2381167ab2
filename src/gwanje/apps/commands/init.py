"""``gwanje init``: data folder, vault and database of one centre, once."""

from __future__ import annotations

import argparse
from typing import Any

from gwanje.apps import postgres
from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("init", help="자료 폴더 만들기 / make data folder, vault and database (may run again)")
    command.add_argument("--demo", action="store_true", help="데모 / a demonstration centre, said on every certificate")
    command.add_argument("--port", type=int, default=8800, help="web port of a new folder")
    command.add_argument("--settable-clock", action="store_true", help="시험용 시각 / for tests only")
    command.set_defaults(run=run, folder=False)


def run(args: argparse.Namespace) -> int:
    """Every step may run again on a folder that has it already."""
    from gwanje.vault import ceremony

    settings = {"demo": True} if args.demo else {}
    root = Home.find(args.data).root
    home = Home.create(root, settable_clock=args.settable_clock, port=args.port, **settings)
    ceremony.create(home)
    postgres.ensure(home)
    print(f"자료 폴더 / data folder: {home.root} (centre {home.centre})")
    return 0
