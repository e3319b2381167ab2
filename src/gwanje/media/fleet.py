"""Cameras of one recorder (녹화 대상 관리): starts, changes and stops each; connects, waits, reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Gap, Segment
from gwanje.kernel.sources import Source
from gwanje.law import upholds
from gwanje.media import drivers, recovery, rtsp
from gwanje.media.auth import AuthenticationRefused, Credentials
from gwanje.media.drivers import DriverFailed
from gwanje.media.drivers.feeds import FeedEnded
from gwanje.media.drivers.wired import Wired
from gwanje.media.engine import Engine, Stalled
from gwanje.media.gaps import DETAIL_MAX, GapLog, OpenGaps
from gwanje.media.keyring import NO_KEY, KeyRing
from gwanje.media.ptz_heads import same_recording
from gwanje.media.ring import LiveRing
from gwanje.media.rtsp import RtspRefused
from gwanje.media.sdp import UnsupportedVideo
from gwanje.media.segments import CameraRecorder, Sealer
from gwanje.media.tls import NotTrusted

MAIN, SUB = 0, 1
STEADY_S = 10.0
KEY_WAIT_S = 2.0
OPENING_AT_ONCE = 16
FAILING = 3
LOG_EVERY_S = 60.0
log = logging.getLogger(__name__)
Unseal = Callable[[Source], Credentials | None]


def credentials_of(secret: bytes) -> Credentials:
    """A camera's account from its unsealed bytes: JSON {"user", "password"} or ``user:password``; ValueError."""
    text = secret.decode()
    if text.startswith("{"):
        said = json.loads(text)
        return Credentials(str(said.get("user") or said.get("username") or ""), str(said.get("password") or ""))
    user, colon, password = text.partition(":")
    if not colon:
        raise ValueError("credentials are user:password")
    return Credentials(user, password)


def reason_of(error: BaseException | None) -> tuple[str, str]:
    """Gap reason and detail of a connection's end; a text that names no address and no password."""
    if isinstance(
        error, AuthenticationRefused | RtspRefused | UnsupportedVideo | Stalled | DriverFailed | NotTrusted | FeedEnded
    ):
        return "camera", str(error)
    if isinstance(error, TimeoutError):
        return "network", "no answer in time"
    if isinstance(error, OSError):
        # an operating system's text names no address, asyncio's own does
        return "network", os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    return "camera", type(error).__name__ if error else "ended"


def without_secrets(text: str, url: str, account: Credentials | None) -> str:
    """A driver's text without the camera's address and account: whatever a vendor's code puts into an error."""
    host = urlsplit(url).hostname or ""
    said = (url, f"{account.user}:{account.password}", account.password, account.user) if account else (url,)
    for secret in (*said, host):
        if len(secret) > 1:
            text = text.replace(secret, "…")
    return text[:DETAIL_MAX]


@upholds("recording.live_only", passes=False)
def live_only(source: Source) -> bool:
    """Whether nothing of this camera may be kept (미보유): seen live, never sealed, no key is asked for.

    The registry says so in the source; vaultd lends no key for such a class either, whatever a source says.
    """
    return bool(source.device.get("live_only"))


class RetryLog:
    """Says why a stream is away at once, then at most once a minute, with how many tries were not told."""

    def __init__(self, label: str, number: int) -> None:
        self._name = f"{label} stream {number}"
        self._silent = 0
        self._told_at = float("-inf")

    def say(self, now: float, reason: str, detail: str) -> None:
        """One failed try at monotonic second ``now``."""
        if now - self._told_at < LOG_EVERY_S:
            self._silent += 1
            return
        more = f" ({self._silent} more since)" if self._silent else ""
        log.warning("%s: %s: %s%s", self._name, reason, detail, more)
        self._silent, self._told_at = 0, now


class Camera:
    """One source being recorded: its two streams, rings, gaps and connection tasks."""

    def __init__(self, fleet: Fleet, source: Source) -> None:
        self.fleet = fleet
        self.source = source
        self.rings = {MAIN: LiveRing(), SUB: LiveRing()}
        self.gaps = GapLog(source.camera, source.agency, MAIN, fleet.put, fleet.open_gaps, source.fence)
        self.recorder = CameraRecorder(fleet.sealer, source, self.gaps)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin: downtime row first, then keys, then pictures."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._main())]
        if self.source.sub_url:
            self._tasks.append(loop.create_task(self._stream(SUB, self.source.sub_url, None)))

    async def _main(self) -> None:
        fleet, source = self.fleet, self.source
        if live_only(source):
            await self._stream(MAIN, source.main_url, None)
            return
        if self.recorder.last_end_us:
            self.gaps.begin("restart", self.recorder.last_end_us, "the source was changed")
        else:
            await self._recover()
        fleet.keys.want(source.slot, source.class_)
        # the first picture should meet a key, but pictures go live without one
        with contextlib.suppress(*NO_KEY):
            async with asyncio.timeout(KEY_WAIT_S):
                await fleet.keys.acquire(source.slot, source.class_)
        await self._stream(MAIN, source.main_url, self.recorder)

    async def _recover(self) -> None:
        fleet, now_us = self.fleet, self.fleet.clock.tick_us()
        store = fleet.sealer.settings.store
        left = await asyncio.to_thread(recovery.left_behind, store, self.source, now_us // 1_000_000)
        for row in left.rows:
            fleet.put(row)
        known_us = fleet.known.pop(self.source.camera, 0)
        if known_us > left.end_us and known_us < now_us and self.gaps.open is None:
            self.gaps.begin("restart", known_us, "taken over from another recorder")
        elif left.end_us and left.end_us < now_us and self.gaps.open is None:
            self.gaps.begin("restart", left.end_us, "the recorder was away")

    async def _stream(self, number: int, url: str, sink: CameraRecorder | None) -> None:
        engine, source = self.fleet.engine, self.source
        stream = Wired(engine.receiver, self.fleet.sealer.buffer(), self.rings[number], sink)
        retries = RetryLog(source.label, number)
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            error: BaseException | None = None
            account: Credentials | None = None
            try:
                driver = await drivers.load(source.driver)
                # cameras that fail again and again wait for each other, never before one that only fell out
                async with self.fleet.opening if failures < FAILING else self.fleet.reopening:
                    account = self.fleet.credentials(source)
                    async with asyncio.timeout(drivers.OPEN_S):
                        feed = await driver.open(source, number, account)
                ended = engine.attach(stream, feed)
                try:
                    await ended
                finally:
                    engine.detach(ended)
            except asyncio.CancelledError:
                raise
            except Exception as caught:
                # every reason to lose a camera ends here: it is said, waited for and tried again
                error = caught
            reason, detail = reason_of(error)
            detail = without_secrets(detail, url, account)
            if sink is not None:
                # what still waits to be sealed came before the outage
                self.fleet.sealer.drain(sink)
                now_us = self.fleet.clock.tick_us()
                since_us = sink.last_end_us or now_us
                sink.gaps.begin(reason, since_us if sink.gaps.open else sink.stood(since_us, now_us), detail)
            retries.say(loop.time(), reason, detail)
            if isinstance(error, FeedEnded):
                # a file's pictures must not be recorded a second time as if they were new
                return
            failures = 0 if loop.time() - began > STEADY_S else failures + 1
            await asyncio.sleep(rtsp.back_off(failures))

    async def stop(self, *, reason: str = "") -> None:
        """End both streams; with a reason ('not due') the gap begins now."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if reason and not live_only(self.source):
            # what still waits to be sealed came before the gap, and needs its key
            self.fleet.sealer.drain(self.recorder)
            self.gaps.begin(reason, self.recorder.last_end_us or self.fleet.clock.tick_us())
            self.fleet.keys.forget(self.source.slot)

    async def hand_over(self) -> None:
        """Another recorder has the camera: it accounts for every second from its first one on."""
        await self.stop()
        self.fleet.sealer.drain(self.recorder)
        self.gaps.end(self.fleet.clock.tick_us())
        self.fleet.keys.forget(self.source.slot)


class Fleet:
    """All cameras of this recorder."""

    def __init__(
        self, *, clock: Clock, engine: Engine, keys: KeyRing, put: Callable[[Segment | Gap], None], gaps_file: Path,
        unseal: Unseal,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.engine = engine
        self.sealer: Sealer = engine.sealer
        self.keys = keys
        self.put = put
        self.open_gaps = OpenGaps(gaps_file)
        self.opening = asyncio.Semaphore(OPENING_AT_ONCE)
        self.reopening = asyncio.Semaphore(OPENING_AT_ONCE)
        self.cameras: dict[UUID, Camera] = {}
        self.leased = False
        self.known: dict[UUID, int] = {}
        self._unseal = unseal

    def credentials(self, source: Source) -> Credentials | None:
        """The camera's account, opened at each connection and not kept."""
        return self._unseal(source)

    async def apply(self, sources: Sequence[Source]) -> None:
        """Bring the fleet to this list; unchanged cameras are not touched."""
        wanted = {source.camera: source for source in sources if source.active}
        named = {source.camera for source in sources}
        for camera_id in [c for c in self.cameras if c not in wanted]:
            camera = self.cameras.pop(camera_id)
            if self.leased and camera_id not in named:
                await camera.hand_over()
            else:
                await camera.stop(reason="not due")
            self._end(camera)
            # whoever watches asks anew: another recorder has the camera, or nobody
            for ring in camera.rings.values():
                ring.close()
        for source in wanted.values():
            running = self.cameras.get(source.camera)
            if running is not None and same_recording(running.source, source):
                running.source = source
                continue
            if running is not None:
                await running.stop()
                self._end(running)
                if live_only(source):
                    # from here on nothing of it is sealed: the lent key goes, and none is asked for
                    self.keys.forget(running.source.slot)
            camera = self.cameras[source.camera] = Camera(self, source)
            if running is not None:
                camera.rings = running.rings
                camera.recorder.last_end_us = running.recorder.last_end_us
            camera.start()

    def _end(self, camera: Camera) -> None:
        self.sealer.drain(camera.recorder)
        camera.gaps.close(self.clock.tick_us())
        camera.recorder.close()
        self.sealer.cameras -= 1

    async def stop(self) -> None:
        """Seal what is whole, write trailers and rows (the pools finish them)."""
        for camera in self.cameras.values():
            await camera.stop()
        self.engine.stop()
        for camera in self.cameras.values():
            self._end(camera)
        self.cameras.clear()
        self.keys.close()
