"""Pixels of a camera at the registry: below the standard it does not run; who names no standard asks nothing."""
# ruff: noqa: F811 - fixtures of another file are imported by name

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from test_camera_registry import admin, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import services
from gwanje.centre.cameras.models import ACTIVE, PLANNED, Camera
from gwanje.centre.common.refusal import Refused
from gwanje.law import load

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 21)
SEOUL = load(["kr_national", "kr_anyang", "kr_seoul"]).on(ON)


@pytest.fixture
def seoul(monkeypatch):
    """Seoul's standard, too, is in force."""
    monkeypatch.setattr(services, "law", lambda: SEOUL)


@pytest.mark.norm("camera.standard", "deny")
def test_below_the_standard_or_unstated_is_refused_with_the_article(vault, retention, admin, new, seoul):
    url = "rtsp://192.0.2.8/live"
    for pixels, code in ((40, "pixels_below"), (None, "pixels_unstated")):
        with pytest.raises(Refused) as refused:
            services.register_camera(admin, replace(new, main_url=url, state=ACTIVE, pixels=pixels))
        decision = refused.value.decision
        assert [r.code for r in decision.reasons] == [code]
        assert "kr_seoul:표2-14.5" in {a.key for a in decision.articles}
    assert not Camera.objects.filter(number=new.number).exists()


@pytest.mark.norm("camera.standard", "allow")
def test_at_the_standard_it_runs_and_a_planned_one_is_not_asked(vault, retention, admin, new, seoul):
    row = services.register_camera(admin, replace(new, main_url="rtsp://192.0.2.8/live", state=ACTIVE, pixels=41))
    assert (row.state, row.pixels) == (ACTIVE, 41)
    other = services.register_camera(admin, replace(new, number="A-7001", state=PLANNED, pixels=None))
    assert other.pixels is None
    with pytest.raises(Refused) as refused:
        services.change_state(admin, other.id, ACTIVE)
    assert "pixels_unstated" in {r.code for r in refused.value.decision.reasons}


def test_where_no_pack_names_a_standard_nothing_is_asked(vault, retention, admin, new):
    assert services.register_camera(admin, replace(new, main_url="rtsp://192.0.2.8/live", pixels=None)).pixels is None
