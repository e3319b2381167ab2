"""``gwanje postgres``: the embedded database in the foreground."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gwanje.apps import postgres
from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("postgres", help="내장 PostgreSQL / the embedded database, in the foreground")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the cluster when there is none, then become the server."""
    if not postgres.embedded():
        print("GWANJE_DATABASE_URL이 지정되어 있습니다 / a server is given by URL: nothing to start", file=sys.stderr)
        return 2
    postgres.serve(Home.create(Home.find(args.data).root))
    return 1
