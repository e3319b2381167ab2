"""Playing and checking over two places: another folder stands for what lies behind the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sealed_rig import EPOCH, seal

from gwanje.kernel.clock import Clock
from gwanje.media.check import Check
from gwanje.media.play.store import Store
from gwanje.vault import parts
from gwanje.vault.client import Verified
from gwanje.vault.errors import PartRefused, VaultRefused
from gwanje.vault.segment import SegmentHeader, SegmentReader, blank
from gwanje.vault.store import StoreAway
from gwanje.vault.store_disk import DiskShelf

FIRST = EPOCH * 3600


class Far(DiskShelf):
    """A shelf that can go away."""

    place = "far"
    away = False

    def folders(self, prefix: str = "") -> list[str]:
        if self.away:
            raise StoreAway("list: away")
        return super().folders(prefix)


@pytest.fixture
def near(tmp_path: Path) -> Path:
    (tmp_path / "far").mkdir()
    return tmp_path / "near"


@pytest.fixture
def far(tmp_path: Path) -> Far:
    return Far(tmp_path / "far")


def move(near: Path, far: Far, path: Path, *, copy: bool = False) -> None:
    to = far.root / path.relative_to(near)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)
    if not copy:
        path.unlink()


def test_a_file_that_goes_behind_the_disk_is_never_missed(near, far):
    paths = [seal(near, first=first) for first in (100, 200)]
    store = Store(near, Clock(), [far])
    assert [store.at(3, 0, FIRST + tick) != [] for tick in (100, 200, 300)] == [True, True, False]
    for path in paths:
        move(near, far, path)
        store._listed.clear()
        (sealed,) = store.at(3, 0, FIRST + 201)
        assert len(sealed.reader.read(sealed.parts[1])) > 4000
        assert store.next_second(3, 0, FIRST + 104, FIRST + 300) == FIRST + 200
    assert store.key_second(3, 0, FIRST + 102, FIRST) == FIRST + 102
    far.erase(f"1/{EPOCH}")
    store._listed.clear()
    store._away.clear()
    assert store.at(3, 0, FIRST + 100) == []
    store.close()


def test_away_is_not_empty(near, far):
    move(near, far, seal(near, first=100))
    seal(near, first=200)
    store = Store(near, Clock(), [far])
    far.away = True
    with pytest.raises(StoreAway):
        store.at(3, 0, FIRST + 100)
    assert store.at(3, 0, FIRST + 200)
    with pytest.raises(StoreAway):
        store.next_second(4, 0, FIRST, FIRST + 10)
    store.close()


class NoRows:
    """An index without a row."""

    def garbage(self, class_, epoch):
        return {}

    def segments(self, class_, epoch):
        return iter(())

    def hours(self):
        return iter(())

    gaps = destroyed = hours


def test_a_copy_is_counted_once_and_judged_twice(near, far):
    kept, gone = seal(near, first=100), seal(near, first=200)
    move(near, far, kept, copy=True)
    move(near, far, gone)

    def found():
        return Check(near, 2, FIRST + 3600, remote=[far]).run(NoRows())

    report = found()
    assert (report.files, report.behind, report.copies, report.parts) == (2, 1, 1, 16)
    other = far.root / kept.relative_to(near)
    data = bytearray(other.read_bytes())
    data[-100] ^= 1
    other.write_bytes(data)
    name = str(kept.relative_to(near))
    assert [p for p in found().problems if p.startswith(f"{name} (far)")]
    assert not [p for p in report.problems if p.startswith(f"{name} (far)")]


def test_blanked_parts_are_asked_about_one_by_one(near, far):
    path = seal(near, first=100)
    with SegmentReader(path) as reader:
        inits = {p.header.ordinal: reader.read(p) for p in reader.parts if p.header.kind == parts.INIT}
    blank(path, {2, 3, 6, 7})
    asked = []

    class Vault:
        """Second 100 is dead, second 102 should live though its part was blanked."""

        def verify(self, header, init, part):
            head = parts.PartHeader.unpack(part)
            asked.append((head.ordinal, init))
            if head.tick == 100:
                raise VaultRefused("destroyed")
            try:
                parts.open_part(parts.okm(bytes(32), SegmentHeader.unpack(header).segment_id), b"", part)
            except PartRefused as refused:
                alive = head.ordinal not in (4, 5)
                return Verified(alive, ("video",), refused.code)

    report = Check(near, 3, FIRST + 7200).ask(Vault(), None)
    assert (report.destroyed, report.verified) == (2, 6)
    assert [p.split(":")[0] for p in report.problems] == [
        f"{path.relative_to(near)} #4",
        f"{path.relative_to(near)} #5",
    ]
    assert all("blanked" in p for p in report.problems)
    assert dict(asked)[3] == inits[2]
    assert dict(asked)[5] == inits[2]
    assert dict(asked)[7] == inits[6]
    assert dict(asked)[1] == b""
