"""``gwanje migrate``: bring the database's tables up to date, as the owner's role."""

from __future__ import annotations

import argparse
import os


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("migrate", help="데이터베이스 표를 최신으로 / bring the database up to date")
    command.add_argument("--check", action="store_true", help="only say whether something is missing (exit 1)")
    command.set_defaults(run=run)


def point(args: argparse.Namespace) -> None:
    """Make Django read the data folder that the command line names."""
    if args.data:
        os.environ["GWANJE_DATA"] = args.data
    os.environ["DJANGO_SETTINGS_MODULE"] = "gwanje.apps.web.settings"


def run(args: argparse.Namespace) -> int:
    """Migrate; safe to run again."""
    point(args)
    import django
    from django.core.management import call_command

    django.setup()
    from gwanje.apps.web.database.base import as_role
    from gwanje.apps.web.schema import bring_up

    if args.check:
        with as_role("owner"):
            call_command("migrate", check_unapplied=True, verbosity=1)
        return 0
    total, new = bring_up()
    print(f"migrate: {total} applied, {new} new")
    return 0
