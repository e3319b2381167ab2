"""Devices to talk to: a simulated dome, and the three real ones as they once answered."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from onvif_replay import REAL, Replay

from gwanje.kernel.clock import Clock
from gwanje.media.sim.dome import Dome, Preset
from gwanje.media.sim.onvif import OnvifThread
from gwanje.media.sim.onvif_device import Device

SECRET = "p1anted-Secret"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An ``async def`` test runs in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock.json")


@pytest.fixture
def dome(clock: Clock) -> Device:
    return Device(
        "dome", clock, lambda stream: f"rtsp://10.9.9.9:8554/cam/{stream}", user="operator", password=SECRET,
        dome=Dome(presets={"1": Preset("1", "정문", (0.5, 0.1, 0.2))}), model="SIM-DOME", audio={"main", "sub"},
    )  # fmt: skip


@pytest.fixture
def sim(dome: Device) -> Iterator[OnvifThread]:
    with OnvifThread([dome]) as running:
        yield running


@pytest.fixture(params=["axis_p3818_pve_11.9.60", "bosch_autodome_5000i_7.80", "reolink_e1_zoom_3.1"])
def real(request: pytest.FixtureRequest) -> Iterator[Replay]:
    if not REAL.is_dir():
        pytest.skip("the answers of the three real cameras are not on this machine")
    with Replay(REAL / request.param) as running:
        yield running
