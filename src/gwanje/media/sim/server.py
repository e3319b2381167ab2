"""RTSP server of the simulator (모의 카메라 서버): TCP interleaved or UDP, one thread, packets made once per clip.

The frame sent at Unix second t is ``floor(t · rate) mod frames``: two streams of a camera, two viewers and a
restarted server all show the same number at the same time, and a recording's counters tell when it was made.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from gwanje.kernel.clock import Clock
from gwanje.media.sim import live, packets, rtsp
from gwanje.media.sim.client import Client, ClientLimits
from gwanje.media.sim.clips import Clip
from gwanje.media.sim.faults import NAMES, Faults
from gwanje.media.sim.turning import PENDING_MAX, Turning

log = logging.getLogger("gwanje.simulator")
LATE_MAX_S = 2.0


class Camera:
    """One simulated camera: its streams in memory, its faults, its viewers, its place on the timeline."""

    def __init__(self, clip: Clip, phase: float, clock: Clock) -> None:
        self.clip = clip
        self.streams = {"main": packets.load(clip.main), "sub": packets.load(clip.sub)}
        if clip.signer is not None:
            self.streams["main"] = live.signed(self.streams["main"], clip.main, clip.signer, clock)
        self.rate: Fraction = self.streams["main"].rate
        if len({(len(s.frames), s.rate) for s in self.streams.values()}) != 1:
            raise ValueError(f"{clip.name}: main and sub-stream are not the same length")
        self.faults = Faults(audio=clip.audio)
        self.clients: set[Client] = set()
        self.phase = phase
        self.number = 0
        self.audio_sent = 0
        self.turning: Turning | None = None

    @property
    def frames(self) -> int:
        """Frames per loop."""
        return len(self.streams["main"].frames)

    def describe(self, stream: str) -> bytes:
        """The session description (SDP) of one stream."""
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", f"s={self.clip.name}", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        video = self.streams[stream].describe()
        if self.faults.nosets:
            video = [line.split(";sprop")[0] for line in video]
        lines += video + (packets.AUDIO_LINES if self.faults.audio else [])
        return ("\r\n".join(lines) + "\r\n").encode()


class SimServer:
    """Serves clips at ``rtsp://host:port/<name>/main`` and ``/sub``; an async context manager.

    ``port`` 0 picks a free one. ``session_timeout_s``: a viewer that sends nothing for so long (and 10 s more) is
    closed, as cameras do. The same port answers ``GET /status`` and ``GET /fault?camera=&name=&value=`` over HTTP.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock | None = None,
        session_timeout_s: int = 60,
    ) -> None:
        self.host, self.port = host, port
        self._clock = clock or Clock()
        self.limits = ClientLimits(session_timeout_s=session_timeout_s)
        self.cameras = {c.name: Camera(c, i / max(1, len(clips)), self._clock) for i, c in enumerate(clips)}
        self.tone = packets.tone()
        self._server: asyncio.Server | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.clients: set[Client] = set()
        self._epoch = 0.0
        self.sent_frames = 0
        self.setups: list[tuple[str, int]] = []
        self._draw = ThreadPoolExecutor(1, thread_name_prefix="dome")

    def url(self, name: str, stream: str = "main") -> str:
        """The RTSP address of a stream, without credentials."""
        return f"rtsp://{self.host}:{self.port}/{name}/{stream}"

    def wall(self, now: float) -> float:
        """Unix seconds on the cameras' timeline for a time of the event loop."""
        return now + self._epoch

    async def start(self) -> Self:
        """Listen and let the timeline run."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Client(self), self.host, self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        # the wall clock is asked once: a step of it must not move the frames of a running camera
        self._epoch = self._clock.now_us() / 1e6 - loop.time()
        for camera in self.cameras.values():
            camera.number = int(self.wall(loop.time()) * camera.rate) + 1
            self._plan(camera)
        self._timers[""] = loop.call_later(1, self._sweep)
        return self

    async def stop(self) -> None:
        """Close every connection and the listener."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for client in list(self.clients):
            client.close()
        self._draw.shutdown(cancel_futures=True)
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _due(self, camera: Camera) -> float:
        return float((camera.number + camera.phase) / camera.rate) - self._epoch

    def _plan(self, camera: Camera) -> None:
        loop = asyncio.get_running_loop()
        self._timers[camera.clip.name] = loop.call_at(self._due(camera), self._tick, camera)

    def _tick(self, camera: Camera) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._due(camera) > LATE_MAX_S:
            # a machine that slept: go on at the present, with the next key frame
            camera.number = int(self.wall(now) * camera.rate)
            for client in camera.clients:
                client.wait_for_key()
        index = camera.number % camera.frames
        time = int(camera.number * packets.VIDEO_CLOCK / camera.rate)
        if not (camera.turning and camera.clients and self._turn(camera, camera.turning, index, time, now)):
            for client in list(camera.clients):
                client.frame(camera.streams[client.stream].frames[index], time)
            self.sent_frames += len(camera.clients)
        if camera.faults.audio:
            self._audio(camera)
        camera.number += 1
        self._plan(camera)

    def _turn(self, camera: Camera, turning: Turning, index: int, time: int, now: float) -> bool:
        """Does the dome look elsewhere? Then its picture is drawn, or left out when the machine is behind."""
        at = turning.takes(index, now)
        if at is None:
            return False
        if (kept := turning.kept(index, at)) is not None:
            self._send(camera, kept, time)
        elif turning.pending < PENDING_MAX:
            turning.pending += 1
            work = self._draw.submit(turning.drawn, index, at, key=turning.key())
            loop = asyncio.get_running_loop()

            def done() -> None:
                turning.pending -= 1
                if work.cancelled():
                    return
                if (error := work.exception()) is not None:
                    log.error("%s: its view is not drawn any more: %s", camera.clip.name, error)
                    camera.turning = None
                    return
                turning.keep(index, at, work.result())
                self._send(camera, work.result(), time)

            work.add_done_callback(lambda _: loop.call_soon_threadsafe(done))
        return True

    def _send(self, camera: Camera, made: dict[str, packets.Frame], time: int) -> None:
        for client in list(camera.clients):
            if (frame := made.get(client.stream)) is not None:
                client.frame(frame, time)
                self.sent_frames += 1

    def _audio(self, camera: Camera) -> None:
        wanted = int(camera.number * packets.AUDIO_CLOCK / camera.rate) // packets.AUDIO_SAMPLES
        for number in range(max(camera.audio_sent, wanted - 50) + 1, wanted + 1):
            for client in list(camera.clients):
                client.sound(self.tone[number % len(self.tone)], number * packets.AUDIO_SAMPLES)
        camera.audio_sent = wanted

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for client in list(self.clients):
            client.housekeeping(loop.time())
        self._timers[""] = loop.call_later(1, self._sweep)

    def fault(self, camera: str, name: str, value: float = 1) -> None:
        """Change a camera's fault (names in ``faults.NAMES``; ``*`` = every camera); ValueError when unknown."""
        chosen = list(self.cameras.values()) if camera == "*" else [c for c in [self.cameras.get(camera)] if c]
        if not chosen:
            raise ValueError(f"no camera is called {camera}")
        for one in chosen:
            if name == "close":
                for client in list(one.clients):
                    client.close()
            else:
                one.faults.set(name, value)

    def status(self) -> dict[str, Any]:
        """Cameras, viewers, faults and what was dropped, for a page or a test."""
        cameras = {
            name: {
                "label": camera.clip.label,
                "frame": camera.number % camera.frames,
                "frames": camera.frames,
                "viewers": len(camera.clients),
                "faults": camera.faults.as_dict(),
            }
            for name, camera in self.cameras.items()
        }
        dropped = sum(client.dropped for client in self.clients)
        return {"cameras": cameras, "sent": self.sent_frames, "dropped": dropped, "faults": list(NAMES)}

    def control(self, request: rtsp.Request) -> tuple[int, dict[str, Any]]:
        """Answer an HTTP request of the control: status and JSON."""
        parts = urlsplit(request.uri)
        if parts.path == "/status":
            return 200, self.status()
        if parts.path != "/fault":
            return 404, {"error": "GET /status or GET /fault?camera=&name=&value="}
        query = dict(parse_qsl(parts.query))
        try:
            self.fault(query.get("camera", ""), query.get("name", ""), float(query.get("value", "1")))
        except ValueError as error:
            return 400, {"error": str(error)}
        return 200, {"ok": True}

    @staticmethod
    def http(status: int, body: dict[str, Any]) -> bytes:
        """The bytes of an HTTP answer."""
        data = json.dumps(body, ensure_ascii=False).encode()
        head = f"HTTP/1.0 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        return head.encode() + data


class SimThread:
    """The server in a thread of its own, for tests: ``with SimThread(clips) as sim: sim.url("cam01")``."""

    def __init__(self, clips: Sequence[Clip], **options: Any) -> None:
        self.server = SimServer(clips, **options)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="simulator", daemon=True)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.server.start())
        except OSError as error:
            self._error = error
            return
        finally:
            self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self.server.stop())

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(30)
        if self._error:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, name: str, stream: str = "main") -> str:
        """The RTSP address of a stream."""
        return self.server.url(name, stream)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self.server.port

    def fault(self, camera: str, name: str, value: float = 1) -> None:
        """As ``SimServer.fault``, from any thread; returns when it is done."""
        done: Future[None] = Future()

        def act() -> None:
            try:
                self.server.fault(camera, name, value)
            except ValueError as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        self._loop.call_soon_threadsafe(act)
        done.result(10)

    def status(self) -> dict[str, Any]:
        """As ``SimServer.status``."""
        return self.server.status()
