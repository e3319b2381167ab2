"""``gwanje worker``: sequencer, spool, jobs (작업 서비스)."""

from __future__ import annotations

import argparse

from gwanje.apps.commands.migrate import point


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("worker", help="작업 서비스 / ledger sequencer, spool, destruction, jobs")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    point(args)
    import django

    django.setup()
    from gwanje.apps.worker import main
    from gwanje.kernel.home import Home

    return main(Home.find(args.data))
