"""One running centre for all stories of this folder, and its people signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import support
from story.centre import Centre, Visitor, running


@pytest.fixture(scope="package")
def centre() -> Iterator[Centre]:
    """A demo centre on a folder of its own, with every process running."""
    with running(Path(support.folder()) / "story") as made:
        yield made


@pytest.fixture(scope="package")
def people(centre: Centre) -> dict[str, Visitor]:
    """One signed-in person per role at a fitting station, on shift; ``stranger`` is of another agency."""
    return centre.sign_in_all()
