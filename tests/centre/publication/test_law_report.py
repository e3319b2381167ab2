"""The report of a source of law: every article, its code and tests, counts and rows of the period, no person."""

from __future__ import annotations

import argparse
import io
import json
from datetime import date, timedelta
from pathlib import Path

import pikepdf
import pytest
from django.db import connection

from gwanje.apps.commands import _law_report
from gwanje.apps.jobs import fonts
from gwanje.centre.common import clock, cursor, packs
from gwanje.centre.publication import report
from gwanje.kernel import ledger
from gwanje.kernel.ledger import period
from support import outcomes
from support.pdfa import remarks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("system")]
NORM = "outsourcing.not_whole"


def told(outcome: str, **more: object) -> None:
    entry = ledger.Entry(kind="staff.grant.refused", outcome=outcome, norms=(NORM,), dies="access", **more)
    ledger.append(cursor(), clock(), entry)


def this_month() -> report.Period:
    today = clock().local().date()
    return report.Period(today - timedelta(days=30), today)


def made(results: dict[str, tuple[str, str]] | None = None, span: report.Period | None = None) -> dict:
    return report.build(packs().pack("kr_anyang"), span or this_month(), results or {}, {NORM: 2})


def test_the_report_holds_every_article_and_counts_the_period(hire) -> None:
    person = hire("operator", name="김가온비밀")
    before = made()["norms"][NORM]["counts"]
    for outcome in ("granted", "refused", "refused"):
        told(outcome, actor=person.pk)
    body = made({})
    assert [a["id"] for a in body["articles"]] == [a.id for a in packs().pack("kr_anyang").articles]
    one = body["norms"][NORM]
    assert one["counts"]["granted"] - before["granted"] == 1
    assert one["counts"]["refused"] - before["refused"] == 2
    assert one["counts"]["late"] == 2
    assert "gwanje.centre.staff.rules:contractor_limits" in one["code"]
    assert one["tests"] or one["cases"]
    text = json.dumps(body, ensure_ascii=False)
    assert "김가온비밀" not in text
    assert str(person.pk) not in text


def test_another_period_counts_nothing_of_this_one() -> None:
    told("granted")
    past = report.Period(date(2021, 1, 1), date(2021, 12, 31))
    counts = made(span=past)["norms"][NORM]["counts"]
    assert (counts["granted"], counts["refused"], counts["done"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("first", "last"), [(date(2026, 2, 1), date(2026, 1, 31)), (date(2001, 1, 1), date(2026, 1, 1))]
)
def test_a_period_that_is_none_is_refused_in_both_languages(first: date, last: date) -> None:
    with pytest.raises(report.BadPeriod, match=r"[가-힣].*[a-z]"):
        report.Period(first, last)


def test_rows_of_the_tree_are_named_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    told("refused")
    with connection.cursor() as rows:
        rows.execute("update ledger_leaf set idx = 100000 where row = (select row from ledger_opening where "
                     "kind = 'staff.grant.refused' order by at desc limit 1)")  # fmt: skip
    found = made()["norms"][NORM]["rows"]
    assert (found[0]["index"], found[0]["outcome"]) == (100000, "refused")
    first, until = this_month().moments()
    with pytest.raises(TypeError):
        period.counts(cursor(), [NORM], first.replace(tzinfo=None), until)


def test_last_results_stand_beside_the_tests(tmp_path: Path) -> None:
    tests = made()["norms"]["playback.default_deny"]["tests"]
    assert {t["result"] for t in tests} == {""}
    file = tmp_path / "cache" / "norm-outcomes.json"
    outcomes.write(file, {tests[0]["test"]: "failed"})
    outcomes.write(file, {tests[1]["test"]: "passed"})
    again = made(report.last_results(file))["norms"]["playback.default_deny"]
    assert (again["tests"][0]["result"], again["tests"][1]["result"]) == ("failed", "passed")
    assert (again["results"]["failed"], again["results"]["passed"]) == (1, 1)
    file.write_text("{broken")
    assert report.last_results(file) == {}


def test_the_document_is_pdf_a_with_every_article() -> None:
    told("granted")
    pdf = report.document(made(), fonts())
    with pikepdf.open(io.BytesIO(pdf)) as book:
        assert len(book.pages) > 10
        assert b"pdfaid" in book.Root.Metadata.read_bytes()
    assert remarks(pdf) == []


def asked(tmp_path: Path, **more: object) -> argparse.Namespace:
    plain = {"data": None, "pack": "kr_anyang", "first": None, "last": None, "outcomes": None}
    return argparse.Namespace(**{**plain, "json": tmp_path / "r.json", "pdf": tmp_path / "r.pdf", **more})


def test_the_command_writes_json_and_pdf_and_refuses_another_citys_pack(tmp_path: Path, capsys) -> None:
    assert _law_report.run(asked(tmp_path)) == 0
    body = json.loads((tmp_path / "r.json").read_text())
    assert (body["kind"], body["pack"]["id"]) == ("law_report", "kr_anyang")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    assert body["pack"]["title"] in capsys.readouterr().out
    assert _law_report.run(asked(tmp_path, pack="kr_nowhere", json=None, pdf=None)) == 1
    assert "not a pack of this centre" in capsys.readouterr().err
    first = date(2026, 3, 1)
    assert _law_report.run(asked(tmp_path, first=first, last=first - timedelta(days=1), json=None, pdf=None)) == 1
    assert "ends before it begins" in capsys.readouterr().err
