"""Refusals of people who have signed in: each on record with who and what, and no flood of them fills the ledger."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from gwanje.centre.common import clock
from gwanje.kernel import ledger
from support.centre import ledger_rows

pytestmark = pytest.mark.django_db


def refused(person) -> list[tuple[str, dict]]:
    """(kind, opening) of what a person was refused."""
    return [(kind, row) for kind, outcome, row in ledger_rows() if outcome == "refused" and row["actor"] == person.pk]


def test_what_another_agency_looks_for_is_on_record_whether_it_is_there_or_not(sign_in, hire, police, officers):
    stranger = hire("chief_officer", "manager", agency=police)
    browser, own, nowhere = sign_in(stranger), officers["operator"].pk, uuid4()
    answers = [browser.get(f"/staff/people/{i}/", headers={"Accept": "application/json"}) for i in (own, nowhere)]
    answers += [browser.get(f"/cameras/{nowhere}/"), browser.get(f"/api/cameras/{nowhere}")]
    assert [a.status_code for a in answers] == [404] * 4
    assert answers[0].content == answers[1].content, "what is there and what is not can be told apart"
    rows = refused(stranger)
    assert [kind for kind, _ in rows] == ["staff.read.refused"] * 2 + ["cameras.registry.read.refused"] * 2
    assert [row["detail"].get("person") for _, row in rows[:2]] == [str(own), str(nowhere)]
    assert rows[2][1]["cameras"] == rows[3][1]["cameras"] == [nowhere]
    assert all(row["detail"]["reasons"] == ["not_found"] for _, row in rows)
    assert all(row["agency"] == police.pk and row["station"] for _, row in rows)


def test_a_script_of_one_account_does_not_flood_the_ledger(sign_in, hire, police, advance):
    stranger = hire("chief_officer", agency=police)
    browser = sign_in(stranger)
    asked = 45
    for _ in range(asked):
        assert browser.get(f"/api/cameras/{uuid4()}").status_code == 404
    full = len(refused(stranger))
    assert 30 <= full < asked
    advance(120)
    cursor = connection.cursor()
    ledger.flush_refusals(cursor, clock())
    rows = [row for _, row in refused(stranger)]
    assert sum(row["detail"].get("count", 1) for row in rows) == asked
    assert len(rows) <= full + 2
