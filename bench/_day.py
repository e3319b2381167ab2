"""``./dev soak --simulated 24h``: a day of the packet path on a simulated clock, in minutes.

Real: depacketiser, parts, sealing, segment files, key ring, gap rows, spool, vaultd's core with its keystore on disk,
destruction of hours. Simulated: the clock, and cameras that send two small pictures a second as RTP bytes. The run
begins at 22:30 of 31 December in the centre's zone and lasts the asked hours and two more, in which hours die.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench._processes import say, store_bytes
from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import EPOCH_S, Gap, Segment
from gwanje.kernel.home import Home
from gwanje.kernel.sources import Source
from gwanje.media.account import Account
from gwanje.media.check import Check
from gwanje.media.engine import Engine
from gwanje.media.gaps import GapLog, OpenGaps
from gwanje.media.indexed import Held
from gwanje.media.keyring import KeyRing
from gwanje.media.ring import LiveRing
from gwanje.media.segments import CameraRecorder, Sealer, Settings
from gwanje.media.sim.packets import interleave, load, payloads
from gwanje.media.spool import IndexSpool, read_rows
from gwanje.media.stream import Stream
from gwanje.vault import ceremony
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import SegmentReader

RATE, GROUP = 2, 4
SENT_BYTES = 180
TAIL_H = 2
OUTAGE_EVERY_S, OUTAGE_S = 2 * 3600 + 7, 90
KEYLESS_S = 120
MEMORY_RATIO = 1.05
CLASS = 1


class SimulatedClock(Clock):
    """Goes only when it is told to."""

    def __init__(self, now_us: int, zone: str) -> None:
        self.at_us = now_us
        super().__init__(None, zone)

    def _pair(self) -> tuple[int, int]:
        return self.at_us, self.at_us

    def now_us(self) -> int:
        return self.at_us


class Lender:
    """vaultd's core in this process, and the times at which it does not answer."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.away = False
        self.asked = 0

    async def lend(self, class_: int, slot: int, epoch: int) -> Any:
        self.asked += 1
        if self.away:
            raise ConnectionError("away")
        try:
            first, nodes = self.vault.lend(class_, slot, epoch)
        except VaultError as error:
            raise ConnectionError(error.code) from error
        return _Lent(first, nodes)


class _Lent:
    def __init__(self, first: int, nodes: list[tuple[int, bytes]]) -> None:
        self.first, self.nodes = first, nodes


class SimulatedCamera:
    """Sends small access units as interleaved RTP, straight into the engine's receive buffer."""

    def __init__(self, number: int, slot: int, engine: Engine, gaps: GapLog, sets: list[bytes]) -> None:
        sealer = engine.sealer
        self.source = Source(UUID(int=1 + number), UUID(int=1), slot, CLASS, f"D-{number}", "", "", {}, True)
        self.gaps = gaps
        self.recorder = CameraRecorder(sealer, self.source, gaps)
        self.stream = Stream(engine.receiver, sealer.buffer(), LiveRing(), self.recorder)
        self.sets = sets
        self.number = number
        self.sent = self.sequence = 0
        self.playing = False
        self.outages = 0

    def begin(self) -> None:
        """A new connection."""
        self.stream.restart(0)
        self.playing = True

    def end(self, at_us: int) -> None:
        """The connection is lost."""
        self.stream.give_up()
        self.recorder.sealer.drain(self.recorder)
        self.gaps.begin("network", self.recorder.last_end_us or at_us, "simulated outage")
        self.playing, self.outages = False, self.outages + 1

    def send(self, receiver: Any) -> None:
        """One picture."""
        key = self.sent % GROUP == 0
        picture = bytes([0x65 if key else 0x41]) + (self.sent * 977 + self.number).to_bytes(8, "big") * (
            SENT_BYTES // 8
        )
        made = payloads([*self.sets, picture] if key else [picture])
        stamp, at = self.sent * (90_000 // RATE) & 0xFFFFFFFF, 0
        for place, payload in enumerate(made):
            packet = bytearray(interleave(payload, marker=place == len(made) - 1))
            packet[6:12] = (self.sequence & 0xFFFF).to_bytes(2, "big") + stamp.to_bytes(4, "big")
            receiver.buffer[at : at + len(packet)] = packet
            at += len(packet)
            self.sequence += 1
        self.sent += 1
        self.stream.feed(at)


class SimulatedDay:
    """The run: half a second a step."""

    def __init__(self, folder: Path, cameras: int, sets: list[bytes]) -> None:
        self.home = Home.create(folder / "var", demo=True)
        began = datetime(2026, 12, 31, 22, 30, tzinfo=self.home.clock.zone)
        self.clock = SimulatedClock(round(began.timestamp()) * 1_000_000, str(self.home.config["zone"]))
        self.home.__dict__["clock"] = self.clock
        ceremony.create(self.home)
        keystore = ceremony.open_keystore(self.home)
        keystore.lock()
        self.vault = Vault(self.home, keystore)
        self.vault.set_class(CLASS, "days", 1, "soak")
        self.lender = Lender(self.vault)
        self.keys = KeyRing(self.lender, lambda: self.clock.tick_us() // 1_000_000)
        self.spool = IndexSpool(self.home.spool)
        self.pool = ThreadPoolExecutor(1)
        settings = Settings(self.home.store, self.home.centre, bytes(16), flush_s=60, progress_s=0)
        self.sealer = Sealer(settings, self.keys, self.spool.put, (self.pool,))
        self.engine = Engine(self.clock, self.sealer)
        open_gaps = OpenGaps(self.home.spool / "open-gaps.json")
        slots = self.vault.slots([UUID(int=1 + number) for number in range(cameras)])
        self.cameras = [
            SimulatedCamera(n, slot, self.engine,
                            GapLog(UUID(int=1 + n), UUID(int=1), 0, self.spool.put, open_gaps), sets)
            for n, slot in enumerate(slots)
        ]  # fmt: skip
        self.memory: list[float] = []
        self.store: list[int] = []
        self.destroyed: set[int] = set()
        self.unlinked = self.unopened = 0

    async def run(self, hours: float) -> None:
        """Step by step; what takes the recorder's loops is called as they call it."""
        for camera in self.cameras:
            self.keys.want(camera.source.slot, CLASS)
        self.keys.step()
        await self._tasks()
        for camera in self.cameras:
            camera.begin()
        began_s = self.clock.now_s()
        for step in range(round((hours + TAIL_H) * 3600 * RATE)):
            self.clock.at_us += 1_000_000 // RATE
            if step % RATE == 0:
                await self._second(self.clock.now_s() - began_s)
            self.engine._now()
            for camera in self.cameras:
                if camera.playing:
                    camera.send(self.engine.receiver)
            self.sealer.work(len(self.sealer.jobs))
        for camera in self.cameras:
            camera.stream.give_up()
        self.sealer.work(len(self.sealer.jobs))
        for camera in self.cameras:
            camera.recorder.close()
        self.pool.submit(int).result()
        self.spool.close()

    async def _tasks(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)

    async def _second(self, passed: int) -> None:
        # the vault is away while the fourth hour ends: what is lent lasts to the hour, then nothing is recorded
        to_hour = EPOCH_S - self.clock.now_s() % EPOCH_S
        fourth = passed // EPOCH_S == 3
        self.lender.away = (fourth and to_hour <= KEYLESS_S) or (fourth and to_hour > EPOCH_S - KEYLESS_S)
        self.keys.step()
        await self._tasks()
        for camera in self.cameras:
            beat = (passed + 600 * camera.number) % OUTAGE_EVERY_S
            if camera.playing and beat == OUTAGE_EVERY_S - OUTAGE_S:
                camera.end(self.clock.tick_us())
            elif not camera.playing and beat == 0:
                camera.begin()
        if passed % 60 == 0:
            self.pool.submit(self.spool.sync).result()
        if passed % EPOCH_S == EPOCH_S - 1:
            self._hour(passed // EPOCH_S)

    def _hour(self, number: int) -> None:
        """What the worker does hourly: erase what is due, unlink its files; figures."""
        for dead in self.vault.destroy_due():
            if dead.epoch in self.destroyed:
                continue
            self.destroyed.add(dead.epoch)
            for path in (self.home.store / str(CLASS) / str(dead.epoch)).glob("*/*.gws"):
                with SegmentReader(path) as reader:
                    try:
                        self.vault.leaf(CLASS, reader.header.slot, dead.epoch, reader.parts[0].header.tick)
                    except VaultError as error:
                        self.unopened += error.code == "destroyed"
                path.unlink()
                self.unlinked += 1
        self.memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
        self.store.append(store_bytes(self.home.store))
        say(f"hour {number + 1}: {self.memory[-1]:.1f} MB, store {self.store[-1] / 1e6:.0f} MB, "
            f"{self.clock.local():%m-%d %H:%M}, destroyed {len(self.destroyed)} hours")  # fmt: skip

    def judged(self) -> dict[str, Any]:
        """Account, check of what stands, memory, store."""
        rows: dict[bytes, Segment] = {}
        gaps: dict[UUID, Gap] = {}
        for path in sorted(self.home.spool.glob("index-*.jsonl")):
            for row in read_rows(path):
                if isinstance(row, Segment):
                    rows[row.segment_id] = row
                elif isinstance(row, Gap):
                    gaps[row.id] = row
        account = Account(rows.values(), gaps.values(), self.clock.zone, self.clock.now_us())
        lives = [row for row in rows.values() if row.epoch not in self.destroyed]
        gone = [(row.camera, row.stream, row.epoch) for row in rows.values() if row.epoch in self.destroyed]
        report = Check(self.home.store, 2, self.clock.now_s(), self.clock.zone).run(Held(lives, gaps.values(), gone))
        third = max(1, len(self.memory) // 3)
        ratio = statistics.median(self.memory[-third:]) / statistics.median(
            self.memory[third : 2 * third] or self.memory
        )
        keyless = [gap for gap in gaps.values() if gap.reason == "no key"]
        sums = {name: round(sum(getattr(d, name) for d in account.days), 1)
                for name in ("wall_s", "footage_s", "gap_s", "slack_s", "missing_s", "overlap_s")}  # fmt: skip
        outages = sum(camera.outages for camera in self.cameras)
        figures = {
            "cameras": len(self.cameras), "account": sums, "days": len({d.day for d in account.days}),
            "outages": outages, "gap_rows": len(gaps), "no_key_rows": len(keyless), "lent": self.keys.lent,
            "segments": len(rows), "parts": self.sealer.counters.parts, "failures": self.sealer.counters.failures,
            "destroyed_hours": len(self.destroyed), "unlinked_files": self.unlinked, "unopened_files": self.unopened,
            "store_bytes": [max(self.store, default=0), self.store[-1] if self.store else 0],
            "memory_mb": [round(x, 1) for x in self.memory], "memory_ratio": round(ratio, 4),
            "check": {"level": 2, "files": report.files, "problems": report.problems[:5]},
        }  # fmt: skip
        failed = self.sealer.counters.failures or self.sealer.counters.dropped
        figures["met"] = {
            "account": not sums["missing_s"] and not sums["overlap_s"] and not failed and len(gaps) >= outages,
            "memory": ratio <= MEMORY_RATIO,
            "check": report.clean and report.files == len(lives),
            "destroyed": bool(self.destroyed) == (len(self.store) > 25) and self.unopened == self.unlinked,
        }
        return figures


def _sets(clip: Path) -> list[bytes]:
    stream = load(clip)
    return [stream.sps, stream.pps]


def simulated(hours: float, cameras: int, clip: Path | None = None) -> dict[str, Any]:
    """The day, judged; in memory where there is room, since a day's flushes would be the disk's measurement."""
    from bench._clip import clip as made

    shm = Path("/dev/shm")
    roomy = shm.is_dir() and shutil.disk_usage(shm).free > 6 << 30
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gwanje-day-", dir=shm if roomy else None) as folder:
        day = SimulatedDay(Path(folder), cameras, _sets(clip or made()))
        asyncio.run(day.run(hours))
        result = day.judged()
        day.vault.close()
    length = timedelta(hours=hours + TAIL_H)
    return {"simulated": str(length), "took_s": round(time.monotonic() - began, 1), **result}
