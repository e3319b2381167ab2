"""The nine letters that the Seoul report names (열람·정정 공문): titles, what each must say, and a letter's manner."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest

from gwanje.centre.common.papers import hwpx
from gwanje.centre.common.papers.values import Faults, clean
from gwanje.law.forms import Fields, Letter, Register
from support.owpml_reader import read
from support.papers import filled, forms

SEED = sorted((Path(__file__).resolve().parents[3] / "shared" / "seeds").glob("003_*.txt"))
TITLES = {
    "SEO-F1": "개인정보 열람청구서",
    "SEO-F2": "열람통지서",
    "SEO-F3": "열람연기통지서",
    "SEO-F4": "열람제한결정서",
    "SEO-F5": "개인정보 정정·삭제청구서",
    "SEO-F6": "정정조치결과통지서",
    "SEO-F7": "정정연기통지서",
    "SEO-F8": "정정거부등결정통지서",
    "SEO-F9": "개인정보파일대장",
}
# what the report itself, or the decree (제42조제2항, 제43조제3항), says that the letter names
MUST_SAY = {
    "SEO-F2": ["열람 허용여부", "열람일시", "열람장소"],
    "SEO-F3": ["열람연기 사유", "이의제기방법"],
    "SEO-F4": ["열람제한 사유", "구체적인 사유", "이의제기방법"],
    "SEO-F6": ["조치내용", "조치일자"],
    "SEO-F7": ["연기사유", "예정기간"],
    "SEO-F8": ["결정내용", "결정 사유", "불복절차"],
}
NEEDED = {
    "SEO-F2": {"allowed", "viewing_at", "place"},
    "SEO-F3": {"reason", "objection"},
    "SEO-F4": {"ground", "reason", "basis", "objection"},
    "SEO-F6": {"done", "done_on"},
    "SEO-F7": {"reason", "expected", "due_on", "extended_on"},
    "SEO-F8": {"decision", "reason", "objection"},
}


def bare(text: str) -> str:
    return re.sub(r"\s", "", text).replace("․", "·")


def test_the_nine_letters_are_there_by_the_names_of_the_report() -> None:
    ours = {name: form.title for name, form in forms().items() if form.pack == "kr_seoul"}
    assert ours == TITLES
    # the report has no layout of them: no number of an annex is made up
    assert {forms()[name].label for name in TITLES} == {""}


@pytest.mark.skipif(not SEED, reason="the source texts are not beside this checkout")
@pytest.mark.parametrize("name", sorted(TITLES))
def test_the_report_names_each_letter(name: str) -> None:
    assert bare(TITLES[name]) in bare(SEED[0].read_text(encoding="utf-8"))


@pytest.mark.skipif(not SEED, reason="the source texts are not beside this checkout")
def test_the_grounds_of_the_restriction_are_the_reports_four() -> None:
    source = bare(SEED[0].read_text(encoding="utf-8"))
    grounds = forms()["SEO-F4"].field("ground").options
    assert [bare(one.ko) in source for one in grounds] == [True] * 4


@pytest.mark.parametrize("name", sorted(MUST_SAY))
def test_a_letter_says_what_it_must_and_cannot_be_sent_without(name: str) -> None:
    form = forms()[name]
    labels = [cell.ko for block in form.blocks if isinstance(block, Fields) for row in block.rows for cell in row]
    assert [word for word in MUST_SAY[name] if word not in labels] == []
    with pytest.raises(Faults) as caught:
        clean(form, {}, strict=True)
    assert NEEDED[name] <= set(caught.value.by_name)
    assert {"applicant.name", "received_on", "issued_on"} <= set(caught.value.by_name)


@pytest.mark.parametrize("name", sorted(MUST_SAY))
def test_a_letter_has_an_official_letters_manner(name: str) -> None:
    """수신, 제목, 본문, 끝., 발신명의 in this order; 끝 stands two letters behind the last sentence."""
    form = forms()[name]
    values = {
        **filled(form),
        "applicant.name": "홍길동",
        "received_on": date(2026, 2, 27),
        "issued_on": date(2026, 3, 3),
    }
    texts = read(hwpx.render(form, values)).texts
    assert texts[:2] == [form.title, "수신  홍길동 귀하"]
    assert texts[2].startswith("제목  ")
    assert texts[3].startswith("1. 2026년 2월 27일 접수한 귀하의 ")
    endings = [number for number, text in enumerate(texts) if text.endswith("  끝.")]
    assert len(endings) == 1
    assert texts[endings[0] + 1] == "2026년 3월 3일"
    assert texts[endings[0] + 2 : endings[0] + 5] == ["보유기관의 장", "값 head.signed", "(직인)"]
    paragraphs = [text for block in form.blocks if isinstance(block, Letter) for text in block.paragraphs]
    assert sum("끝." in text.ko for text in paragraphs) == 1


@pytest.mark.parametrize("name", sorted(TITLES))
def test_labels_stand_in_the_order_that_the_form_declares(name: str) -> None:
    form = forms()[name]
    joined = [bare(text).lstrip("※").split(":")[0] for text in read(hwpx.render(form, None)).texts]
    at = 0
    # 처리기한 stands beside the title, before or after its boxes
    for label in (one for one in form.source_fields if one != "처리기한"):
        rest = [number for number, text in enumerate(joined[at:], at) if bare(label) in text]
        assert rest, label
        # boxes of one row stand in one text
        at = rest[0] if "□" in joined[rest[0]] else rest[0] + 1


def test_a_request_names_its_file_its_time_and_its_place() -> None:
    form = forms()["SEO-F1"]
    first, last = datetime(2026, 1, 31, 18, 30), datetime(2026, 1, 31, 19, 0)  # noqa: DTZ001 - the centre's clock
    paper = read(hwpx.render(form, {"recorded": (first, last), "file": "방범 영상 파일", "camera": "상계로 118 앞"}))
    assert paper.fields["recorded"] == "2026-01-31 18:30:00 ~ 2026-01-31 19:00:00"
    assert (paper.fields["file"], paper.fields["camera"]) == ("방범 영상 파일", "상계로 118 앞")
    assert "보유기관의 장 귀하" in paper.texts


def test_the_register_has_what_is_registered_today() -> None:
    """개인정보 보호법 제32조제1항 제1호~제6호, 시행령 제33조제1항 제1호~제5호: eleven, and one table a file."""
    form = forms()["SEO-F9"]
    block = form.blocks[0]
    assert isinstance(block, Register)
    assert len(block.columns) == 6 + 5
    paper = read(hwpx.render(form, {"files": [{"name": "방범"}, {"name": "교통", "kept": "30일"}]}))
    assert [grid.line(0) for grid in paper.tables[1:]] == [["방범"], ["교통"]]
    assert paper.fields["files.2.kept"] == "30일"
