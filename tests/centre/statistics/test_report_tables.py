"""The report's own tables: each total is counted again, what is wrong is found, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwanje.centre.statistics import misread, rules
from gwanje.centre.statistics.printed import contradictions, load_claims, load_tables
from gwanje.centre.statistics.tables import Table, crossed, faults
from gwanje.law import PackError, load
from gwanje.law.packs import available, folder, load_pack
from gwanje.law.schema import read

PACK = folder() / "kr_seoul"
TABLES = load_tables(PACK)
CLAIMS = load_claims(PACK)


def test_exactly_the_totals_that_are_wrong_are_found() -> None:
    found = [(n, f.row, f.column, f.printed, f.counted) for n, p in TABLES.items() for f in p.faults]
    known = read(PACK / "tables" / "wrong.yaml")
    assert sorted(map(str, found)) == sorted(
        str((r["table"], r["row"], r["column"], r["printed"], r["counted"])) for r in known
    )
    assert {r["trap"] for r in known} == {"T2", "T4", "T8", "T9", "N1"}


def test_exactly_the_sentences_that_contradict_the_tables_are_found() -> None:
    found = [c.claim.id for c in contradictions(TABLES, CLAIMS)]
    assert found == [c.id for c in CLAIMS if c.trap]
    traps = {"T1", "T3", "T5", "T6", "T7", "T10", "T11", "T12", "T15"}
    assert {c.trap for c in CLAIMS} == {"", "N2", *traps}
    told = {c.claim.id: c.counted for c in contradictions(TABLES, CLAIMS)}
    assert (told["자치구 11201"], told["사업소 91"], told["학교 318"]) == ("11,246", "84.8", "317")


@pytest.mark.parametrize(
    ("number", "cells", "total"), [("2", 250, 11246), ("4-1", 40, 23397), ("4-3", 80, 643), ("4-5", 90, 8799)]
)
def test_tables_that_add_up_have_no_fault(number: str, cells: int, total: int) -> None:
    table = TABLES[number].table
    assert (TABLES[number].faults, table.cell("소계", "계")) == ((), total)
    assert sum(len(row) for row in table.rows.values()) == cells


def test_the_two_prints_of_the_districts_are_the_same_table() -> None:
    assert TABLES["2"].table == TABLES["4-6"].table


def test_the_wrong_total_is_the_table_without_its_last_column() -> None:
    table = TABLES["4-4"].table
    assert table.cell("소계", "계") - table.cell("소계", "기타") == 2546
    assert sum(cells[-1] or 0 for cells in table.rows.values()) == 2599


def test_every_planted_error_is_found_and_only_it() -> None:
    table = TABLES["4-6"].table
    for label in table.rows:
        cells = table.rows[label]
        planted = Table(
            table.columns, {**table.rows, label: (*cells[:-1], (cells[-1] or 0) + 9)}, table.sums, table.totals
        )
        assert [(f.row, f.kind) for f in faults(planted)] == [(label, "row")]
    for place, column in enumerate(table.columns):
        totals = tuple((v or 0) - (i == place) for i, v in enumerate(table.totals))
        assert [f.column for f in faults(Table(table.columns, table.rows, table.sums, totals))] == [column]


def test_a_claim_about_a_cell_that_is_not_there_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "kr_x"
    (place / "tables").mkdir(parents=True)
    (place / "tables" / "claims.yaml").write_text(
        "- {id: x, kind: number, ko: x, printed: 1, cells: [[4-1, 없는 구, 계]]}\n", encoding="utf-8"
    )
    with pytest.raises(PackError, match="없는"):
        contradictions(TABLES, load_claims(place))


def test_cells_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cells"):
        Table(("a", "b"), {"x": (1,)})
    with pytest.raises(ValueError, match="column"):
        Table(("a", "b"), {"x": (1, 2)}, {"c": ("a",)})


COUNTS = st.dictionaries(
    st.sampled_from(("갑구", "을구", "병구", "=1+1", "😀")),
    st.dictionaries(st.sampled_from("가나다라"), st.integers(0, 10**6), max_size=4),
    max_size=5,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(COUNTS)
def test_a_table_made_from_counts_always_adds_up(counts: dict[str, dict[str, int]]) -> None:
    made = crossed(counts, tuple("가나다라"))
    assert faults(made) == ()
    assert made.totals[-1] == sum(sum(row.values()) for row in counts.values())


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("방법용", "방범용"),
        ("사회안정/방법용", "사회안정/방범용"),
        ("채납차량", "체납차량"),
    ],
)
def test_a_misread_word_is_refused_with_its_fix(word: str, right: str) -> None:
    known = ["방범용", "사회안정/방범용", "체납차량", "쓰레기투기방지"]
    assert misread.code_of(word, known) == misread.Refused(word, right)
    assert misread.code_of(right, known) == right


def test_other_dots_and_spaces_are_the_same_word_and_a_stranger_is_not() -> None:
    known = ["기차·지하철안전관리", "과속·주정차단속"]
    assert misread.code_of("기차 ․ 지하철 안전관리", known) == "기차·지하철안전관리"
    assert misread.code_of("과속/ 주정차 단속", known) == "과속·주정차단속"
    assert misread.code_of("음성수집", known) == misread.Refused("음성수집", "")
    assert isinstance(misread.code_of("과" * 500, known), misread.Refused)


def test_no_misread_word_is_a_code_anywhere() -> None:
    codes = {r.code for name in available() for r in load_pack(folder() / name).purposes}
    assert codes
    for code in codes:
        assert misread.code_of(code, codes) == code
    assert [c for c in codes for wrong in misread.fixes() if wrong in c] == []


LAW = load(("kr_national", "kr_seoul")).on(date(2026, 11, 21))


@pytest.mark.norm("statistics.checked", "deny")
@pytest.mark.parametrize("number", ["1", "4-4", "4-16"])
def test_a_table_of_the_report_that_is_wrong_is_not_taken(number: str) -> None:
    wrong = [{"where": f.where, "printed": f.printed, "counted": f.counted} for f in TABLES[number].faults]
    decision = rules.checked({"wrong": wrong, "words": []}, LAW)
    assert not decision.allow
    assert [r.code for r in decision.reasons] == ["total_wrong"] * len(wrong)
    assert str(wrong[0]["counted"]) in decision.reasons[0].ko


@pytest.mark.norm("statistics.checked", "deny")
def test_a_misread_use_is_not_taken_and_the_reason_names_the_fix() -> None:
    found = misread.code_of("방법용", [r.code for r in load_pack(PACK).purposes])
    assert isinstance(found, misread.Refused)
    decision = rules.checked({"wrong": [], "words": [{"word": found.word, "proposed": found.proposed}]}, LAW)
    assert [r.code for r in decision.reasons] == ["word_misread"]
    assert "방범용" in decision.reasons[0].ko


@pytest.mark.norm("statistics.checked", "allow")
def test_a_table_that_agrees_is_taken() -> None:
    assert TABLES["4-6"].faults == ()
    assert rules.checked({"wrong": [], "words": []}, LAW).allow
