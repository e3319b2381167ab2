"""A camera's class at the registry: its department's row decides; a class that is not kept reaches the recorders."""
# ruff: noqa: F811 - fixtures of another file are imported by name

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from test_camera_registry import admin, connected, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.kernel.sources import sources
from gwanje.law import load

pytestmark = pytest.mark.django_db
# an ordinance for the centre, and a policy with a table of departments below it
BOTH = load(["kr_national", "kr_anyang", "kr_incheon"]).on(date(2026, 11, 21))


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr(services, "law", lambda: BOTH)


@pytest.fixture
def classes(retention):
    said = [(7, "days", 7, "방침 제2항"), (8, "none", 0, "방침 제2항"), (9, "permanent", 0, "방침 제2항")]
    for number, kind, value, reference in said:
        connection.cursor().execute(
            "insert into footage_class (number, kind, value, reference, label) values (%s, %s, %s, %s, 'x')",
            [number, kind, value, reference],
        )


def device(row):
    return next(s for s in sources(connection.cursor()) if s.camera == row.id).device


@pytest.mark.norm("retention.by_class", "deny")
def test_another_period_than_the_departments_is_refused_with_the_row(vault, classes, admin, new, table):
    wrong = connected(replace(new, department="총무과", retention_class=1))
    with pytest.raises(Refused) as refused:
        services.register_camera(admin, wrong)
    reason = refused.value.decision.reason
    assert reason.code == "not_the_rule"
    assert "7일" in reason.ko
    assert "kr_incheon:현황2" in {a.key for a in refused.value.decision.articles}
    assert not Camera.objects.filter(number=new.number).exists()
    lane = replace(new, department="교통관리과", purposes=("교통단속",), retention_class=9)
    with pytest.raises(Refused) as refused:
        services.register_camera(admin, connected(lane))
    assert refused.value.decision.reason.code == "statute_missing"
    with pytest.raises(Problem) as unknown:
        services.register_camera(admin, connected(replace(new, department="총무과", retention_class=77)))
    assert unknown.value.code == "class_unknown"


@pytest.mark.norm("retention.by_class", "allow")
@pytest.mark.norm("recording.live_only", "allow")
def test_the_departments_period_is_taken_and_what_is_not_kept_is_told_to_the_recorders(
    vault, classes, admin, new, table
):
    kept = services.register_camera(admin, connected(replace(new, department="총무과", retention_class=7)))
    assert "live_only" not in device(kept)
    disaster = replace(
        new, number="A-0200", department="소방안전본부 재난관리과", purposes=("재난재해",), retention_class=8
    )
    never = services.register_camera(admin, connected(disaster))
    assert device(never)["live_only"] is True
    services.change_state(admin, never.pk, "suspended")
    services.change_state(admin, never.pk, "active")
    assert device(never)["live_only"] is True


def test_a_city_without_a_table_registers_as_before(vault, classes, admin, new):
    row = services.register_camera(admin, connected(replace(new, department="어느 과")))
    assert "live_only" not in device(row)
