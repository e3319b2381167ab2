"""Report of a source of law over a period (조문별 이행 보고서): text, norm, code, tests, counts, rows, checkpoint.

One map for the page, the PDF/A and the JSON; it names no person and no camera.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from gwanje.centre.common import clock, cursor, documents, home, packs
from gwanje.centre.publication import evidence, reading
from gwanje.kernel import ledger
from gwanje.kernel.ledger import period
from gwanje.law.packs import Article, Pack, folder
from gwanje.law.words import NORMS

DAYS_MAX = 3660
TESTS_SHOWN_MAX = 12
RESULTS = {
    "passed": ("통과", "passed"),
    "failed": ("실패", "failed"),
    "skipped": ("생략", "skipped"),
    "": ("기록 없음", "no record"),
}


class BadPeriod(ValueError):
    """A period that cannot be reported on; the text is in both languages."""


@dataclass(frozen=True)
class Period:
    """First and last day, both included, in the centre's zone."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise BadPeriod("기간의 첫날이 마지막 날보다 늦습니다 / the period ends before it begins")
        if (self.last - self.first).days > DAYS_MAX:
            raise BadPeriod(f"기간은 {DAYS_MAX}일까지입니다 / a period has {DAYS_MAX} days at most")

    def moments(self) -> tuple[datetime, datetime]:
        """``[midnight of the first day, midnight after the last)`` as aware datetimes."""
        zone = clock().zone
        return (
            datetime.combine(self.first, time(), zone),
            datetime.combine(self.last + timedelta(days=1), time(), zone),
        )


def outcomes_file() -> Path | None:
    """Where a checkout keeps the last result of each marked test; None in an installed package."""
    file = folder().resolve().parent / ".cache" / "norm-outcomes.json"
    return file if file.is_file() else None


def last_results(file: Path | None) -> dict[str, tuple[str, str]]:
    """``tests/x.py::test_y`` → (passed, failed or skipped, ISO moment); empty without a readable file."""
    if file is None:
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): (str(found), str(at)) for name, (found, at) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def build(pack: Pack, span: Period, results: Mapping[str, tuple[str, str]], late: Mapping[str, int],
          agency: str = "") -> dict[str, Any]:  # fmt: skip
    """The report as a plain map, inside a transaction. ``late``: norm → duties that were late in the period.

    ``agency``: whose duties those are, all of the centre's where empty; the counts are always of its whole ledger.
    """
    first, until = span.moments()
    norms = sorted({n for a in pack.articles for n in a.norms})
    counts = period.counts(cursor(), norms, first, until)
    rows = period.samples(cursor(), norms, first, until)
    known = evidence.trace()
    behind = {n: _norm(n, known["norms"].get(n, {}), results) for n in norms}
    for norm, one in behind.items():
        one["counts"] = {**counts[norm], "late": int(late.get(norm, 0))}
        one["rows"] = [
            {"index": r.index, "row": str(r.row), "at": r.at.astimezone(first.tzinfo).isoformat(timespec="seconds"),
             "kind": r.kind, "outcome": r.outcome}
            for r in rows[norm]
        ]  # fmt: skip
    found = ledger.last_checkpoint(cursor())
    return {
        "v": 1,
        "kind": "law_report",
        "pack": {"id": pack.id, "title": pack.title, "instrument": pack.instrument, "rank": pack.rank,
                 "version": pack.version, "source": pack.source},
        "centre": str(home().config.get("name", "")),
        "stack": [[p.id, p.version] for p in packs().packs],
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "made_at": clock().local().isoformat(timespec="seconds"),
        "late_of": agency,
        "summary": _summary(pack, span.last),
        "checkpoint": {"size": found[0], "root": found[1].hex(), "note": found[2]} if found else None,
        "articles": [_article(a, span) for a in pack.articles],
        "norms": behind,
    }  # fmt: skip


def _summary(pack: Pack, on: date) -> dict[str, int]:
    return {c["state"]: c["count"] for c in reading.counts(pack, on)}


def _article(article: Article, span: Period) -> dict[str, Any]:
    state = reading.state_of(article, span.last)
    ko, en, _ = reading.STATES[state]
    return {
        "id": article.id,
        "citation": article.citation,
        "heading": article.heading,
        "text": article.text,
        "sha256": article.digest,
        "from": article.since.isoformat(),
        "to": article.until.isoformat() if article.until else "",
        "state": state,
        "state_ko": ko,
        "state_en": en,
        "norms": [{"norm": n, "note": article.notes[n]} for n in article.norms],
        "area": article.area,
        "why": article.why,
    }


def _norm(norm: str, known: Mapping[str, Any], results: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    tests = list(dict.fromkeys((file, name, side) for file, name, side in known.get("tests", [])))
    shown = [_test(t, results) for t in tests]
    return {
        "ko": NORMS[norm].ko,
        "en": NORMS[norm].en,
        "kinds": list(NORMS[norm].kinds),
        "code": list(dict.fromkeys(s for s, _ in known.get("symbols", []))),
        "cases": [{"title": title, "side": side} for _, _, title, side in known.get("cases", [])],
        "tests": shown,
        "results": {word: sum(t["result"] == word for t in shown) for word in ("passed", "failed", "skipped", "")},
    }


def _test(test: Sequence[str], results: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    file, name, side = test
    result, at = results.get(f"{file}::{name}", ("", ""))
    return {"test": f"{file}::{name}", "side": side, "result": result, "at": at}


def document(body: Mapping[str, Any], fonts: Path | None) -> bytes:
    """PDF/A-2b of the report; every text is data of the template."""
    data = {**body, "norms": {n: _printed(one) for n, one in body["norms"].items()},
            "date": [int(part) for part in str(body["made_at"])[:10].split("-")]}  # fmt: skip
    return documents.render("gwanje.centre.publication", "law_report.typ", data, fonts)


def _printed(one: Mapping[str, Any]) -> dict[str, Any]:
    tests = [{**t, "result": RESULTS[t["result"]][0]} for t in one["tests"][:TESTS_SHOWN_MAX]]
    return {**one, "tests": tests, "more": max(0, len(one["tests"]) - TESTS_SHOWN_MAX)}
