"""The key ring overwrites what it was given, and what a silent camera used last."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from gwanje.media.keyring import LEAVE_S, KeyRing
from gwanje.vault import parts, tree
from gwanje.vault.client_answers import Lent
from gwanje.vault.segment import SegmentHeader, SegmentWriter

ROOT, EPOCH, SLOT = os.urandom(32), 500_000, 3


@dataclass
class Lender:
    """Gives each caller nodes of its own, as the client does."""

    now: int = EPOCH * 3600 + 100
    given: list[Lent] = field(default_factory=list)

    async def lend(self, class_: int, slot: int, epoch: int) -> Lent:
        nodes = [(height, bytearray(key)) for height, key in tree.spine(ROOT, slot, self.now % 3600)]
        self.given.append(Lent(epoch, self.now % 3600, nodes))
        return self.given[-1]


async def test_lent_nodes_are_overwritten_when_the_stack_stands():
    lender = Lender()
    ring = KeyRing(lender, lambda: lender.now)
    ring.want(SLOT, 1)
    await ring.acquire(SLOT, 1)
    spine = ring.spine(1, SLOT, EPOCH)
    assert spine is not None
    assert lender.given
    assert not any(any(key) for lent in lender.given for _, key in lent.nodes)
    assert spine.at(105) == tree.leaf(ROOT, SLOT, 105)


async def test_a_silent_camera_s_last_leaf_goes_and_a_busy_one_s_stays():
    lender = Lender()
    ring = KeyRing(lender, lambda: lender.now)
    await ring.acquire(SLOT, 1)
    spine = ring.spine(1, SLOT, EPOCH)
    assert spine is not None
    leaf = spine.at(100)
    lender.now += LEAVE_S - 1
    ring.step()
    assert spine.at(100) == tree.leaf(ROOT, SLOT, 100)
    lender.now += 1
    ring.step()
    assert not any(leaf)
    assert spine.at(111) == tree.leaf(ROOT, SLOT, 111)


def test_a_writer_forgets_a_key_and_makes_it_again_while_the_leaf_stands(tmp_path):
    from uuid import UUID

    header = SegmentHeader.fresh(
        class_=1, epoch=EPOCH, slot=SLOT, stream=0, fence=1, writer=b"w" * 16, created_us=1, centre=UUID(int=7),
    )  # fmt: skip
    writer, out = SegmentWriter.create(tmp_path, header), memoryview(bytearray(500))
    leaf, at_us = tree.leaf(ROOT, SLOT, 9), (EPOCH * 3600 + 9) * 1_000_000

    def seal() -> bytes:
        size = writer.seal_into(out, parts.VIDEO, 0, at_us, 1, b"picture")
        writer.write(out[:size])
        return bytes(out[:size])

    writer.key(9, leaf)
    writer.leave(8)
    seal()
    writer.leave(9)
    with pytest.raises(parts.PartRefused):
        seal()
    writer.key(9, leaf)
    assert parts.open_part(parts.okm(leaf, writer.segment_id), writer.segment_id, seal()) == b"picture"
    writer.abandon()
