"""Every case of every pack, in every stack that holds it: a marked test each, for the mutants run, too."""

from __future__ import annotations

import pytest

from gwanje import law
from gwanje.law import cases
from gwanje.law.packs import Case
from gwanje.law.registry import discover

discover()
ALL = [(names, case) for names in cases.stacks() for case in cases.cases(law.load(names))]


@pytest.mark.parametrize(
    ("names", "case"),
    [pytest.param(n, c, marks=pytest.mark.norm(c.norm, c.side), id=f"{c.norm}: {c.title}") for n, c in ALL],
)
def test_case(names: tuple[str, ...], case: Case) -> None:
    outcome = cases.run(case, law.load(names))
    assert outcome.ok, outcome.told


def test_there_are_cases() -> None:
    assert len(ALL) >= 20
