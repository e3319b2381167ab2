"""``gwanje manage …``: Django's own management commands on this data folder."""

from __future__ import annotations

import argparse

from gwanje.apps.commands.migrate import point


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("manage", help="Django 관리 명령 / Django's management commands")
    command.add_argument("rest", nargs=argparse.REMAINDER, help="command and arguments")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Hand everything to Django."""
    point(args)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["gwanje manage", *args.rest])
    return 0
