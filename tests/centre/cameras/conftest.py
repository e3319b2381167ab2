"""Devices for tests of cameras: a vault, a registered recorder, a simulated dome over SOAP, and its camera."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from gwanje.apps import vaultd
from gwanje.centre.cameras import connection as reach
from gwanje.centre.cameras import services
from gwanje.centre.common import clock, home
from gwanje.centre.staff import api as staff
from gwanje.kernel.reach import Reach
from gwanje.media import outward
from gwanje.media.sim.dome import Dome
from gwanje.media.sim.onvif import OnvifThread
from gwanje.media.sim.onvif_device import Device
from gwanje.vault import ceremony
from support.recorders import enrol

SECRET = "p1anted-Secret-7"
# tasks are done in this process, on a simulated device of this machine
outward.govern(Reach(loopback=True))


@pytest.fixture(scope="module")
def vault():
    ceremony.create(home())
    with vaultd.running(home()):
        yield


@pytest.fixture
def recorder(system):
    id_ = enrol(home())
    connection.cursor().execute(
        "insert into footage_class (number, kind, value, reference, label) values (1, 'days', 30, 'x', 'x') "
        "on conflict do nothing"
    )
    return id_


@pytest.fixture
def device():
    return Device(
        "dome", clock(), lambda stream: f"rtsp://10.9.9.9:8554/cam/{stream}", user="admin", password=SECRET,
        dome=Dome(), model="SIM-DOME", audio={"main", "sub"},
    )  # fmt: skip


@pytest.fixture
def sim(device):
    with OnvifThread([device]) as running:
        yield running


@pytest.fixture
def admin(hire, seat):
    return staff.actor_for(hire("administrator"), seat.code)


@pytest.fixture
def camera(vault, recorder, sim, admin, city):
    new = services.NewCamera(
        "D-1", "가온로 12", "37.39", "126.95", ("생활방범",), city.pk, ptz=True, firmware="1.0.0",
        cert_type="TTA", cert_number="TTA-2026-1", cert_expires=date(2028, 1, 1), state="planned",
    )  # fmt: skip
    row = services.register_camera(admin, new)
    services.set_credentials(admin, row.id, "admin", SECRET)
    return reach.set_connection(admin, row.id, {"onvif": sim.url("dome")})
