"""Trace (조문 추적): every article to its norm, code, cases and tests; what has no such chain is a finding."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gwanje.law.cases import LOCAL, stacks
from gwanje.law.force import Law, load
from gwanje.law.packs import RANKS, Article, Case, Pack, folder
from gwanje.law.registry import REGISTRY, discover
from gwanje.law.schema import read
from gwanje.law.words import NORMS

SIDES = {"decision": ("deny", "allow"), "duty": ("late", "in_time")}
# areas of work that are built later; an article of any other area is enforced, or says why it decides nothing
WAITING_AREAS = frozenset({
    "staffing-training", "visitors", "incidents-dispatch", "sensors-bells", "installation-workflow", "site-selection",
    "federation-relay", "subject-requests", "disclosure-ledger", "privacy-masking", "statistics-cost",
})  # fmt: skip


@dataclass(frozen=True)
class MarkedTest:
    """A test function that carries ``@pytest.mark.norm(norm, side)``."""

    file: str
    name: str
    norm: str
    side: str


@dataclass
class Evidence:
    """What stands behind one norm today: code symbols with lines, marked tests, cases."""

    norm: str
    symbols: list[tuple[str, int]] = field(default_factory=list)
    tests: list[MarkedTest] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    @property
    def sides(self) -> set[str]:
        """Sides that a case or a marked test shows."""
        return {t.side for t in self.tests} | {c.side for c in self.cases}


@dataclass
class Trace:
    """The whole account: evidence by norm, findings, packs."""

    packs: tuple[Pack, ...]
    norms: dict[str, Evidence]
    findings: list[str]

    def counts(self, pack: Pack) -> dict[str, int]:
        """Articles of a pack: ``all``, ``enforced``, ``planned``, ``recorded`` (every other reasoned status)."""
        states = [state(a) for a in pack.articles]
        return {"all": len(states), **{s: states.count(s) for s in ("enforced", "planned", "recorded")}}

    def summary(self, pack: Pack) -> str:
        """One line: ``103 of 103 mapped: n enforced, m planned, k recorded``; a partial pack never claims the whole."""
        n = self.counts(pack)
        mapped = n["enforced"] + n["planned"] + n["recorded"]
        first = f"partial, {mapped} of {pack.whole} listed so far" if pack.partial else f"{mapped} of {n['all']} mapped"
        return f"{pack.id}: {first}: {n['enforced']} enforced, {n['planned']} planned, {n['recorded']} recorded"

    def total(self) -> str:
        """One line over the packs of the transcribed sources: ``433 of 433 mapped over 4 packs: …``."""
        own = [p for p in self.packs if RANKS.index(p.rank) >= LOCAL and p.source["sha256"]]
        counted = [self.counts(p) for p in own]
        n = {key: sum(c[key] for c in counted) for key in ("enforced", "planned", "recorded")}
        whole = sum(p.whole or len(p.articles) for p in own)
        kinds = ", ".join(f"{count} {key}" for key, count in n.items())
        return f"{sum(n.values())} of {whole} mapped over {len(own)} packs: {kinds}"

    def body(self) -> dict[str, Any]:
        """Plain map for ``trace.json``."""
        return {
            "v": 1,
            "total": self.total(),
            "packs": {
                p.id: {"summary": self.summary(p), "version": p.version, "whole": p.whole, **self.counts(p)}
                for p in self.packs
            },
            "norms": {n: _evidence(e) for n, e in self.norms.items()},
            "findings": self.findings,
        }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "symbols": [list(s) for s in evidence.symbols],
        "tests": [[t.file, t.name, t.side] for t in evidence.tests],
        "cases": [[c.pack, c.file, c.title, c.side] for c in evidence.cases],
    }


def state(article: Article) -> str:
    """``enforced``, ``planned`` or ``recorded`` (definition, procedural, out of scope, unverified: decides nothing)."""
    if not article.verified:
        return "recorded"
    if article.norms:
        return "enforced"
    return "planned" if article.status == "planned" else "recorded"


def checkout_tests(root: Path | None = None) -> Path | None:
    """The checkout's tests, or None in an installed package."""
    place = (root or folder()).resolve().parent / "tests"
    return place if place.is_dir() else None


def marked_tests(place: Path) -> list[MarkedTest]:
    """Every test under ``place`` that carries a norm mark: on a function, its class or its module."""
    found: list[MarkedTest] = []
    for file in sorted(place.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if "mark.norm" not in source:
            continue
        tree = ast.parse(source, str(file))
        module = [
            m for node in tree.body if isinstance(node, ast.Assign) and _is_pytestmark(node) for m in _marks(node)
        ]
        name = file.relative_to(place.parent).as_posix()
        found += _walk(tree.body, name, module)
    return found


def _walk(body: Iterable[ast.stmt], file: str, outer: list[tuple[str, str]]) -> list[MarkedTest]:
    out: list[MarkedTest] = []
    for node in body:
        if isinstance(node, ast.ClassDef):
            inner = outer + [m for d in node.decorator_list for m in _marks(d)]
            out += _walk(node.body, file, inner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            marks = outer + [m for d in node.decorator_list for m in _marks(d)]
            out += [MarkedTest(file, node.name, norm, side) for norm, side in marks]
    return out


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)


def _marks(node: ast.AST) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.norm":
            words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if words:
                out.append((words[0], words[1] if len(words) > 1 else ""))
    return out


def build(root: Path | None = None, tests: Iterable[MarkedTest] | None = None) -> Trace:
    """Load every stack, import every rule, read every test mark; PackError when a pack does not load."""
    failed = discover()
    laws = [load(names, root) for names in stacks(root)]
    packs = tuple({p.id: p for law in laws for p in law.packs}.values())
    place = checkout_tests(root)
    if tests is None:
        tests = marked_tests(place) if place else []
    norms = {n: Evidence(n) for n in NORMS}
    findings = [f"{module} cannot be imported (불러올 수 없음): {why}" for module, why in failed.items()]
    for test in tests:
        if test.norm in norms:
            norms[test.norm].tests.append(test)
        else:
            findings.append(f"{test.file}::{test.name} marks an unknown norm (모르는 규범): {test.norm}")
    for pack in packs:
        for case in pack.cases:
            norms[case.norm].cases.append(case)
    findings += _misused(packs) + _idle(packs)
    for norm, evidence in norms.items():
        rules = [(r.symbol, r.line) for r in REGISTRY.rules.get(norm, [])]
        evidence.symbols = rules + [(g.symbol, 0) for g in REGISTRY.guards.get(norm, [])]
    carried = {n for p in packs for a in p.articles for n in (*(a.norms if a.verified else ()), *a.awaits)}
    findings += [f"{n}: no article carries this norm (쓰이지 않는 규범)" for n in NORMS if n not in carried]
    for law in laws:
        findings += _findings(law, norms, with_tests=place is not None)
    return Trace(packs, norms, list(dict.fromkeys(findings)))


def _misused(packs: Iterable[Pack]) -> list[str]:
    """Norms that nobody defined, rules for what is never judged, cases of a side that their norm does not have."""
    out = [
        f"{', '.join(REGISTRY.symbols(n))}: unknown norm (모르는 규범): {n}"
        for n in sorted(REGISTRY.norms() - set(NORMS))
    ]
    for norm, rules in REGISTRY.rules.items():
        if norm in NORMS and not set(NORMS[norm].kinds) & set(SIDES):
            out += [f"{r.symbol}: {norm} is an invariant and no rule judges it (불변 조건)" for r in rules]
    for case in (c for p in packs for c in p.cases):
        if case.side not in {s for k in NORMS[case.norm].kinds for s in SIDES.get(k, ())}:
            out.append(f"{case.id}: {case.norm} has no side '{case.side}' (규범과 다른 결과)")
    return out


def _idle(packs: Iterable[Pack]) -> list[str]:
    """Planned articles of an area that may not wait (미룰 수 없는 영역의 예정 조문)."""
    return [
        f"{a.ref} ({a.obligation or a.id}): planned in an area that may not wait (미룰 수 없는 영역): {a.area}"
        for pack in packs
        for a in pack.articles
        if state(a) == "planned" and a.area not in WAITING_AREAS and a.id not in pack.may_wait
    ]


def _findings(law: Law, norms: Mapping[str, Evidence], *, with_tests: bool) -> list[str]:
    used = {n: a for p in law.packs for a in p.articles if a.verified for n in a.norms}
    out: list[str] = []
    for norm, article in used.items():
        out += [f"{norm} ({article.ref}): {why}" for why in lacking(norm, norms[norm], with_tests=with_tests)]
    return out


def lacking(norm: str, evidence: Evidence, *, with_tests: bool = True) -> list[str]:
    """What an enforced norm lacks: a rule or a guard, both sides, a marked test; empty when nothing."""
    out: list[str] = []
    kinds = NORMS[norm].kinds
    judged = [k for k in ("decision", "duty") if k in kinds]
    if judged and norm not in REGISTRY.rules:
        out.append("no rule enforces it (집행하는 규칙 없음)")
    if "invariant" in kinds and norm not in REGISTRY.guards and not judged:
        out.append("no guard upholds it (지키는 방어선 없음)")
    for kind in judged:
        sides = {c.side for c in evidence.cases}
        out += [f"no case shows '{s}' (사례 없음)" for s in SIDES[kind] if s not in sides]
    if with_tests and not evidence.tests and not evidence.cases:
        out.append("no marked test (표시된 시험 없음)")
    if with_tests and not judged and not evidence.tests:
        out.append("no test plants the violation (위반을 심어 보는 시험 없음)")
    return out


def from_file(file: Path) -> Mapping[str, Any]:
    """``trace.json`` as a release wrote it (JSON is YAML)."""
    content: Mapping[str, Any] = read(file)
    return content


def main() -> int:
    """``python -m gwanje.law.trace``: the trace as JSON on standard output, for who may not import every room."""
    json.dump(build().body(), sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
