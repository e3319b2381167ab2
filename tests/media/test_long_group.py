"""A camera with key frames 20 s apart: recorded whole, seen at once by who joins, entered at the key frame before."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import long_street

from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Gap, Segment
from gwanje.media import ring
from gwanje.media.picture import Picture
from gwanje.media.sim.clips import Clip
from gwanje.media.sim.server import SimThread
from gwanje.vault import parts

RATE, GROUP_S, LOOP = 15, 20, 60
GROUP = RATE * GROUP_S


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return long_street(CLIPS, tmp_path_factory.mktemp("long") / "long.mp4", GROUP)


class Newcomer:
    """Keeps what a viewer is given when it joins."""

    def __init__(self) -> None:
        self.group: list[bytes] = []
        self.then: list[bool] = []

    def begin(self, picture: Picture, init: bytes, group: list[bytes]) -> None:
        self.group = group

    def frame(self, message: bytes, key: bool) -> None:
        self.then.append(key)


async def test_a_group_of_twenty_seconds_is_recorded_whole_and_seen_at_once(tmp_path: Path, long: Clip) -> None:
    lender, seen = Roots(midhour(tmp_path)), Newcomer()
    # the cameras' pictures follow the clock: a second before their key frame the recorder begins
    street = Clock(tmp_path / "street.json")
    street.set_offset((GROUP_S - 1) * 1_000_000 - street.now_us() % (GROUP_S * 1_000_000))
    with SimThread([long], clock=street) as sim:
        wanted = source(1, sim.url("long"))
        async with recording(tmp_path, lender, [wanted]) as recorder:
            camera = recorder.fleet.cameras[wanted.camera]
            live = camera.rings[0]
            await until(lambda: len(live._group) > 12 * RATE, 40)
            live.join(seen)
            held = live._bytes
            await until(lambda: True in seen.then[1:], 20)
            begun = len(live._group)
    # the first picture comes at once, from the key frame on, and nothing is kept of a group that has ended
    assert len(seen.group) > 12 * RATE
    assert held == sum(map(len, seen.group)) < ring.GROUP_BYTES_MAX
    assert begun < 3 * RATE
    found = [opened(path, lender) for path in segment_files(tmp_path)]
    # a file may begin in the middle of the group: it is entered where the one before was
    fragments = [plain for one in found[1:] for header, plain in one.parts if header.kind == parts.VIDEO]
    counters = decoded(found[0].mp4 + b"".join(fragments))
    assert len(counters) > GROUP
    assert all((b - a) % LOOP == 1 for a, b in itertools.pairwise(counters)), counters
    segments = [row for row in rows(tmp_path) if isinstance(row, Segment)]
    assert not [row for row in rows(tmp_path) if isinstance(row, Gap)]
    keys = sorted({second for row in segments for second in range(row.first_s, row.until_s) if row.has_idr(second)})
    stored = {second for row in segments for second in range(row.first_s, row.until_s)}
    assert len(keys) == 2
    assert keys[1] - keys[0] in (GROUP_S, GROUP_S + 1, GROUP_S - 1)
    assert len(stored) > GROUP_S, "every second is a part of its own, with a key frame or without"


def test_a_group_beyond_its_limits_is_not_kept() -> None:
    one, viewer = ring.LiveRing(), Newcomer()
    one.push(b"k", True)
    for _ in range(ring.GROUP_FRAMES_MAX):
        one.push(b"x" * 10, False)
    assert (one._group, one._bytes) == ([], 0)
    one.push(b"k", True)
    one.push(b"x" * (ring.GROUP_BYTES_MAX + 1), False)
    assert (one._group, one._bytes) == ([], 0)
    assert GROUP < ring.GROUP_FRAMES_MAX // 2, "20 s of 30 pictures a second are seen at once too"
    one.join(viewer)
    one.push(b"k", True)
    assert viewer.then == [True]
