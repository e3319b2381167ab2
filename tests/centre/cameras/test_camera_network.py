"""A camera's network at the registry: over a public one never in plain, never without a reason; drivers, addresses."""
# ruff: noqa: F811 - fixtures of another file are imported by name

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from test_camera_import import kinds
from test_camera_registry import admin, new, retention, vault  # noqa: F401 - fixtures

from gwanje.centre.cameras import connection as reach
from gwanje.centre.cameras import rules_network, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.kernel.sources import sources
from gwanje.law import load

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 21)
OSAN = load(["kr_national", "kr_anyang", "kr_osan"]).on(ON)
ANYANG = load(["kr_national", "kr_anyang"]).on(ON)
PUBLIC = {"network": "public", "reason": "산 정상, 광케이블 없음"}


@pytest.fixture
def osan(monkeypatch):
    """Osan's rules, too, are in force."""
    for module in (services, reach):
        monkeypatch.setattr(module, "law", lambda: OSAN)


def on(new, url, **connection):
    return replace(new, main_url=url, connection=connection)


@pytest.mark.norm("network.encrypted", "deny")
@pytest.mark.norm("network.dedicated", "deny")
def test_a_public_network_in_plain_or_without_a_reason_is_refused_with_the_article(vault, retention, admin, new, osan):
    url = "rtsp://192.0.2.7/live"
    with pytest.raises(Refused) as refused:
        services.register_camera(admin, on(new, url, network="public"))
    decision = refused.value.decision
    assert {r.code for r in decision.reasons} == {"plain_over_public", "public_unreasoned"}
    assert {a.key for a in decision.articles} >= {"kr_osan:30(2)", "kr_osan:30(3)"}
    for unsafe in ({"onvif": "http://192.0.2.7/onvif"}, {"vpn": " "}):
        with pytest.raises(Refused):
            services.register_camera(
                admin, on(new, url if "vpn" in unsafe else "rtsps://192.0.2.7/live", **PUBLIC, **unsafe)
            )
    assert not Camera.objects.filter(number=new.number).exists()


@pytest.mark.norm("network.encrypted", "allow")
@pytest.mark.norm("network.dedicated", "allow")
def test_encryption_or_a_vpn_with_a_reason_is_registered_and_reaches_the_recorder(vault, retention, admin, new, osan):
    tls = {"fingerprint": "AB:" * 31 + "AB"}
    first = services.register_camera(admin, on(new, "rtsps://192.0.2.7/live", **PUBLIC, transport="tls", tls=tls))
    second = replace(new, number="A-0124")
    second = services.register_camera(admin, on(second, "rtsp://192.0.2.8/live", **PUBLIC, vpn="IPsec 7호선"))
    third = replace(new, number="A-0125", driver="snapshot")
    services.register_camera(admin, on(third, "http://192.0.2.9/snap.jpg", interval=0.5))
    said = {s.camera: s for s in sources(connection.cursor())}
    assert said[first.id].device["transport"] == "tls"
    assert said[second.id].device["vpn"] == "IPsec 7호선"
    assert {s.driver for s in said.values()} >= {"rtsp", "snapshot"}


def test_an_address_or_a_network_cannot_be_changed_into_plain(vault, retention, admin, new, osan):
    row = services.register_camera(admin, on(new, "rtsps://192.0.2.7/live", **PUBLIC))
    with pytest.raises(Refused):
        services.set_address(admin, row.id, "rtsp://192.0.2.7/live", "")
    plain = services.register_camera(admin, on(replace(new, number="A-0124"), "rtsp://10.0.0.7/live"))
    with pytest.raises(Refused):
        reach.set_connection(admin, plain.id, PUBLIC)
    plain.refresh_from_db()
    assert "network" not in plain.connection
    # a camera that no longer conforms can still be taken out of service
    Camera.objects.filter(pk=plain.pk).update(connection=PUBLIC)
    assert services.change_state(admin, plain.id, "suspended").state == "suspended"
    with pytest.raises(Refused):
        services.change_state(admin, plain.id, "active")
    assert kinds().count("cameras.camera.registered") == 2


def test_a_city_without_such_an_article_registers_as_before(vault, retention, admin, new):
    facts = {"active": True, "network": "public", "vpn": "", "reason": "", "schemes": ["rtsp"]}
    assert rules_network.in_force(facts, ANYANG) == []
    assert [d.allow for d in rules_network.in_force(facts, OSAN)] == [False, False]
    assert services.register_camera(admin, on(new, "rtsp://192.0.2.7/live", network="public")).state == "active"


BAD = [
    ("rtsp", "http://192.0.2.7/x", {}, "url"),
    ("pyav", "file:///etc/passwd", {}, "url"),
    ("vendor", "file:///etc/passwd", {}, "url"),
    ("snapshot", "rtsp://192.0.2.7/x", {}, "url"),
    ("rtsp", "rtsp://a:b@192.0.2.7/x", {}, "url_secret"),
    ("../rtsp", "rtsp://192.0.2.7/x", {}, "driver"),
    ("rtsp", "rtsp://192.0.2.7/x", {"netwrok": "public"}, "connection"),
    ("rtsp", "rtsp://192.0.2.7/x", {"tls": {"fingerprint": "12"}}, "connection"),
    ("rtsp", "rtsp://192.0.2.7/x", {"tls": {"ca": "-----BEGIN PRIVATE KEY-----"}}, "connection"),
    ("rtsp", "rtsp://192.0.2.7/x", {"interval": 0}, "connection"),
]


@pytest.mark.parametrize(("driver", "url", "said", "code"), BAD)
def test_what_no_recorder_could_follow_is_refused_and_nothing_is_written(admin, new, driver, url, said, code):
    with pytest.raises(Problem) as problem:
        services.register_camera(admin, replace(new, driver=driver, main_url=url, connection=said))
    assert problem.value.code == code
    assert not Camera.objects.filter(number=new.number).exists()


def test_the_form_registers_network_driver_and_certificate(vault, retention, officers, sign_in):
    client = sign_in(officers["administrator"])
    page = client.get("/cameras/new/").content.decode()
    for word in ("전송망", "공중망", "전용망", "사유", "VPN", "수신 방식", "UDP", "인증서 지문"):
        assert word in page
    data = {
        "number": "A-0777", "place": "가온로 7", "lat": "37.39", "lon": "126.95", "purposes": ["생활방범"],
        "device": "네트워크 카메라", "mode": "integrated", "state": "active", "direction_deg": "0", "angle_deg": "60",
        "range_m": "50", "main_url": "rtsps://192.0.2.7/live", "network": "public", "reason": "산 정상",
        "driver": "rtsp", "transport": "tls", "fingerprint": "AB" * 32,
    }  # fmt: skip
    assert client.post("/cameras/new/", data).status_code == 302
    row = Camera.objects.get(number="A-0777")
    assert row.connection == {
        "network": "public", "reason": "산 정상", "transport": "tls", "tls": {"fingerprint": "ab" * 32},
    }  # fmt: skip


def test_the_device_page_changes_the_network_and_keeps_the_rest(vault, retention, admin, new, sign_in, officers, osan):
    tls = {"fingerprint": "ab" * 32}
    row = services.register_camera(admin, on(new, "rtsps://192.0.2.7/live", tls=tls, profile="P1", interval=2))
    client = sign_in(officers["administrator"])
    page = client.get(f"/cameras/{row.id}/device/").content.decode()
    assert "ab" * 32 in page
    sent = {
        "act": "reach",
        "network": "public",
        "reason": "산 정상",
        "vpn": "",
        "transport": "",
        "fingerprint": "CD" * 32,
    }
    assert client.post(f"/cameras/{row.id}/device/", sent).status_code == 302
    row.refresh_from_db()
    assert row.connection == {
        "network": "public", "reason": "산 정상", "tls": {"fingerprint": "cd" * 32}, "profile": "P1", "interval": 2,
    }  # fmt: skip
    assert client.post(f"/cameras/{row.id}/device/", {**sent, "reason": ""}).status_code in (403, 422)
    assert client.post(f"/cameras/{row.id}/device/", {**sent, "driver": "nobody"}).status_code == 422
    row.refresh_from_db()
    assert (row.driver, row.connection["reason"]) == ("rtsp", "산 정상")
    assert kinds().count("cameras.connection.changed") == 1
