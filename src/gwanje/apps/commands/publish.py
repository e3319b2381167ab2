"""``gwanje publish site``: the public pages as one ZIP for the city's home page (홈페이지 자료)."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from gwanje.apps.commands.migrate import point


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("publish", help="공개 자료 / what the public may read, for the city's home page")
    inner = command.add_subparsers(dest="act", required=True, metavar="ACT")
    site = inner.add_parser("site", help="홈페이지 자료 ZIP / the public pages as plain HTML in one ZIP")
    site.add_argument("--out", type=Path, required=True, help="file to write, for example homepage.zip")
    site.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the archive; exit 1 where no city is registered, 2 when PostgreSQL or the folder does not answer."""
    point(args)
    import django

    django.setup()
    from django.db import OperationalError

    from gwanje.centre.common import system_scope
    from gwanje.centre.publication import reading_versions, site

    try:
        with system_scope():
            agency = reading_versions.centre_agency()
            made = site.archive(agency) if agency else b""
        if not made:
            print("등록된 기관이 없습니다 / no city is registered", file=sys.stderr)
            return 1
        args.out.write_bytes(made)
    except (OperationalError, OSError) as error:
        print(f"지금은 할 수 없습니다 / not possible now: {error}", file=sys.stderr)
        return 2
    print(f"{args.out} {len(made)} bytes SHA-256 {hashlib.sha256(made).hexdigest()}")
    return 0
