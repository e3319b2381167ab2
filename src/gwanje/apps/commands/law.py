"""``gwanje law``: trace, cases, conflicts and the law of a day."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from gwanje.kernel.clock import Clock
from gwanje.kernel.home import Home
from gwanje.law import InForce, Law, NotInForce, PackError, load
from gwanje.law import cases as law_cases
from gwanje.law import trace as law_trace
from gwanje.law.registry import REGISTRY, discover
from gwanje.law.words import NORMS, PARAMETERS


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
    one = own.add_parser("as-of", help="그날의 기준값과 근거 / parameters and grounds of a day")
    one.add_argument("day", metavar="DATE", type=date.fromisoformat)
    one.add_argument("--packs", default="", help="names, comma-separated")
    one.set_defaults(run=as_of)
    one = own.add_parser("report", help="조문별 증거 / evidence by article")
    one.set_defaults(run=report)


def _day(command: argparse.ArgumentParser) -> None:
    command.add_argument("--on", type=date.fromisoformat, default=None, metavar="DATE", help="default: today")
    command.add_argument("--packs", default="", help="names, comma-separated; default: this centre's, else all")


def _names(args: argparse.Namespace) -> Sequence[str]:
    """The packs asked for: named, else the data folder's, else the whole first stack."""
    if args.packs:
        return tuple(filter(None, args.packs.split(",")))
    home = Home.find(args.data)
    if home.config_file.is_file() and home.config.get("packs"):
        return tuple(home.config["packs"])
    return law_cases.stacks()[0]


def _law(args: argparse.Namespace) -> Law:
    return load(_names(args))


def _today(args: argparse.Namespace) -> date:
    home = Home.find(args.data)
    clock = home.clock if home.config_file.is_file() else Clock()
    return clock.local().date()


def _refused(error: PackError) -> int:
    print(f"규칙 묶음 오류 / pack error\n  {error.place}\n  {error.ko}\n  {error.en}", file=sys.stderr)
    return 2


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


def as_of(args: argparse.Namespace) -> int:
    """Every parameter and ground of one day, each with its article."""
    try:
        law = _law(args).on(args.day)
    except PackError as error:
        return _refused(error)
    silent = [name for name in PARAMETERS if not _said(law, name)]
    for ground in law.grounds("playback"):
        print(f"  근거 {ground.code}: {ground.ko} ({ground.article})")
    for conflict in law.conflicts():
        print(f"  충돌 {conflict.name}: {conflict.ko}")
    print(f"{args.day}: {len(PARAMETERS) - len(silent)} parameters in force, {len(silent)} not: {', '.join(silent)}")
    return 0


def _said(law: InForce, name: str) -> bool:
    try:
        found = law.parameter(name)
    except NotInForce:
        return False
    value = ", ".join(map(str, found.value)) if isinstance(found.value, tuple) else found.value
    print(f"  {PARAMETERS[name].ko} ({name}) = {value} {found.unit}, {found.article}")
    return True


def report(args: argparse.Namespace) -> int:
    """Per article: norm, code, tests; fails as ``trace`` does."""
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
