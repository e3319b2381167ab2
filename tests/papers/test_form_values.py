"""What stands in a form (서식의 값): dates as people type them, periods in order, limits, how a paper prints them."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje.centre.common.papers.values import (
    BLANK_DATE,
    Faults,
    blank,
    clean,
    day_of,
    moment_of,
    period_of,
    printed,
    tidy,
)
from gwanje.law.forms import Field, Option
from support.papers import forms


def at(*parts: int) -> datetime:
    """A moment on the centre's clock, as papers have it."""
    return datetime(*parts)  # noqa: DTZ001 - papers print the centre's clock


@pytest.mark.parametrize(
    "text", ["2026-02-28", "2026.02.28", "2026. 2. 28.", "2026/2/28", "2026년 2월 28일", " 2026-2-28 "]
)
def test_a_day_is_read_in_the_ways_people_write_it(text):
    assert day_of(text) == date(2026, 2, 28)


@pytest.mark.parametrize("text", ["2026-02-29", "26-2-28", "2026-13-01", "어제", "", "2026-02-28 10:00"])
def test_what_is_no_day_is_none(text):
    assert day_of(text) is None


@given(st.dates(min_value=date(1000, 1, 1)), st.times())
def test_what_the_house_prints_it_reads_again(day, clock):
    whole = clock.replace(second=0, microsecond=0)
    assert day_of(printed(Field("a", "가", "a", "date", 10), day)) == day
    assert moment_of(f"{day:%Y-%m-%d} {whole:%H:%M}".rjust(16, "0")) == datetime.combine(day, whole)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2019.01.01 18:30 ~ 2019.01.01 19:00", (at(2019, 1, 1, 18, 30), at(2019, 1, 1, 19, 0))),
        ("2019.01.01 18:30 ~ 19:00", (at(2019, 1, 1, 18, 30), at(2019, 1, 1, 19, 0))),
        ("2019-12-31 23:59:50~2020-01-01 00:00:10", (at(2019, 12, 31, 23, 59, 50), at(2020, 1, 1, 0, 0, 10))),
        ("2019-01-01 ~ 2019-01-03", (date(2019, 1, 1), date(2019, 1, 3))),
        ("2019-01-01 19:00 ~ 18:30", None),
        ("2019-01-01 ~ 2019-01-03 10:00", None),
        ("2019-01-01", None),
        ("18:30 ~ 19:00", None),
        ("~", None),
    ],
)
def test_a_period_has_a_beginning_before_its_end(text, found):
    assert period_of(text) == found


@given(st.text(max_size=60))
def test_tidy_text_stays_as_it_is(text):
    once = tidy(text)
    assert tidy(once) == once
    assert not any(ord(letter) < 32 and letter != "\n" for letter in once)
    assert "\n" not in tidy(text, lines=False)


@given(st.text(max_size=40))
def test_nothing_that_is_typed_breaks_a_reader(text):
    assert isinstance(day_of(text), date | None)
    assert isinstance(moment_of(text), datetime | None)
    assert isinstance(period_of(text), tuple | None)


def strict(**changes):
    """The request form as a person typed it, with these changes; the faults by field."""
    typed = {
        "kinds": ["view"], "signed_on": "2026-11-20", "applicant.name": "김가온", "applicant.phone": "010-1234-5678",
        "applicant.birth": "900102", "applicant.address": "가온로 1", "subject.name": "이가온",
        "recorded": "2026.11.01 18:30 ~ 19:00", "camera": "A-0123", "reason": "사고 확인",
    }  # fmt: skip
    try:
        return clean(forms()["ANY-F2"], {**typed, **changes}, strict=True)
    except Faults as faults:
        return faults.by_name


def test_a_whole_form_is_taken_as_it_was_typed():
    found = strict()
    assert found["signed_on"] == date(2026, 11, 20)
    assert found["kinds"] == ("view",)
    assert found["applicant.name"] == "김가온"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("applicant.birth", "900102-1234567", "주민등록번호"),
        ("applicant.name", "김가온 9001021234567", "주민등록번호"),
        ("applicant.phone", "전화 없음", "숫자"),
        ("signed_on", "2026-02-30", "2026-11-20처럼"),
        ("kinds", ["steal"], "없는 선택"),
        ("kinds", [], "하나 이상"),
        ("reason", "\u202e\x00 ", "적으십시오"),
        ("reason", ["a"], "글자로"),
        ("nothing", "x", "없는 항목"),
    ],
)
def test_each_fault_stands_at_its_field(name, value, said):
    found = strict(**{name: value})
    assert list(found) == [name]
    assert said in found[name][0]
    assert found[name][1]


def test_a_table_that_the_source_prints_takes_no_lines():
    with pytest.raises(Faults) as caught:
        clean(forms()["OSA-T1"], {"classes": [{"first": "새 목적"}]})
    assert "더하지 않습니다" in caught.value.ko


def test_papers_print_as_the_house_writes():
    choice = Field("a", "가", "a", "choice", 9, options=(Option("x", "이용", "Use"), Option("y", "제공", "Give")))
    period, day = Field("a", "가", "a", "period", 80), Field("a", "가", "a", "date", 10)
    assert printed(choice, "y") == "□ 이용  ■ 제공"
    assert blank(choice) == "□ 이용  □ 제공"
    assert printed(day, date(2026, 2, 3)) == "2026년 2월 3일"
    assert blank(day) == BLANK_DATE
    assert printed(period, (date(2026, 2, 3), date(2026, 3, 1))) == "2026년 2월 3일 ~ 2026년 3월 1일"
    assert printed(Field("a", "가", "a", "time", 8), time(3, 7)) == "03:07"
    assert printed(Field("a", "가", "a", "check", 1), True) == "■"
    assert printed(day, None) == ""
