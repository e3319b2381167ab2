"""The Seoul report as a pack: every row of it, word for word, and what of it decides nothing."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from gwanje.law.packs import available, folder, load_pack
from gwanje.law.schema import text_hash
from gwanje.law.trace import WAITING_AREAS, state

SHARED = Path(__file__).resolve().parents[3] / "shared"
OBLIGATIONS = SHARED / "law" / "obligations.tsv"
SOURCES = list((SHARED / "seeds").glob("003_*.txt"))
PACK = load_pack(folder() / "kr_seoul")
# a head of a printed page or the caption of a lost figure, between two lines of a paragraph
HEAD = re.compile(r"^(제\d장 .*\d+|\d+ +서울시 ․ 자치구 CCTV의.*|<그림.*)$")


def bare(text: str) -> str:
    """A text without white space, bullets and the numbers that a paragraph stands under."""
    return re.sub(r"[\s∙－◦①-⑮-]", "", text)


def test_the_pack_is_whole_and_stays_a_recommendation() -> None:
    assert (len(PACK.articles), PACK.partial, PACK.rank) == (143, False, "방침")
    assert {state(a) for a in PACK.articles} == {"enforced", "planned", "recorded"}


@pytest.mark.skipif(not OBLIGATIONS.is_file(), reason="../shared/law/obligations.tsv is not here")
def test_every_row_of_the_table_is_mapped_and_what_is_planned_may_be() -> None:
    with OBLIGATIONS.open(encoding="utf-8") as file:
        rows = {r["id"]: r for r in csv.DictReader(file, delimiter="\t") if r["id"].startswith("SEO-")}
    assert [a.obligation for a in PACK.articles] == list(rows)
    planned = {a.obligation for a in PACK.articles if a.status == "planned"}
    assert {rows[o]["area"] for o in planned} <= WAITING_AREAS
    assert {a.area for a in PACK.articles} == {"", *(rows[o]["area"] for o in planned)}
    enforced = {o for o, r in rows.items() if r["mode"] == "enforced"}
    assert {a.obligation for a in PACK.articles if state(a) == "recorded"} & enforced == set()


@pytest.mark.skipif(not SOURCES, reason="../shared/seeds is not here")
def test_every_line_of_every_text_stands_in_the_source() -> None:
    source = SOURCES[0].read_text(encoding="utf-8")
    assert PACK.source["sha256"] == text_hash(source)
    known = bare("".join(line for line in source.split("\n") if not HEAD.match(line.replace("\f", "").strip())))
    missing = [(a.id, line) for a in PACK.articles for line in a.text.split("\n") if bare(line) not in known]
    assert missing == []


def test_a_repealed_penalty_is_no_value_and_a_lost_figure_no_classification() -> None:
    values = " ".join(f"{p.name} {p.value} {p.note}" for p in PACK.parameters)
    assert "700" not in values
    assert "징역" not in values
    merged = PACK.by_id["5장1절3.1"]
    assert (merged.status, "그림 5-1" in merged.text) == ("recorded", True)


def test_the_fuller_of_two_lists_of_refusal_grounds_stands() -> None:
    (grounds,) = (p for p in PACK.parameters if p.name == "refusal.grounds")
    assert len(grounds.value) == 4
    assert any("기술적으로" in g for g in grounds.value)
    assert grounds.article.text.count("\n") == 4


@pytest.mark.parametrize("name", available())
def test_no_code_of_any_classification_is_a_misread_word(name: str) -> None:
    words = [w for r in load_pack(folder() / name).purposes for w in (r.code, r.ko, *r.ordinance, *r.survey)]
    assert [w for w in words if re.search("방법용|채납|방제|수입", w)] == []
