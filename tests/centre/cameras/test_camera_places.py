"""The registry takes only addresses that a recorder may connect to; else it says why, twice, and tells the ledger."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.db import connection

from gwanje.centre.cameras import connection as reach
from gwanje.centre.cameras import devices, places, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem
from gwanje.kernel import refusals
from gwanje.kernel.reach import Reach

pytestmark = pytest.mark.django_db
FORBIDDEN = [
    "rtsp://169.254.169.254/x", "rtsp://0.0.0.0/x", "rtsp://[fe80::1]/x", "rtsp://239.1.1.1/x",
    "rtsp://255.255.255.255/x", "rtsp://8.8.8.8/x", "rtsp://2852039166/x", "rtsp://[::ffff:169.254.169.254]/x",
    "rtsp://100.100.100.200/x",
]  # fmt: skip


@pytest.fixture
def new(vault, recorder, city):
    """A camera that may be registered."""
    return services.NewCamera("A-0123", "가온로 12", "37.39", "126.95", ("생활방범",), city.pk)


@pytest.fixture(autouse=True)
def untold():
    places._told.clear()


def told():
    path = refusals.folder(home()) / "web.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_is_none_of_a_camera_is_refused_in_two_languages(admin, new, url):
    for field in ("main_url", "sub_url"):
        with pytest.raises(Problem) as refused:
            services.register_camera(admin, replace(new, **{"main_url": "rtsp://10.0.0.7/x", field: url}))
        assert refused.value.code == "address_forbidden"
        body = refused.value.body()
        assert all(body[name] for name in ("ko", "en", "rule", "next", "next_en"))
    assert not Camera.objects.filter(number=new.number).exists()


def test_each_way_in_is_the_same_gate_and_each_refusal_is_told(admin, new):
    row = services.register_camera(admin, replace(new, main_url="rtsp://10.0.0.7/x"))
    before = len(told())
    tries = [
        lambda url: services.set_address(admin, row.id, url, ""),
        lambda url: services.set_address(admin, row.id, "rtsp://10.0.0.7/x", url),
        lambda url: reach.set_connection(admin, row.id, {"onvif": url.replace("rtsp", "http")}),
        lambda _: devices.ask_discover(admin, "169.254.1.2"),
    ]
    for attempt in tries:
        with pytest.raises(Problem, match="address_forbidden"):
            attempt("rtsp://169.254.169.254/x")
    row.refresh_from_db()
    assert (row.main_url, row.sub_url, row.connection) == ("rtsp://10.0.0.7/x", "", {})
    rows = told()[before:]
    assert [line["kind"] for line in rows] == ["cameras.address.refused"] * 4
    assert {line["actor"] for line in rows} == {str(admin.person)}
    assert "169.254" not in json.dumps([line["reason"] for line in rows])
    assert rows[0]["cameras"] == [str(row.id)]
    for _ in range(places.TOLD_A_MINUTE + 5):
        with pytest.raises(Problem):
            services.set_address(admin, row.id, FORBIDDEN[0], "")
    assert len(told()) - before == places.TOLD_A_MINUTE, "a flood of refusals does not fill the spool"
    # what the room's other tests left in the spool is drained beside it
    spooled = sum(line["kind"] == "cameras.address.refused" for line in told())
    drained = refusals.drain(home(), connection.connection, clock())
    assert drained >= spooled >= places.TOLD_A_MINUTE
    cursor = connection.cursor()
    cursor.execute("select outcome, count(*) from ledger_opening where kind = 'cameras.address.refused' group by 1")
    assert cursor.fetchall() == [("refused", spooled)]


def test_the_centres_own_ports_and_loopback_are_refused_unless_the_configuration_opens_loopback(
    admin, new, monkeypatch
):
    own = f"rtsp://127.0.0.1:{home().port + 1}/x"
    with pytest.raises(Problem, match="own services"):
        services.register_camera(admin, replace(new, main_url=own))
    services.register_camera(admin, replace(new, main_url="rtsp://127.0.0.1:9/x"))
    monkeypatch.setattr(places, "reach", Reach)
    for url in ("rtsp://127.0.0.1:9/x", "rtsp://localhost/x", "rtsp://127.1/x", "rtsp://[::1]/x", own):
        with pytest.raises(Problem, match="address_forbidden"):
            services.register_camera(admin, replace(new, number="A-0999", main_url=url))
    with pytest.raises(Problem, match="outside"):
        services.register_camera(admin, replace(new, number="A-0999", main_url="rtsp://192.0.2.7/x"))
