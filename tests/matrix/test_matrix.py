"""URL × role × agency: what everybody gets from every URL, asked of the real project on real PostgreSQL."""

from __future__ import annotations

import pytest
from django.test import override_settings

from gwanje.centre.staff import services
from gwanje.kernel.actor import ROLES
from support import matrix
from support.centre import PASSWORD

ROWS = matrix.rows()
FILES = sorted({row["file"] for row in ROWS.values()})


@pytest.fixture
def world(city, police, seat, room, officers):
    """The city's eight officers, and a chief officer of another agency at a station of its own."""
    outsider = services.create_person("outsider", "외부인", police, PASSWORD)
    for role in ("chief_officer", "manager", "operator"):
        services.grant_role(outsider, role, "타 기관 발령")
    desk = services.add_station("타기관-1", "타 기관", police, playback=True)
    return matrix.World(city, police, seat, room, officers, outsider, desk)


def test_every_url_has_its_row_and_every_row_its_url():
    known = set(matrix.pages()) | set(matrix.operations())
    assert not known - set(ROWS), "URLs without a row in tests/matrix/*.yaml"
    assert not set(ROWS) - known, "rows without a URL"


def test_every_line_says_something_about_everybody():
    for name, row in ROWS.items():
        for method in matrix.METHODS:
            if method in row:
                try:
                    matrix.expected(row[method])
                except AssertionError as error:
                    pytest.fail(f"{name} {method}: {error}")


@pytest.mark.django_db
@pytest.mark.parametrize("file", FILES)
@override_settings(ROOT_URLCONF="gwanje.apps.web.urls")
def test_matrix(file, world):
    wrong, asked = [], 0
    for name, row in ROWS.items():
        if row["file"] != file:
            continue
        own = matrix.operations().get(name)
        for method in [own[0]] if own else ["GET", "POST"]:
            if method not in row:
                found = matrix.ask(world, name, row, method, "chief_officer")
                if found != "405":
                    wrong.append(f"{name} {method}: {found}, but the row has no such line (405 expected)")
                continue
            wanted = matrix.expected(row[method])
            away = {actor: word for word, who in (row[method].get("off_duty") or {}).items() for actor in who}
            for actor, word in wanted.items():
                asked += 1
                found = matrix.ask(world, name, row, method, actor)
                if found != word:
                    wrong.append(f"{name} {method} {actor}: {found}, the row says {word}")
                # what is hidden from another agency by its id is on record, once
                names_one = row.get("args") or row[method].get("data")
                if (actor, word) == ("other_agency", "hidden") and names_one and world.refusals != 1:
                    wrong.append(f"{name} {method} {actor}: {world.refusals} ledger rows of the refusal")
            for actor, word in away.items():
                asked += 1
                found = matrix.ask(world, name, row, method, actor, duty=False)
                if found != word:
                    wrong.append(f"{name} {method} {actor} off duty: {found}, the row says {word}")
    assert not wrong, "\n".join(wrong)
    assert asked >= len(ROLES)
