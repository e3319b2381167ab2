"""A city switched by one setting: every URL is asked under Osan's guideline, and what answers otherwise is listed."""
# ruff: noqa: F811 - a fixture of another file is imported by name

from __future__ import annotations

import pytest
from django.test import override_settings
from test_matrix import world  # noqa: F401 - a fixture

from support import matrix
from support.cities import OSAN, switching

ROWS = matrix.rows()
# asked by the officer who may do most, and where pictures are by the operator, too, whose wall must never be dark
ROOMS = ("watching", "playback")
# (URL, method) → (answer, why); everything else answers as the matrix has it for the city before
OTHERWISE = {
    # forms and articles of the former city's pack are not this city's
    **{(f"papers:{n}", m): ("hidden", "not its form") for n, m in (
        ("form", "GET"), ("file", "GET"), ("fill", "GET"), ("fill", "POST"), ("public-form", "GET"),
        ("public-file", "GET"), ("filled", "GET"), ("filled-file", "GET"),
    )},
    ("publication:article", "GET"): ("hidden", "not its article"),
    ("publication_article", "GET"): ("hidden", "not its article"),
    ("publication:law_report_file", "GET"): ("hidden", "not its pack"),
    # what was applied for under the former rules is read on the page; this city has no form to print it on
    ("preservation:form-pdf", "GET"): ("bad", "extension.form"),
    # an approval of an officer who does not approve here opens nothing any more (제32조제2항)
    ("playback:play", "GET"): ("refused", "approved by the manager"),
    ("playback_permit", "POST"): ("refused", "approved by the manager"),
    # no article prolongs a keeping by form
    **{(f"preservation:{n}", m): ("refused", "extension.form") for n in ("apply", "again") for m in ("GET", "POST")},
    # no article widens watching in an emergency, and none lets a camera leave its zone (제29조제1항)
    ("watching:emergency_open", "POST"): ("refused", "live.emergency"),
    ("watching_emergency_open", "POST"): ("refused", "live.emergency"),
    ("watching_ptz_emergency_open", "POST"): ("refused", "ptz.exceptions"),
    ("watching_ptz_emergency_extend", "POST"): ("refused", "ptz.exceptions"),
}  # fmt: skip


@pytest.fixture
def switch():
    with switching() as packs:
        yield packs


@pytest.mark.django_db
@override_settings(ROOT_URLCONF="gwanje.apps.web.urls")
def test_no_url_breaks_when_the_city_is_another(world, switch):
    wrong, asked = [], 0
    for name, row in ROWS.items():
        own = matrix.operations().get(name)
        # what was made before the switch stays: a centre's old rows are read under its new rules
        switch(None)
        for word in (row.get("args") or {}).values():
            world.thing(word)
        for method in [own[0]] if own else ["GET", "POST"]:
            if method not in row:
                continue
            matrix._filled(world, list((row[method].get("data") or {}).values()))
            for actor in ("chief_officer", *(["operator"] if row["file"] in ROOMS else [])):
                switch(None)
                world.ready(actor, room=bool(row[method].get("room")))
                switch(OSAN)
                asked += 1
                usual = matrix.expected(row[method])[actor]
                wanted = OTHERWISE.get((name, method), (usual, ""))[0]
                try:
                    found = matrix.ask(world, name, row, method, actor)
                except Exception as error:
                    found = f"{type(error).__name__}: {error}"[:160]
                if found != wanted:
                    wrong.append(f"{name} {method} {actor}: {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert asked > len(ROWS)
