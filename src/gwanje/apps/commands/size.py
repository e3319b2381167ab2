"""``gwanje size``: what a centre of so many cameras needs (규모산정서), as a table and as a workbook."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gwanje.apps.sizing import Row, Sizing


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("size", help="규모산정서 / what a centre of so many cameras needs")
    command.add_argument("--cameras", type=int, required=True, metavar="N")
    command.add_argument("--days", type=int, default=30, metavar="D", help="보관일수 / days kept")
    command.add_argument("--mbit", type=float, default=2.0, metavar="M", help="카메라당 Mbit/s / a camera")
    command.add_argument("--node-cores", type=int, default=16, help="노드의 코어 / cores of a node")
    command.add_argument("--node-tb", type=float, default=144.0, help="노드의 저장 TB / TB of a node")
    command.add_argument("--node-gbit", type=float, default=10.0, help="노드의 통신 Gbit/s / Gbit/s of a node")
    command.add_argument("--lang", choices=("ko", "en"), default="ko")
    command.add_argument("--xlsx", type=Path, metavar="FILE", help="엑셀 문서로도 / as a workbook, too")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=run, folder=False)


def run(args: argparse.Namespace) -> int:
    """0; 2 when a figure is out of range; 1 when the workbook cannot be written."""
    from gwanje.apps.sizing import Node, Sizing

    try:
        sizing = Sizing(
            args.cameras, args.days, args.mbit, Node(args.node_cores, args.node_tb, args.node_gbit)
        )  # fmt: skip
    except ValueError as error:
        print(f"값이 범위를 벗어났습니다 / a value is out of range: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([row.__dict__ for row in sizing.rows()], ensure_ascii=False))
    else:
        print("\n".join(table(sizing, args.lang)))
    if args.xlsx is not None:
        from gwanje.apps.sizing_book import write

        try:
            write(sizing, args.xlsx, args.lang)
        except OSError as error:
            why = error.strerror or type(error).__name__
            print(f"문서를 쓰지 못했습니다: {args.xlsx} / the workbook cannot be written: {why}", file=sys.stderr)
            return 1
    return 0


def table(sizing: Sizing, lang: str) -> list[str]:
    """Lines of Markdown: one table, with what each figure comes from."""
    from gwanje.apps.sizing import figure

    title = {
        "ko": f"카메라 {sizing.cameras:,}대, {sizing.days}일, 카메라당 {sizing.mbit:g} Mbit/s",
        "en": f"{sizing.cameras:,} cameras, {sizing.days} days, {sizing.mbit:g} Mbit/s a camera",
    }[lang]
    heads = {"ko": "| 항목 | 값 | 단위 | 근거 |", "en": "| item | value | unit | from |"}[lang]
    lines = [title, "", heads, "|---|---|---|---|"]
    lines += [f"| {name(row, lang)} | {figure(row.value)} | {unit(row, lang)} | {row.why} |" for row in sizing.rows()]
    return lines


def name(row: Row, lang: str) -> str:
    """A row's name in one language."""
    return row.ko if lang == "ko" else row.en


def unit(row: Row, lang: str) -> str:
    """Counting words are Korean; an English table goes without them."""
    if lang == "ko" or row.unit.isascii():
        return row.unit
    return {"코어": "cores", "회/s": "1/s"}.get(row.unit, "")
