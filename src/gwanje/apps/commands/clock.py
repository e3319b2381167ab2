"""``gwanje clock``: show the clock; set it where the data folder was made for tests (시각)."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from datetime import UTC, datetime

from gwanje.kernel.home import Home

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(\d{1,9})([smhd])")


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("clock", help="시각 확인·설정(시험용 폴더만) / show or set the clock of a test folder")
    inner = command.add_subparsers(dest="act", required=True, metavar="ACT")
    inner.add_parser("show", help="현재 시각 / the time of this folder").set_defaults(run=run_show)
    advance = inner.add_parser("advance", help="시각을 앞당김 / move on by 31d, 12h, 90s; test folders only")
    advance.add_argument("span")
    advance.set_defaults(run=run_advance)
    set_ = inner.add_parser("set", help="시각 설정 / set an ISO time with offset; test folders only")
    set_.add_argument("time")
    set_.set_defaults(run=run_set)


def run_show(args: argparse.Namespace) -> int:
    """The folder's time, its zone, and whether it can be set."""
    clock = Home.find(args.data).clock
    kind = "설정 가능(시험용) / settable" if clock.settable else "실제 시각 / wall clock"
    print(f"{clock.local().isoformat(timespec='seconds')} · {kind}")
    return 0


def run_advance(args: argparse.Namespace) -> int:
    """Move the folder's clock forward."""
    match = _SPAN.fullmatch(args.span)
    if match is None:
        print("기간은 31d, 12h, 30m, 90s처럼 적습니다 / write the span as 31d, 12h, 30m or 90s", file=sys.stderr)
        return 2
    home = Home.find(args.data)
    return _set(home, home.clock.now_us() + int(match[1]) * UNITS[match[2]] * 1_000_000)


def run_set(args: argparse.Namespace) -> int:
    """Set the folder's clock."""
    try:
        wanted = datetime.fromisoformat(args.time)
    except ValueError:
        print("시각은 2026-12-21T09:00:00+09:00처럼 적습니다 / write an ISO time with its offset", file=sys.stderr)
        return 2
    if wanted.tzinfo is None:
        print("시각에 시간대(+09:00)를 적으십시오 / give the time's offset", file=sys.stderr)
        return 2
    return _set(Home.find(args.data), round(wanted.astimezone(UTC).timestamp() * 1e6))


def _set(home: Home, wanted_us: int) -> int:
    clock = home.clock
    if not clock.settable:
        print(
            "이 자료 폴더의 시각은 바꿀 수 없습니다(시험용으로 만든 폴더만 가능). 바꾼 것은 없습니다 / "
            "this data folder has no settable clock; nothing was changed",
            file=sys.stderr,
        )
        return 1
    offset = json.loads(text)["offset_us"] if (text := _offset_text(home)) else 0
    clock.set_offset(offset + wanted_us - clock.now_us())
    import psycopg

    from gwanje.apps.worker import believe_settable

    # without PostgreSQL the worker says it later
    with contextlib.suppress(psycopg.Error, FileNotFoundError):
        believe_settable(home)
    print(clock.local().isoformat(timespec="seconds"))
    return 0


def _offset_text(home: Home) -> str:
    file = home.root / "clock.json"
    return file.read_text() if file.exists() else ""
