"""Events by a pull point of the simulated dome: begun, renewed, bounded, and after a device that went away."""

from __future__ import annotations

import asyncio

from gwanje.kernel.clock import Clock
from gwanje.media.auth import Credentials
from gwanje.media.onvif.events import Happening, PullPoint, happenings
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Place, Session
from gwanje.media.sim.onvif import OnvifThread
from gwanje.media.sim.onvif_device import Device

SECRET = "p1anted-Secret"
MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"


def session(sim: OnvifThread, clock: Clock) -> Session:
    return Session(Place.of(sim.url("dome")), Credentials("operator", SECRET), clock)


async def test_motion_tampering_and_inputs_come_as_ours(sim: OnvifThread, dome: Device, clock: Clock) -> None:
    point = PullPoint(session(sim, clock))
    await point.open()
    dome.emit(MOTION, "IsMotion", "true")
    dome.emit("tns1:VideoSource/GlobalSceneChange/ImagingService", "State", "1")
    dome.emit("tns1:Device/Trigger/DigitalInput", "LogicalState", "false")
    dome.emit("tns1:Monitoring/ProcessorUsage", "Value", "30")
    found = await point.pull()
    assert [(row.kind, row.active) for row in found] == [
        ("camera.motion", True), ("camera.tamper", True), ("camera.input", False),
    ]  # fmt: skip
    await point.close()
    assert dome.pulls == {}, "taken off the device"


async def test_a_flood_of_messages_is_taken_in_bounded_pulls(sim: OnvifThread, dome: Device, clock: Clock) -> None:
    point = PullPoint(session(sim, clock))
    await point.open()
    for _ in range(90):
        dome.emit(MOTION, "IsMotion", "true")
    assert (len(await point.pull()), len(await point.pull())) == (50, 40)
    await point.close()


async def test_a_subscription_that_the_device_lost_is_made_anew(sim: OnvifThread, dome: Device, clock: Clock) -> None:
    seen: list[Happening | DeviceFault] = []

    async def listen() -> None:
        async for item in happenings(session(sim, clock)):
            seen.append(item)
            if isinstance(item, Happening):
                return

    task = asyncio.create_task(listen())
    while not dome.pulls:
        await asyncio.sleep(0.02)
    first = set(dome.pulls)
    dome.pulls.clear()  # the device was restarted
    while not set(dome.pulls) - first:
        await asyncio.sleep(0.02)
    dome.emit(MOTION, "IsMotion", "true")
    await asyncio.wait_for(task, 20)
    assert isinstance(seen[0], DeviceFault)
    assert isinstance(seen[-1], Happening)
