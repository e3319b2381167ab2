"""``gwanje cameras import|export``: the national standard list on the command line, with its report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gwanje.apps.commands.migrate import point

if TYPE_CHECKING:
    from gwanje.centre.cameras.models import ImportBatch
    from gwanje.kernel.actor import Actor


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    top = sub.add_parser("cameras", help="영상정보처리기기 표준데이터 / the national standard camera list")
    acts = top.add_subparsers(dest="act", required=True, metavar="ACT")
    read = acts.add_parser("import", help="가져오기: 먼저 보고, --yes면 저장 / report first, write with --yes")
    read.add_argument("file", type=Path)
    read.add_argument("--dry-run", action="store_true", help="report only (the default)")
    read.add_argument("--yes", action="store_true", help="write the accepted rows")
    out = acts.add_parser("export", help="내보내기 / write the file")
    out.add_argument("file", type=Path)
    out.add_argument("--encoding", choices=["cp949", "utf-8-sig"], default="utf-8-sig")
    out.add_argument("--columns", type=int, choices=[13, 14, 18], default=18)
    for command in (read, out):
        command.add_argument("--agency", default="", help="name of the agency (default: the centre's own)")
        command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when done; 1 when the file is no list or nothing could be done."""
    point(args)
    import django

    django.setup()
    from gwanje.centre.common import system_scope
    from gwanje.centre.common.refusal import Problem, Refused

    try:
        with system_scope():
            actor = _actor(args.agency)
            return _import(actor, args) if args.act == "import" else _export(actor, args)
    except Problem as problem:
        print(f"{problem.ko}\n{problem.en}\n{problem.next}".rstrip(), file=sys.stderr)
    except Refused as refused:
        print("; ".join(f"{r.ko} / {r.en}" for r in refused.decision.reasons), file=sys.stderr)
    except OSError as error:
        print(f"{args.file}: {error.strerror}", file=sys.stderr)
    return 1


def _actor(name: str) -> Actor:
    """An administrator of the agency, at the station 'command line': so the ledger says it."""
    from gwanje.centre.common.refusal import Problem
    from gwanje.centre.staff import api as staff
    from gwanje.kernel.actor import ADMINISTRATOR, Actor

    known = list(staff.agencies())
    own = [a for a in known if a.name == name] if name else [a for a in known if a.kind == "city"]
    if len(own) != 1:
        names = ", ".join(a.name for a in known)
        raise Problem("agency", f"기관을 --agency로 고르십시오: {names}", f"Choose the agency with --agency: {names}")
    person = staff.holders(ADMINISTRATOR, agency=own[0].pk).first()
    if person is None:
        raise Problem("administrator", "이 기관에 시스템관리자가 없습니다.", "The agency has no administrator.")
    return Actor(person.pk, person.name, frozenset({ADMINISTRATOR}), own[0].pk, station="command line")


def _import(actor: Actor, args: argparse.Namespace) -> int:
    from gwanje.centre.cameras import importing

    batch = importing.preview(actor, args.file.name, args.file.read_bytes())
    _report(batch)
    if not args.yes or args.dry_run:
        importing.discard(actor, batch.id)
        print("저장하지 않았습니다. 저장하려면 --yes / nothing was written; add --yes to write")
        return 0
    done = importing.confirm(actor, batch.id)
    print(f"더함 added {done.added:,}")
    return 0


def _report(batch: ImportBatch) -> None:
    from gwanje.centre.cameras.national import reasons

    print(f"{batch.file_name}: {batch.width}열 columns, {batch.encoding}")
    print(
        f"행 rows {batch.rows:,} = 받음 accepted {batch.accepted:,} + 거부 refused {batch.refused:,}; "
        f"고침 repaired {batch.repaired:,}; 이미 있음 known {batch.known:,}"
    )
    for kind, words in (("refused", "거부"), ("repaired", "고침"), ("remarked", "살펴볼 것")):
        for code, count in batch.counts.get(kind, {}).items():
            print(f"  {words} {kind}: {count:>7,}  {reasons.label(code)} / {reasons.label(code, 'en')}")
    for line, code, column, _cells in batch.refusals[:20]:
        print(f"  줄 line {line}: {column or '-'}: {reasons.label(code)}")


def _export(actor: Actor, args: argparse.Namespace) -> int:
    from gwanje.centre.cameras import importing

    data = b"".join(importing.export(actor, columns=args.columns, encoding=args.encoding))
    args.file.write_bytes(data)
    print(f"{args.file}: {len(data.splitlines()) - 1:,}행 rows, {args.columns}열 columns, {args.encoding}")
    return 0
