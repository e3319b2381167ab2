"""Counting anew (기한 재계산): a changed list of holidays or a corrected rule moves open duties, and says so."""

from __future__ import annotations

from gwanje.centre.common import law, system_scope
from gwanje.centre.duties import facts, services
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.law import REGISTRY, NotInForce
from gwanje.law import Duty as LawDuty
from gwanje.law.decision import NEVER

BATCH, ROUNDS_MAX = 200, 500
WHY = ("공휴일이나 규정이 바뀜", "holidays or the rule changed")


def reckon(kind: str | None = None, subject: str | None = None) -> int:
    """Count open duties again, all or those of a kind or a row, by the law of the day that each was judged by.

    A rule that comes into force later does not move a clock that runs already; what moves one is a corrected pack or
    another list of holidays. In transactions of 200 rows; how many changed.
    """
    changed, after = 0, None
    for _ in range(ROUNDS_MAX):
        with system_scope():
            rows = Duty.objects.select_for_update().filter(state=OPEN).exclude(rule="").order_by("id")
            rows = rows.filter(kind=kind) if kind else rows
            rows = rows.filter(subject=subject) if subject else rows
            found = list((rows.filter(pk__gt=after) if after else rows)[:BATCH])
            changed += sum(_again(row) for row in found)
        if len(found) < BATCH:
            break
        after = found[-1].pk
    return changed


def _again(row: Duty) -> bool:
    rule = next((e.rule for e in REGISTRY.rules.get(row.norm, []) if e.symbol == row.rule), None)
    if rule is None:
        return False
    try:
        duty = rule(facts.read(row.facts), law(row.judged_on))
    except NotInForce:
        # the pack no longer answers for that day: a duty that stands does not vanish by that
        return False
    return isinstance(duty, LawDuty) and duty.due_on != NEVER and services.recount(row, duty, *WHY)
