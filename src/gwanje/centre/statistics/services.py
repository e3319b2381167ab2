"""Acts of statistics (통계 업무): the numbers of a day are published once, after their totals were counted again."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import clock, cursor, law, system_scope
from gwanje.centre.statistics import counting, reading, rules, schemes
from gwanje.centre.statistics.counting import Group
from gwanje.centre.statistics.models import Published
from gwanje.centre.statistics.tables import faults
from gwanje.kernel import ledger
from gwanje.kernel.canonical import encode
from gwanje.kernel.ledger import Entry
from gwanje.law import Decision

log = logging.getLogger("gwanje.statistics")
# the day on which this process last told that nothing could be published
_withheld: list[date] = []


def publish() -> Published | None:
    """Publish today's numbers of every agency (통계 공개); None when today's are out, or a total does not agree.

    One transaction: the row and its ledger row. Departments are left out: a public table says whose, what and when.
    """
    with system_scope():
        today = clock().local().date()
        if Published.objects.filter(day=today).exists():
            return None
        found = reading.groups()
        wrong = check(found)
        if wrong:
            _withhold(today, wrong)
            return None
        merged: Counter[tuple[str, str, str]] = Counter()
        for group in found:
            merged[(group.agency, group.purpose, group.year)] += group.number
        body = {"v": 1, "groups": [[*key, number] for key, number in sorted(merged.items())]}
        digest = hashlib.sha256(encode(body)).hexdigest()
        row = Published.objects.create(
            day=today, cameras=counting.number(found), body=body, sha256=digest, published_at=clock().now()
        )
        detail = {"day": str(today), "cameras": row.cameras, "sha256": digest}
        ledger.append(cursor(), clock(), _entry("statistics.published", "done", [], detail))
        return row


def _withhold(today: date, wrong: list[dict[str, Any]]) -> None:
    """Once a day: a total that does not agree stands in the ledger and in the log, and nothing is published."""
    if _withheld[-1:] == [today]:
        return
    _withheld[:] = [today]
    told = [f"{w['where']}: {w['printed']} ≠ {w['counted']}"[:200] for w in wrong[:5]]
    log.error("statistics are withheld: %s", "; ".join(told))
    ledger.append(cursor(), clock(), _entry("statistics.withheld", "refused", wrong, {"wrong": told}))


def check(found: Iterable[Group]) -> list[dict[str, Any]]:
    """Every total that is wrong, in all four classifications and by year; empty when all agree."""
    groups = list(found)
    tables = [counting.by_purpose(groups, scheme, "agency") for scheme in schemes.SCHEMES] + [counting.by_year(groups)]
    wrong: list[dict[str, Any]] = [
        {"where": fault.where, "printed": fault.printed, "counted": fault.counted or 0}
        for table in tables
        for fault in faults(table)
    ]
    registered = cameras.running()
    wrong += [
        {"where": "등록된 기기", "printed": table.totals[-1] or 0, "counted": registered}
        for table in tables
        if (table.totals[-1] or 0) != registered
    ]
    return wrong


def judged(wrong: list[dict[str, Any]], words: list[dict[str, Any]]) -> Decision | None:
    """What the rule says of a table; None in a centre whose packs have no article about it."""
    today = law()
    return rules.checked({"wrong": wrong, "words": words}, today) if today.has(rules.NORM) else None


def _entry(kind: str, outcome: str, wrong: list[dict[str, Any]], detail: dict[str, Any]) -> Entry:
    decision = judged(wrong, [])
    norms = tuple(decision.norms) if decision is not None else ()
    articles = tuple(a.key for a in decision.articles) if decision is not None else ()
    return Entry(kind, outcome, norms=norms, articles=articles, detail=detail, dies="registry")
