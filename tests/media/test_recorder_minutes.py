"""Recorder-minutes from a real recorder: each part in a file is proved by some minute, nothing unflushed is named."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from rig import CENTRE, CLIPS, WRITER, Roots, midhour, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.footage import Segment
from gwanje.kernel.ledger import tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.kernel.ledger.minutes import Minute, entry, segment_leaf
from gwanje.kernel.ledger.proofs import NoProof, Part, Sealed, part_proof, verify_part_proof
from gwanje.media.minutes import MinuteBook, Tails
from gwanje.media.sim.server import SimThread
from gwanje.vault import merkle, parts
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter

EPOCH = 500_000


def hashes_of(path: Path) -> tuple[bytes, list[bytes]]:
    """(segment id, part hashes) read back from the file."""
    with SegmentReader(path) as reader:
        return reader.segment_id, [hashlib.sha256(reader.read(part)).digest() for part in reader.parts]


def ledger_of(found: Sequence[Minute]) -> tuple[list[Sealed], tree.Nodes, bytes]:
    """A ledger in memory of just these minutes."""
    sealed, leaves = [], []
    for index, minute in enumerate(found):
        salt, at_us = os.urandom(32), (minute.minute_s + 61) * 1_000_000
        root = tree.root(minute.nodes(), minute.count)
        opening = opening_bytes(entry(minute.writer, minute.minute_s, minute.count, root))
        leaves.append(leaf_bytes(minute.row, at_us, salt, opening))
        sealed.append(Sealed(minute, minute.row, at_us, salt, index))
    nodes = tree.nodes_of(leaves)
    return sealed, nodes, tree.root(nodes, len(leaves))


async def test_every_part_on_the_disk_is_proved_by_a_minute(tmp_path: Path) -> None:
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 3, 4)) as sim:
        async with recording(tmp_path, lender, [source(n, sim.url(f"cam0{n}")) for n in (1, 2)]) as recorder:
            await until(lambda: recorder.sealer.counters.parts >= 8)
            before = recorder.minutes.sealed
            await until(lambda: all(
                (found := c.recorder.settled()) and found[1] for c in recorder.fleet.cameras.values()
            ))  # fmt: skip
            lender.clock.set_offset(lender.clock._offset_us + 60_000_000)
            await until(lambda: recorder.minutes.sealed > before)
    found = [row for row in rows(tmp_path) if isinstance(row, Minute)]
    assert len(found) >= 2
    assert {minute.writer for minute in found} == {WRITER}
    sealed, nodes, root = ledger_of(found)
    proved = 0
    for path in segment_files(tmp_path):
        name, hashes = hashes_of(path)
        for ordinal, value in enumerate(hashes):
            for one in sealed:
                try:
                    proof = part_proof(Part(name, hashes, ordinal), one, len(sealed), nodes)
                except NoProof:
                    continue
                assert verify_part_proof(proof, name, value, len(sealed), root).ordinal == ordinal
                proved += 1
                break
            else:
                raise AssertionError(f"{path.name}: part {ordinal} stands in no minute")
    assert proved >= 8


class Camera:
    """An open segment, as a recorder shows it."""

    def __init__(self, store: Path, slot: int) -> None:
        header = SegmentHeader.fresh(
            class_=1, epoch=EPOCH, slot=slot, stream=0, fence=1, writer=WRITER, created_us=0, centre=CENTRE
        )
        self.writer, self.slot, self.flushed = SegmentWriter.create(store, header), slot, 0
        self.writer.key(0, bytes(32))
        self._out = memoryview(bytearray(4096))

    def settled(self) -> tuple[SegmentWriter, int]:
        return self.writer, self.flushed

    def record(self, count: int) -> None:
        for _ in range(count):
            size = self.writer.seal_into(self._out, parts.VIDEO, 0, EPOCH * 3600 * 1_000_000, 0, os.urandom(100))
            self.writer.write(self._out[:size])


@pytest.fixture
def book() -> tuple[MinuteBook, list[Minute]]:
    told: list[Minute] = []
    return MinuteBook(WRITER, told.append), told


def test_a_minute_names_only_what_a_flush_has_brought_to_the_disk(
    tmp_path: Path, book: tuple[MinuteBook, list[Minute]]
) -> None:
    sealer, told = book
    cameras = [Camera(tmp_path, slot) for slot in range(12)]
    now = EPOCH * 3600
    for camera in cameras:
        camera.record(7)
        camera.flushed = 5
    for second in range(now, now + 60):
        sealer.tick(second, cameras)
    assert told == []
    sealer.tick(now + 60, cameras)
    (minute,) = told
    assert (minute.minute_s, minute.count) == (now, 12)
    for camera in cameras:
        name = camera.writer.segment_id
        assert minute.find(segment_leaf(name, 5, merkle.root(camera.writer.hashes[:5]))) is not None
        assert minute.find(segment_leaf(name, 7, merkle.root(camera.writer.hashes))) is None
    # nothing new on the disk: a minute without a row
    for second in range(now + 61, now + 121):
        sealer.tick(second, cameras)
    assert len(told) == 1


async def test_a_file_that_a_crash_cut_off_gets_its_minute(
    tmp_path: Path, book: tuple[MinuteBook, list[Minute]]
) -> None:
    sealer, told = book
    camera = Camera(tmp_path, 5)
    camera.record(9)
    hashes, name = list(camera.writer.hashes), camera.writer.segment_id
    camera.writer.abandon()
    with camera.writer.path.open("ab") as file:
        file.write(b"GWPT" + bytes(70))
    ids, rest = (UUID(int=1), UUID(int=2)), (b"\1", "", 0, 0, None)
    path = str(camera.writer.path.relative_to(tmp_path))
    gone = Segment(b"g" * 32, *ids, 5, 0, 1, EPOCH, 0, 0, 9, 9, *rest, "1/2/3/gone.gws", 1, WRITER, True)
    cut = Segment(name, *ids, 5, 0, 1, EPOCH, 0, 0, 9, 9, *rest, path, 1, WRITER, True)
    closed: list[Segment] = []
    tails = Tails(tmp_path, closed.append)
    tails.put(gone)
    tails.put(cut)
    await until(lambda: closed)
    tails.stop()
    sealer.closed(closed[0])
    sealer.end(EPOCH * 3600 + 7)
    (minute,) = told
    assert minute.find(segment_leaf(name, 9, merkle.root(hashes))) == 0


def test_a_clock_that_goes_back_seals_no_minute_twice(tmp_path: Path, book: tuple[MinuteBook, list[Minute]]) -> None:
    sealer, told = book
    camera, now = Camera(tmp_path, 3), EPOCH * 3600
    for step, at in enumerate((0, 60, 30, 0, 59, 61, 120)):
        camera.record(1)
        camera.flushed = step + 1
        sealer.tick(now + at, [camera])
    assert [minute.minute_s for minute in told] == [now, now + 60]


def test_more_segments_than_a_row_holds_become_two_rows(book: tuple[MinuteBook, list[Minute]]) -> None:
    sealer, told = book
    ids, rest = (UUID(int=1), UUID(int=2)), (b"\1", "", 0, 0, bytes(32), "", 1, WRITER, True)
    for number in range(8200):
        sealer.closed(Segment(number.to_bytes(32, "big"), *ids, 1, 0, 1, EPOCH, 0, 1, 3, 9, *rest))
    sealer.end(EPOCH * 3600 + 7)
    assert [minute.count for minute in told] == [8192, 8]
    assert len({minute.row for minute in told}) == 2
