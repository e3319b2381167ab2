"""The recorder against real RTSP: what is sealed opens, decodes, counts on, and every outage stands in a row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets

from gwanje.kernel.footage import Gap, Segment
from gwanje.media.sim.clips import Clip
from gwanje.media.sim.server import SimThread


@pytest.fixture(scope="session")
def streets() -> list[Clip]:
    return short_streets(CLIPS, 3, 4)


@pytest.fixture
def sim(streets: list[Clip]) -> Iterator[SimThread]:
    with SimThread(streets) as server:
        yield server


@pytest.fixture
def lender(tmp_path: Path) -> Roots:
    return Roots(midhour(tmp_path))


def segments(folder: Path) -> list[Segment]:
    return [row for row in rows(folder) if isinstance(row, Segment)]


def gaps(folder: Path) -> dict[object, Gap]:
    """The last state of every gap."""
    return {row.id: row for row in rows(folder) if isinstance(row, Gap)}


async def test_what_is_sealed_opens_decodes_and_counts_on(tmp_path: Path, sim: SimThread, lender: Roots) -> None:
    wanted = [source(n, sim.url(f"cam0{n}"), sim.url(f"cam0{n}", "sub")) for n in (1, 2, 3)]
    async with recording(tmp_path, lender, wanted, segment_s=3) as recorder:
        await until(lambda: len(segment_files(tmp_path)) >= 6 and recorder.sealer.counters.parts >= 15)
        assert recorder.ring_of(wanted[0].camera, 1).frames > 10
    files = segment_files(tmp_path)
    assert len({p.parent.name for p in files}) == 3
    for path in files:
        found = opened(path, lender)
        assert found.reader.closed
    for slot in (1, 2, 3):
        mine = [opened(p, lender) for p in files if p.parent.name == str(slot)]
        assert [h.kind for h, _ in mine[0].parts][:2] == [2, 1]
        stream = b"".join(
            m.mp4 if n == 0 else b"".join(x for h, x in m.parts if h.kind == 1) for n, m in enumerate(mine)
        )
        counters = decoded(stream)
        assert None not in counters
        assert len(counters) == sum(m.samples for m in mine) > 45
        loop = 4 * 15
        assert all((b - a) % loop == 1 for a, b in itertools.pairwise(counters)), counters
    last = {row.segment_id: row for row in segments(tmp_path)}
    assert {row.path for row in last.values()} == {str(p.relative_to(tmp_path / "store")) for p in files}
    for row in last.values():
        found = opened(tmp_path / "store" / row.path, lender)
        assert (row.parts, row.root, row.closed) == (len(found.parts), found.reader.root, True)
        assert row.codec.startswith("avc1.")
        assert (row.width, row.height) == (1280, 720)
        assert {t for t in range(3600) if row.has_idr(row.epoch * 3600 + t)} == {
            h.tick for h, _ in found.parts if h.idr
        }
