"""``gwanje check``: is what is stored whole, indexed, authentic and video only (저장소 점검)?"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gwanje.kernel.footage import Gap, Segment
    from gwanje.kernel.home import Home
    from gwanje.media.check import Report


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("check", help="영상 저장소 점검 / check the store: 1 index, 2 hashes, 3 keys and tracks")
    command.add_argument("--level", type=int, choices=(1, 2, 3), default=3)
    command.add_argument("--sample", type=int, metavar="N", help="3단계에서 조각 N개만 / level 3: only N parts")
    command.add_argument(
        "--signatures", action="store_true", help="3단계에서 카메라 자체 서명도 확인 / the cameras' own signatures, too"
    )
    command.add_argument("--json", action="store_true")
    command.add_argument("--repair", action="store_true", help="찢긴 끝을 잘라냄 / cut torn tails off")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 clean, 1 problems, 2 when the check itself could not be made."""
    import psycopg

    from gwanje.kernel.database import connect
    from gwanje.kernel.home import Home
    from gwanje.kernel.sources import signing, sources
    from gwanje.media import check
    from gwanje.media.indexed import Stored
    from gwanje.media.signed.stored import Watch
    from gwanje.vault.camera_keys import registered
    from gwanje.vault.client import VaultAway, VaultClient, VaultRefused
    from gwanje.vault.store import StoreRefused, remote

    home = Home.find(args.data)
    if args.sample is not None and args.sample < 1:
        print("--sample: 1 이상이어야 합니다 / 1 or more")
        return 2
    try:
        # spool, then database, then files: a row that moves meanwhile is seen twice rather than never,
        # and no row is ahead of its file
        spooled = _spooled(home)
        behind = remote(home, timeout_s=30)
        found = check.Check(home.store, args.level, home.clock.now_s(), home.clock.zone, behind)
        repaired = check.repair(home.store, lambda text: print(text, file=sys.stderr)) if args.repair else 0
        with connect(home) as connection, connection.cursor() as cursor:
            report = found.run(Stored(cursor), spooled)
            slots = {one.slot: one.camera for one in sources(cursor)} if args.signatures else {}
            pems = signing(cursor) if args.signatures else {}
        report.repaired = repaired
        if args.level == 3:
            watch = Watch({slot: registered(pems.get(camera, [])) for slot, camera in slots.items()})
            report = found.ask(VaultClient(home, "checker"), args.sample, watch if args.signatures else None)
    except (psycopg.Error, VaultAway, VaultRefused, StoreRefused, OSError) as error:
        print(f"점검하지 못했습니다 / the check could not be made: {error}")
        return 2
    _show(report, as_json=args.json)
    return 0 if report.clean else 1


def _spooled(home: Home) -> list[Segment | Gap]:
    """Rows that wait for PostgreSQL."""
    from gwanje.kernel.footage import Gap, Segment
    from gwanje.media.spool import read_rows

    found: list[Segment | Gap] = []
    for path in sorted(home.index_spool.glob("index-*.jsonl")):
        try:
            found += [row for row in read_rows(path) if isinstance(row, (Segment, Gap))]
        except FileNotFoundError:
            # forwarded meanwhile; the database has it
            continue
    return found


def _show(report: Report, *, as_json: bool) -> None:
    facts = asdict(report)
    if as_json:
        print(json.dumps({**facts, "clean": report.clean}, ensure_ascii=False, default=str))
        return
    problems, _ = facts.pop("problems"), facts.pop("days")
    signatures = facts.pop("signatures")
    for text in signatures:
        print(f"* {text}")
    _show_days(report)
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    for text in problems:
        print(f"- {text}")
    print(f"이상 {len(problems)}건 / {len(problems)} problems" if problems else "이상 없음 / clean")


def _show_days(report: Report) -> None:
    """One line a day: wall clock = footage + gaps, summed over cameras, in hours."""
    for day in sorted({day.day for day in report.days}):
        of_day = [one for one in report.days if one.day == day]
        wall, footage, gap, slack, missing, twice = (
            sum(getattr(one, name) for one in of_day) / 3600
            for name in ("wall_s", "footage_s", "gap_s", "slack_s", "missing_s", "overlap_s")
        )
        print(
            f"{day}: 시각 {wall:.3f} h = 영상 {footage:.3f} + 공백 {gap:.3f} + 무신호 2초 이하 {slack:.3f} "
            f"+ 미상 {missing:.3f}; 중복 {twice:.3f} / wall = footage + gaps + silences up to 2 s + missing; twice"
        )
