"""One camera's stick (조작간): the only hand on its head, whoever asks; every command passes the guard here.

A loop reads where the head looks, judges what was asked, and tells the head; nobody else calls it. A continuous move
is told with a time limit of one second and only when all that the head can show within it stays inside: a recorder
that dies, a page that closes and a cut cable all end in the same standing head.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.zone import Box, Spot, Zone, breach, inside
from gwanje.media.ptz import Head, HeadRefused, Preset
from gwanje.media.ptz_guard import STILL, Pace, safe_speed, split, way

MOVE_S = 1.0
BRAKE_S = 0.3
FAST_S, IDLE_S = 0.15, 1.0
FRESH_S = 0.7
LEG_S = 30.0
NEAR = 0.01
HOLD_S = 10.0
RETRY_S = 5.0
log = logging.getLogger(__name__)
Row = Callable[[str, dict[str, Any]], None]


class Hand(Protocol):
    """A session at the stick, as the stick sees it."""

    rank: int
    person: UUID
    station: str
    articles: tuple[tuple[str, str], ...]

    @property
    def emergency(self) -> UUID | None:
        """The emergency that its token names."""

    def tell(self, message: dict[str, Any]) -> None:
        """Send without waiting."""


@dataclass
class Emergency:
    """A named emergency at this camera (긴급 조작): lifts the zone until ``until`` (Unix seconds)."""

    id: UUID
    until: int


@dataclass
class Tally:
    """Commands since the last row: how many, of which kinds, from where."""

    begun: float = 0.0
    count: int = 0
    kinds: set[str] = field(default_factory=set)
    start: Spot | None = None


WORDS = {
    "limits": ("조작 구역의 한계입니다", "the zone ends here"),
    "blind": ("기기가 보는 방향을 알려 주지 않아 움직이지 않습니다", "the device does not say where it looks"),
    "device": ("기기가 응답하지 않습니다", "the device does not answer"),
    "busy": ("다른 관제석이 조작 중입니다", "another seat is steering"),
    "no_place": ("기기가 그 프리셋의 위치를 알려 주지 않습니다", "the device does not say where that preset looks"),
    "no_home": ("기본 위치가 정해지지 않았습니다", "no home is set"),
    "full": ("조작 연결이 너무 많습니다", "too many connections"),
    "returning": ("기본 위치로 돌아가는 중입니다", "returning to the home preset"),
}


class Stick:
    """Steering of one camera: ``join`` and ``leave`` sessions, ``ask`` for moves; ``run`` is its loop."""

    def __init__(
        self, *, camera: UUID, agency: UUID, head: Head, zone: Callable[[], Zone], clock: Clock, row: Row,
        over: Callable[[UUID], None],
    ) -> None:  # fmt: skip
        self.camera, self.agency = camera, agency
        self.head, self._zone, self._clock, self._row, self._over = head, zone, clock, row, over
        self.hands: list[Hand] = []
        self.holder: Hand | None = None
        self.emergency: Emergency | None = None
        self.returning = False
        self.at: Spot | None = None
        self.moving = False
        self.used_at = 0.0
        self._held_at = 0.0
        self._wanted, self._wanted_at, self._told = STILL, 0.0, STILL
        # told to run and neither told to stop nor seen to arrive
        self._active = False
        self._goal: Spot | None = None
        self._legs: list[Spot] = []
        self._leg_until = 0.0
        self._preset = ""
        self._cost_s = 0.1
        self._tally = Tally()
        self._refused_at: dict[str, float] = {}
        self._retry_at = 0.0
        self._presets: list[Preset] = []
        self._wake = asyncio.Event()
        self._shown: tuple[Any, ...] = ()
        self._shown_zone: Zone | None = None

    # -- sessions

    def join(self, hand: Hand) -> None:
        """A session looks on; it holds the stick only once it commands."""
        self.hands.append(hand)
        self._shown, self._shown_zone = (), None
        self._wake.set()

    def leave(self, hand: Hand) -> None:
        """A session is gone: what it moved stands still at once."""
        if hand in self.hands:
            self.hands.remove(hand)
        if self.holder is hand:
            self.holder = None
            self.halt()
            self._flush(hand)

    def halt(self) -> None:
        """Stand still: the next turn of the loop says so to the head."""
        self._wanted, self._goal, self._legs, self._preset = STILL, None, [], ""
        self._wake.set()

    def ask(self, hand: Hand, kind: str, value: Any = None) -> None:
        """A command of a session: ``move`` Pace, ``stop``, ``to`` Spot, ``goto`` preset token, ``home``."""
        now = asyncio.get_running_loop().time()
        if not self._takes(hand, now):
            return
        self._held_at = now
        self._count(kind, now)
        if kind == "stop":
            self.halt()
        elif self.returning:
            self.refuse(hand, "returning")
        elif kind == "move":
            self.halt()
            self._wanted, self._wanted_at = value, now
        else:
            self._journey(hand, kind, value)
        if kind != "move":
            self._flush(hand)
        self._wake.set()

    def _takes(self, hand: Hand, now: float) -> bool:
        before = self.holder
        if before is hand:
            return True
        if before is not None and before.rank >= hand.rank and now - self._held_at < HOLD_S:
            self.refuse(hand, "busy")
            return False
        if before is not None:
            self._flush(before)
            before.tell({"type": "seat", "state": "taken", "station": hand.station})
        self.halt()
        self.holder = hand
        hand.tell({"type": "seat", "state": "held", "station": hand.station})
        return True

    # -- what is asked

    def _journey(self, hand: Hand, kind: str, value: Any) -> None:
        zone, target = self._zone(), value
        self.halt()
        if kind == "home":
            target = self._home(zone)
            if self.at is not None and not inside(zone, self.at) and not self._free():
                # the way back is open to everybody, also from outside
                return self.come_home()
            if target is None:
                return self.refuse(hand, "no_home")
        elif kind == "goto":
            target = next((p.at and Spot(*p.at) for p in self._presets if p.token == value), None)
            if target is None and self._free():
                self._preset = str(value)
                return None
            if target is None:
                return self.refuse(hand, "no_place")
        self._goal = target
        return None

    def _home(self, zone: Zone) -> Spot | None:
        if isinstance(zone.home, str):
            return next((Spot(*p.at) for p in self._presets if p.token == zone.home and p.at), None)
        return zone.home

    def _lasting(self) -> bool:
        return self.emergency is not None and self.emergency.until > self._clock.now_s()

    def _free(self) -> bool:
        """Is the zone lifted for who holds the stick: an emergency frees the seat that named it, nobody else's."""
        mine = self.holder is not None and self.emergency is not None and self.holder.emergency == self.emergency.id
        return mine and self._lasting()

    def come_home(self) -> None:
        """Go back to the home preset (기본 위치 복귀), from wherever: zoom out, turn, zoom in."""
        self.halt()
        self.returning, self._retry_at = True, 0.0

    # -- the loop

    async def run(self) -> None:
        """Until cancelled; then the head stands."""
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(HeadRefused):
                self._presets = await self.head.presets()
                self._shown_zone = None
            while True:
                try:
                    await self._turn(loop.time())
                except HeadRefused as error:
                    log.info("a head does not answer: %s", error)
                    self._lost()
                busy = self.moving or self._goal or self._legs or self._wanted != STILL or self.returning
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FAST_S if busy else IDLE_S):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            with contextlib.suppress(HeadRefused, TimeoutError):
                async with asyncio.timeout(MOVE_S):
                    await self._stand()
                    await self.head.close()

    def _lost(self) -> None:
        # a head that was told to move stops by its own time limit
        self.halt()
        self._wake.clear()
        self._told, self._active, self.at, self.moving = STILL, False, None, False
        if self.holder is not None:
            self.refuse(self.holder, "device")

    async def _turn(self, now: float) -> None:
        await self._look()
        zone = self._zone()
        if self.emergency is not None and not self._lasting():
            self.emergency = None
            self.come_home()
            self._tell({"type": "emergency", "left": 0})
        if self._wanted != STILL and now - self._wanted_at > FRESH_S:
            self._wanted = STILL
        if self.returning:
            await self._return(zone, now)
        elif self._goal or self._legs or self._preset:
            await self._go(zone, now, free=self._free())
        else:
            await self._run_on(zone)
        if self._tally.count and now - self._tally.begun >= 1.0 and self.holder is not None:
            self._flush(self.holder)
        self._show(zone)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        standing = await self.head.position()
        self._cost_s = max(0.9 * self._cost_s, loop.time() - began, 0.05)
        self.at = Spot(*standing.at) if standing.at else None
        self.moving = standing.moving

    async def _stand(self) -> None:
        if self._active:
            await self.head.stop()
        self._told, self._active, self._leg_until = STILL, False, 0.0

    async def _run_on(self, zone: Zone) -> None:
        """A continuous move, as far as it stays inside; slower towards an edge, then nothing."""
        wanted = self._wanted
        if wanted == STILL:
            return await self._stand()
        speed: Pace | None
        if self._free():
            speed, why = wanted, ""
        elif self.at is None:
            speed, why = None, "blind"
        else:
            speed, why = safe_speed(zone, self.at, wanted, self._told, MOVE_S + BRAKE_S + 3 * self._cost_s)
        if speed is None:
            await self._stand()
            return self._no(why)
        self._active = True
        await self.head.move(speed, MOVE_S)
        self._told = speed
        return None

    def _no(self, why: str) -> None:
        if self.holder is not None:
            self.refuse(self.holder, why)

    async def _go(self, zone: Zone, now: float, *, free: bool) -> None:
        """The next stop of a journey; it is planned from where the head stands, and what strays is stopped."""
        if self._goal or self._preset:
            if self._active or self.moving:
                return await self._stand()
            return await self._plan(zone, free=free)
        if not free and (why := "blind" if self.at is None else breach(zone, Box.of(self.at))):
            self._legs = []
            await self._stand()
            return self._no(why)
        target = self._legs[0]
        if self._leg_until == 0.0:
            self._active = True
            await self.head.to(target)
            self._leg_until, self.moving = now + LEG_S, True
        elif now > self._leg_until:
            self._legs = []
            await self._stand()
        elif not self.moving and self._near(target):
            self._legs.pop(0)
            self._leg_until, self._active = 0.0, False
            self._wake.set()
        return None

    async def _plan(self, zone: Zone, *, free: bool) -> None:
        goal, preset = self._goal, self._preset
        self._goal, self._preset = None, ""
        if goal is None:
            self._active = True
            return await self.head.goto(preset)
        if self.at is None:
            return self._no("blind")
        self._legs, why = (split(self.at, [goal]), "") if free else way(zone, self.at, goal)
        self._leg_until = 0.0
        self._wake.set()
        return self._no(why) if why else None

    def _near(self, target: Spot) -> bool:
        return self.at is not None and all(abs(a - b) <= NEAR for a, b in zip(self.at, target, strict=True))

    async def _return(self, zone: Zone, now: float) -> None:
        home = self._home(zone)
        if self.at is not None and not self.moving and inside(zone, self.at) and (home is None or self._near(home)):
            self.returning, self._legs = False, []
            self._note("recorder.ptz.returned", "done", {"to": spelt(self.at)})
            if not self._lasting():
                self._over(self.camera)
            return
        if self._legs:
            await self._go(zone, now, free=True)
        elif now >= self._retry_at:
            self._retry_at = now + RETRY_S
            if self._active or self.moving:
                await self._stand()
                self._retry_at = now
            elif home is None or self.at is None:
                self._active = True
                await (self.head.goto(zone.home) if isinstance(zone.home, str) else self.head.home())
            else:
                self._legs, self._leg_until = homeward(self.at, home), 0.0

    # -- what is said

    def refuse(self, hand: Hand, code: str) -> None:
        """Say no, with the article; the same no to the same seat at most once a second."""
        now = asyncio.get_running_loop().time()
        key = f"{hand.person}{hand.station}{code}"
        if now - self._refused_at.get(key, -9.0) < 1.0:
            return
        if len(self._refused_at) > 64:
            self._refused_at.clear()
        self._refused_at[key] = now
        ko, en = WORDS.get(code, (f"비추지 않는 곳입니다: {code}", f"a forbidden view: {code}"))
        law = code not in WORDS or code == "limits"
        words = [text for _, text in hand.articles] if law else []
        if law:
            ko += ". 긴급 상황이면 사유를 고르십시오."
            en += ". In an emergency name the reason."
        hand.tell(
            {"type": "refused", "code": code if code in WORDS else "forbidden", "articles": words, "ko": ko, "en": en}
        )
        self._note("recorder.ptz.refused", "refused", {"code": code}, hand)

    def _show(self, zone: Zone) -> None:
        if zone != self._shown_zone and self.hands:
            self._shown_zone = zone
            self._tell(spelt_zone(zone))
            self._tell({"type": "presets", "presets": self.presets()})
        ok = self.at is not None and inside(zone, self.at)
        shown = (self.at, self.moving, ok, self.returning)
        if shown != self._shown and self.hands:
            self._shown = shown
            at = [round(n, 4) for n in self.at] if self.at else None
            self._tell({"type": "position", "at": at, "moving": self.moving, "inside": ok, "returning": self.returning})

    def _tell(self, message: dict[str, Any]) -> None:
        for hand in self.hands:
            hand.tell(message)

    def presets(self) -> list[dict[str, Any]]:
        """The head's presets for a page: token, name, whether it may be gone to."""
        zone = self._zone()
        return [
            {"token": p.token, "name": p.name, "inside": p.at is not None and inside(zone, Spot(*p.at))}
            for p in self._presets
        ]

    # -- rows

    def _count(self, kind: str, now: float) -> None:
        if not self._tally.count:
            self._tally = Tally(begun=now, start=self.at)
        self._tally.count += 1
        self._tally.kinds.add(kind)

    def _flush(self, hand: Hand) -> None:
        tally, self._tally = self._tally, Tally()
        if tally.count:
            detail = {
                "commands": tally.count, "what": ",".join(sorted(tally.kinds)), "from": spelt(tally.start),
                "to": spelt(self.at),
            }  # fmt: skip
            self._note("recorder.ptz.moved", "done", detail, hand)

    def _note(self, kind: str, outcome: str, detail: dict[str, Any], hand: Hand | None = None) -> None:
        said: dict[str, Any] = {"outcome": outcome, "cameras": [self.camera], "agency": self.agency, **detail}
        if hand is not None:
            said |= {"actor": hand.person, "station": hand.station, "norms": ["ptz.purpose"]}
            said["articles"] = [key for key, _ in hand.articles]
        if self.emergency is not None:
            said["emergency"] = str(self.emergency.id)
        self._row(kind, said)


def homeward(at: Spot, home: Spot) -> list[Spot]:
    """The way back from outside: first out to the wider view, then round, then in."""
    out = min(at.zoom, home.zoom)
    return split(at, [Spot(at.pan, at.tilt, out), Spot(home.pan, home.tilt, out), home])


def spelt(at: Spot | None) -> str:
    """A position as it stands in a row: ``0.1234 -0.5000 0.0000``; ``?`` when nobody knows it."""
    return " ".join(f"{n:.4f}" for n in at) if at else "?"


def spelt_zone(zone: Zone) -> dict[str, Any]:
    """A zone as a page draws it: limits, home, sizes of the view, forbidden views with their corners."""
    return {
        "type": "zone",
        "limits": zone.limits,
        "home": zone.home,
        "purpose": zone.purpose,
        "wide": zone.wide,
        "tele": zone.tele,
        "forbidden": [{"name": f.name, "polygon": f.polygon, "from_zoom": f.from_zoom} for f in zone.forbidden],
    }
