"""Every derived byte of version 1 against vectors made by another program from the written format alone."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from gwanje.vault import merkle, parts, token, tree
from gwanje.vault.parts import PartHeader, PartKey
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter

G = json.loads((Path(__file__).parent / "golden.json").read_text())
ROOT = bytes.fromhex(G["root"])


def header() -> SegmentHeader:
    return SegmentHeader(
        class_=7,
        epoch=G["epoch"],
        slot=G["slot"],
        stream=1,
        salt=bytes.fromhex(G["salt"]),
        fence=3,
        writer=bytes.fromhex(G["writer"]),
        created_us=G["created"],
        centre=UUID(G["centre"]),
        init_digest=bytes.fromhex(G["header"])[96:],
    )


def test_leaves():
    assert tree.leaf(ROOT, G["slot"], G["tick"]).hex() == G["leaf"]
    assert tree.leaf(ROOT, 0, 0).hex() == G["leaf_first"]
    assert tree.leaf(ROOT, (1 << 20) - 1, 3599).hex() == G["leaf_last"]


def test_header_and_segment_id():
    assert header().pack().hex() == G["header"]
    assert header().segment_id.hex() == G["segment_id"]
    assert SegmentHeader.unpack(bytes.fromhex(G["header"])) == header()


def test_part_bytes():
    segment_id = bytes.fromhex(G["segment_id"])
    material = parts.okm(bytes.fromhex(G["leaf"]), segment_id)
    assert material.hex() == G["okm"]
    key, out = PartKey(material), memoryview(bytearray(1000))
    for name, kind, flags, ordinal, duration in (("init", 2, 0, 0, 0), ("video", 1, 1, 1, 960000)):
        plain = bytes.fromhex(G[name])
        size = parts.seal_into(out, key, segment_id, kind, flags, G["tick"], ordinal, G["created"], duration, plain)
        assert bytes(out[:size]).hex() == G[f"part_{name}"]
        assert parts.open_part(material, segment_id, bytes(out[:size])) == plain
        assert PartHeader.unpack(out).pack() == bytes(out[:64])


def test_whole_file(tmp_path):
    writer = SegmentWriter(tmp_path / "s.gws", header())
    out = memoryview(bytearray(1000))
    writer.key(G["tick"], bytes.fromhex(G["leaf"]))
    for name, kind, flags, duration in (("init", 2, 0, 0), ("video", 1, 1, 960000)):
        size = writer.seal_into(out, kind, flags, G["created"], duration, bytes.fromhex(G[name]))
        writer.write(out[:size])
    writer.finish()
    wanted = "".join(G[k] for k in ("header", "part_init", "part_video", "trailer"))
    assert (tmp_path / "s.gws").read_bytes().hex() == wanted
    with SegmentReader(tmp_path / "s.gws") as reader:
        assert reader.closed
        assert reader.root.hex() == G["trailer"][16:]


def test_merkle_is_rfc_9162():
    import hashlib

    leaves = [hashlib.sha256(bytes([i])).digest() for i in range(13)]
    assert [merkle.root(leaves[:n]).hex() for n in range(14)] == G["merkle"]


def test_generation_key():
    assert token.derive_with(bytes(32), 9, 0, bytes(range(32))).hex() == G["generation_key"]


def test_nonce_layout():
    assert parts.nonce(2, 5).hex() == "02000000" + "0000000000000005"
