"""Parts and segment files: every tampering is refused, nonces never repeat, crashes cost the part in flight."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.ids import uuid7
from gwanje.vault import ciphers, parts, tree, verify
from gwanje.vault.errors import CipherAway, PartRefused, SegmentBroken, VaultError
from gwanje.vault.parts import PartHeader, PartKey
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter

ROOT = bytes(range(2, 34))
EPOCH, SLOT = 498000, 41
INIT = b"init" * 20


def header(init: bytes = INIT, **changes) -> SegmentHeader:
    given_ = {"class_": 1, "epoch": EPOCH, "slot": SLOT, "stream": 0, "fence": 1, "writer": bytes(16)}
    given_ |= {"created_us": EPOCH * 3600_000_000, "centre": uuid7(), "init": init} | changes
    return SegmentHeader.fresh(**given_)


def okm_of(head: SegmentHeader, segment_id: bytes, tick: int) -> bytes:
    return parts.okm(tree.leaf(ROOT, head.slot, tick), segment_id)


def write(folder: Path, ticks=range(10, 14), cipher: int = 1, finish: bool = True, size: int = 300) -> SegmentWriter:
    writer = SegmentWriter.create(folder, header(cipher=cipher))
    out = memoryview(bytearray(4096))
    for tick in ticks:
        writer.key(tick, tree.leaf(ROOT, SLOT, tick))
        at, start = 0, (EPOCH * 3600 + tick) * 1_000_000 + 5
        at += writer.seal_into(out[at:], parts.INIT, 0, start, 0, INIT)
        at += writer.seal_into(out[at:], parts.VIDEO, parts.FLAG_IDR, start, 1_000_000, bytes([tick % 256]) * size)
        writer.write(out[:at])
    if finish:
        writer.finish()
    else:
        writer.abandon()
    return writer


def test_round_trip(tmp_path):
    writer = write(tmp_path)
    report = verify.verify_file(writer.path, okm_of)
    assert (report.parts, report.opened, report.closed, report.torn, report.problems) == (8, 8, True, 0, ())
    assert report.ticks == (10, 13)
    assert report.root == verify.merkle.root(writer.hashes)
    with SegmentReader(writer.path) as reader:
        second = reader.of_tick(12)
        assert [p.header.kind for p in second] == [parts.INIT, parts.VIDEO]
        assert second[1].header.idr
        material = okm_of(reader.header, reader.segment_id, 12)
        assert parts.open_part(material, reader.segment_id, reader.read(second[1])) == bytes([12]) * 300


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write(tmp_path_factory.mktemp("t")).path.read_bytes()


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_changed_bit_is_found(whole, tmp_path_factory, data):
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(whole)
    changed[at] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "changed.gws"
    path.write_bytes(changed)
    report = verify.verify_file(path, okm_of)
    # a length that grows past the end or a trailer's damaged mark reads as torn: never as whole
    assert report.problems or report.torn or not report.closed
    assert report.problems or report.parts < 8 or not report.closed


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_changed_bit_of_a_part_does_not_open(data):
    segment_id = os.urandom(32)
    material = parts.okm(tree.leaf(ROOT, SLOT, 7), segment_id)
    out = memoryview(bytearray(200))
    size = parts.seal_into(out, PartKey(material), segment_id, 1, 1, 7, 3, 1_792_800_007_000_000, 5, b"x" * 64)
    part = bytearray(out[:size])
    assert parts.open_part(material, segment_id, part) == b"x" * 64
    part[data.draw(st.integers(0, size - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultError):
        parts.open_part(material, segment_id, part)
    with pytest.raises(VaultError):
        parts.open_part(material, os.urandom(32), bytes(out[:size]))


def test_the_commitment_comes_before_the_cipher():
    segment_id = os.urandom(32)
    out = memoryview(bytearray(200))
    size = parts.seal_into(out, PartKey.of(bytes(32), segment_id), segment_id, 1, 0, 7, 3, 1, 5, b"x" * 64)
    other = parts.okm(b"\1" * 32, segment_id)
    with pytest.raises(PartRefused) as refused:
        parts.open_part(other, segment_id, out[:size])
    assert refused.value.code == "commitment"


def test_parts_moved_between_segments_or_places_do_not_open(tmp_path):
    one, two = write(tmp_path / "1"), write(tmp_path / "2")
    with SegmentReader(one.path) as a, SegmentReader(two.path) as b:
        part = a.read(a.parts[1])
        with pytest.raises(PartRefused):
            parts.open_part(okm_of(b.header, b.segment_id, 10), b.segment_id, part)
    data = one.path.read_bytes()
    size = PartHeader.unpack(data[128:]).size
    (tmp_path / "cut.gws").write_bytes(data[:128] + data[128 + size :])
    assert "part_order" in {r.code for r in [SegmentReader(tmp_path / "cut.gws").problem]}


def test_part_keys_lent_for_a_range_do_not_open_its_neighbours(tmp_path):
    writer = write(tmp_path, range(100, 130))
    with SegmentReader(writer.path) as reader:
        lent = [okm_of(reader.header, reader.segment_id, t) for t in range(110, 120)]
        for part in reader.parts:
            opens = 0
            for material in lent:
                try:
                    parts.open_part(material, reader.segment_id, reader.read(part))
                    opens += 1
                except PartRefused:
                    pass
            assert opens == (1 if 110 <= part.header.tick < 120 else 0)


def test_no_key_and_nonce_pair_is_used_twice_over_restarts_and_two_writers(tmp_path):
    seen: set[tuple[bytes, bytes]] = set()
    count = 0
    # the same camera, the same seconds, six writers: a restart within one second, a fail-over, two at once
    for run in range(6):
        writer = write(tmp_path / str(run), [50, 50, 51], finish=bool(run % 2))
        with SegmentReader(writer.path) as reader:
            for part in reader.parts:
                material = okm_of(reader.header, reader.segment_id, part.header.tick)
                seen.add((material[:32], parts.nonce(part.header.kind, part.header.ordinal)))
                count += 1
    assert len(seen) == count == 36


def test_a_crash_costs_the_part_in_flight(tmp_path):
    writer = write(tmp_path, finish=False)
    data = writer.path.read_bytes()
    last = len(data) - (80 + 300)
    for end in (last + 1, last + 63, last + 64, last + 200, len(data) - 1):
        path = tmp_path / f"{end}.gws"
        path.write_bytes(data[:end])
        report = verify.verify_file(path, okm_of)
        assert (report.parts, report.closed, report.problems, report.torn) == (7, False, (), end - last)
    zeros = tmp_path / "zeros.gws"
    zeros.write_bytes(data + bytes(4096))
    assert verify.verify_file(zeros, okm_of).torn == 4096


def test_a_growing_file_is_read_on(tmp_path):
    data = write(tmp_path).path.read_bytes()
    path = tmp_path / "grow.gws"
    path.write_bytes(data[:128])
    with SegmentReader(path) as reader:
        assert reader.parts == []
        for end in range(129, len(data), 97):
            path.write_bytes(data[:end])
            reader.refresh()
        path.write_bytes(data)
        reader.refresh()
        assert (len(reader.parts), reader.closed, reader.torn, reader.problem) == (8, True, 0, None)


@pytest.mark.norm("security.sealed", "deny")
def test_plaintext_is_never_written(tmp_path):
    writer = SegmentWriter.create(tmp_path, header())
    writer.key(1, bytes(32))
    with pytest.raises(PartRefused) as refused:
        writer.write(b"\0\0\0\x18ftypisom" + bytes(200))
    assert refused.value.code == "plaintext"
    assert writer.path.stat().st_size == 128


def test_the_writer_refuses_what_would_break_the_format(tmp_path):
    writer = SegmentWriter.create(tmp_path, header())
    out = memoryview(bytearray(4096))
    inside = EPOCH * 3600_000_000 + 9_000_000
    with pytest.raises(PartRefused):
        writer.seal_into(out, 1, 0, inside, 0, b"x")
    writer.key(9, bytes(32))
    for start in (inside - 1, inside + 1_000_000):
        with pytest.raises(PartRefused):
            writer.seal_into(out, 1, 0, start, 0, b"x")
    with pytest.raises(PartRefused):
        writer.seal_into(out[:50], 1, 0, inside, 0, b"x")
    with pytest.raises(PartRefused):
        writer.key(8, bytes(32))
    with pytest.raises(PartRefused):
        writer.key(3600, bytes(32))
    assert writer.parts == 0
    with pytest.raises(FileExistsError):
        SegmentWriter(writer.path, writer.header)
    writer.finish()
    with pytest.raises(PartRefused):
        writer.write(b"GWPT")


def test_a_foreign_file_is_named(tmp_path):
    for data, code in ((b"", "segment_short"), (b"x" * 200, "segment_magic")):
        (tmp_path / "f").write_bytes(data)
        with pytest.raises(SegmentBroken) as broken:
            SegmentReader(tmp_path / "f")
        assert broken.value.code == code


def test_aria_is_another_provider_of_the_same_format(tmp_path):
    try:
        ciphers.aead(ciphers.ARIA_256_GCM, bytes(32))
    except CipherAway as away:
        pytest.skip(f"no ARIA on this machine: {away}")
    if shutil.which("openssl"):
        # GCM's first block of key stream is the block cipher over nonce ‖ 2: another program's ARIA-256-CTR agrees
        key, iv = bytes(range(32)), bytes(12) + b"\0\0\0\2"
        command = ["openssl", "enc", "-aria-256-ctr", "-K", key.hex(), "-iv", iv.hex()]
        wanted = subprocess.run(command, input=bytes(100), capture_output=True, check=True).stdout
        out = bytearray(116)
        ciphers.AriaGcm(key).encrypt_into(bytes(12), bytes(100), b"aad", out)
        assert bytes(out[:100]) == wanted
    report = verify.verify_file(write(tmp_path, cipher=2).path, okm_of)
    assert (report.parts, report.opened, report.problems) == (8, 8, ())
    data = bytearray(write(tmp_path / "b", cipher=2).path.read_bytes())
    data[128 + 70] ^= 1
    (tmp_path / "x.gws").write_bytes(data)
    assert verify.verify_file(tmp_path / "x.gws", okm_of).problems


def test_an_unknown_cipher_refuses():
    with pytest.raises(CipherAway):
        ciphers.aead(3, bytes(32))
