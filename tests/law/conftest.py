"""Law tests ask the real packs of this checkout; nothing here touches a database or a clock."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import settings

from gwanje import law
from gwanje.law.cases import stacks
from gwanje.law.force import InForce, Law

# the first question of a year loads its holidays, which takes longer than a deadline made for arithmetic
settings.register_profile("law", deadline=None)
settings.load_profile("law")
TODAY = date(2026, 11, 20)


@pytest.fixture(scope="session")
def city() -> Law:
    """The first stack: the national packs and one city."""
    return law.load(stacks()[0])


@pytest.fixture
def today(city: Law) -> InForce:
    return city.on(TODAY)
