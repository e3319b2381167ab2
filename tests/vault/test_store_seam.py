"""The seam of stores without a network: index bytes, ranges, accounts, locks, and the disk behind the disk."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_rig import EPOCH, leave_alone, seal

from gwanje.kernel.home import Home
from gwanje.media import uploader
from gwanje.vault.errors import SegmentBroken
from gwanje.vault.segment import SegmentReader, SegmentWriter
from gwanje.vault.store import Index, StoreRefused, entries, index_of
from gwanje.vault.store_disk import DiskShelf
from gwanje.vault.store_s3 import S3Source, settings_of
from gwanje.vault.verify import verify_reader


def index_bytes(path: Path) -> bytes:
    with SegmentReader(path) as reader:
        return index_of(reader, path.stat().st_size, hashlib.sha256(path.read_bytes()).digest())


def behind(path: Path, index: Index, asked: list[tuple[int, int]], ahead: int = 0) -> SegmentReader:
    data = path.read_bytes()

    def fetch(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return data[offset : offset + length]

    return SegmentReader(path, S3Source(fetch, index.size, index.heads, ahead))


@pytest.mark.parametrize("end", [True, False])
def test_an_index_tells_all_but_the_content(tmp_path, end):
    path = seal(tmp_path, end=end)
    raw = index_bytes(path)
    asked: list[tuple[int, int]] = []
    with SegmentReader(path) as near, behind(path, Index.read(raw), asked) as far:
        assert (far.parts, far.closed, far.root, far.segment_id) == (
            near.parts,
            near.closed,
            near.root,
            near.segment_id,
        )
        assert not asked
        assert [far.read(part) for part in far.parts] == [near.read(part) for part in near.parts]
        assert len(asked) == len(far.parts)
    assert len(raw) < 1000 < path.stat().st_size


def test_what_is_read_ahead_is_asked_once(tmp_path):
    path = seal(tmp_path, seconds=10)
    asked: list[tuple[int, int]] = []
    with behind(path, Index.read(index_bytes(path)), asked, ahead=1 << 20) as far:
        assert not verify_reader(far).problems
        assert len(asked) == 1


def test_a_torn_file_is_torn_behind_the_disk_too(tmp_path):
    path = seal(tmp_path, end=False)
    os.truncate(path, path.stat().st_size - 1000)
    with SegmentReader(path) as near, behind(path, Index.read(index_bytes(path)), []) as far:
        assert far.parts == near.parts
        assert len(far.parts) == 7


@settings(deadline=None)
@given(st.data())
def test_a_changed_index_never_gives_other_bytes(tmp_path_factory, data):
    path = seal(tmp_path_factory.mktemp("index"), seconds=2, size=300)
    raw = bytearray(index_bytes(path))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.sampled_from([len(raw), len(raw), at]))
    with SegmentReader(path) as near:
        true = {part.offset: near.read(part) for part in near.parts}
    given_back = []
    with contextlib.suppress(SegmentBroken), behind(path, Index.read(bytes(raw[:cut])), []) as far:
        for part in far.parts:
            given_back.append((part.offset, far.read(part)))
    assert all(true.get(offset) == content for offset, content in given_back)


def account(home: Home, mode: int = 0o600, **place: str) -> None:
    path = home.secrets / "s3.json"
    path.write_text(json.dumps({"access_key_id": "AK-visible", "secret_access_key": "SK-visible"}))
    path.chmod(mode)
    config = {**json.loads(home.config_file.read_text()), "store": {"bucket": "b", **place}}
    home.config_file.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("mode", "endpoint", "code"),
    [
        (0o640, "https://store.example", "store_secret_open"),
        (0o604, "https://store.example", "store_secret_open"),
        (0o600, "http://store.example", "store_plain"),
        (0o600, "https://who:what@store.example", "store_settings"),
        (0o600, "file:///etc", "store_settings"),
    ],
)
def test_an_account_that_others_may_see_is_refused(tmp_path, mode, endpoint, code):
    home = Home.create(tmp_path / "var")
    account(home, mode, endpoint=endpoint)
    with pytest.raises(StoreRefused) as refused:
        settings_of(Home(home.root))
    assert refused.value.code == code
    assert "visible" not in str(refused.value)


def test_settings_show_no_account(tmp_path):
    home = Home.create(tmp_path / "var")
    assert settings_of(home) is None
    account(home, endpoint="http://127.0.0.1:1")
    found = settings_of(Home(home.root))
    assert found is not None
    assert found.secret_key == "SK-visible"
    assert "visible" not in repr(found)


def test_a_file_is_found_once_and_on_the_disk_first(tmp_path):
    here, there = DiskShelf(tmp_path / "a"), DiskShelf(tmp_path / "b")
    near, far = seal(here.root), seal(there.root, slot=4)
    copy = there.root / near.relative_to(here.root)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(near.read_bytes())
    found = [(shelf, entry.name) for shelf, entry in entries((here, there), f"1/{EPOCH}")]
    assert found == [(here, str(near.relative_to(here.root))), (there, str(far.relative_to(there.root)))]
    assert there.erase(f"1/{EPOCH}") == 2
    assert not copy.exists()
    assert near.exists()


class Nowhere:
    """Enough of a shelf for the question which files may go."""


def test_the_newest_file_of_each_camera_and_stream_stays(tmp_path):
    old, new = (leave_alone(seal(tmp_path, first=n)) for n in (100, 200))
    thumb = leave_alone(seal(tmp_path, first=150, stream=9))
    later_class = leave_alone(seal(tmp_path, first=300, slot=5, class_=2))
    earlier_class = leave_alone(seal(tmp_path, first=50, slot=5))
    told = uploader.Uploader(tmp_path, Nowhere(), lambda *_: None).waiting()  # type: ignore[arg-type]
    assert told == [(earlier_class, True), (old, True), (thumb, False), (new, False), (later_class, False)]


def test_a_file_whose_writer_lives_is_left(tmp_path):
    path = seal(tmp_path, end=False)
    with uploader._unwritten(path) as free:
        assert free
    with SegmentReader(path) as reader:
        header = reader.header
    held = SegmentWriter(tmp_path / "held.gws", header)
    with uploader._unwritten(held.path) as free:
        assert not free
    held.abandon()
    with uploader._unwritten(held.path) as free:
        assert free


def test_hours_until_the_disk_is_full():
    assert uploader.hours_left(3600, 10 << 30, 100 << 30) == 10.0
    assert uploader.hours_left(0, 10 << 30, 100 << 30) is None
    assert uploader.hours_left(3600, 0, 100 << 30) is None
