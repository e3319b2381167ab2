"""Inspection of a recorder's cameras (자동 점검): whose key frame is looked at next, and what becomes of the answer.

One look a minute, one in ten seconds where something is wrong, fewer when the budget is spent. A key frame is taken
while its part is being sealed: the leaf of its second still stands then, so that a thumbnail can be sealed under it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.findings import Finding
from gwanje.kernel.footage import Segment
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import Source
from gwanje.law import upholds
from gwanje.media import derived
from gwanje.media.fmp4 import ROW, ROW_REORDERED, TIMESCALE
from gwanje.media.inspect.budget import Budget
from gwanje.media.inspect.course import Change, Course
from gwanje.media.inspect.messages import THUMBNAIL
from gwanje.media.inspect.open import OpenFindings, figures
from gwanje.media.inspect.process import Child
from gwanje.media.rtp import BASE
from gwanje.media.segments import CameraRecorder
from gwanje.media.stream import Part
from gwanje.vault.ciphers import Buffer
from gwanje.vault.errors import VaultError

CALM_S, UNEASY_S, FIRST_S = 60.0, 10.0, 5.0
STEP_S = 0.5
AT_ONCE = 4
CLOCK_MAX_S = 5.0
RATE_SLACK = 0.9
PART_MIN = TIMESCALE // 4
CRASHES_MAX = 3
POISON_S = 3600.0
log = logging.getLogger(__name__)
Put = Callable[[Segment | Finding], None]


class Recorded(Protocol):
    """What the inspection sees of a camera of the fleet."""

    source: Source
    recorder: CameraRecorder


@dataclass
class Watched:
    """One camera's turn and courses: ``picture``, ``standard`` (size, rate), ``clock``."""

    number: int
    source: Source
    due: float
    picture: Course = field(default_factory=Course)
    standard: Course = field(default_factory=Course)
    clock: Course = field(default_factory=Course)
    kept: derived.Reserved | None = None
    thumbnail: bytes = b""
    said: dict[str, Any] = field(default_factory=dict)
    asked: bool = False
    crashes: int = 0

    @property
    def uneasy(self) -> bool:
        """Is something wrong with the picture, or its size or rate?"""
        return self.picture.uneasy or self.standard.uneasy

    def drop(self) -> None:
        """Forget the thumbnail and its key."""
        if self.kept is not None:
            self.kept.forget()
        self.kept, self.thumbnail = None, b""


def first_sample(part: Part) -> bytes:
    """The key frame that a part begins with, copied."""
    row = (ROW_REORDERED if part.reordered else ROW).unpack_from(part.rows)
    return bytes(part.view[BASE : BASE + row[1]])


@upholds("recording.standard", passes={})
def below(part: Part, standard: dict[str, Any]) -> dict[str, Any]:
    """Figures of a part below the city's standard (저장 기준 미달), empty when it is met or no standard is given."""
    if not standard or part.duration < PART_MIN:
        return {}
    size = (ROW_REORDERED if part.reordered else ROW).size
    rate = len(part.rows) // size * TIMESCALE / part.duration
    found = {"width": part.picture.width, "height": part.picture.height, "rate": round(rate, 1)}
    least = {name: float(standard.get(name, 0)) for name in found}
    slack = {"width": 1.0, "height": 1.0, "rate": RATE_SLACK}
    return {**found, "least": least} if any(found[n] < least[n] * slack[n] for n in found) else {}


class Inspector:
    """Looks at every camera of a recorder. ``run`` as a task of the event loop that also runs the engine."""

    def __init__(
        self, *, clock: Clock, cameras: Callable[[], dict[UUID, Any]], store: Path, centre: UUID, writer: bytes,
        put: Put, pool: Executor, memory: Path,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._cameras = cameras
        self._store, self._centre, self._writer = store, centre, writer
        self._put = put
        self._pool = pool
        self._open = OpenFindings(memory)
        self.child = Child()
        self.watched: dict[UUID, Watched] = {}
        self.budget: Budget | None = None
        self.looks = self.unseen = 0
        self._numbers = 0
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; the child ends with it."""
        loop = asyncio.get_running_loop()
        self.budget = Budget(loop.time())
        child = loop.create_task(self.child.run())
        try:
            while True:
                await asyncio.sleep(STEP_S)
                self.step(loop.time())
        finally:
            child.cancel()
            await asyncio.gather(child, return_exceptions=True)

    def step(self, now: float) -> None:
        """Follow the fleet, drop keys whose minute is over, and ask whose turn it is for its next key frame."""
        cameras = self._cameras()
        self._follow(cameras, now)
        assert self.budget is not None
        self.budget.fill(now, len(cameras))
        for watched in self.watched.values():
            if watched.kept is not None and watched.kept.gone:
                watched.drop()
        if not self.child.ready:
            return
        waiting = sorted((w.due, id_) for id_, w in self.watched.items() if not w.asked and w.due <= now)
        for _, id_ in waiting:
            if self._under_way >= AT_ONCE or not self.budget.allows:
                return
            self._ask(cameras[id_], self.watched[id_], now)

    def _follow(self, cameras: dict[UUID, Any], now: float) -> None:
        for id_ in [id_ for id_ in self.watched if id_ not in cameras]:
            self._leave(self.watched.pop(id_))
        for id_, camera in cameras.items():
            known = self.watched.get(id_)
            if known is not None and known.source == camera.source:
                continue
            if known is not None:
                # the register says something new about it: perhaps where it looks, so that is learnt anew
                self._leave(known)
            self._numbers += 1
            watched = self.watched[id_] = Watched(self._numbers, camera.source, now + FIRST_S)
            for finding in self._open.of(id_):
                course = {"clock": watched.clock, "standard": watched.standard}.get(finding.kind, watched.picture)
                course.resume(finding.kind)

    def _leave(self, watched: Watched) -> None:
        watched.drop()
        self.child.forget(watched.number)

    def _ask(self, camera: Recorded, watched: Watched, now: float) -> None:
        watched.asked = True
        watched.due = now + (POISON_S if watched.crashes >= CRASHES_MAX else CALM_S)
        self._under_way += 1

        def take(recorder: CameraRecorder, part: Part, leaf: Buffer) -> None:
            try:
                sample = first_sample(part)
                held = derived.reserve(watched.source, self._centre, self._writer, part.start_us, leaf)
            except Exception:
                # a look that cannot be taken must not cost the second that is being stored
                log.exception("%s: no look", watched.source.label)
                self._done(watched)
                return
            task = asyncio.get_running_loop().create_task(self._look(watched, part.init, sample, held))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._judge_standard(watched, part)

        camera.recorder.look = take
        # a camera without a key frame (away, or a long group) gives its place back
        asyncio.get_running_loop().call_later(UNEASY_S, self._give_back, camera, watched, take)

    def _give_back(self, camera: Recorded, watched: Watched, take: object) -> None:
        if camera.recorder.look is take:
            camera.recorder.look = None
            self._done(watched)

    def _done(self, watched: Watched) -> None:
        watched.asked = False
        self._under_way -= 1

    async def _look(self, watched: Watched, init: bytes, sample: bytes, held: derived.Reserved) -> None:
        try:
            answer = await self.child.look(watched.number, init, sample)
        except ValueError as error:
            log.warning("%s: %s", watched.source.label, error)
            answer = None
        finally:
            self._done(watched)
        loop = asyncio.get_running_loop()
        if answer is None:
            watched.crashes += 1
            held.forget()
            return
        said, thumbnail = answer
        watched.crashes = 0
        if self.budget is not None:
            self.budget.spend(float(said.get("cpu", 0)))
        self.looks += 1
        if "unseen" in said:
            self.unseen += 1
            held.forget()
            return
        kind = str(said.get("kind", ""))
        if kind and watched.kept is None and thumbnail:
            watched.kept, watched.thumbnail = held, thumbnail
        else:
            held.forget()
        watched.said = said
        at_us = held.start_us
        changes = watched.picture.heard(kind, at_us, int(said.get("needed", 2)))
        await self._changed(watched, changes, figures(said))
        if not watched.picture.uneasy:
            watched.drop()
        if watched.uneasy or not said.get("learnt"):
            watched.due = min(watched.due, loop.time() + UNEASY_S)

    def _judge_standard(self, watched: Watched, part: Part) -> None:
        found = below(part, dict(watched.source.device.get("standard") or {}))
        for change in watched.standard.heard("standard" if found else "", part.start_us):
            self._row(watched, change, found)

    def told_clock(self, camera: UUID, offset_s: float) -> None:
        """A device's clock differs from ours by so many seconds (ONVIF GetSystemDateAndTime); asked by who asks it."""
        watched = self.watched.get(camera)
        if watched is not None:
            wrong = "clock" if abs(offset_s) > CLOCK_MAX_S else ""
            for change in watched.clock.heard(wrong, self._clock.tick_us()):
                self._row(watched, change, {"offset_s": round(offset_s, 1)})

    async def _changed(self, watched: Watched, changes: list[Change], detail: dict[str, Any]) -> None:
        for change in changes:
            finding = self._row(watched, change, detail)
            if finding is not None and change.begins and watched.kept is not None:
                await self._seal(watched, finding, watched.kept, watched.thumbnail)

    def _row(self, watched: Watched, change: Change, detail: dict[str, Any]) -> Finding | None:
        source = watched.source
        if not change.begins:
            ended = self._open.end(source.camera, change.kind, change.since_us)
            if ended is not None:
                self._put(ended)
            return ended
        finding = Finding(uuid7(), source.camera, source.agency, change.kind, change.since_us, None, detail)
        self._open.begin(finding)
        self._put(finding)
        log.info("%s: %s", source.label, change.kind)
        return finding

    async def _seal(self, watched: Watched, finding: Finding, kept: derived.Reserved, thumbnail: bytes) -> None:
        watched.kept, watched.thumbnail = None, b""
        try:
            row = await asyncio.get_running_loop().run_in_executor(
                self._pool, derived.seal, self._store, kept, thumbnail, "image/jpeg", THUMBNAIL
            )
        except (OSError, VaultError, derived.KeyGone, ValueError) as error:
            log.warning("%s: a thumbnail could not be sealed: %s", watched.source.label, type(error).__name__)
            return
        self._put(row)
        finding = replace(finding, segment_id=row.segment_id, picture_us=kept.start_us)
        self._open.begin(finding)
        self._put(finding)

    def health(self) -> dict[str, Any]:
        """Figures for the supervisor; no camera is named."""
        spent = self.budget.spent if self.budget else 0.0
        return {"looks": self.looks, "looks_unseen": self.unseen, "looks_cpu_s": round(spent, 3),
                "looks_child_starts": self.child.starts}  # fmt: skip
