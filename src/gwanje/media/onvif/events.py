"""Events of a device (기기 사건): a pull point, asked, renewed and bounded; motion, tampering, digital inputs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from gwanje.media.onvif import device
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Session, path_of, service
from gwanje.media.onvif.xml import Node, clean

PULL_S = 5.0
LASTS_S = 60
RENEW_S = 30.0
MESSAGES_MAX = 50
PAUSE_MIN_S, PAUSE_MAX_S = 1.0, 60.0
# the last part of a topic, in lower case, to our kind; what is not here is not passed on
KINDS = {
    "motion": "camera.motion", "motionalarm": "camera.motion", "videosource/motionalarm": "camera.motion",
    "tamper": "camera.tamper", "globalscenechange/imagingservice": "camera.tamper",
    "imagetooblurry/imagingservice": "camera.tamper", "imagetoodark/imagingservice": "camera.tamper",
    "imagetoobright/imagingservice": "camera.tamper", "signalloss": "camera.tamper",
    "digitalinput": "camera.input", "device/trigger/digitalinput": "camera.input",
}  # fmt: skip
_TRUE = ("true", "1", "active", "on")


@dataclass(frozen=True)
class Happening:
    """One message: our kind, the device's topic, its source, and whether it begins (True) or ends."""

    kind: str
    topic: str
    source: str
    active: bool


def happening(row: Node) -> Happening | None:
    """A notification as ours; None for a topic that is not passed on."""
    topic = row.said("Topic", most=120)
    parts = [part.rpartition(":")[2].lower() for part in topic.split("/")]
    kind = KINDS.get("/".join(parts[-2:])) or KINDS.get("/".join(parts[-3:])) or KINDS.get(parts[-1])
    message = row.find("Message")
    if kind is None or message is None:
        return None
    source = [node.attribute("Value", 40) for node in (row.find("Source") or Node("-")).children[:3]]
    values = [node.attributes.get("Value", "").lower() for node in (row.find("Data") or Node("-")).children[:3]]
    return Happening(kind, topic, clean(" ".join(source), 80), any(value in _TRUE for value in values))


class PullPoint:
    """One subscription. ``open`` then ``pull`` until DeviceFault; ``close`` takes it off the device."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = ""
        self._renewed = 0.0

    async def open(self) -> None:
        """Subscribe (CreatePullPointSubscription, 60 s)."""
        paths = await device.services(self._session)
        asked = (
            "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT60S</tev:InitialTerminationTime>"
            "</tev:CreatePullPointSubscription>"
        )
        found = await self._session.call(service(paths, "tev"), asked)
        reference = found.at("SubscriptionReference", "Address")
        self._path = path_of(reference.text) if reference else ""
        if not self._path:
            raise DeviceFault("unreadable", "no pull point")
        self._renewed = asyncio.get_running_loop().time()

    async def pull(self) -> list[Happening]:
        """Wait up to 5 s for messages; at most 50."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._renewed > RENEW_S:
            await self._ask("<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>", "Renew")
            self._renewed = loop.time()
        asked = (
            f"<tev:PullMessages><tev:Timeout>PT{PULL_S:g}S</tev:Timeout><tev:MessageLimit>{MESSAGES_MAX}"
            "</tev:MessageLimit></tev:PullMessages>"
        )
        found = await self._ask(asked, "PullMessages")
        rows = [happening(row) for row in found.all("NotificationMessage")[:MESSAGES_MAX]]
        return [row for row in rows if row is not None]

    async def _ask(self, body: str, name: str) -> Node:
        action = {
            "PullMessages": "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest",
            "Renew": "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
            "Unsubscribe": "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
        }[name]
        return await self._session.call(
            self._path, body, header=f"<wsa:Action>{action}</wsa:Action>", limit_s=PULL_S + 5
        )

    async def close(self) -> None:
        """Unsubscribe, as far as the device still listens."""
        if self._path:
            # a subscription that is not renewed ends by itself within a minute
            with contextlib.suppress(DeviceFault):
                await self._ask("<wsnt:Unsubscribe/>", "Unsubscribe")
        self._session.close()


async def happenings(session: Session) -> AsyncGenerator[Happening | DeviceFault, None]:
    """What happens at a device, for ever: a fault is told once and tried again with growing pauses."""
    pause = PAUSE_MIN_S
    while True:
        point = PullPoint(session)
        try:
            await session.ask_time()
            await point.open()
            while True:
                rows = await point.pull()
                pause = PAUSE_MIN_S
                for row in rows:
                    yield row
                # a device that does not wait for messages must not be asked without end
                await asyncio.sleep(0.2)
        except DeviceFault as fault:
            yield fault
        finally:
            await point.close()
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_MAX_S)
