"""The law on one sheet: what differs, what nobody answers, and a new city's folder that loads and traces at once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gwanje import law
from gwanje.law import PackError, trace
from gwanje.law.packs import folder, load_pack
from gwanje.law.sheet import SECTIONS, differences, lacks, sheet
from gwanje.law.template import NewPack, write

ON = date(2026, 11, 21)
NEW = NewPack("kr_sixth", "여섯째시 조례", "여섯째시 조례", "Sixth City", "조례", "조례 제1호", date(2026, 1, 1), 100)


def of(name: str, on: date = ON):
    return law.load(("kr_national", name)).on(on)


def test_a_sheet_does_not_differ_from_itself() -> None:
    one = sheet(of("kr_anyang"))
    assert set(one.lines) == set(SECTIONS)
    assert differences(one, sheet(of("kr_anyang"))) == []
    assert one.lines["기준값"]["최대 보관기간"] == ("30일", "안양시 조례 제31조제1항")


def test_what_differs_is_said_in_plain_korean_from_both_sides() -> None:
    one, other = sheet(of("kr_anyang")), sheet(of("kr_incheon"))
    told = differences(one, other)
    assert "[직명] chief_officer — 안양시 조례는 총괄책임자, 인천광역시 방침은 개인영상정보 보호책임자." in told
    assert any(t.startswith("[보관기간] 인천광역시 방침에만 있고 안양시 조례에는 없습니다: 총무과") for t in told)
    assert any("[서식] 안양시 조례에만 있고" in t and "별지 제3호서식" in t for t in told)
    # the same ten days under another article are no difference
    assert not any("청구 처리기한" in t for t in told)
    assert len(told) == len(differences(other, one))


def test_a_sheet_is_of_its_day() -> None:
    last, after = (sheet(of("kr_anyang", date(2020, 8, day))) for day in (4, 5))
    assert [t for t in differences(last, after) if t.startswith("[근거]")]
    assert not sheet(of("kr_anyang", date(2020, 7, 9))).lines["기준값"].get("최대 보관기간")


def test_what_nobody_answers_says_what_stops() -> None:
    told = dict(lacks(of("kr_incheon")))
    assert "재생할 수 없습니다" in told["playback.approver_roles"]
    assert "live.on_duty" in told
    assert "retention.by_class" not in told
    assert "playback.approver_roles" not in dict(lacks(of("kr_anyang")))


def test_a_new_pack_loads_and_traces_as_partial(tmp_path: Path) -> None:
    root = tmp_path / "packs"
    shutil.copytree(folder(), root)
    place = write(replace(NEW, title='여섯째 "조례": {x} # - [a]'), root)
    made = load_pack(place)
    assert (made.title, made.partial, made.whole) == ('여섯째 "조례": {x} # - [a]', True, 100)
    built = trace.build(root, tests=[])
    told = built.summary(next(p for p in built.packs if p.id == "kr_sixth"))
    assert told == "kr_sixth: partial, 1 of 100 listed so far: 0 enforced, 0 planned, 1 recorded"
    assert not [f for f in built.findings if "kr_sixth" in f or "여섯째" in f]
    assert built.total().startswith("433 of 433")
    with pytest.raises(PackError, match="exists"):
        write(NEW, root)
    assert not list(root.glob(".new-pack-*"))


@pytest.mark.parametrize(
    "wrong",
    [{"name": "../kr_x"}, {"name": "KR"}, {"rank": "왕명"}, {"rows": 1}, {"title": "a\nrank: 법"}, {"short": " "},
     {"en": "x" * 201}],
)  # fmt: skip
def test_a_new_pack_with_a_bad_name_is_refused_and_leaves_nothing(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(PackError) as refused:
        write(replace(NEW, **wrong), tmp_path)
    assert refused.value.ko != refused.value.en
    assert list(tmp_path.iterdir()) == []
