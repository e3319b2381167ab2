"""``gwanje restore``: a database from a backup is brought into step with today's keystore."""

from __future__ import annotations

import argparse
import json
import sys

from gwanje.apps.commands.migrate import point
from gwanje.kernel.home import Home


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("restore", help="복원 대조 / after a database backup was put back, before the worker runs")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Reconcile and print; 1 when the ledger cannot be continued or the vault stands back."""
    point(args)
    import django

    django.setup()
    from gwanje.apps import restored
    from gwanje.vault.client import VaultClient

    home = Home.find(args.data)
    client = VaultClient(home, "worker")
    if (problem := client.status().rolled_back) is not None:
        print(f"금고가 최신이 아닙니다 / the keystore itself is not the newest: {problem}", file=sys.stderr)
        return 1
    report = restored.run(home, client)
    if args.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return 0 if report.ok else 1
    print(f"관리대장 / ledger: {report.ledger}; {report.rows_found} + {report.rows_taken_back} / {report.head}")
    print(f"  잃은 내용 / openings lost: {len(report.openings_lost)}")
    print(f"파기된 시간 / hours marked again: {len(report.hours_marked)}; 살아 있음 / alive {report.hours_alive}")
    for name, lines in (
        ("데이터베이스에 없는 파기 확인서 / certificates unknown here", report.certificates_unknown),
        ("설명되지 않는 열람·허가 / openings and Permits that nothing explains", report.unexplained),
    ):
        print(f"{name}: {len(lines)}")
        for line in lines[:20]:
            print(f"  {line}")
    print(f"보고서 / report: {home.root / 'out' / restored.FOLDER}")
    return 0 if report.ok else 1
