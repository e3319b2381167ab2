"""Events of devices (기기 사건 받기): one pull point for each source that asks for it, passed on with restraint.

A camera that reports motion all night must not fill the feed: of one kind at one camera an event is passed on at most
once in ten seconds, and only its beginning. A device's fault is said once, until it answers again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.events import Event
from gwanje.kernel.sources import Source
from gwanje.media.auth import Credentials
from gwanje.media.onvif.events import Happening, happenings
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Place, Session
from gwanje.media.tls import NotTrusted, trust_of

ROUND_S = 5.0
WATCHED_MAX = 300
APART_S = 10.0
# 0 information … 4 emergency
SEVERITY = {"camera.motion": 0, "camera.input": 1, "camera.tamper": 2}
WORDS = {
    "camera.motion": ("움직임", "motion"),
    "camera.input": ("외부 접점 신호", "digital input"),
    "camera.tamper": ("카메라 훼손·가림 의심", "tampering suspected"),
}
log = logging.getLogger(__name__)


class DeviceEvents:
    """The loop. ``sources``: what the recorder records now; ``put``: where an event goes, from the loop's thread."""

    def __init__(
        self, *, sources: Callable[[], Iterable[Source]], unseal: Callable[[Source], Credentials | None], clock: Clock,
        put: Callable[[Event], None], round_s: float = ROUND_S,
    ) -> None:  # fmt: skip
        self._sources, self._unseal, self._clock, self._put = sources, unseal, clock, put
        self._round_s = round_s
        self._watched: dict[UUID, tuple[int, asyncio.Task[None]]] = {}
        self.refused = 0

    async def run(self) -> None:
        """Follow the list of sources until cancelled."""
        try:
            while True:
                self._follow()
                await asyncio.sleep(self._round_s)
        finally:
            for _, task in self._watched.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._watched.values()), return_exceptions=True)

    def _follow(self) -> None:
        wanted = {s.camera: s for s in self._sources() if s.active and s.device.get("events") and s.device.get("onvif")}
        for camera, (version, task) in list(self._watched.items()):
            source = wanted.get(camera)
            if source is None or source.version != version or task.done():
                task.cancel()
                del self._watched[camera]
        for camera, source in wanted.items():
            if camera in self._watched:
                continue
            if len(self._watched) >= WATCHED_MAX:
                self.refused += 1
                if self.refused.bit_count() == 1:
                    log.warning("events of %d devices are watched; further ones are not", WATCHED_MAX)
                return
            self._watched[camera] = (source.version, asyncio.create_task(self._watch(source)))

    async def _watch(self, source: Source) -> None:
        try:
            place = Place.of(str(source.device["onvif"]))
            session = Session(place, self._unseal(source), self._clock, trust=trust_of(source.device))
        except (ValueError, NotTrusted) as error:
            log.warning("%s: its events cannot be asked for: %s", source.label, type(error).__name__)
            # stays until the source changes, so that it is not said every round
            await asyncio.Event().wait()
            return
        said: dict[str, float] = {}
        silent = False
        async with aclosing(happenings(session)) as stream:
            async for item in stream:
                if isinstance(item, DeviceFault):
                    if not silent:
                        log.warning("%s: no events: %s", source.label, item.kind)
                    silent = True
                    continue
                silent = False
                self._pass_on(source, item, said)

    def _pass_on(self, source: Source, item: Happening, said: dict[str, float]) -> None:
        now = asyncio.get_running_loop().time()
        if not item.active or now - said.get(item.kind, -APART_S) < APART_S:
            return
        said[item.kind] = now
        ko, en = WORDS[item.kind]
        body = {"number": source.label, "ko": f"{source.label} {ko}", "en": f"{source.label} {en}", "topic": item.topic}
        self._put(
            Event(
                item.kind,
                "device",
                SEVERITY.get(item.kind, 0),
                cameras=(source.camera,),
                body=body,
                agency=source.agency,
            )
        )
