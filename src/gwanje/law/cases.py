"""Cases (사례): a pack's situations run against the registered rules; a lawyer reads them, the build runs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gwanje.law.decision import Decision, Duty
from gwanje.law.force import Law, load
from gwanje.law.packs import RANKS, Case, available, folder
from gwanje.law.registry import REGISTRY, Enforcement
from gwanje.law.schema import read

LOCAL = RANKS.index("조례")


@dataclass(frozen=True)
class Outcome:
    """What a case came to: ``ok``, and in words what was expected and what came."""

    case: Case
    ok: bool
    told: str


def stacks(root: Path | None = None) -> tuple[tuple[str, ...], ...]:
    """The stacks that a centre may have: every national pack, with each local one in turn."""
    place = root or folder()
    ranks = {n: str((read(place / n / "pack.yaml") or {}).get("rank")) for n in available(place)}
    above = tuple(n for n, rank in ranks.items() if rank in RANKS and RANKS.index(rank) < LOCAL)
    local = [n for n in ranks if n not in above]
    return tuple((*above, n) for n in local) or (above,)


def rule_of(case: Case) -> Enforcement:
    """The rule that a case is about; LookupError when there is none, or several and the case names none."""
    rules = REGISTRY.rules.get(case.norm, [])
    if case.rule:
        rules = [r for r in rules if f".{r.symbol}".replace(":", ".").endswith("." + case.rule)]
    if len(rules) != 1:
        names = ", ".join(r.symbol for r in rules) or "none (없음)"
        raise LookupError(f"{case.id}: name one rule of {case.norm} with `rule:`; there is {names}")
    return rules[0]


def run(case: Case, law: Law) -> Outcome:
    """Run one case against its rule in a stack of packs."""
    try:
        result = rule_of(case).rule(case.facts, law.on(case.on))
    except Exception as error:  # whatever a rule raises, the case did not come out as written
        return Outcome(case, False, f"{type(error).__name__}: {error}")
    if isinstance(result, Duty):
        return _duty(case, result)
    return _decision(case, result)


def _decision(case: Case, result: Decision) -> Outcome:
    got = "allow" if result.allow else "deny"
    codes = [r.code for r in result.reasons]
    missing = [c for c in case.reasons if c not in codes]
    told = f"{got} {', '.join(codes)}".strip() + f" [{', '.join(map(str, result.articles))}]"
    return Outcome(case, got == case.side and not missing, told)


def _duty(case: Case, result: Duty) -> Outcome:
    today = case.today or case.on
    got = "late" if result.late(today) else "in_time"
    right_day = case.due_on is None or case.due_on == result.due_on
    told = f"{got} on {today}, due on {result.due_on} ({result.basis_en})"
    return Outcome(case, got == case.side and right_day, told)


def run_all(root: Path | None = None) -> tuple[Outcome, ...]:
    """Every case of every pack, in every stack that holds its pack."""
    out: list[Outcome] = []
    for names in stacks(root):
        law = load(names, root)
        out += [run(case, law) for case in cases(law)]
    return tuple(out)


def cases(law: Law) -> Iterable[Case]:
    """The cases of all packs of a stack."""
    return (case for pack in law.packs for case in pack.cases)
