"""A generated archive of 30 days and 100 cameras: index in PostgreSQL, roots in the vault, real parts where asked.

864,000 index rows go in by COPY; at each asked moment one segment file of twenty seconds is sealed for real (1080p25,
2 Mbit/s, key frame every 2 s, at a random place of its group) and stands in the index instead of the generated row.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import av

from bench._clip import GROUP, RATE, clip
from gwanje.apps import vaultd
from gwanje.kernel.database import connect
from gwanje.kernel.home import Home
from gwanje.media import fmp4, h264
from gwanje.vault import ceremony, parts, tree
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import SegmentHeader, SegmentWriter

HOUR_S, FILE_S, SEALED_S, BEFORE_S = 3600, 300, 20, 8
SQL = Path(vaultd.__file__).parents[1] / "kernel" / "sql"
COLUMNS = (
    "segment_id, camera, agency, slot, stream, class, epoch, first_tick, last_tick, parts, bytes, idr_ticks, codec, "
    "width, height, root, path, fence, writer, closed"
)
AGENCY = UUID(int=5)


@dataclass(frozen=True)
class Moment:
    """A camera and a Unix second with real footage around it."""

    camera: UUID
    slot: int
    second: int


@dataclass
class Film:
    """The clip as samples with key flags, and its init segment."""

    init: bytes
    samples: list[tuple[bytes, bool]]
    codec: str

    @classmethod
    def of(cls, path: Path) -> Film:
        """From an MP4 with avc1 samples."""
        with av.open(str(path)) as container:
            extra = bytes(container.streams.video[0].codec_context.extradata or b"")
            samples = [(bytes(p), bool(p.is_keyframe)) for p in container.demux(video=0) if p.size]
        size = int.from_bytes(extra[6:8], "big")
        sps, rest = extra[8 : 8 + size], extra[8 + size :]
        pps = rest[3 : 3 + int.from_bytes(rest[1:3], "big")]
        picture = h264.picture(sps)
        return cls(fmp4.init(picture, fmp4.avc1(picture, [sps], [pps])), samples, picture.codec)

    def fragment(self, first: int, count: int, time: int) -> bytes:
        """``count`` pictures from ``first``: moof and mdat at a decode time of 90 kHz."""
        chosen = [self.samples[i % len(self.samples)] for i in range(first, first + count)]
        step = fmp4.TIMESCALE // RATE
        rows = b"".join(
            struct.pack(">III", step, len(data), fmp4.SYNC if key else fmp4.NON_SYNC) for data, key in chosen
        )
        body = b"".join(data for data, _ in chosen)
        buffer = bytearray(fmp4.HEAD_MAX + len(rows)) + body
        begin = fmp4.put_head(buffer, len(buffer) - len(body), rows, 1, time, len(body), False)
        return bytes(buffer[begin:])


@dataclass
class Archive:
    """What stands: the folder, its cameras and slots, the moments, how many rows."""

    home: Home
    first: int
    days: int
    cameras: list[UUID] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    rows: int = 0


def roots(home: Home, first_epoch: int, count: int) -> dict[int, bytes]:
    """Roots of ``count`` hours, put into the keystore while no vaultd runs; epoch → root."""
    store = ceremony.open_keystore(home)
    store.lock()
    try:
        store.load()
        with store.change() as state:
            for epoch in range(first_epoch, first_epoch + count):
                state.roots.setdefault((1, epoch), os.urandom(32))
            return {epoch: root for (_, epoch), root in state.roots.items()}
    finally:
        store.unlock()


def seal(archive: Archive, film: Film, moment: Moment, root: bytes, phase: int) -> tuple[object, ...]:
    """One real segment file around a moment; its index row."""
    start = moment.second - BEFORE_S
    epoch = start // HOUR_S
    header = SegmentHeader.fresh(
        class_=1, epoch=epoch, slot=moment.slot, stream=0, fence=1, writer=bytes(16), created_us=start * 1_000_000,
        centre=archive.home.centre, init=film.init,
    )  # fmt: skip
    writer = SegmentWriter.create(archive.home.store, header)
    out = memoryview(bytearray(4 << 20))
    node = tree.slot_node(root, moment.slot)
    idr = bytearray(HOUR_S // 8)
    for index in range(SEALED_S):
        second = start + index
        tick = second % HOUR_S
        writer.key(tick, tree.leaf_below(node, tick))
        frame = phase + index * RATE
        # a part begins at each key frame and at each second
        key = -frame % GROUP
        cuts = [0, key, RATE] if 0 < key < RATE else [0, RATE]
        at = 0
        for low, high in pairwise(cuts):
            us = second * 1_000_000 + low * 40_000 + 10
            begins_with_key = (frame + low) % GROUP == 0
            if begins_with_key or (not index and not low):
                at += writer.seal_into(out[at:], parts.INIT, 0, us, 0, film.init)
            if begins_with_key:
                idr[index // 8] |= 1 << index % 8
            data = film.fragment(frame + low, high - low, second * 90_000 + low * 3600)
            flags = parts.FLAG_IDR if begins_with_key else 0
            at += writer.seal_into(out[at:], parts.VIDEO, flags, us + 10, (high - low) * 40_000, data)
        writer.write(out[:at])
    count = len(writer.hashes)
    merkle = writer.finish()
    path = writer.path.relative_to(archive.home.store)
    return (
        writer.segment_id, moment.camera, AGENCY, moment.slot, 0, 1, epoch,
        start % HOUR_S, start % HOUR_S + SEALED_S - 1, count, writer.path.stat().st_size, bytes(idr[:3]), film.codec,
        1920, 1080, merkle, str(path), 1, bytes(16), True,
    )  # fmt: skip


def generated(archive: Archive, real: set[tuple[UUID, int, int]], codec: str) -> Iterator[tuple[object, ...]]:
    """An index row for every five minutes of every camera but the real ones (camera, epoch, file of the hour)."""
    idr = bytes([0b01010101]) * (FILE_S // 8 + 1)
    first_epoch = archive.first // HOUR_S
    for number, camera in enumerate(archive.cameras):
        slot = archive.slots[number]
        for epoch in range(first_epoch, first_epoch + archive.days * 24):
            for file in range(HOUR_S // FILE_S):
                if (camera, epoch, file) in real:
                    continue
                key = struct.pack(">QQQQ", number, epoch, file, 0x6777)
                yield (
                    key, camera, AGENCY, slot, 0, 1, epoch, file * FILE_S, file * FILE_S + FILE_S - 1, 450, 75_000_000,
                    idr, codec, 1920, 1080, key, f"1/{epoch}/{slot}/0-{file}-1.gws", 1, bytes(16), True,
                )  # fmt: skip


def index(archive: Archive, real: list[tuple[object, ...]], codec: str) -> None:
    """Tables and rows, then ANALYZE; the triggers of single rows rest while the generated rows go in."""
    taken = {(row[1], row[6], int(str(row[7])) // FILE_S) for row in real}
    with connect(archive.home, "owner") as db:
        for name in ("footage", "sources", "devices", "fleet", "findings"):
            db.execute((SQL / f"{name}.sql").read_text())
        db.execute("insert into footage_class values (1, 'days', 30, 'bench', 'bench')")
        db.execute("alter table footage_segment disable trigger user")
        with db.cursor() as cursor, cursor.copy(f"copy footage_segment ({COLUMNS}) from stdin") as copy:
            for row in generated(archive, taken, codec):  # type: ignore[arg-type]
                copy.write_row(row)
                archive.rows += 1
            for row in real:
                copy.write_row(row)
                archive.rows += 1
        db.execute("alter table footage_segment enable trigger user")
        db.execute("grant select on all tables in schema public to gwanje_app")
    with connect(archive.home, "owner") as db:
        db.autocommit = True
        db.execute("vacuum analyze footage_segment")


def build(home: Home, cameras: int, days: int, moments: int, seed: int) -> Archive:
    """The whole archive; vaultd and PostgreSQL run while it is made and are left as they were."""
    rng = random.Random(seed)
    now = home.clock.now_s()
    first = (now // HOUR_S - days * 24 + 1) * HOUR_S
    archive = Archive(home, first, days)
    archive.cameras = [UUID(int=1000 + number) for number in range(cameras)]
    with vaultd.running(home):
        client = VaultClient(home, "web")
        client.set_class(1, "days", 30, "bench")
        archive.slots = list(client.slots(archive.cameras))
    keys = roots(home, first // HOUR_S, days * 24)
    film = Film.of(clip())
    real = []
    for number in range(moments):
        camera = rng.randrange(cameras)
        # moments are spread over all days; each has its file of five minutes to itself
        day = first + number * days // moments * 24 * HOUR_S
        second = day + rng.randrange(22 * HOUR_S) // FILE_S * FILE_S + 20 + rng.randrange(240)
        moment = Moment(archive.cameras[camera], archive.slots[camera], second)
        archive.moments.append(moment)
        real.append(seal(archive, film, moment, keys[second // HOUR_S], rng.randrange(GROUP)))
    index(archive, real, film.codec)
    return archive
