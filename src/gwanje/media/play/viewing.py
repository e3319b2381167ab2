"""One viewing (열람): the seconds of one Permit for one officer, opened one by one, at the pace of the page.

Order for every second: the sealed bytes are read, vaultd is asked for that second's keys (and logs it), the part is
opened in memory, moved on the time line, sent, forgotten. The seconds from a key frame to the asked one are asked for
together: one request, one wait for the disk, a row for each. Nothing outside the Permit's range is even asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gwanje.kernel import secret
from gwanje.kernel.clock import Clock
from gwanje.kernel.permit import Lens, Permit
from gwanje.media.play.boxes import BadBoxes, Init, Timeline, read_init
from gwanje.media.play.store import EPOCH_S, Sealed, Store
from gwanje.vault.client import Session
from gwanje.vault.desk import TICKS_MAX
from gwanje.vault.errors import GONE, VaultError
from gwanje.vault.parts import INIT, PartHeader, open_part
from gwanje.vault.store import StoreAway

AHEAD_S = 3
SPEEDS = (1, 2, 4)
BURST_S, RATE_MAX = float(AHEAD_S * max(SPEEDS)), 6.0
INIT_MESSAGE, FRAGMENT_MESSAGE = 1, 2
log = logging.getLogger("gwanje.player")

Send = Callable[[dict[str, Any] | bytes], Awaitable[None]]
Opened = Callable[[Lens, int, int], Awaitable[None]]


class Door(Protocol):
    """What the player asks of vaultd."""

    async def redeem(self, permit: bytes, viewer: bytes) -> Session:
        """Spend a Permit."""

    async def resume(self, session: bytes, viewer: bytes) -> Session:
        """Go on with a session."""

    async def open_ticks(
        self, session: bytes, class_: int, slot: int, epoch: int, seconds: Sequence[tuple[int, Sequence[bytes]]]
    ) -> list[dict[bytes, bytearray]]:
        """Key material of seconds of one hour, (tick, segments) each; it is ours to overwrite."""


class Refused(Exception):
    """The viewer is told a code and a sentence in Korean and English."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Order:
    """What the page asked for last: a camera and the second (Unix s) to begin with."""

    lens: Lens
    at: int


@dataclass(frozen=True)
class _Piece:
    """One sealed part in memory, with its segment and class."""

    header: PartHeader
    data: bytes
    segment: bytes
    class_: int


@dataclass(frozen=True)
class _Lent:
    """One second that vaultd opened: its parts, their keys by segment and class, why there are none."""

    pieces: list[_Piece]
    keys: dict[tuple[int, bytes], bytearray]
    reason: str

    def wipe(self) -> None:
        """Overwrite the keys: the second was shown, or never will be."""
        secret.wipe(*self.keys.values())


class Pace:
    """How fast seconds may be opened (재생 속도): never more than three seconds of watching ahead of what is watched.

    What is watched moves as fast as time, times the page's speed, and never past what was opened. Credits of the page
    come on top: a page that does not ask gets nothing. Orders (seeks) start afresh, but all together get no more than
    twelve seconds at once and six times as fast as time. What lies between a key frame and the ordered second is
    decoded and not watched: it needs no credit (``lead``), and counts with the orders.
    """

    def __init__(self) -> None:
        self._credits, self._ahead, self._at = 0, 0.0, 0.0
        self._tokens = BURST_S
        self._changed = asyncio.Event()
        self.speed, self.paused = 1, False

    def begin(self, speed: int = 1) -> None:
        """A new order: the first seconds need no credit, and nothing of it is watched yet."""
        self._credits, self._ahead, self.paused = AHEAD_S, 0.0, False
        self.set_speed(speed)

    def set_speed(self, speed: int) -> None:
        """The page plays once, twice or four times as fast as time."""
        self._pass()
        self.speed = speed
        self._credits = min(self._room, self._credits)
        self._changed.set()

    def more(self, count: int) -> None:
        """The page has room for more seconds."""
        self._pass()
        self._credits = min(self._room, self._credits + count)
        self.paused = False
        self._changed.set()

    def refund(self, *, lead: bool = False) -> None:
        """A second was taken that could not be shown: nobody watches it."""
        if not lead:
            self._credits += 1
            self._ahead = max(0.0, self._ahead - 1)

    def pause(self) -> None:
        """Nothing until the page asks for more or plays; what is ahead stays ahead."""
        self._pass()
        self._credits, self.paused = 0, True

    @property
    def _room(self) -> int:
        return AHEAD_S * self.speed

    def _pass(self) -> None:
        """Let the time since the last look pass: what was ahead is watched, unless the page stands still."""
        now = asyncio.get_running_loop().time()
        gone, self._at = now - self._at, now
        self._tokens = min(BURST_S, self._tokens + gone * RATE_MAX)
        if not self.paused:
            self._ahead = max(0.0, self._ahead - gone * self.speed)

    def _wait_s(self, lead: bool) -> float | None:
        """Seconds until one more may be opened; None: not before the page asks."""
        tokens = (1 - self._tokens) / RATE_MAX
        if self.paused or not (lead or self._credits > 0):
            return None
        return tokens if lead else max((self._ahead + 1 - self._room) / self.speed, tokens)

    def now(self, *, lead: bool = False) -> bool:
        """Take one more second if that may be at once."""
        self._pass()
        wait = self._wait_s(lead)
        if wait is None or wait > 0:
            return False
        self._tokens -= 1
        if not lead:
            self._credits -= 1
            self._ahead += 1
        return True

    async def take(self, stop: Callable[[], bool], *, lead: bool = False) -> bool:
        """Wait until one more second may be opened; False when ``stop`` says so first."""
        while not stop():
            self._changed.clear()
            if self.now(lead=lead):
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._wait_s(lead))
        return False


class Viewing:
    """Streams the seconds of ``permit`` that the page orders, until its session ends."""

    def __init__(  # noqa: PLR0917 - made in one place
        self, permit: Permit, session: bytes, ends_s: int, door: Door, store: Store, clock: Clock, send: Send,
        opened: Opened,
    ) -> None:  # fmt: skip
        self.permit, self.session, self.ends_s = permit, session, ends_s
        self.pace = Pace()
        self._door, self._store, self._clock, self._send, self._opened = door, store, clock, send, opened
        self._order: Order | None = None
        self._wanted = asyncio.Event()
        self._timeline = Timeline(permit.first)
        self._init: Init | None = None
        self._sent_init: bytes = b""
        self._need_key = True
        self._run: tuple[Lens, int, int] | None = None
        self._dead: set[tuple[int, int]] = set()
        self._lent: dict[int, _Lent] = {}
        self._telling: asyncio.Future[None] | None = None

    def play(self, camera: bytes, at: int, speed: int = 1) -> None:
        """Order a camera from a second on; Refused ``outside`` when the Permit does not have it."""
        lens = next((lens for lens in self.permit.cameras if lens.camera.bytes == camera), None)
        if lens is None or not self.permit.first <= at < self.permit.until:
            raise Refused("outside", "허가된 범위 밖입니다. / Outside the range of the Permit.")
        self._order = Order(lens, at)
        self.pace.begin(speed)
        self._wanted.set()

    async def run(self) -> None:
        """Carry out orders for as long as the connection lives (cancelled by its owner)."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                order, self._order = self._order, None
                if order is not None:
                    await self._tried(order)
        finally:
            self._forget()
            # what was opened is told even when the connection breaks in the middle
            await self.flush()

    def _forget(self) -> None:
        for lent in self._lent.values():
            lent.wipe()
        self._lent.clear()

    async def _tried(self, order: Order) -> None:
        """A store that does not answer is said: its footage is neither gone nor missing."""
        try:
            await self._carry_out(order)
        except StoreAway as error:
            log.error("object store: %s", error)
            await self.flush()
            text = "영상 저장소가 응답하지 않습니다. 다시 하십시오. / The video store does not answer; try again."
            await self._send({"type": "error", "code": "store_away", "message": text})
            await self._send({"type": "end"})

    async def _carry_out(self, order: Order) -> None:
        lens, until = order.lens, self.permit.until
        second = await self._store.ask(self._store.key_second, lens.slot, lens.stream, order.at, self.permit.first)
        self._timeline.restart()
        self._need_key, self._sent_init = True, b""
        self._forget()
        gap: tuple[int, str] | None = None
        shown, reasons = False, set[str]()
        while second < until:
            there = await self._store.ask(self._store.next_second, lens.slot, lens.stream, second, until)
            reason: str | None = "no_footage"
            if there == second:
                there = second + 1
                dead = await self._store.ask(self._is_dead, lens, second)
                reason = "destroyed" if dead else await self._paced(order, second, gap)
                if reason == "":
                    return
            if reason is None:
                gap, shown = None, True
            else:
                reasons.add(reason)
                gap = gap if gap and gap[1] == reason else await self._told(gap, second, reason)
                self._need_key = True
            second = there
            # a long hole must not keep the loop from others
            await asyncio.sleep(0)
        await self.flush()
        if not shown:
            await self._nothing(next(r for r in ("closed", "destroyed", "damaged", "no_footage") if r in reasons))
        if gap is not None:
            await self._send({"type": "gap", "from": gap[0], "until": until, "reason": gap[1]})
        await self._send({"type": "end"})

    def _is_dead(self, lens: Lens, second: int) -> bool:
        epoch = second // EPOCH_S
        return all((s.class_, epoch) in self._dead for s in self._store.at(lens.slot, lens.stream, second))

    async def _paced(self, order: Order, second: int, gap: tuple[int, str] | None) -> str | None:
        """One second when it is time for it; empty text when another order came first."""
        lead = second < order.at
        if second not in self._lent:
            if not await self.pace.take(lambda: self._order is not None, lead=lead):
                await self._tell()
                return ""
            await self._lend(order.lens, self._together(order, second))
        reason = await self._second(second, gap)
        if reason is not None:
            # the page has no picture for which it could ask for more
            self.pace.refund(lead=lead)
        return reason

    def _together(self, order: Order, second: int) -> list[int]:
        """The seconds that are opened with this one: up to the ordered one, as far as the pace and the hour go."""
        seconds = [second]
        while seconds[-1] < order.at and len(seconds) < TICKS_MAX:
            more = seconds[-1] + 1
            if more % EPOCH_S == 0 or not self.pace.now(lead=more < order.at):
                break
            seconds.append(more)
        return seconds

    async def _nothing(self, reason: str) -> None:
        texts = {
            # the same words whether a hold has it or not: who may not see a hold does not learn of it here
            "closed": "삭제 요구로 폐쇄된 구간입니다. 보존을 밝힌 허가로만 열립니다. / "
            "Closed by a deletion; only a Permit that names a hold which has it opens it.",
            "destroyed": "보관기간이 끝나 파기된 영상입니다. / This video was destroyed: its retention ended.",
            "damaged": "영상이 손상되어 열 수 없습니다. / The stored video is damaged and does not open.",
        }
        text = texts.get(reason, "이 구간에는 저장된 영상이 없습니다. / Nothing is stored in this range.")
        await self._send({"type": "error", "code": reason, "message": text})

    async def _told(self, gap: tuple[int, str] | None, second: int, reason: str) -> tuple[int, str]:
        if gap is not None:
            await self._send({"type": "gap", "from": gap[0], "until": second, "reason": gap[1]})
        return second, reason

    async def _second(self, second: int, gap: tuple[int, str] | None) -> str | None:
        """Send one second that was opened; the reason of a gap when nothing of it could be shown."""
        lent = self._lent.pop(second)
        try:
            sent = await self._show(lent, gap, second)
        finally:
            lent.wipe()
        return None if sent else lent.reason

    async def _lend(self, lens: Lens, seconds: list[int]) -> None:
        """Read the sealed parts of these seconds of one hour, then ask for their keys together."""
        assert all(self.permit.first <= second < self.permit.until for second in seconds)
        epoch = seconds[0] // EPOCH_S
        for second in seconds:
            pieces, reason = await self._store.ask(self._pieces, lens, second)
            self._lent[second] = _Lent(pieces, {}, reason)
        try:
            for class_ in sorted({piece.class_ for second in seconds for piece in self._lent[second].pieces}):
                await self._ask(lens, class_, epoch, {s: ids for s in seconds if (ids := self._segments(s, class_))})
        finally:
            for second in seconds:
                if self._lent[second].keys:
                    await self._noted(lens, second)

    async def _ask(self, lens: Lens, class_: int, epoch: int, wanted: dict[int, list[bytes]]) -> None:
        """Keys of one retention class for these seconds (second → segments)."""
        asked = [(second % EPOCH_S, segments) for second, segments in wanted.items()]
        try:
            keys = await self._door.open_ticks(self.session, class_, lens.slot, epoch, asked)
        except VaultError as error:
            if error.code == "closed" and len(wanted) > 1:
                # one closed second refuses all that were asked with it
                for second, segments in wanted.items():
                    await self._ask(lens, class_, epoch, {second: segments})
                return
            if error.code not in GONE:
                raise
            if error.code == "destroyed":
                self._dead.add((class_, epoch))
            for second in wanted:
                self._lent[second] = replace(self._lent[second], reason=error.code)
            return
        for second, material in zip(wanted, keys, strict=True):
            self._lent[second].keys.update({(class_, segment): okm for segment, okm in material.items()})

    def _segments(self, second: int, class_: int) -> list[bytes]:
        return sorted({piece.segment for piece in self._lent[second].pieces if piece.class_ == class_})

    def _pieces(self, lens: Lens, second: int) -> tuple[list[_Piece], str]:
        """The parts of one second, still sealed, and why there are none if there are none."""
        pieces: list[_Piece] = []
        reason = "damaged"
        for sealed in self._store.at(lens.slot, lens.stream, second):
            if (sealed.class_, second // EPOCH_S) in self._dead:
                reason = "destroyed"
                continue
            pieces += self._read(sealed)
        return pieces, reason

    @staticmethod
    def _read(sealed: Sealed) -> list[_Piece]:
        out = []
        for part in sealed.parts:
            try:
                data = sealed.reader.read(part)
            except StoreAway:
                raise
            except (VaultError, OSError) as error:
                log.warning("segment %s: %s", sealed.segment_id.hex()[:16], type(error).__name__)
                break
            out.append(_Piece(part.header, data, sealed.segment_id, sealed.class_))
        return out

    async def _show(self, lent: _Lent, gap: tuple[int, str] | None, second: int) -> bool:
        """Open the parts of one second and send what is video; False when nothing could be shown."""
        sent = False
        for piece in sorted(lent.pieces, key=lambda piece: piece.class_):
            material = lent.keys.get((piece.class_, piece.segment))
            if material is None:
                continue
            try:
                message = self._open(piece, material)
            except (VaultError, BadBoxes) as error:
                log.warning("segment %s, ordinal %d: %s", piece.segment.hex()[:16], piece.header.ordinal, error)
                self._need_key = True
                continue
            if not message:
                continue
            if gap is not None and not sent:
                await self._send({"type": "gap", "from": gap[0], "until": second, "reason": gap[1]})
            await self._send_init(piece.header.start_us)
            await self._send(message)
            sent = True
        return sent

    def _open(self, piece: _Piece, material: bytearray) -> bytes:
        """The message for one part; empty for an init, and for what cannot be decoded before a key frame."""
        plain = open_part(material, piece.segment, piece.data)
        if piece.header.kind == INIT:
            if self._init is None or plain != self._init.data:
                self._init = read_init(plain)
            return b""
        if self._need_key and not piece.header.idr:
            return b""
        if self._init is None:
            raise BadBoxes("no init before the first picture")
        moved = self._timeline.place(plain, self._init, piece.header.start_us)
        if not moved:
            return b""
        self._need_key = False
        return struct.pack(">BQ", FRAGMENT_MESSAGE, piece.header.start_us) + moved

    async def _send_init(self, start_us: int) -> None:
        init = self._init
        if init is None or init.data == self._sent_init:
            return
        self._sent_init = init.data
        await self._send({"type": "init", "codec": init.codec, "width": init.width, "height": init.height})
        await self._send(struct.pack(">BQ", INIT_MESSAGE, start_us) + init.data)

    async def _noted(self, lens: Lens, second: int) -> None:
        """Remember that vaultd opened a second; told to the ledger as ranges."""
        if self._run is not None and self._run[0] == lens and self._run[2] == second and second - self._run[1] < 60:
            self._run = (lens, self._run[1], second + 1)
            return
        await self._tell()
        self._run = (lens, second, second + 1)

    async def _tell(self) -> None:
        """Begin to tell the range opened since the last time; the next picture does not wait for its row's disk.

        One row at a time is on its way: the one before has to stand, and a row that cannot be written ends the viewing.
        """
        run, self._run = self._run, None
        if run is None:
            return
        await self._told_all()
        self._telling = asyncio.ensure_future(self._opened(*run))

    async def _told_all(self) -> None:
        if self._telling is not None:
            # a connection that breaks here must not take the row with it
            await asyncio.shield(self._telling)
            self._telling = None

    async def flush(self) -> None:
        """Tell the range opened since the last time, and wait until it stands."""
        await self._tell()
        await self._told_all()
