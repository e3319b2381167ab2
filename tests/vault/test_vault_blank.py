"""Blanked parts: their ciphertext is gone from the file, their hash and their neighbours are not; safe to kill."""

from __future__ import annotations

import os

import pytest
from sealed_rig import CENTRE, EPOCH, seal

from gwanje.vault import parts, segment, verify
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import SegmentHeader, SegmentReader, SegmentWriter, blank
from gwanje.vault.store_disk import DiskShelf


def bodies(path):
    with SegmentReader(path) as reader:
        return {p.header.ordinal: reader.read(p)[parts.HEADER_SIZE :] for p in reader.parts}


def okm_of(dead=()):
    def give(header, segment_id, tick):
        if tick in dead:
            raise VaultError("destroyed")
        return parts.okm(bytes(32), segment_id)

    return give


def test_what_is_not_kept_is_gone_and_everything_stays_provable(tmp_path):
    path = seal(tmp_path)
    before, was = bodies(path), verify.verify_file(path)
    inode = path.stat().st_ino
    assert DiskShelf(tmp_path).blank(str(path.relative_to(tmp_path)), {2, 3}) == 6
    assert path.stat().st_ino == inode
    raw = path.read_bytes()
    for ordinal, body in before.items():
        assert (body in raw) is (ordinal in {2, 3})
        assert (body[:48] in raw) is (ordinal in {2, 3})
    now = verify.verify_file(path)
    assert (now.problems, now.root, now.hashes, now.blanked) == ((), was.root, was.hashes, 6)
    # with keys: what stands opens, what is gone is no fault while its second is dead, and one while it lives
    assert verify.verify_file(path, okm_of({100, 102, 103})).problems == ()
    assert verify.verify_file(path, okm_of({100, 102, 103})).opened == 2
    (fault,) = {p.split(":")[0] for p in verify.verify_file(path, okm_of({100, 102})).problems} - {"ordinal 6"}
    assert fault == "ordinal 7"
    assert blank(path, {2, 3}) == 0
    assert blank(path, set()) == 2
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("step", range(12))
def test_killed_anywhere_and_begun_again(tmp_path, monkeypatch, step):
    path = seal(tmp_path)
    was = verify.verify_file(path)
    count = 0
    real = os.pwrite

    class Killed(BaseException):
        pass

    def stop(at):
        nonlocal count
        count += 1
        if count == at:
            raise Killed

    def torn(handle, data, at):
        stop(step)
        if count == step - 1 or step == 0:
            # half a mark reaches the disk
            real(handle, bytes(data)[:20], at)
            raise Killed
        return real(handle, data, at)

    monkeypatch.setattr(os, "pwrite", torn)
    try:
        blank(path, {4})
    except Killed:
        monkeypatch.undo()
        # whatever is asked for now, the half overwritten part is finished
        blank(path, {4, 5, 6, 7})
    monkeypatch.undo()
    blank(path, {4})
    now = verify.verify_file(path)
    assert (now.problems, now.hashes, now.blanked) == ((), was.hashes, 7)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_growing_file_goes_on_and_a_short_part_leaves_nothing(tmp_path):
    start_us = EPOCH * 3600 * 1_000_000
    header = SegmentHeader.fresh(
        class_=1, epoch=EPOCH, slot=3, stream=0, fence=1, writer=b"w" * 16, created_us=start_us, centre=CENTRE
    )
    writer = SegmentWriter.create(tmp_path, header)
    out = memoryview(bytearray(4096))
    for tick, size in enumerate((900, 5, 0, 31, 32, 900)):
        writer.key(tick, bytes(32))
        sealed = writer.seal_into(out, parts.VIDEO, 1, start_us + tick * 1_000_000, 1_000_000, os.urandom(size))
        writer.write(out[:sealed])
        if tick == 4:
            assert blank(writer.path, ()) == 5
            assert blank(writer.path, ()) == 0
    root = writer.finish()
    found = verify.verify_file(writer.path, okm_of(range(5)))
    assert (found.problems, found.root, found.opened, found.blanked) == ((), root, 1, 5)
    assert found.hashes[1:4] == (b"", b"", b"")
    assert all(found.hashes[at] for at in (0, 4, 5))


def test_a_changed_part_is_no_blanked_one(tmp_path):
    path = seal(tmp_path)
    blank(path, {2, 3})
    for at in (0, 33, 47, 48, 900):
        data = bytearray(path.read_bytes())
        data[segment.HEADER_SIZE + parts.HEADER_SIZE + at] ^= 1
        other = path.with_name("other.gws")
        other.write_bytes(data)
        assert verify.verify_file(other).problems
        other.unlink()
    # a mark of another file or of another part is none here
    raw = path.read_bytes()
    with SegmentReader(path) as reader:
        one, two = reader.parts[1], reader.parts[5]
        body = reader.read(two)[parts.HEADER_SIZE :]
    data = bytearray(raw)
    data[one.offset + parts.HEADER_SIZE : one.offset + one.header.size] = body
    path.write_bytes(data)
    assert verify.verify_file(path).problems == (
        "영상 파일의 마감 기록이 내용과 다릅니다. / The trailer does not fit the parts. (Merkle root)",
    )
