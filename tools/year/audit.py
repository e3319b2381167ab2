"""What an auditor asks at the end: every duty there, every date right, every late one told, the books equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from gwanje.centre import common
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.centre.publication import report
from gwanje.kernel.ledger.entry import read_opening
from tools.year import reckon
from tools.year.days import Year


def findings(year: Year) -> dict[str, Any]:
    """Counts, and a list of what is wrong for each question; all lists empty = the year holds."""
    rows = list(Duty.objects.all())
    ledger = _ledger()
    return {
        "duties": len(rows),
        "by_kind": dict(Counter(row.kind for row in rows).most_common()),
        "states": dict(Counter(row.state for row in rows)),
        "late": sum(map(_late, rows)),
        "ledger_rows": sum(ledger.values()),
        "missed": missed(year, rows),
        "miscounted": miscounted(year, rows),
        "untold": untold(rows),
        "periods": periods(year, rows),
        "books": books(rows, ledger),
        "report": added_up(year, ledger),
    }


def missed(year: Year, rows: list[Duty]) -> list[str]:
    """Requests whose duty is nowhere."""
    have = {(row.kind, row.subject) for row in rows}
    return [f"{kind} {label}" for kind, label in year.expected if (kind, label) not in have]


def miscounted(year: Year, rows: list[Duty]) -> list[str]:
    """Requests whose last day is another than counted apart."""
    wrong = []
    for row in rows:
        wanted = year.expected.get((row.kind, row.subject))
        if wanted is not None and row.due_on != wanted:
            wrong.append(f"{row.kind} {row.subject}: {row.due_on} instead of {wanted}")
    return wrong


def _late(row: Duty) -> bool:
    return row.was_late or (row.state == OPEN and row.ends_at < common.clock().now())


def untold(rows: list[Duty]) -> list[str]:
    """Late duties that nobody was told of, and duties in time that were escalated."""
    wrong = [f"{row.kind} {row.subject}: late, not escalated" for row in rows if _late(row) and not row.escalated]
    in_time = [row for row in rows if row.escalated and not _late(row)]
    return wrong + [f"{row.kind} {row.subject}: escalated, not late" for row in in_time]


def periods(year: Year, rows: list[Duty]) -> list[str]:
    """Months without an inspection duty, quarters without a training one where the city has the rule."""
    wrong = []
    months = {row.due_on for row in rows if row.kind == "inspection"}
    quarters = {row.due_on for row in rows if row.kind == "training.quarterly"}
    day = year.first
    while day <= year.last:
        if common.law(day).has("inspection.monthly") and reckon.month_end(day) not in months:
            wrong.append(f"no inspection of {day:%Y-%m}")
        if common.law(day).has("training.quarterly") and reckon.quarter_end(day) not in quarters:
            wrong.append(f"no training of the quarter of {day}")
        day = reckon.month_end(day) + timedelta(days=1)
    return sorted(set(wrong))


def _ledger() -> Counter[str]:
    cursor = common.cursor()
    cursor.execute("select kind, count(*) from ledger_opening group by kind")
    return Counter({kind: int(count) for kind, count in cursor.fetchall()})


def books(rows: list[Duty], ledger: Mapping[str, int]) -> list[str]:
    """The table of duties and the ledger say the same."""
    wanted = {"owed": len(rows), "done": 0, "late_done": 0, "voided": 0}
    for row in rows:
        if row.state != OPEN:
            wanted["voided" if row.state == "void" else row.state] += 1
    return [
        f"duties.duty.{act}: {ledger.get(f'duties.duty.{act}', 0)} rows of the ledger, {count} of the table"
        for act, count in wanted.items()
        if ledger.get(f"duties.duty.{act}", 0) != count
    ]


def added_up(year: Year, ledger: Mapping[str, int]) -> list[str]:
    """The yearly report of each pack counts what the ledger's own openings say, read one by one."""
    cursor = common.cursor()
    cursor.execute("select body from ledger_opening")
    own: Counter[tuple[str, str]] = Counter()
    for (body,) in cursor.fetchall():
        said = read_opening(bytes(body))
        own.update((norm, said["outcome"]) for norm in set(said["norms"]))
    wrong = []
    span = report.Period(year.first, _later(year.last))
    for pack in common.packs().packs:
        made = report.build(pack, span, {}, {})
        for norm, one in made["norms"].items():
            for outcome in ("granted", "refused", "done"):
                if one["counts"][outcome] != own[(norm, outcome)]:
                    wrong.append(f"{pack.id} {norm} {outcome}: {one['counts'][outcome]}, not {own[(norm, outcome)]}")
    return wrong


def _later(day: date) -> date:
    return day + timedelta(days=1)
