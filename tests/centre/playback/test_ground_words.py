"""Grounds on pages: Korean as the row was written, English where the ground is still called that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import translation

from gwanje.centre.common import law
from gwanje.centre.common.grounds import ground_word

CODE = "investigation"


def test_a_korean_page_says_what_the_row_says() -> None:
    with translation.override("ko"):
        assert ground_word(SimpleNamespace(ground=CODE, ground_title="옛 이름")) == "옛 이름"


def test_an_english_page_says_the_same_ground_in_english() -> None:
    ground = law().ground(CODE)
    with translation.override("en"):
        assert ground_word(SimpleNamespace(ground=CODE, ground_title=ground.ko)) == ground.en
    assert ground.en != ground.ko


@pytest.mark.parametrize("code", [CODE, "no_such_ground"])
def test_a_title_of_another_day_stays_what_it_was(code: str) -> None:
    with translation.override("en"):
        assert ground_word(SimpleNamespace(ground=code, ground_title="옛 이름")) == "옛 이름"
