"""Two-level purposes at the registry: asked in a city that has a table, refused with its article, never in the way."""
# ruff: noqa: F811 - fixtures of another file are imported by name

from __future__ import annotations

from dataclasses import replace

import pytest
from test_camera_registry import admin, connected, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import home, law
from gwanje.centre.common.refusal import Problem, Refused
from support.cities import OSAN, switching

pytestmark = pytest.mark.django_db
PARKING = "시설관리/주차관리"


@pytest.fixture
def osan():
    with switching() as packs:
        packs(OSAN)
        yield packs


@pytest.mark.norm("camera.purpose_class", "allow")
def test_what_the_table_lists_is_registered_as_it_was_chosen(vault, retention, admin, new, osan):
    chosen = connected(new, purposes=("시설물관리",), classification=(PARKING,))
    row = services.register_camera(admin, chosen)
    assert row.classes["ordinance"] == [PARKING]
    assert row.classes["national"] == ["시설물관리"]
    # nobody chose: the national word's places in the table count, as from an imported list
    other = services.register_camera(admin, connected(replace(new, number="A-0124")))
    assert other.classes["ordinance"] == ["사회안정/방범용"]


@pytest.mark.norm("camera.purpose_class", "deny")
@pytest.mark.parametrize(
    ("word", "code"),
    [("문제차량/채납차량", "not_in_classification"), ("사회안정/방법용", "not_in_classification"),
     ("주차관리", "level_missing"), ("시설관리/", "level_missing")],
)  # fmt: skip
def test_what_the_table_does_not_list_is_refused_with_the_article(vault, retention, admin, new, osan, word, code):
    with pytest.raises(Refused) as refused:
        services.register_camera(admin, connected(new, classification=(PARKING, word)))
    decision = refused.value.decision
    assert [r.code for r in decision.reasons] == [code]
    assert {a.key for a in decision.articles} >= {"kr_osan:5(1)", "kr_osan:별표1"}
    assert not Camera.objects.filter(number=new.number).exists()


def test_a_camera_of_before_can_leave_service_and_does_not_come_back_unclassified(vault, retention, admin, new, osan):
    osan(None)
    row = services.register_camera(admin, connected(new))
    Camera.objects.filter(pk=row.pk).update(classes={"ordinance": ["사회안정/그 밖"]})
    osan(OSAN)
    assert services.change_state(admin, row.id, "suspended").state == "suspended"
    with pytest.raises(Refused) as refused:
        services.change_state(admin, row.id, "active")
    assert [r.code for r in refused.value.decision.reasons] == ["not_in_classification"]
    # under the rules it was registered by it comes back
    osan(None)
    assert services.change_state(admin, row.id, "active").state == "active"


def test_a_city_without_a_table_has_no_such_choice(vault, retention, admin, new, officers, sign_in):
    with pytest.raises(Problem) as problem:
        services.register_camera(admin, replace(new, classification=(PARKING,)))
    assert problem.value.code == "classification"
    page = sign_in(officers["administrator"]).get("/cameras/new/").content.decode()
    assert 'name="classification"' not in page


def test_the_form_offers_the_sixteen_and_registers_the_chosen(vault, retention, officers, sign_in, osan):
    client = sign_in(officers["administrator"])
    page = client.get("/cameras/new/").content.decode()
    assert page.count('name="classification"') == len(law().parameter("camera.purpose_tree").value) == 16
    sent = {
        "number": "A-7", "place": "가온로 7", "lat": "37.15", "lon": "127.07", "purposes": ["시설물관리"],
        "classification": [PARKING], "device": "네트워크 카메라", "mode": "integrated", "state": "planned",
        "direction_deg": "0", "angle_deg": "60", "range_m": "50",
    }  # fmt: skip
    assert client.post("/cameras/new/", sent).status_code == 302
    assert Camera.objects.get(number="A-7").classes["ordinance"] == [PARKING]
    refused = client.post("/cameras/new/", {**sent, "number": "A-8", "classification": ["문제차량/채납차량"]})
    assert refused.status_code == 422
    assert not Camera.objects.filter(number="A-8").exists()


def test_the_setting_is_the_only_thing_that_names_the_city(osan):
    assert home().config["packs"] == list(OSAN)
    assert law().title("chief_officer") == "총괄책임관"
    osan(None)
    assert law().title("chief_officer") == "총괄책임자"
