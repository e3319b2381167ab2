"""``./dev demo year``: a year of a city in minutes, on real PostgreSQL and a real vaultd, with the settable clock.

Exit 1 when anything is missed, miscounted, untold, or when table, ledger and report do not say the same.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import support

WRONG = ("missed", "miscounted", "untold", "periods", "books", "report")


def main(argv: list[str]) -> int:
    """Run the year and its audit."""
    parser = argparse.ArgumentParser(prog="./dev demo year", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pack", default="kr_anyang", help="the city's pack")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--cameras", type=int, default=300)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args(argv)
    support.PACKS[:] = ["kr_national", given.pack]
    support.django()
    began, cpu = time.monotonic(), time.process_time()
    try:
        with support.database():
            found = _run(given)
    finally:
        support.remove()
    found |= {"seed": given.seed, "pack": given.pack, "days": given.days, "cameras": given.cameras}
    found |= {"took_s": round(time.monotonic() - began, 1), "cpu_s": round(time.process_time() - cpu, 1)}
    text = json.dumps(found, ensure_ascii=False, indent=1, default=str)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 1 if any(found[name] for name in WRONG) or not found["duties"] else 0


def _run(given: argparse.Namespace) -> dict[str, Any]:
    from gwanje.apps.owing import register_scans
    from gwanje.centre import common
    from support import vault
    from tools.year import audit, city, days

    register_scans()
    seed = random.Random(given.seed)
    days.to(given.first, 8)
    with vault.running():
        place = city.found(vault.CITY, seed, given.cameras)
        year = days.Year(place, given.first, given.first + timedelta(days=given.days - 1), given.requests)
        _plan(year, days)
        days.run(year, lambda line: print(line, file=sys.stderr, flush=True))
        with common.system_scope():
            return {"counts": dict(year.counts), **audit.findings(year)}


def _plan(year: Any, days: Any) -> None:
    """Transfers, a change of contractor, two changes of policy, a training each quarter but one."""
    span = (year.last - year.first).days
    for number in range(max(1, span // 30)):
        role = ("operator", "operator", "seconded_police")[number % 3]
        year.at(
            year.first + timedelta(days=10 + number * 29),
            days.transfer(year, role, ("전보", "퇴직", "휴직")[number % 3]),
        )
    year.at(year.first + timedelta(days=span // 2), days.new_contractor(year))
    for number, reason in enumerate(("부서 개편에 따른 변경", "보관기간 정비에 따른 변경"), 1):
        year.at(year.first + timedelta(days=span * number // 3), days.new_policy(year, reason))
    for number in range(span // 91 + 1):
        year.at(year.first + timedelta(days=40 + 91 * number), days.course(year))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
