"""``gwanje law report --pack P --from D --to D``: what stands behind each article over a period, for an auditor."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from gwanje.apps.commands.migrate import point


class UnknownPack(ValueError):
    """A pack that this centre does not follow; the text is in both languages."""


def arguments(command: argparse.ArgumentParser) -> None:
    """Its own options; without ``--pack`` the command needs no centre and lists code and tests only."""
    command.add_argument("--pack", default="", help="규칙 묶음 / a pack of this centre, with rows of its ledger")
    command.add_argument("--from", dest="first", type=date.fromisoformat, default=None, metavar="DATE")
    command.add_argument("--to", dest="last", type=date.fromisoformat, default=None, metavar="DATE")
    command.add_argument("--json", type=Path, default=None, metavar="FILE", help="canonical JSON; - for the screen")
    command.add_argument("--pdf", type=Path, default=None, metavar="FILE", help="PDF/A-2b")
    command.add_argument(
        "--outcomes",
        type=Path,
        default=None,
        metavar="FILE",
        help="last results of the marked tests; else the checkout's",
    )


def run(args: argparse.Namespace) -> int:
    """Exit 1 when the pack or the period is wrong, 2 when PostgreSQL does not answer."""
    point(args)
    import django

    django.setup()
    from django.db import OperationalError

    from gwanje.centre.publication import report

    try:
        body = _built(args)
    except (report.BadPeriod, UnknownPack) as error:
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"데이터베이스에 닿지 않습니다 / the database is away: {error}", file=sys.stderr)
        return 2
    _write(args, body)
    return 0


def _built(args: argparse.Namespace) -> dict[str, Any]:
    from gwanje.centre.common import clock, packs, system_scope
    from gwanje.centre.duties import api as duties
    from gwanje.centre.publication import report

    try:
        pack = packs().pack(args.pack)
    except KeyError:
        known = ", ".join(p.id for p in packs().packs)
        raise UnknownPack(
            f"이 센터의 규칙 묶음이 아닙니다: {args.pack} / not a pack of this centre; it has {known}"
        ) from None
    last = args.last or clock().local().date()
    first = args.first or last.replace(month=1, day=1)
    results = report.last_results(args.outcomes or report.outcomes_file())
    span = report.Period(first, last)
    with system_scope():
        return report.build(pack, span, results, duties.late_by_norm(*span.moments()))


def _write(args: argparse.Namespace, body: dict[str, Any]) -> None:
    from gwanje.apps.jobs import fonts
    from gwanje.centre.publication import report

    text = json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True)
    if args.json is not None and str(args.json) == "-":
        print(text)
    elif args.json is not None:
        args.json.write_text(text + "\n", encoding="utf-8")
    if args.pdf is not None:
        args.pdf.write_bytes(report.document(body, fonts()))
    if str(args.json) != "-":
        states = ", ".join(f"{state} {count}" for state, count in body["summary"].items())
        print(f"{body['pack']['title']} {body['first']} ~ {body['last']}: {states}")
