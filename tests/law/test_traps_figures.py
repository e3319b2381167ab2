"""Traps of the Seoul report (T1-T17): contradictions are told, and no misprint is a value."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gwanje.centre.statistics.printed import contradictions, load_claims, load_tables
from gwanje.centre.statistics.untaken import load_lists, load_untaken
from gwanje.law import PackError
from gwanje.law.packs import available, folder, load_pack
from gwanje.law.schema import read

PACK = folder() / "kr_seoul"
TABLES = load_tables(PACK)
TOLD = {found.claim.id: found for found in contradictions(TABLES, load_claims(PACK))}
UNTAKEN = {left.id: left for left in load_untaken(PACK)}
SOURCES = list((Path(__file__).resolve().parents[3] / "shared" / "seeds").glob("003_*.txt"))
SRC = Path(__file__).resolve().parents[2] / "src"


def cell(table: str, row: str, column: str) -> int:
    return TABLES[table].table.cell(row, column)


def printed(table: str, row: str, column: str) -> int | None:
    """What stands in a cell of the print, whatever the sum of its row is."""
    found = TABLES[table].table
    cells = found.totals if row == "소계" and row not in found.rows else found.rows[row]
    return cells[found.columns.index(column)]


def told(trap: str) -> dict[str, tuple[Any, str]]:
    """Sentences of a trap that were found to contradict the tables: id → printed, counted again."""
    return {id_: (f.claim.printed, f.counted) for id_, f in TOLD.items() if f.claim.trap == trap}


def wrong(table: str) -> dict[tuple[str, str], tuple[int, int | None]]:
    return {(f.row, f.column): (f.printed, f.counted) for f in TABLES[table].faults}


def bare(text: str) -> str:
    return "".join(text.split())


def test_t01_the_districts_of_the_text_are_45_fewer_than_those_of_the_table() -> None:
    assert told("T1") == {"자치구 11201": (11201, "11,246")}
    assert [cell(t, r, "계") for t, r in (("2", "소계"), ("4-6", "소계"), ("4-1", "자치구"))] == [11246] * 3
    assert (TABLES["2"].faults, TABLES["4-1"].faults) == ((), ())
    total = cell("4-1", "소계", "계")
    assert (total, total - 11246 + 11201) == (23397, 23352)


def test_t02_the_offices_lack_the_whole_last_column_and_three_rows_are_wrong() -> None:
    assert wrong("4-4") == {
        ("서울대공원", "계"): (2, 32),
        ("푸른도시사업소", "계"): (171, 249),
        ("도로교통사업소", "계"): (432, 434),
        ("소계", "계"): (2546, 2709),
    }
    assert 2709 - cell("4-4", "소계", "기타") == 2546
    assert sum(printed("4-4", row, "계") or 0 for row in TABLES["4-4"].table.rows) == 2599
    assert len(TABLES["4-4"].table.rows) == 23


def test_t03_91_percent_is_neither_of_the_two_shares() -> None:
    assert told("T3") == {"사업소 91": (91, "84.8")}
    part = cell("4-4", "소계", "시설물관리")
    assert (part, round(1000 * part / 2709), round(1000 * part / 2546)) == (2296, 848, 902)


def test_t04_the_column_of_crime_prevention_adds_to_134() -> None:
    assert wrong("1") == {("소계", "방범용"): (132, 134)}
    assert cell("4-1", "소계", "방범용") - cell("4-1", "자치구", "방범용") == 134
    *columns, grand = TABLES["1"].table.totals
    assert (len(columns), sum(n or 0 for n in columns), grand) == (9, 12149, 12151)


def test_t05_88_percent_of_12246_counts_other_uses_than_it_lists() -> None:
    assert told("T5") == {
        "자치구 12246": (12246, "11,246"),
        "자치구 9863": (9863, "8,768"),
        "자치구 88": (88, "78.0"),
    }
    meant = sum(cell("4-6", "소계", c) for c in ("방범용", "시설물관리", "주차관리", "과속·주정차단속"))
    assert (meant, round(1000 * meant / 11246)) == (9863, 877)


def test_t06_the_unit_costs_of_lines_and_upkeep_are_swapped_in_the_text() -> None:
    assert told("T6") == {"유지보수 단가": (22, "6"), "회선 단가": (6, "22")}
    assert (cell("4-16", "1년 후", "회선"), cell("4-16", "1년 후", "유지보수")) == (1250, 330)


def test_t06b_no_forecast_got_a_year_of_its_own() -> None:
    for table in ("4-16", "4-17"):
        assert list(TABLES[table].table.rows) == ["1년 후", "3년 후", "5년 후", "10년 후"]
    assert {left.id for left in UNTAKEN.values() if left.trap == "T6b"} == {"표 4-16과 4-17의 해"}


def test_t07_one_district_is_not_all_districts_and_the_ratios_are_not_4_and_2_5() -> None:
    assert told("T7") == {
        "전체 용도의 범위": ("전체 자치구", "1개 자치구"),
        "방범용의 범위": ("전체 자치구", "1개 자치구"),
        "전체 용도 4배": (400, "354.3"),
        "방범용 2.5배": (250, "268.8"),
    }


def test_t08_two_sums_are_ten_short_and_the_lines_do_not_follow_from_their_unit_cost() -> None:
    assert wrong("4-16") == {("3년 후", "합계"): (3870, 3860), ("5년 후", "합계"): (5620, 5610)}
    assert wrong("4-17") == {}
    # 800 million won at 2.2 million a line are 363 lines, for some 240 cameras
    assert cell("4-17", "1년 후", "회선") * 10 // cell("4-15", "평균비용", "회선") == 363


def test_t08_costs_are_planned_and_no_number_of_the_report_is_a_value() -> None:
    planned = {a.id: a.status for a in load_pack(PACK).articles if a.area == "statistics-cost"}
    assert {planned[f"표4-{n}"] for n in (15, 16, 17)} == {"planned"}
    assert not [p.name for p in load_pack(PACK).parameters if "원" in p.unit or "won" in p.unit]


def test_t09_a_sum_of_unlike_units_has_no_right_number() -> None:
    assert wrong("4-15") == {("평균비용", "합계"): (294, None)}
    assert [f.kind for f in TABLES["4-15"].faults] == ["unlike"]


def test_t10_three_costs_of_one_camera_are_told_beside_the_first() -> None:
    assert told("T10") == {
        "설치 단가 스쿨존": (930, "1300.0"),
        "설치 단가 교내": (930, "700.0"),
        "설치 단가 여행길": (930, "1482.4"),
    }
    # with the printed total instead of the counted one it is 14.8 million all the same
    assert 18013 // 1214 == cell("4-7", "소계", "소계") // cell("4-7", "소계", "설치 예정수량") == 14


def test_t11_schools_and_their_cameras_are_counted_three_ways() -> None:
    assert told("T11") == {
        "학교 318": (318, "317"),
        "학교 345": (345, "344"),
        "학교 578": (578, "577"),
        "학교 2800여": (2800, "2,927"),
    }
    assert cell("4-8", "설치대수", "소계") == 700 + 875 + 872 + 480


def test_t12_the_summary_counts_a_city_without_its_districts() -> None:
    assert told("T12") == {
        "요약의 전체": (12151, "23,397"),
        "요약의 지하철": (6603, "6,618"),
        "요약의 지하철 비율": (54, "28.3"),
    }
    assert cell("1", "소계", "계") + cell("2", "소계", "계") == cell("4-1", "소계", "계")
    under = "기차·지하철안전관리"
    shares = [round(100 * cell(t, "소계", under) / cell(t, "소계", "계")) for t in ("1", "4-1")]
    assert shares == [54, 28]
    # each figure is right about the table it was taken from, and each is kept
    assert not {"전체 23397", "요약 12151", "지하철 54", "지하철 28", "약 2만4천", "요약과 자치구"} & set(TOLD)


def test_t13_a_wrong_introduction_is_told_and_a_table_without_its_columns_is_not_parsed() -> None:
    said = UNTAKEN["표 4-22"]
    assert ("개인화상정보" in said.says, "보안 업무" in said.fact, "표 4-21" in said.ko) == (True, True, True)
    assert "4-23" not in TABLES
    cited = [a.citation for a in load_pack(PACK).articles]
    assert not [c for c in cited if "표 4-23" in c]
    assert {c for c in cited if c.startswith("표 4-22")} == {"표 4-22"}
    # what the text announces as personal video comes from the table that has it
    assert [a.id for a in load_pack(PACK).articles if a.citation.startswith("표 4-21")] == ["표4-21.1", "표4-21.2"]
    assert "칸의 자리" in UNTAKEN["표 4-23"].ko


def test_t14_of_lists_of_four_and_three_grounds_the_whole_one_stands() -> None:
    (grounds,) = load_lists(PACK)
    assert (grounds.trap, len(grounds.entries)) == ("T14", 4)
    assert grounds.short == (("5장 2절 1", ("특정인 영상만의 삭제가 기술적으로 곤란",)),)
    (value,) = (p for p in load_pack(PACK).parameters if p.name == grounds.parameter)
    assert value.value == grounds.entries


@pytest.mark.skipif(not SOURCES, reason="../shared/seeds is not here")
def test_t14_each_printed_ground_stands_in_the_source_as_often_as_it_is_listed() -> None:
    source = bare(SOURCES[0].read_text(encoding="utf-8"))
    (grounds,) = load_lists(PACK)
    lines = [line for lines in grounds.places.values() for line in lines if line]
    assert len(lines) == 11
    for line in lines:
        assert source.count("－" + bare(line)) == lines.count(line), line


def test_t14_a_list_with_a_hole_that_nobody_marked_does_not_load(tmp_path: Path) -> None:
    place = tmp_path / "kr_x"
    (place / "tables").mkdir(parents=True)
    file = place / "tables" / "lists.yaml"
    file.write_text("- {id: x, trap: T14, parameter: p, entries: [가, 나], places: {곳: [가]}}\n", encoding="utf-8")
    with pytest.raises(PackError, match="곳"):
        load_lists(place)


def test_t15_26_guidelines_are_of_25_districts_and_52_is_51_and_one() -> None:
    assert told("T15") == {"자치구 지침": (25, "26"), "기관 52": (52, "51")}
    assert TABLES["2-15"].faults == ()
    rules = TABLES["2-15"].table.rows
    assert (len(rules), sum(cell("2-15", d, "지침") for d in rules)) == (25, 26)
    assert [d for d in rules if cell("2-15", d, "지침") != 1] == ["성북구"]
    bodies = TABLES["4-12"].table
    assert sum(bodies.cell("설치 및 운영지침", c) for c in bodies.columns) == 2 + 25 + 7 + 17
    # who has an ordinance has a guideline, too: it is no 52nd body
    assert [d for d in rules if cell("2-15", d, "조례")] == ["노원구"]
    assert cell("2-15", "노원구", "지침") == cell("4-12", "조례", "자치구청") == 1


TEXTS = ("text", "heading", "citation", "why", "note", "title", "instrument")


def values(content: Any, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key and text of a YAML file but those under a key of ``skip``."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in skip:
                yield str(key)
                yield from values(value, skip)
    elif isinstance(content, list):
        for value in content:
            yield from values(value, skip)
    else:
        yield str(content)


@cache
def lists_of_the_product() -> tuple[tuple[str, str], ...]:
    """(file, word) of every value of every pack, of every YAML file below ``src``, and (file, text) of all code."""
    return tuple(_lists())


def _lists() -> Iterator[tuple[str, str]]:
    for name in available():
        for file in sorted((folder() / name).rglob("*.yaml")):
            # what was left is named there, and an article keeps its source's words with a remark beside it
            if file.name != "untaken.yaml":
                for word in values(read(file), TEXTS if file.name in ("articles.yaml", "pack.yaml") else ("note",)):
                    yield f"{name}/{file.name}", word
    for file in sorted(SRC.rglob("*.yaml")):
        for word in values(read(file)):
            yield str(file.relative_to(SRC)), word
    for file in sorted(SRC.rglob("*.py")):
        yield str(file.relative_to(SRC)), file.read_text(encoding="utf-8")


def seeded(trap: str) -> list[tuple[str, str]]:
    words = [word for left in UNTAKEN.values() if left.trap == trap for word in left.words]
    assert words
    return [(file, word) for file, text in lists_of_the_product() for word in words if word in text]


def test_t13_no_column_of_the_table_that_lost_them_is_a_value() -> None:
    assert seeded("T13") == []


def test_t16_a_repealed_penalty_a_misnamed_alliance_and_a_product_are_never_seeded() -> None:
    assert {left.id for left in UNTAKEN.values() if left.trap == "T16"} >= {"PSIA", "Milestone"}
    assert seeded("T16") == []


def test_t16_the_search_finds_what_is_there() -> None:
    found = [file for file, text in lists_of_the_product() if "MJPEG" in text]
    assert "kr_seoul/parameters.yaml" in found
    assert any(file.endswith(".py") for file in found)


def test_t17_of_six_lost_figures_the_caption_is_all_there_is() -> None:
    figures = {f"그림 5-{n}" for n in range(1, 7)}
    assert {left.id for left in UNTAKEN.values() if left.trap == "T17"} == figures
    # of the first alone there is a word that a list could have taken; of the others only that nothing cites them
    assert seeded("T17") == []
    # no classification came of the first: the nine uses are those of the printed tables
    codes = [row.code for row in load_pack(PACK).purposes]
    assert codes == [c for c in TABLES["1"].table.columns if c != "계"]
    assert not [a for a in load_pack(PACK).articles if "<그림 5" in a.citation or "그림 5" in a.citation]


@pytest.mark.skipif(not SOURCES, reason="../shared/seeds is not here")
def test_t17_everything_left_is_printed_in_the_source() -> None:
    source = bare(SOURCES[0].read_text(encoding="utf-8"))
    for left in UNTAKEN.values():
        assert bare(left.says) in source, left.id
        if left.trap in ("T13", "T17"):
            assert bare(left.fact) in source, left.id
            assert bare(f"<{left.id}>") in source, left.id
