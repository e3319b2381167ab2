"""``gwanje law``: trace, cases, conflicts and the law of a day."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from gwanje.apps.commands import _law_report
from gwanje.kernel.clock import Clock
from gwanje.kernel.home import Home
from gwanje.law import Law, PackError, load
from gwanje.law import cases as law_cases
from gwanje.law import trace as law_trace
from gwanje.law.packs import RANKS, folder, load_pack
from gwanje.law.registry import REGISTRY, discover
from gwanje.law.schema import FILE_BYTES_MAX, text_hash
from gwanje.law.sheet import SECTIONS, differences, sheet
from gwanje.law.sheet import lacks as lacking
from gwanje.law.sheet import told as in_words
from gwanje.law.template import NewPack, write
from gwanje.law.words import NORMS


def register(sub: Any) -> None:
    """Add ``law`` and its own commands."""
    top = sub.add_parser("law", help="조문 추적·사례·충돌·시점별 기준 / trace, cases, conflicts, law of a day")
    # the law stands without a centre
    top.set_defaults(folder=False)
    own = top.add_subparsers(dest="law_command", required=True, metavar="COMMAND")
    one = own.add_parser("trace", help="모든 조문의 집행 근거 / every article to norm, code, cases, tests")
    one.add_argument("--json", type=Path, metavar="FILE", help="write trace.json")
    one.set_defaults(run=trace)
    one = own.add_parser("cases", help="사례 실행 / run every pack's cases against the rules")
    one.set_defaults(run=cases)
    one = own.add_parser("conflicts", help="상위 법령과의 충돌 / lower rules that do not stand")
    _day(one)
    one.set_defaults(run=conflicts)
    one = own.add_parser("as-of", help="그날의 법 / values, grounds, officers, duties, forms, retention of a day")
    one.add_argument("day", metavar="DATE", type=date.fromisoformat)
    one.add_argument("--packs", default="", help="names, comma-separated")
    one.set_defaults(run=as_of)
    one = own.add_parser("diff", help="두 묶음의 차이 / what differs between two packs, in plain Korean")
    one.add_argument("first", metavar="A")
    one.add_argument("second", metavar="B")
    one.add_argument("--on", type=date.fromisoformat, default=None, metavar="DATE", help="default: today")
    one.set_defaults(run=diff)
    one = own.add_parser("lacks", help="답할 수 없는 것 / what a centre under these packs cannot answer")
    _day(one)
    one.set_defaults(run=lacks)
    one = own.add_parser("new-pack", help="새 도시의 묶음 / a folder that loads and traces as partial")
    _new_pack_arguments(one)
    one = own.add_parser("hash", help="조문의 해시 / the sha256 of an article's text (a file, or - for standard input)")
    one.add_argument("file", metavar="FILE")
    one.set_defaults(run=digest)
    one = own.add_parser("report", help="조문별 이행 보고서 / evidence by article, with a pack over a period")
    _law_report.arguments(one)
    one.set_defaults(run=report)


def _day(command: argparse.ArgumentParser) -> None:
    command.add_argument("--on", type=date.fromisoformat, default=None, metavar="DATE", help="default: today")
    command.add_argument("--packs", default="", help="names, comma-separated; default: this centre's, else all")


def trace(args: argparse.Namespace) -> int:
    """Fails when an article or an enforced norm has no complete chain."""
    try:
        built = law_trace.build()
    except PackError as error:
        return _refused(error)
    if args.json:
        part = args.json.with_suffix(".tmp")
        part.write_text(json.dumps(built.body(), ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(part, args.json)
    for pack in built.packs:
        print(built.summary(pack))
    print(built.total())
    tests = {(t.file, t.name) for e in built.norms.values() for t in e.tests}
    done = sum(bool(e.symbols) for e in built.norms.values())
    count = sum(len(p.cases) for p in built.packs)
    print(f"norms: {done} of {len(NORMS)} with code; {count} cases; {len(tests)} marked tests")
    for finding in built.findings:
        print(f"  finding: {finding}")
    print(f"{len(built.findings)} findings")
    return 1 if built.findings else 0


def cases(args: argparse.Namespace) -> int:
    """Fails when a case does not come out as written."""
    discover()
    try:
        outcomes = law_cases.run_all()
    except PackError as error:
        return _refused(error)
    for outcome in outcomes:
        if not outcome.ok:
            print(f"  wrong: {outcome.case.id}: expected {outcome.case.side}, got {outcome.told}")
    wrong = sum(not o.ok for o in outcomes)
    print(f"{len(outcomes)} cases: {len(outcomes) - wrong} as written, {wrong} not")
    return 1 if wrong or not outcomes else 0


def conflicts(args: argparse.Namespace) -> int:
    """Lists; a conflict is a fact of the law, no failure of the program."""
    try:
        on = args.on or _today(args)
        found = _law(args).conflicts(on)
    except PackError as error:
        return _refused(error)
    for conflict in found:
        print(f"  {conflict.lower} < {conflict.higher}: {conflict.ko}\n    {conflict.en}")
    print(f"{len(found)} conflicts on {on}: the higher rule stands (상위 규정이 우선합니다)")
    return 0


def report(args: argparse.Namespace) -> int:
    """Per article: norm, code, tests; fails as ``trace`` does. With ``--pack``: this centre's rows of a period."""
    if args.pack:
        return _law_report.run(args)
    try:
        built = law_trace.build()
    except PackError as error:
        return _refused(error)
    for pack in built.packs:
        print(f"# {pack.title} ({pack.instrument})")
        for article in pack.articles:
            print(f"- {article.citation} [{law_trace.state(article)}] {article.heading}")
            for norm in article.norms:
                evidence = built.norms[norm]
                code = ", ".join(REGISTRY.symbols(norm)) or "-"
                print(f"    {norm}: {code}; {len(evidence.tests)} tests, {len(evidence.cases)} cases")
            if article.status:
                print(f"    {article.area or article.status}: {article.why}")
    return 1 if built.findings else 0


def _names(args: argparse.Namespace) -> Sequence[str]:
    """The packs asked for: named, else the data folder's, else the whole first stack."""
    if args.packs:
        return tuple(filter(None, args.packs.split(",")))
    home = Home.find(args.data)
    if home.config_file.is_file() and home.config.get("packs"):
        return tuple(home.config["packs"])
    return law_cases.stacks()[0]


def _law(args: argparse.Namespace) -> Law:
    """The law of these packs."""
    return load(_names(args))


def _today(args: argparse.Namespace) -> date:
    """The centre's day, or this machine's without a centre."""
    home = Home.find(args.data)
    clock = home.clock if home.config_file.is_file() else Clock()
    return clock.local().date()


def _refused(error: PackError) -> int:
    """Say which file and why, in both languages; exit code 2."""
    print(f"규칙 묶음 오류 / pack error\n  {error.place}\n  {error.ko}\n  {error.en}", file=sys.stderr)
    return 2


def as_of(args: argparse.Namespace) -> int:
    """Everything in force on one day, each line with its article, and what does not stand."""
    try:
        law = _law(args).on(args.day)
        found = sheet(law)
        silent = lacking(law)
    except PackError as error:
        return _refused(error)
    for section in SECTIONS:
        for name, line in found.lines[section].items():
            print(f"  {section} {name}: {in_words(line)}")
    for conflict in law.conflicts():
        print(f"  충돌 {conflict.name}: {conflict.ko}")
    counted = ", ".join(f"{section} {len(found.lines[section])}" for section in SECTIONS)
    print(f"{args.day} {found.name}: {counted}; 답할 수 없는 것 {len(silent)} (gwanje law lacks)")
    return 0


def _beside(name: str) -> tuple[str, ...]:
    """A pack with every national one above it."""
    above = law_cases.stacks()[0][:-1]
    return tuple(dict.fromkeys((*above, name)))


def diff(args: argparse.Namespace) -> int:
    """Two packs, each under the national ones, on one day."""
    on = args.on or _today(args)
    try:
        one, other = (sheet(load(_beside(name)).on(on)) for name in (args.first, args.second))
    except PackError as error:
        return _refused(error)
    told = differences(one, other)
    for sentence in told:
        print(f"  {sentence}")
    print(f"{on}: {one.name} · {other.name} 차이 {len(told)}가지 / {len(told)} differences")
    return 0


def lacks(args: argparse.Namespace) -> int:
    """What nobody can answer under these packs; a fact of the law, no failure."""
    try:
        on = args.on or _today(args)
        chosen = _names(args)
        told = lacking(load(chosen).on(on))
    except PackError as error:
        return _refused(error)
    for name, sentence in told:
        print(f"  {name}: {sentence}")
    print(f"{on} {', '.join(chosen)}: 답할 수 없는 것 {len(told)}가지 / {len(told)} unanswered")
    return 0


def _new_pack_arguments(command: argparse.ArgumentParser) -> None:
    """What is known of a new source."""
    command.add_argument("name", metavar="NAME", help="folder below packs/, such as kr_newcity")
    command.add_argument("--title", required=True, help="규정의 이름 / the source's name")
    command.add_argument("--short", default="", help="짧은 이름 / short name; default: the title")
    command.add_argument("--en", default="", help="English name; default: NAME")
    command.add_argument("--rank", default="조례", choices=RANKS, help="default: 조례")
    command.add_argument("--instrument", default="", help="호수와 공포일 / number and date")
    command.add_argument("--from", dest="since", type=date.fromisoformat, required=True, metavar="DATE")
    command.add_argument("--rows", type=int, default=100, help="원문의 항목 수 / articles of the source; default 100")
    command.set_defaults(run=new_pack)


def new_pack(args: argparse.Namespace) -> int:
    """Make the folder and say what comes next."""
    wanted = NewPack(
        args.name, args.title, args.short or args.title, args.en or args.name, args.rank,
        args.instrument or args.title, args.since, args.rows,
    )  # fmt: skip
    try:
        place = write(wanted, folder())
        made = load_pack(place)
    except PackError as error:
        return _refused(error)
    print(f"{place}: {len(made.articles)} of {made.whole} / 조문을 옮기고 `gwanje law trace`로 확인하십시오")
    print(f'config.json: "packs": ["kr_national", "{made.id}"]')
    return 0


def _head(source: BinaryIO) -> bytes:
    return source.read(FILE_BYTES_MAX + 1)


def _from(file: Path) -> bytes:
    with file.open("rb") as source:
        return _head(source)


def digest(args: argparse.Namespace) -> int:
    """SHA-256 of a text in NFC without white space, as articles.yaml wants it."""
    try:
        raw = _head(sys.stdin.buffer) if args.file == "-" else _from(Path(args.file))
    except OSError as error:
        print(f"읽을 수 없습니다 / cannot be read: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    if len(raw) > FILE_BYTES_MAX:
        print(f"{FILE_BYTES_MAX}바이트를 넘습니다 / larger than {FILE_BYTES_MAX} bytes", file=sys.stderr)
        return 2
    try:
        print(text_hash(raw.decode("utf-8")))
    except UnicodeDecodeError:
        print(f"UTF-8이 아닙니다 / not UTF-8: {args.file}", file=sys.stderr)
        return 2
    return 0
