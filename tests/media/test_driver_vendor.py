"""A driver from outside: installed from its own folder, found by its entry point, recorded like any other camera."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rig import Roots, midhour, opened, recording, segment_files, source, until
from web_rig import frames_of

from gwanje.media import drivers
from tools.dev import uv

EXAMPLE = Path(__file__).parents[2] / "examples" / "driver_pattern"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as a package of its own in a folder of the test; not a line of ours names it."""
    target = tmp_path / "site"
    subprocess.run(
        [*uv.find(), "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(EXAMPLE)],
        check=True,
        timeout=60,
    )
    monkeypatch.syspath_prepend(str(target))
    drivers.forget()
    yield target
    drivers.forget()


async def test_a_vendors_driver_is_found_by_its_entry_point_and_recorded(tmp_path: Path, installed: Path) -> None:
    assert list(installed.glob("*.dist-info/entry_points.txt"))
    lender = Roots(midhour(tmp_path))
    wanted = [
        replace(source(1, "pattern://street/main"), driver="pattern"),
        replace(source(2, "rtsp://127.0.0.1/x"), driver="pattern"),
    ]
    async with recording(tmp_path, lender, wanted) as recorder:
        good, bad = (next(c for c in recorder.fleet.cameras.values() if c.source.slot == n) for n in (1, 2))
        await until(lambda: good.recorder.parts >= 3)
        assert bad.gaps.open is not None
        assert "pattern://" in bad.gaps.open.detail
    # a machine that stands still for a moment makes the pattern's times jump, and a jump begins another file
    found = [frames_of(opened(path, lender).mp4) for path in segment_files(tmp_path)]
    assert {name for name, _ in found} == {"mjpeg"}
    assert sum(count for _, count in found) >= 15


async def test_no_package_can_take_the_name_of_a_driver_of_ours(installed: Path) -> None:
    entry = next(installed.glob("*.dist-info/entry_points.txt"))
    entry.write_text(entry.read_text() + "rtsp = gwanje_driver_pattern:Pattern\nbroken = gwanje_driver_pattern:RATE\n")
    drivers.forget()
    assert type(await drivers.load("rtsp")).__module__ == "gwanje.media.drivers.streams"
    for name, said in (("nobody", "no driver"), ("broken", "cannot be loaded"), ("../x", "small letters")):
        with pytest.raises(drivers.DriverFailed, match=said):
            await drivers.load(name)
