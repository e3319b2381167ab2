"""Everything from before and the keystore from after open nothing that was destroyed, and all that is held."""

from __future__ import annotations

import hashlib
import os
import struct
from functools import partial
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from attack.commands import Attack
from gwanje.kernel.canonical import encode
from gwanje.vault import parts, tree
from gwanje.vault.segment import SegmentHeader, SegmentWriter, segment_path
from support import ahead
from tools.attack import opener, search

AHEAD = ("attack-restore", partial(Attack, "restore", "--parts", "400"))


@pytest.fixture(scope="module")
def figures():
    made = ahead.take(*AHEAD)
    try:
        yield made.figures()
    finally:
        made.end()


def test_nothing_destroyed_opens_and_everything_held_does(figures):
    assert (figures["destroyed"], figures["destroyed_opened"]) == (400, 0)
    assert figures["held_opened"] == figures["held"] == 40
    assert figures["live_keys"] == 0
    assert figures["certificate_says"]


def test_the_controls_have_teeth(figures):
    assert figures["control_opened"] == figures["replica_before_opened"] == 440
    assert figures["live_control_keys"] > 0
    assert figures["planted_found"]
    assert figures["restored_rows"] >= 11
    assert figures["files_searched"] > 500
    assert figures["key_bytes_in"] == []


def test_a_token_that_destroys_makes_the_keystores_own_disk_worthless(figures):
    """Where SoftHSM2 is: yesterday's disk of the keystore was among the loot, with today's token and its PIN."""
    soft = figures["token"] != "file"
    assert figures["keystore_disk_of_before"] is soft
    # files of yesterday and today, of the centre and of its replica; today's two open, whoever holds today's keys
    assert (figures["keystores"], figures["contents"]) == (4, 2)


def test_a_thief_with_a_tokens_pin_reads_what_its_living_keys_sealed():
    """The opener asks tokens as well: what an answer opens counts as content, what none opens does not."""
    sealed, salt, nonce = {"roots": b"r" * 44}, b"s" * 32, b"n" * 12
    head = opener.KEYSTORE.pack(b"GWKEY\0\1\n", 1, 0, 7, 0, salt, nonce)
    said = b"gwanje/v1/keystore\0" + salt + struct.pack(">QI", 7, 0)
    asked = hashlib.sha256(said).digest()
    data = head + AESGCM(asked).encrypt(nonce, encode(sealed), head)
    knows = opener.Loot(stores={data}, oracles=[lambda message: [b"x" * 32, hashlib.sha256(message).digest()]])
    knows.take()
    assert knows.contents == [sealed]
    other = opener.Loot(stores={data}, keys={asked}, oracles=[lambda message: [b"x" * 32]])
    other.take()
    assert other.contents == []


def test_the_opener_and_the_product_agree(tmp_path):
    """Two programs from one written format: the attacker's opens what ours sealed, with any of the nodes above."""
    root = os.urandom(32)
    header = SegmentHeader.fresh(
        class_=1, epoch=500_000, slot=77, stream=0, fence=1, writer=b"w" * 16, created_us=1, centre=UUID(int=7),
    )  # fmt: skip
    writer = SegmentWriter.create(tmp_path, header)
    out = memoryview(bytearray(4096))
    for tick in (10, 11):
        writer.key(tick, tree.leaf(root, 77, tick))
        for kind in (parts.INIT, parts.VIDEO):
            start_us = (500_000 * 3600 + tick) * 1_000_000
            writer.write(out[: writer.seal_into(out, kind, 0, start_us, 1, b"picture %d" % tick)])
    writer.finish()
    found = list(opener.parts_of(segment_path(tmp_path, header)))
    assert [(p.key, p.ordinal) for p in found] == [((1, 500_000, 77, t), o) for o, t in enumerate((10, 10, 11, 11))]
    loot = opener.Loot(contents=[content(frontiers=[[1, 500_000, node(root, 77, 11, 31)]])])
    assert opener.count_opened(found, loot) == (4, 4)
    loot = opener.Loot(contents=[content(frontiers=[[1, 500_000, node(root, 77, 11, 32)]])])
    assert opener.count_opened(found, loot) == (4, 2)
    held = struct.pack(">IQIBH32s", 1, 500_000, 77, 1, 10, opener.below(root, (77 << 12 | 10) >> 1, 31))
    assert opener.count_opened(found, opener.Loot(contents=[content(holds=[[*[0] * 6, held]])])) == (4, 4)
    assert opener.count_opened(found, opener.Loot(keys={root})) == (4, 4)
    assert opener.count_opened(found, opener.Loot(keys={os.urandom(32)}, contents=[content()])) == (4, 0)


def content(**more):
    return {"roots": b"", "permit_key": b"p" * 32, "checkpoint_key": b"c" * 32, "log_key": b"l" * 32, **more}


def node(root, slot, tick, depth):
    path = (slot << 12 | tick) >> 32 - depth
    return struct.pack(">BI32s", depth, path, opener.below(root, path, depth))


@pytest.mark.parametrize("form", range(9))
def test_a_secret_is_found_in_every_spelling(tmp_path, form):
    secret = bytes(range(100, 132))
    spelled = search.forms(secret)
    assert len(spelled) >= 8
    (tmp_path / "a").write_bytes(b"before" + spelled[form % len(spelled)] + b"after")
    (tmp_path / "b").write_bytes(b"nothing here")
    (tmp_path / "empty").touch()
    assert search.search([tmp_path], [secret])[0] == [str(tmp_path / "a")]
    assert search.search([tmp_path], [secret], skip=[tmp_path / "a"])[0] == []
