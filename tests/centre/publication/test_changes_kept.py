"""Comparisons of versions are made once and a few are kept, none of them long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gwanje.centre.common.kept import Kept
from gwanje.centre.publication import bodies, pages


@pytest.fixture
def compared(monkeypatch):
    """``compared.ask(1, 2, lines=…)``: what version 2 changes; ``compared.made``: what was really compared."""
    made, lines = [], {}

    def diff(before, after, lang="ko", public=False):
        made.append((before, after, lang, public))
        return [bodies.Change("목록", (), tuple(lines["now"]))]

    def ask(old, new, state="announced", lang="ko", said=("줄",)):
        lines["now"] = said
        rows = [SimpleNamespace(sha256=f"{n:064}", state=s) for n, s in ((old, "announced"), (new, state))]
        return pages.public_changes(rows[1], rows[0], lang)

    monkeypatch.setattr(bodies, "diff", diff)
    monkeypatch.setattr(pages.reading_versions, "body", lambda row: int(row.sha256))
    monkeypatch.setattr(pages, "_changes", Kept(pages.CHANGES_MAX))
    return SimpleNamespace(ask=ask, made=made)


def test_what_two_announced_versions_differ_in_is_found_once(compared):
    for _ in range(3):
        assert compared.ask(1, 2)[0].added == ("줄",)
    assert compared.made == [(1, 2, "ko", True)]
    compared.ask(1, 2, lang="en")
    assert len(compared.made) == 2


def test_a_draft_is_compared_each_time_and_nothing_of_it_is_kept(compared):
    for _ in range(2):
        compared.ask(1, 2, state="draft")
    assert len(compared.made) == 2
    assert len(pages._changes) == 0


def test_so_many_comparisons_are_kept_and_no_more(compared):
    for n in range(pages.CHANGES_MAX + 6):
        compared.ask(n, n + 1)
    assert len(pages._changes) == pages.CHANGES_MAX == 64
    before = len(compared.made)
    compared.ask(pages.CHANGES_MAX + 5, pages.CHANGES_MAX + 6)
    assert len(compared.made) == before
    # the least lately asked for went first
    compared.ask(0, 1)
    assert len(compared.made) == before + 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (("줄",) * (pages.LINES_MAX - 1), True),
        (("줄",) * pages.LINES_MAX, False),
        (("가" * (pages.LETTERS_MAX - 2),), True),
        (("가" * (pages.LETTERS_MAX - 1),), False),
    ],
)
def test_a_long_comparison_is_made_and_not_kept(compared, said, kept):
    assert pages.LINES_MAX == 2000
    for _ in range(3):
        assert compared.ask(1, 2, said=said)[0].added == said
    assert len(compared.made) == (1 if kept else 3)
    assert [bool(v) for v in pages._changes._found.values()] == [kept]


def test_the_first_version_changes_nothing(compared):
    assert pages.public_changes(SimpleNamespace(state="announced"), None, "ko") == []
    assert compared.made == []


def test_a_store_forgets_what_was_least_lately_asked_for():
    made = []
    kept = Kept(2)
    for key in ("가", "나", "가", "다", "가", "나"):
        assert kept.get(key, lambda key=key: made.append(key) or key * 2) == key * 2
    assert made == ["가", "나", "다", "나"]
    assert len(kept) == 2
    kept.clear()
    assert len(kept) == 0
