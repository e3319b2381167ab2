"""What an image of memory opens, reckoned on one that was made here; and a nonce that stands twice is seen."""

from __future__ import annotations

import os
from uuid import UUID

import pytest

from gwanje.vault import parts, tree
from gwanje.vault.segment import SegmentHeader, SegmentWriter, segment_path
from tools.attack import canary, memory, opener

EPOCH, SLOT = 500_000, 5
NOW = EPOCH * 3600 + 100


@pytest.fixture
def recorded(tmp_path):
    """A hundred and twenty seconds of one camera, and its hour's root."""
    root = os.urandom(32)
    header = SegmentHeader.fresh(
        class_=1, epoch=EPOCH, slot=SLOT, stream=0, fence=1, writer=b"w" * 16, created_us=1, centre=UUID(int=7),
    )  # fmt: skip
    writer, out = SegmentWriter.create(tmp_path, header), memoryview(bytearray(4096))
    pictures = [os.urandom(200) for _ in range(120)]
    for tick, picture in enumerate(pictures):
        writer.key(tick, tree.leaf(root, SLOT, tick))
        start_us = (EPOCH * 3600 + tick) * 1_000_000
        writer.write(out[: writer.seal_into(out, parts.VIDEO, 0, start_us, 1_000_000, picture)])
    writer.finish()
    packed = opener.ROOT.pack(1, EPOCH, root)
    loot = opener.Loot(contents=[{"roots": packed}])
    return root, pictures, loot, list(opener.parts_of(segment_path(tmp_path, header)))


def image(*pieces: bytes) -> list[bytes]:
    return [os.urandom(1001) + b"".join(piece + os.urandom(13) for piece in pieces), os.urandom(70_000)]


def test_what_a_recorder_keeps_opens_what_is_to_come_only(recorded):
    root, pictures, loot, sealed = recorded
    spine = [key for _, key in tree.spine(root, SLOT, 100)]
    found = memory.look(image(*spine, pictures[99]), loot, sealed, NOW)
    assert (found["past_parts"], found["past_parts_opened"], found["past_parts_opened_by_stale"]) == (97, 0, 0)
    assert found["later_seconds_opened"] == 3600 - 100
    assert (found["plaintext_seconds"], found["plaintext_age_max_s"]) == (1, 1)


def test_a_frame_that_nobody_overwrote_is_counted_apart(recorded):
    root, _, loot, sealed = recorded
    lent = [b"\x58\x20" + key for _, key in tree.spine(root, SLOT, 40)]
    found = memory.look(image(*lent), loot, sealed, NOW)
    assert found["past_parts_opened"] == 0
    assert found["past_parts_opened_by_stale"] == 97 - 40
    assert found["keys_found"] == {}


@pytest.mark.parametrize(("height", "seconds"), [(0, 1), (3, 8), (12, 97)])
def test_a_key_of_the_past_is_found_and_opens(recorded, height, seconds):
    root, _, loot, sealed = recorded
    key = opener.below(root, (SLOT << 12) >> height, 32 - height)
    assert memory.look(image(key), loot, sealed, NOW)["past_parts_opened"] == seconds


def test_a_part_key_opens_its_own_part_only(recorded):
    root, _, loot, sealed = recorded
    okm = parts.okm(tree.leaf(root, SLOT, 7), sealed[7].segment)
    found = memory.look(image(okm[:32]), loot, sealed, NOW)
    assert found["past_parts_opened"] == 1
    assert found["keys_found"] == {"part key": 1}


def test_a_nonce_that_stands_twice_is_seen(recorded, tmp_path):
    path = next(tmp_path.rglob("*.gws"))
    assert canary.nonces([tmp_path]) == {"parts": 120, "twice": 0, "salts": 1, "salts_twice": 0}
    first = next(opener.parts_of(path))
    (tmp_path / "again.gws").write_bytes(path.read_bytes()[:128] + first.sealed)
    assert canary.nonces([tmp_path])["twice"] == 1
