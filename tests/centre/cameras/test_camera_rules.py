"""The five rules of cameras, pure: one deny and one allow each, under the packs in force."""

from __future__ import annotations

from datetime import date

import pytest

from gwanje.centre.cameras import rules
from gwanje.law import load

LAW = load(["kr_national", "kr_anyang"]).on(date(2026, 11, 20))
FACTS = {
    "purposes": ["범죄예방"], "device": "네트워크 카메라", "angle_deg": 60, "range_m": 40, "ptz": False, "active": True,
    "connected": True, "exemption": "", "foreign": False, "mandate": "", "mandate_from": None, "mandate_until": None,
}  # fmt: skip


def codes(rule, **changes):
    decision = rule({**FACTS, **changes}, LAW)
    assert decision.articles
    assert decision.allow is (not decision.reasons)
    return [reason.code for reason in decision.reasons]


@pytest.mark.norm("camera.public_purpose", "deny")
def test_a_private_purpose_is_refused():
    assert codes(rules.public_purpose, purposes=["기타"]) == ["purpose_not_public"]
    assert codes(rules.public_purpose, purposes=["범죄예방", "영업"]) == ["purpose_not_public"]
    assert codes(rules.public_purpose, purposes=[]) == ["purpose_missing"]


@pytest.mark.norm("camera.public_purpose", "allow")
def test_the_ordinances_purposes_are_allowed():
    assert codes(rules.public_purpose, purposes=["범죄예방", "시설물 관리", "재난·재해 예방"]) == []


@pytest.mark.norm("camera.scope", "deny")
def test_a_drone_is_out_of_scope():
    assert codes(rules.scope, device="드론") == ["device_out_of_scope"]


@pytest.mark.norm("camera.scope", "allow")
def test_both_kinds_of_the_ordinance_are_in_scope():
    assert codes(rules.scope) == codes(rules.scope, device="폐쇄회로 텔레비전") == []


@pytest.mark.norm("camera.minimum", "deny")
def test_a_view_that_is_not_stated_is_refused():
    assert codes(rules.minimum, angle_deg=0) == codes(rules.minimum, range_m=0) == ["view_unstated"]
    assert codes(rules.minimum, range_m=5000) == ["view_unstated"]


@pytest.mark.norm("camera.minimum", "allow")
def test_a_stated_view_is_allowed():
    assert codes(rules.minimum, angle_deg=360, ptz=True) == []


@pytest.mark.norm("camera.integrated", "deny")
def test_an_unconnected_camera_is_refused():
    assert codes(rules.integrated, connected=False) == ["not_integrated"]
    assert codes(rules.integrated, connected=False, exemption="귀찮음") == ["not_integrated"]


@pytest.mark.norm("camera.integrated", "allow")
def test_a_named_exemption_is_allowed():
    exemption = LAW.parameter("camera.exemptions").value[0]
    assert codes(rules.integrated) == codes(rules.integrated, connected=False, exemption=exemption) == []
    assert codes(rules.integrated, connected=False, active=False) == []


@pytest.mark.norm("camera.mandate", "deny")
@pytest.mark.parametrize(
    "dates",
    [
        {},
        {"mandate": "문서-1"},
        {"mandate": "문서-1", "mandate_from": date(2026, 11, 21)},
        {"mandate": "문서-1", "mandate_from": date(2026, 1, 1), "mandate_until": date(2026, 11, 19)},
        {"mandate": "", "mandate_from": date(2026, 1, 1)},
    ],
)
def test_no_mandate_no_operation(dates):
    assert codes(rules.mandate, foreign=True, **dates) == ["mandate_invalid"]


@pytest.mark.norm("camera.mandate", "allow")
def test_a_mandate_valid_today_is_enough():
    dates = {"mandate": "문서-1", "mandate_from": date(2026, 11, 20), "mandate_until": date(2026, 11, 20)}
    assert codes(rules.mandate, foreign=True, **dates) == codes(rules.mandate) == []
    assert codes(rules.mandate, foreign=True, active=False) == []


def test_all_reasons_are_told_at_once():
    assert codes(rules.may_register, device="드론", connected=False) == ["device_out_of_scope", "not_integrated"]
